"""Columns of several labels a row: lists, names joined by a mark, or one column of 0 and 1 a label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from winnow.base.errors import UserError
from winnow.commands.init import columns as columns_
from winnow.commands.init.columns import Column
from winnow.kinds.multilabel import cells
from winnow.kinds.multilabel.labels import OPENING, Task, members
from winnow.readers.values import Refuse, strings

MARKS = ("|", ";", ",")  # between the names of a cell, the likeliest first
OWN = (";", "|", "␟")  # one that no name holds is named in params.yaml
JOINED = 1 / 20  # share of cells with a mark, from which on it is one
MOST = 100  # labels of which a model is made for each; the most frequent


@dataclass(frozen=True)
class Sets:
    """Where several labels a row stand.

    Attributes:
        columns: one with lists or joined names, or several of one label each.
        what: what stands there, in words.
        delimiter: between the names of a cell, or None where cells are lists or columns are labels.
    """

    columns: tuple[str, ...]
    what: str
    delimiter: str | None = None

    def names(self, values: Sequence[Sequence[object] | pa.Array], refuse: Refuse) -> list[tuple[str, ...] | None]:
        """Return the labels of each row, None where it has none or cannot be read, as `collect` reads them.

        Args:
            values: of each of `columns`.
            refuse: is called as `values.strings` calls it.
        """
        flat = {
            name: strings(cells.flat(column), name, refuse) for name, column in zip(self.columns, values, strict=True)
        }
        gathered = cells.gathered(flat, refuse)
        task = Task.model_construct(kind="multilabel", labels=[], delimiter=self.delimiter or OWN[-1])
        found: list[tuple[str, ...] | None] = []
        for text in gathered.to_pylist():
            if text is None or not text.strip():
                found.append(None)
                continue
            try:
                found.append(members(text) if len(self.columns) > 1 else tuple(dict.fromkeys(task.parts(text, ""))))
            except UserError:
                found.append(None)
        return found


def detect(columns: Sequence[Column], is_label: bool = False) -> Sets | None:
    """Return the columns that are plain to see as several labels a row; None if none are.

    Args:
        is_label: somebody has said that the column is the label; else its name must say so.
    """
    named = columns if is_label else list(filter(_is_named, columns))
    for column in named:
        if has_lists(column) or _writes_lists(column):
            return Sets((column.name,), "lists of labels")
    for column in named:
        if mark := next((mark for mark in MARKS if _recombines(column, mark)), None):
            return Sets((column.name,), f"several labels a row, joined by '{mark}'", mark)
    marks = [column.name for column in columns if {*column.counts} in columns_.ONE_OF_TWO]
    others = [column for column in columns if columns_.LABEL.fullmatch(column.name) and column.name not in marks]
    if len(marks) > 2 and not columns_.labels(others):
        return Sets(tuple(marks), "0 or 1 each, which are several labels a row")
    return None


def named(columns: Sequence[Column], label: str) -> Sets:
    """Return what the columns are that a person named: one, or several with commas between.

    Raises:
        UserError: there is no such column, or of several one that says neither yes nor no.
    """
    by_name = {column.name: column for column in columns}
    chosen = [label] if label in by_name else [name.strip() for name in label.split(",")]
    for name in chosen:
        if name not in by_name:
            raise UserError(f"--label {label}: there is no column '{name}'; there are {', '.join(by_name)}")
    if len(chosen) > 1:
        for name in chosen:
            said = {cell.strip().casefold() for cell in by_name[name].counts}
            if said and not said & (cells.YES | cells.NO):
                raise UserError(
                    f"--label {label}: column '{name}' says neither yes nor no (1 and 0, true and false); give one "
                    f"column of names, or columns of yes and no"
                )
        return Sets(tuple(chosen), "a column a label")
    column = by_name[label]
    if has_lists(column) or _writes_lists(column):
        return Sets((label,), "lists of labels")
    counts = {mark: sum(count for cell, count in column.counts.items() if mark in cell) for mark in MARKS}
    mark = max(MARKS, key=lambda mark: counts[mark])  # of equals the first
    return Sets((label,), f"names joined by '{mark}'", mark)


def delimiter(sets: Sequence[Sets], names: Sequence[str]) -> str:
    """Return what `task.delimiter` must be: what joins the names in cells, or else what no name holds.

    Raises:
        UserError: two sources join their names differently.
    """
    used = {each.delimiter for each in sets if each.delimiter}
    if len(used) > 1:
        told = " and ".join(f"'{mark}'" for mark in sorted(used))
        raise UserError(
            f"the files join labels by {told}, and params.yaml knows one delimiter; write one like the other"
        )
    return next(iter(used), None) or next((mark for mark in OWN if not any(mark in name for name in names)), OWN[-1])


def has_lists(column: Column) -> bool:
    """Return whether cells are lists of names, or empty lists beside these."""
    lists = [value for value in column.other if isinstance(value, list)]
    names = [item for value in lists for item in value]
    return bool(names) and all(isinstance(item, str | int) for item in names[:500])


def _is_named(column: Column) -> bool:
    return bool(columns_.LABEL.fullmatch(column.name) or columns_.MAYBE_LABEL.fullmatch(column.name))


def _writes_lists(column: Column) -> bool:
    starts = sum(cell.lstrip().startswith(OPENING) for cell in column.filled)
    return starts > 0.9 * len(column.filled) > 0 and any(map(_is_list, list(column.counts)[:500]))


def _is_list(cell: str) -> bool:
    try:
        return cell.lstrip().startswith(OPENING) and bool(Task.model_construct(delimiter=OWN[-1]).parts(cell, ""))
    except UserError:
        return False


def _recombines(column: Column, mark: str) -> bool:
    """Return whether cells hold names between marks that come together with others in other cells, `sport|film`.

    `Books, Music` as one class among others has parts that come in no other cell; `1,5` is a number.
    """
    if column.is_number or column.date_forms:
        return False
    parted = {cell: [part.strip() for part in cell.split(mark)] for cell in column.counts}
    joined = {cell: parts for cell, parts in parted.items() if len(parts) > 1 and all(parts)}
    in_cells = Counter(part for parts in parted.values() for part in set(parts))
    if not joined or sum(map(len, in_cells)) > columns_.LONGEST_LABEL * len(in_cells):
        return False
    rows = {cell: column.counts[cell] for cell in joined}
    again = sum(rows[cell] for cell, parts in joined.items() if all(in_cells[part] > 1 for part in parts))
    few = len(in_cells) <= max(columns_.TINY, sum(column.counts.values()) / 5)
    return few and again > max(JOINED * len(column.filled), sum(rows.values()) / 2)
