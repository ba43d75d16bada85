"""Labels of a batch while its texts are cleaned, for kinds of task whose labels change with their texts."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.kinds.task import Change, Task
from winnow.rows import tables
from winnow.rows.ledger import Ledger
from winnow.text.cleaning.profiles import Rule


def change(task: Task) -> bool:
    """Return whether labels of a kind change with their texts."""
    return type(task).carry is not Task.carry


class Labels:
    """Labels by the rows' ids; the ledger tells what of them is lost."""

    def __init__(self, task: Task, ledger: Ledger) -> None:
        self._task, self._ledger = task, ledger
        self._labels: dict[str, str | None] = {}

    def read(self, before: pa.Table, rows: pa.Table) -> None:
        """Take the labels of rows that may have got another text, or another row's label.

        Args:
            before: the same rows, and maybe more, as they were.

        Raises:
            UserError: a label that a row got is none of its text.
        """
        labelled = rows.select(["id", "text", "label"]).filter(rows["label"].is_valid())
        old = before.select(["text", "label"]).take(pc.index_in(labelled["id"], before["id"].combine_chunks()))
        pairs = zip(labelled.to_pylist(), old.to_pylist(), strict=True)
        for row, was in pairs:
            id_, text, label = row["id"], row["text"], row["label"]
            self._labels[id_] = label
            if was["label"] is None:
                self._task.fits(label, text, f"params.yaml: clean.missing.no_label: row {id_}")
            elif was["text"] != text:
                self._carry(id_, Change(was["text"], text, None), "another text in its place")

    def follow(
        self, ids: pa.Array, rule: Rule, headings: Sequence[str | None], texts: Sequence[tuple[str, str]]
    ) -> None:
        """Change the labels of rows whose texts a rule changed.

        Args:
            headings: of the rows.
            texts: before and after, one pair a row.
        """
        for id_, heading, (before, after) in zip(ids.to_pylist(), headings, texts, strict=True):
            if self._labels.get(id_) is not None:
                apply = (lambda text, heading=heading: rule.apply(text, heading)) if rule.heading else rule.apply
                self._carry(id_, Change(before, after, apply), rule.name)

    def _carry(self, id_: str, change: Change, what: str) -> None:
        label, lost = self._task.carry(self._labels[id_], change)
        for part in lost:
            self._ledger.add(id_, "change", "label_part_lost", f"{what} took away {part}")
        if label is None:
            self._ledger.add(id_, "change", "label_lost", f"{what} took away what its label told")
        self._labels[id_] = label

    def write(self, rows: pa.Table) -> pa.Table:
        """Return rows with their labels as they are now."""
        places = np.flatnonzero(rows["label"].combine_chunks().is_valid())
        new = [self._labels[id_] for id_ in rows["id"].take(pa.array(places)).to_pylist()]
        lost = np.array([label is None for label in new], bool)
        rows = replaced(rows, "label", places, new)
        for name in ("label_origin", "label_confidence"):
            rows = replaced(rows, name, places[lost], [None] * int(lost.sum()))
        return rows


def replaced(rows: pa.Table, name: str, places: np.ndarray, values: list) -> pa.Table:
    """Return the rows with other values in a column at some places, which ascend."""
    mask, type_ = np.zeros(rows.num_rows, bool), rows.schema.field(name).type
    mask[places] = True
    column = pc.replace_with_mask(rows[name].combine_chunks(), pa.array(mask), pa.array(values, type_))
    return tables.set_column(rows, name, column, type_)
