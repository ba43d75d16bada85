"""The labelled rows as JSON Lines, one file a split: what a trainer elsewhere, or `datasets.load_dataset`, reads."""

import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from winnow import kinds
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.publishing.dataset import SPLITS
from winnow.kinds.task import Task
from winnow.rows import tables

COLUMNS = ["id", "source", "source_key", "text", "label", "label_origin", "split"]


def write(folder: Path, task: Task) -> Counter:
    """Write the rows that have a label into a folder; return how many there are, by split.

    A kind that has the concern `exported` says how text and label are written.

    Raises:
        UserError: the labelled table is not made, or has no row with a label.
    """
    path = pipeline.path("apply_decisions", "out")
    own = kinds.load(task, "exported") if kinds.has(task, "exported") else None
    counts: Counter = Counter()
    with ExitStack() as stack:
        files: dict = {}
        for batch in tables.batches(path, COLUMNS, rows=tables.ROW_GROUP):
            for row in batch.to_pylist():
                split, text, label = (row.pop(name) for name in ("split", "text", "label"))
                if label is None or split not in SPLITS:
                    continue
                name = SPLITS[split]
                if name not in files:
                    file = (folder / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n")
                    files[name] = stack.enter_context(file)
                told = own.row(task, text, label) if own else {"text": text, "label": label}
                files[name].write(json.dumps(row | told, ensure_ascii=False) + "\n")
                counts[name] += 1
    if not counts:
        raise UserError(f"{path}: no row with a label is there to export")
    return counts
