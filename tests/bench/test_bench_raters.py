"""The several raters' votes: read where they lie, binned, one against the others; a wrong archive is named."""

import io
import tarfile
from collections import Counter

import numpy as np
import pytest

from bench import raters
from winnow.base import files

FILE = "hutto_ICWSM_2014/tweets_GroundTruth.txt"
RATINGS = {
    "1": ("1_1", "a fine day", [3, 2, 0, 1]),
    "2": ("1_2", "it is\tso", [0, 0, -1, 0]),
    "3": ("2_1", "a “bad” day", [-4, -1, 1, -2]),
}


def packed(files: dict[str, bytes], links: tuple[str, ...] = ()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name in links:
                info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def write(tmp_path):
    """Write a source distribution whose archive of votes lacks, or links, some files; return its path."""

    def make(without: str = "", links: tuple[str, ...] = ()):
        inner = {"../../escaped.txt": b"never read"}
        for part in raters.PARTS:
            votes = "\r\n".join(f"{id}\t0.5\t1.0\t{marks}" for id, _, marks in RATINGS.values())
            texts = "\r\n".join(f"{id}\t0.5\t{text}" for id, text, _ in RATINGS.values())
            inner[f"hutto_ICWSM_2014/{part}_anonDataRatings.txt"] = f"\ufeff{votes}\r\n".encode()
            inner[f"hutto_ICWSM_2014/{part}_GroundTruth.txt"] = f"{texts}\r\n".encode()
        inner.pop(without, None)
        path = tmp_path / raters.FILE
        path.write_bytes(packed({raters.INNER: packed(inner, links)}))
        return path

    return make


def test_every_sentence_has_its_text_its_group_and_its_votes(write, tmp_path):
    found = raters.read(write())
    assert len(found) == len({sentence.id for sentence in found}) == 12
    assert [sentence.id for sentence in found] == sorted(sentence.id for sentence in found)
    by_text = {sentence.text: sentence for sentence in found if sentence.group.startswith("tweets")}
    assert by_text["a fine day"].votes == (2, 2, 1, 2)
    assert by_text["it is\tso"].votes == (1, 1, 0, 1)
    assert by_text["a “bad” day"].votes == (0, 0, 2, 0)
    assert by_text["a fine day"].group == by_text["it is\tso"].group != by_text["a “bad” day"].group
    assert not list(tmp_path.parent.rglob("escaped.txt"))


@pytest.mark.parametrize(
    "broken",
    [{"without": "hutto_ICWSM_2014/tweets_GroundTruth.txt"}, {"links": ("hutto_ICWSM_2014/tweets_GroundTruth.txt",)}],
)
def test_an_archive_without_a_file_or_with_a_link_for_one_is_refused(write, broken):
    with pytest.raises(SystemExit, match="not the archive of vaderSentiment"):
        raters.read(write(**broken))


def test_an_archive_that_is_none_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"no archive")
    with pytest.raises(SystemExit, match="not the archive of"):
        raters.read(tmp_path / "x")


def test_what_is_in_the_cache_is_not_fetched_and_a_wrong_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(raters.subprocess, "run", lambda command, **_: pytest.fail("pip was called"))
    kept = tmp_path / "sha" / raters.FILE
    kept.parent.mkdir()
    kept.write_bytes(b"the archive")
    monkeypatch.setattr(raters, "SHA256", "sha")
    with pytest.raises(pytest.fail.Exception):
        raters.fetch(tmp_path)
    right = files.sha256(kept)
    monkeypatch.setattr(raters, "SHA256", right)
    kept.parent.rename(tmp_path / right)
    assert raters.fetch(tmp_path) == tmp_path / right / raters.FILE


def test_a_download_with_another_hash_is_refused_by_pip(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / raters.FILE).write_bytes(packed({"vaderSentiment-3.3.2/setup.py": b"raise SystemExit('it ran')"}))
    with pytest.raises(SystemExit, match="could not download it: ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"):
        raters.fetch(tmp_path / "cache")


def test_one_rater_is_drawn_by_the_seed_and_the_others_decide_by_majority():
    sentence = raters.Sentence("a", "a", "a", "text", (2, 2, 2, 0))
    seen = Counter()
    for seed in range(200):
        one, majority = raters.one_against_the_others([sentence], seed)
        assert majority[0] == 2
        seen[int(one[0])] += 1
    assert 20 < seen[0] < 80  # one in four
    assert (
        raters.one_against_the_others([sentence] * 9, 1)[0].tolist()
        == raters.one_against_the_others([sentence] * 9, 1)[0].tolist()
    )


def test_without_a_majority_nothing_is_true():
    tied = raters.Sentence("a", "a", "a", "text", (0, 0, 2, 2))
    one, majority = raters.one_against_the_others([tied] * 20, 1)
    assert (majority == 2 - one).all()  # one vote less for its own side
    _, majority = raters.one_against_the_others([raters.Sentence("a", "a", "a", "text", (0, 1, 2))] * 20, 1)
    assert (majority == -1).all()
    assert isinstance(majority, np.ndarray)
