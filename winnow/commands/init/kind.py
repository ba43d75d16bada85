"""The kind of task that data is made for: spans of texts, one label a row, or one that is not set up here."""

import re
from collections.abc import Sequence

from winnow.base.errors import UserError
from winnow.commands.init import columns as columns_
from winnow.commands.init.columns import Column
from winnow.readers import tags

ROLES = {"role", "from"}
SPANS = "token_classification"
ENDS = [("start", "end"), ("start_offset", "end_offset")]  # of a span, as tools write them
PARTS = re.compile(r"\s*[|;,]\s*")


def spans(columns: Sequence[Column], label: str | None) -> str | None:
    """Return the column that holds spans of the text, or a tag for each word of it; None if the labels are others.

    Args:
        label: the column that a person named as the label; then only lists are looked for, and there.

    Raises:
        UserError: the data is of a kind of task that is not set up here.
    """
    for column in columns:
        if label in (None, column.name) and (kind := _of_lists(column)):
            if kind[1] == SPANS:
                return column.name
            raise UserError(_line(column.name, *kind))
    if label is None:
        _refuse(columns)
    return None


def _refuse(columns: Sequence[Column]) -> None:
    named = [column for column in columns_.labels(columns) if columns_.LABEL.fullmatch(column.name)]
    if named:
        if _is_joined(named[0]):
            raise UserError(_line(named[0].name, "several labels a row, joined by a mark", "multilabel"))
        return
    marks = [column.name for column in columns if {*column.counts} in columns_.ONE_OF_TWO]
    if len(marks) > 2:
        what = "0 or 1 each, which are several labels a row"
        raise UserError(_line("', '".join(marks[:4]), what, "multilabel") + ", or name one of them by --label")
    prompts = [column.name for column in columns_.texts(columns) if columns_.PROMPT.fullmatch(column.name)]
    answers = [column.name for column in columns_.texts(columns) if columns_.RESPONSE.fullmatch(column.name)]
    if prompts and answers:
        raise UserError(_line(f"{prompts[0]}', '{answers[0]}", "prompts and what answers them", "generation"))


def _line(columns: str, what: str, kind: str) -> str:
    # Kinds that are there need more than winnow init asks.
    state = "which docs/tasks.md tells how to set up by hand" if kind == "multilabel" else "which is not there yet"
    return (
        f"column '{columns}': {what}: that is of the kind {kind}, {state}; `winnow init` sets up one label a row, or "
        f"spans: give a column of single labels by --label"
    )


def _of_lists(column: Column) -> tuple[str, str] | None:
    """Return what the lists of a column are, and the kind of task that they are of."""
    lists = [value for value in column.other if isinstance(value, list) and value]
    if not lists:
        written = columns_.LABEL.fullmatch(column.name) or columns_.MAYBE_LABEL.fullmatch(column.name)
        starts = sum(cell.startswith("[") for cell in column.filled)
        return ("lists of labels", "multilabel") if written and starts > 0.9 * len(column.filled) > 0 else None
    first_list = [tag for list_ in lists for tag in list_]
    first = first_list[0]
    if isinstance(first, dict):
        if ROLES & set(first):
            return "conversations", "generation"
        return ("spans of the text", SPANS) if any({*ends} <= set(first) for ends in ENDS) else None
    if isinstance(first, list) and len(first) > 1 and all(isinstance(end, int) for end in first[:2]):
        return "spans of the text", SPANS
    if tags.are_tags(first_list) and len(set(first_list)) > 1:
        return "a tag for each word", SPANS
    if re.search(r"(ner|pos|chunk)_tags|bio|iob", column.name, re.IGNORECASE):
        return "a tag for each word", SPANS
    if re.search(r"tokens?$|words$", column.name, re.IGNORECASE):
        return None  # the text
    is_label = columns_.LABEL.fullmatch(column.name) or columns_.MAYBE_LABEL.fullmatch(column.name)
    return ("lists of labels", "multilabel") if is_label and isinstance(first, str | int) else None


def _is_joined(column: Column) -> bool:
    """Return whether cells hold several labels that also stand alone, `sport|film`."""
    joined = [cell for cell in column.counts if len(PARTS.split(cell)) > 1]
    alone = set(column.counts) - set(joined)
    whole = [cell for cell in joined if set(PARTS.split(cell)) <= alone]
    return sum(column.counts[cell] for cell in whole) > len(column.filled) / 20
