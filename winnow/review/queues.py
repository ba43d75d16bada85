"""The queues that can be reviewed: those of the pipeline, and any CSV file of ids."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.base.files import read_text
from winnow.people import decisions, queue
from winnow.rows import edited, tables

ISSUES = "issues"  # the labels in doubt
ROUND = "round"  # the last round's random sample
TITLES = {
    ISSUES: "Suspected label errors",
    "unlabelled": "Rows without a label",
    "audit": "Audit of automatic labels",
    ROUND: "Random sample of the round",
}


def find(name: str, files: Mapping[str, Path]) -> Path:
    """Return the file of a queue: by name, or the path of a Parquet or CSV file.

    Args:
        files: of the pipeline's queues, by name; of `ROUND`, the folder of all rounds.

    Raises:
        UserError: it is neither, or the file is missing.
    """
    if name == ROUND and ROUND in files:
        rounds = sorted(files[ROUND].glob("*.csv"))
        if not rounds:
            raise UserError(f"{files[ROUND]}: no round has begun; `winnow round --start` draws its sample")
        return rounds[-1]
    if name in files:
        if not files[name].exists():
            raise UserError(f"{files[name]}: not found; `dvc repro` or `dvc pull` makes it")
        return files[name]
    path = Path(name)
    if path.suffix not in (".parquet", ".csv"):
        raise UserError(f"--queue '{name}': give {', '.join(files)}, or the path of a .parquet or .csv file")
    if not path.exists():
        raise UserError(f"{path}: not found")
    return path


def title(name: str) -> str:
    """Return what a queue is called, whatever it holds."""
    return TITLES.get(name, f"Review of {Path(name).name}")


def heading(name: str, path: Path, labelled: Path) -> str:
    """Return the heading of the page that shows a queue, by its rows and the labelled table."""
    if name != ISSUES:
        return title(name)
    queued, labels = tables.read(path, ["given_label"]), tables.read(labelled, ["label"])
    return of_issues(_filled(queued["given_label"]), _filled(labels["label"]))


def of_issues(queued: int, labels: int) -> str:
    """Return what the queue of labels in doubt holds.

    Of a small dataset it takes most of the rows, or all: then few of them are suspected, and it says so.

    Args:
        queued: rows of the queue with a label.
        labels: rows with a label in all.
    """
    if 2 * queued <= labels:
        return TITLES[ISSUES]
    if queued < labels:
        return f"The {queued:,} most doubtful of {labels:,} labels"
    return f"All {labels:,} labels, the most doubtful first"


def _filled(column: pa.ChunkedArray) -> int:
    return len(column) - column.null_count


def read(path: Path, labelled: Path) -> pa.Table:
    """Return a queue as a table of schema `winnow.people.queue.ENTRY`, the row to be read first at the top.

    Of a CSV file the column `id` counts, and if it has them `suggested_label` and `reasons`; text and label come from
    the labelled table.

    Raises:
        UserError: a file is missing or broken, or an id is not in the labelled table or stands twice.
    """
    if path.suffix == ".csv":
        return queue.table(_entries(path, labelled))
    table = tables.read(path, queue.ENTRY.names).combine_chunks()
    ranks = table["rank"]
    ordered = table if pc.all(pc.less(ranks[:-1], ranks[1:])).as_py() else table.sort_by("rank").combine_chunks()
    _check_unique(ordered["id"].to_pylist(), path)
    return ordered


def _entries(path: Path, labelled: Path) -> Iterable[dict]:
    lines = list(_lines(path))
    ids = [line["id"] for line in lines]
    _check_unique(ids, path)
    rows = {row["id"]: row for row in edited.before(labelled, ["id", "text", "given_label", "split"], ids)}
    for line in lines:
        if line["id"] not in rows:
            raise UserError(f"{path}: id '{line['id']}' is not in {labelled}; `winnow why {line['id']}` tells why")
        reasons = [reason for reason in line.get("reasons", "").split("; ") if reason]
        yield rows[line["id"]] | {"suggested_label": line.get("suggested_label") or None, "reasons": reasons}


def _lines(path: Path) -> Iterable[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(read_text(path).removeprefix("\ufeff"), newline=""), strict=True)
    if "id" not in (reader.fieldnames or []):
        raise UserError(f"{path}: line 1: column 'id' is missing")
    try:
        for line in reader:
            yield {name: decisions.unguard(cell or "") for name, cell in line.items() if name is not None}
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: not valid CSV: {error}") from None


def _check_unique(ids: list[str], path: Path) -> None:
    seen: set[str] = set()
    for id in ids:
        if id in seen:
            raise UserError(f"{path}: id '{id}' stands twice; `dvc repro` makes the file anew")
        seen.add(id)
