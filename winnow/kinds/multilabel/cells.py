"""What a source's cells say of a row's set of labels: lists, delimited texts, or one column a label."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.multilabel.labels import Task, canonical
from winnow.readers.values import Refuse, as_list

YES, NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})


def flat(values: Sequence[object] | pa.Array) -> Sequence[object] | pa.Array:
    """Return a column whose lists are JSON; all other cells stay as they are."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array) and not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
        return values
    return [
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | tuple | dict) else value
        for value in as_list(values)
    ]


def gathered(columns: Mapping[str, pa.Array], refuse: Refuse) -> pa.Array:
    """Return what stands in the label columns of a source as one text a row, null where a row has no label.

    Args:
        columns: (rows,) strings each. One column holds the sets; of several, each is one label's: 1, true or yes where
            a row has it, 0, false or no where it has not. A row without a value in all of them has no label.
        refuse: is called with a row's place, a rule's name and the reason where the columns cannot be read.
    """
    if len(columns) == 1:
        return next(iter(columns.values()))
    found: list[str | None] = []
    for place, cells in enumerate(zip(*(column.to_pylist() for column in columns.values()), strict=True)):
        said = [None if cell is None else cell.strip().casefold() for cell in cells]
        if not any(said):
            found.append(None)
            continue
        for name, cell, one in zip(columns, cells, said, strict=True):
            if one not in YES | NO:
                what = "is empty, and other columns of labels are not" if not one else f"holds '{cell[:60]}'"
                refuse(place, "bad_value", f"column '{name}' {what}: a label's column holds 1 or 0")
                break
        found.append(canonical(name for name, one in zip(columns, said, strict=True) if one in YES))
    return pa.array(found, pa.string())


def mapped(task: Task, text: str, names: Mapping[str, str | None]) -> str:
    """Return a cell's set, each of its names translated; a name that leads to null is no label and falls out.

    Names that are none of the task's fall out too if `task.unlisted` is `leave_out`.

    Raises:
        UserError: the cell is no list.
    """
    meant = [names.get(name, name) for name in task.parts(text, "")]
    leaves_out = task.unlisted == "leave_out"
    return canonical(name for name in meant if name is not None and not (leaves_out and name not in task.labels))


def strange(task: Task, text: str, names: Mapping[str, str | None]) -> list[str]:
    """Return what of a cell is no label: its names that are none of the task's, or the whole cell if it is no list."""
    try:
        parts = task.parts(text, "")
    except UserError:
        return [text]
    return [name for name in dict.fromkeys(parts) if names.get(name, name) not in {None, *task.labels}]
