"""The review queue: the rows that wait for a person, in the order in which to read them, with what helps to decide.

Three kinds of queue have this one form: suspected label errors (`find_issues`), rows without a label that are worth
labelling (`choose_rows`), random samples to be audited (`annotate`, `rounds`). The review page, the CSV file and Label
Studio all show the same entries.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from winnow.base import hashing
from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.rows import tables

PROBABILITY = pa.struct([pa.field("label", pa.string()), pa.field("p", pa.float64())])
VOTE = pa.struct([pa.field("rule", pa.string()), pa.field("label", pa.string())])
NEIGHBOUR = pa.struct(
    [
        pa.field("id", pa.string()),
        pa.field("label", pa.string()),
        pa.field("similarity", pa.float64()),  # cosine
        pa.field("text", pa.string()),
    ]
)

ENTRY = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),  # 0 is read first
        pa.field("text_sha", pa.string(), nullable=False),
        pa.field("split", pa.string()),
        pa.field("given_label", pa.string()),
        pa.field("suggested_label", pa.string()),
        pa.field("p_error", pa.float64()),  # calibrated probability that the given label is wrong; null: not known
        pa.field("tier", pa.string()),  # almost certain, likely, possible, unlikely; null where p_error is
        pa.field("seconds", pa.float64()),  # expected time to decide
        pa.field("reasons", pa.list_(pa.string()), nullable=False),  # in words a curator understands
        pa.field("probabilities", pa.list_(PROBABILITY), nullable=False),
        pa.field("votes", pa.list_(VOTE), nullable=False),  # what the labelling rules say
        pa.field("neighbours", pa.list_(NEIGHBOUR), nullable=False),  # the nearest rows that have a label
        pa.field("text", pa.string(), nullable=False),
        pa.field("drawn_for", pa.string()),  # of an audit: the version of the labelling rules that drew the row
    ]
)
_EMPTY: dict = {field.name: [] if pa.types.is_list(field.type) else None for field in ENTRY}


def table(entries: Iterable[Mapping]) -> pa.Table:
    """Return entries, in the order in which they are to be read, as a table of schema `ENTRY`.

    Each has at least `id` and `text`; `rank` and `text_sha` are set here, other missing columns are empty.
    """
    rows = [
        {**_EMPTY, **entry, "rank": rank, "text_sha": hashing.text_sha(entry["text"])}
        for rank, entry in enumerate(entries)
    ]
    return pa.Table.from_pylist([{name: row[name] for name in ENTRY.names} for row in rows], schema=ENTRY)


def read(path: Path) -> list[dict]:
    """Return a queue's entries, the one to be read first first.

    Raises:
        UserError: the file is missing or is no queue.
    """
    return sorted(tables.read(path, ENTRY.names).to_pylist(), key=lambda entry: entry["rank"])


def write(queue: pa.Table, path: Path, csv: Path, task: Task) -> None:
    """Write a queue as Parquet, and as a CSV file that people fill in."""
    tables.write(queue, path)
    ordered = sorted(queue.to_pylist(), key=lambda entry: entry["rank"])
    columns = decisions.EDITED_QUEUE_COLUMNS if task.edits_text else decisions.QUEUE_COLUMNS
    decisions.write_queue(csv, (csv_row(entry, task) for entry in ordered), columns)


def csv_row(entry: Mapping, task: Task) -> dict[str, str]:
    """Return an entry as a row of `decisions.QUEUE_COLUMNS`."""
    text_sha, given_label = decisions.version(entry["text_sha"], entry["given_label"], task)
    return {
        "id": entry["id"],
        "text_sha": text_sha,
        "given_label": given_label,
        "suggested_label": entry["suggested_label"] or "",
        "score": "" if entry["p_error"] is None else f"{entry['p_error']:.4f}",
        "reasons": "; ".join(entry["reasons"]),
        "text": task.beside(entry["text"], entry["given_label"] or ""),
        decisions.DRAWN_FOR: entry["drawn_for"] or "",
    }
