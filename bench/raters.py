"""Labels of several raters: sentences of which each has every rater's vote, for bench/labels.py.

vaderSentiment 3.3.2 (MIT) carries in its source distribution the votes behind Hutto and Gilbert (2014): 23,700
sentences of tweets, of reviews of films and products, and of editorials, each rated from -4 to 4 by 15 people or more.
Below zero is negative, zero neutral, above positive. The archive comes from the package index, is checked by its hash
and read where it lies: nothing of it is unpacked to disk, installed or committed.
"""

import json
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stages.collect.sources.store import stored
from winnow.base import hashing

NAME = "vaderSentiment==3.3.2"
FILE = "vaderSentiment-3.3.2.tar.gz"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
PARTS = ("tweets", "movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets")
MOST_BYTES = 64 * 2**20  # of a file in the archives; the largest has 2.4 million
LABELS = ["negative", "neutral", "positive"]


@dataclass(frozen=True)
class Sentence:
    """A rated text; `group` is the review or article that it stands in, `key` tells its place there."""

    id: str
    key: str
    group: str
    text: str
    votes: tuple[int, ...]  # indices into LABELS


def fetch(cache: Path) -> Path:
    """Return the source distribution, downloaded by pip if it is not in the folder `cache`.

    pip runs the setup.py of a source distribution to learn its metadata, after it has checked the hash.

    Raises:
        SystemExit: pip could not download it.
        UserError: its hash is another.
    """

    def download(target: Path) -> None:
        with TemporaryDirectory(dir=target.parent) as scratch:
            pinned = Path(scratch) / "requirements.txt"
            pinned.write_text(f"{NAME} --hash=sha256:{SHA256}\n", encoding="utf-8")
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
            command += ["--require-hashes", "--no-build-isolation", "--dest", scratch, "--requirement", str(pinned)]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
            if done.returncode:
                errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or [done.stderr]
                raise SystemExit(f"{NAME}: pip could not download it: {errors[-1].strip()}")
            (Path(scratch) / FILE).rename(target)

    return stored(cache / SHA256 / FILE, SHA256, download, FILE)


def read(archive: Path) -> list[Sentence]:
    """Return all sentences of the source distribution, sorted by id.

    Raises:
        SystemExit: the archive does not hold what it should.
    """
    try:
        with tarfile.open(archive) as outer, tarfile.open(fileobj=BytesIO(_member(outer, INNER))) as inner:
            found = [sentence for part in PARTS for sentence in _sentences(inner, part)]
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise SystemExit(f"{archive}: not the archive of {NAME}: {error}") from None
    return sorted(found, key=lambda sentence: sentence.id)


def one_against_the_others(sentences: Sequence[Sentence], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one random rater's label of each sentence, and the most frequent label of its other raters.

    Both are (sentences,) int; the second is -1 where two labels are the most frequent.
    """
    random = np.random.default_rng(seed)
    one, majority = [], []
    for sentence in sentences:
        place = int(random.integers(len(sentence.votes)))
        others = Counter(sentence.votes[:place] + sentence.votes[place + 1 :]).most_common(2)
        one.append(sentence.votes[place])
        majority.append(others[0][0] if len(others) == 1 or others[0][1] > others[1][1] else -1)
    return np.array(one), np.array(majority)


def _sentences(archive: tarfile.TarFile, part: str) -> list[Sentence]:
    votes = {}
    for id, _, _, ratings in _lines(archive, f"hutto_ICWSM_2014/{part}_anonDataRatings.txt", 4):
        votes[id] = tuple(int(np.sign(rating)) + 1 for rating in json.loads(ratings))
    return [
        Sentence(hashing.row_ids(part, [id])[0], f"{part} {id}", f"{part} {id.partition('_')[0]}", text, votes[id])
        for id, _, text in _lines(archive, f"hutto_ICWSM_2014/{part}_GroundTruth.txt", 3)
    ]


def _lines(archive: tarfile.TarFile, name: str, cells: int) -> list[list[str]]:
    text = _member(archive, name).decode("utf-8-sig")
    return [line.split("\t", cells - 1) for line in text.replace("\r", "").split("\n") if line.strip()]


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """Return a file's bytes; a link or a file of absurd length is no file."""
    info = archive.getmember(name)
    if not info.isfile() or info.size > MOST_BYTES:
        raise ValueError(f"{name} is not a file of at most {MOST_BYTES} bytes")
    with archive.extractfile(info) as stream:
        return stream.read()
