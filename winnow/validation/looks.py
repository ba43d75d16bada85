"""Looks at the test split: a log of them in Git, and what the last one showed.

The folder `data/test` holds both. `looks.csv` is append-only, a line a look: who looked at which version of the test
rows, at which predictions, and why. Git merges it by union. A second look at the same predictions shows nothing new: it
is the same look. `results.json` has the figures, with the fingerprints of the rows and predictions that they are of.
"""

import csv
import datetime
import io
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pyarrow.compute as pc

from winnow.base import files, hashing
from winnow.base.errors import UserError
from winnow.base.locks import locked
from winnow.people import decisions
from winnow.rows import origins, tables

SPLIT = "test"
LOG, RESULTS = "looks.csv", "results.json"
LONGEST = 500  # characters of a name or a reason
COLUMNS = ("id", "split", "text", "label", "label_origin")  # of the labelled table


@dataclass(frozen=True)
class Look:
    """A line of the log.

    Attributes:
        looked_on: date, UTC.
        by: who looked.
        dataset: fingerprint of the test rows.
        predictions: fingerprint of what was judged.
        revision: Git's commit, with `+changes` if files differed from it; empty outside of a repository.
        reason: why.
    """

    looked_on: str
    by: str
    dataset: str
    predictions: str
    revision: str
    reason: str


HEADER = tuple(field.name for field in fields(Look))


@dataclass(frozen=True)
class Standing:
    """What is known of test today: the looks at this version of its rows, and the figures if they are of today."""

    looks: Sequence[Look]
    results: dict | None


def fingerprint(labelled: Path) -> str:
    """Return 16 hex digits of the test rows that models are judged by: their ids, labels and texts.

    Args:
        labelled: the labelled table; memory holds no texts of it.
    """
    parts = []
    for rows in tables.batches(labelled, COLUMNS):
        test = rows.filter(pc.and_(pc.equal(rows["split"], SPLIT), origins.trusted(rows)))
        columns = (test[name].to_pylist() for name in ("id", "label", "text"))
        parts += [f"{id} {hashing.digest(label, text)}" for id, label, text in zip(*columns, strict=True)]
    return hashing.digest(*sorted(parts))[:16]


def fingerprint_of_files(folder: Path) -> str:
    """Return 16 hex digits of the tables of a folder: equal predictions are equal bytes."""
    return hashing.digest(*(f"{path.name} {files.sha256(path)}" for path in sorted(folder.glob("*.parquet"))))[:16]


def read(folder: Path) -> list[Look]:
    """Return the looks, in the order of the file; none where there is no log yet.

    Raises:
        UserError: the log holds Git's conflict markers, or a line is no look.
    """
    path = folder / LOG
    if not path.exists():
        return []
    text = files.read_text(path).removeprefix("\ufeff")  # a spreadsheet's
    decisions.check_merged(text, path)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)  # else an open quote swallows what follows
    found = []
    try:
        for cells in lines:
            if tuple(cells) in ((), HEADER):
                continue
            if len(cells) != len(HEADER) or not all(cells[:4]):
                raise csv.Error(f"not {len(HEADER)} cells ({','.join(HEADER)})")
            found.append(Look(*map(decisions.unguard, cells)))
    except csv.Error as error:
        raise UserError(f"{path}: line {lines.line_num}: {error}; restore the line") from None
    return found


def at(looks: Sequence[Look], dataset: str) -> list[Look]:
    """Return the looks at one version of the test rows, by date: of those at the same predictions, the first.

    A union merge may put an old line last.
    """
    first: dict[str, Look] = {}
    for look in sorted(looks, key=lambda look: look.looked_on):
        if look.dataset == dataset:
            first.setdefault(look.predictions, look)
    return list(first.values())


def record(folder: Path, look: Look) -> list[Look]:
    """Write a look to the log, unless its predictions were looked at before; return all at its version of the rows."""
    path = folder / LOG
    with locked(path, _line(HEADER).encode()):  # who looks at the same time is not lost
        looks = read(folder)
        if look.predictions not in (each.predictions for each in at(looks, look.dataset)):
            before = files.read_text(path)
            end = "" if before.endswith("\n") or not before else "\n"
            files.write_text(path, before + end + _line(map(decisions.guard, astuple(look))))
            looks.append(look)
    return at(looks, look.dataset)


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def today(by: str | None, dataset: str, predicted: str, reason: str) -> Look:
    """Return a look of today.

    Args:
        by: who looks; None: Git's `user.name`.
        dataset, predicted: fingerprints.

    Raises:
        UserError: nobody is named, or there is no reason.
    """
    who, why = map(_clean, (by if by is not None else _git("config", "user.name"), reason))
    if not who:
        raise UserError("who looks at test? give --by NAME, or set `git config user.name`")
    if not why:
        raise UserError('why look at test? give a reason: --why "release 1.2"')
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Look(date, who, dataset, predicted, _revision(), why)


def _clean(text: str) -> str:
    """Return a text that fits a cell of the log: what a terminal obeys, or UTF-8 lacks, becomes a space."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:LONGEST]


def record_bench(folder: Path, labelled: Path, results: Path, command: str) -> None:
    """Log that a bench has measured test: its results are what was looked at, its command is the reason."""
    by = _git("config", "user.name") or command.split()[0]
    record(folder, today(by, fingerprint(labelled), files.sha256(results)[:16], command))


def standing(folder: Path, dataset: str, predicted: str) -> Standing:
    """Return what is known of test; figures of other rows or of other predictions than today's are left out.

    Raises:
        UserError: the log or the figures cannot be read, or figures of today stand there whose look the log lacks.
    """
    path, log, results = folder / RESULTS, at(read(folder), dataset), None
    if path.exists():
        try:
            results = json.loads(files.read_text(path))
            fingerprints = (results["dataset"], results["predictions"])
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path}: not what `winnow test` writes; restore it or delete it") from None
        if fingerprints != (dataset, predicted):
            results = None
        elif predicted not in (look.predictions for look in log):
            raise UserError(f"{folder / LOG}: the look that {path} shows is not there; restore the line")
    return Standing(log, results)


def _revision() -> str:
    commit = _git("rev-parse", "--short=12", "HEAD")
    return commit + ("+changes" if commit and _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*words: str) -> str:
    """Return what a Git command prints; nothing outside of a repository or where there is no Git."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
