"""The kind of task that data is made for: one label a row, several, spans of its text, or one that is not there yet."""

import re
from collections.abc import Sequence

from winnow.base.errors import UserError
from winnow.commands.init import columns as columns_
from winnow.commands.init import sets
from winnow.commands.init.ask import NONE, Answers
from winnow.commands.init.columns import Column
from winnow.commands.init.sets import Sets
from winnow.readers import tags

ONE, SEVERAL, SPANS = KINDS = ("classification", "multilabel", "token_classification")  # that `winnow init` sets up
ROLES = {"role", "from"}
ENDS = [("start", "end"), ("start_offset", "end_offset")]  # of a span, as tools write them
MOST_NAMED = 4  # columns that a question names


def several(columns: Sequence[Column], answers: Answers) -> Sets | None:
    """Return where several labels a row stand; None for one label a row, or none.

    Where they are plain to see, the kind of task is asked for; `--yes` takes them as they are.

    Raises:
        UserError: the data is not of the kind of task that was asked for.
    """
    options = answers.options
    label = options.label if options.label != NONE else None
    if options.task == SEVERAL and label is not None:
        return sets.named(columns, label)
    looked_at = columns if label is None else [column for column in columns if column.name == label]
    found = None if options.label == NONE else sets.detect(looked_at, is_label=label is not None)
    if options.task == SEVERAL:
        if found is None and options.label != NONE:
            raise UserError(
                "--task multilabel: no column looks like several labels a row; name one by --label COLUMN, or the "
                "columns of 0 and 1 by --label A,B,C"
            )
        return found
    if found is None or (label is not None and found.delimiter is not None):  # a mark may be part of a class's name
        return None
    named = "', '".join(found.columns[:MOST_NAMED])
    if options.task is None:
        what = f"column{'s' * (len(found.columns) > 1)} '{named}': {found.what}: which kind of task"
        if answers.ask("task", what, SEVERAL, (ONE, SEVERAL)) == SEVERAL:
            return found
    if len(found.columns) == 1 and found.delimiter is None and (label is None or sets.has_lists(looked_at[0])):
        raise UserError(
            f"column '{named}': {found.what}, for --task {SEVERAL}; give a column of single labels by --label"
        )
    return None


def joined(columns: Sequence[Column], options) -> str | None:
    """Return what a column of single labels looks like, if it looks like several a row and nobody said which it is."""
    if options.task is not None or options.label in (None, NONE):
        return None
    found = sets.detect([column for column in columns if column.name == options.label], is_label=True)
    return found and f"column '{options.label}': {found.what}"


def spans(columns: Sequence[Column], label: str | None) -> str | None:
    """Return the column that holds spans of the text, or a tag for each word of it; None if the labels are others.

    Args:
        label: the column that a person named as the label; then only lists are looked for, and there.

    Raises:
        UserError: the data is of a kind of task that there is not yet.
    """
    for column in columns:
        if label in (None, column.name) and (kind := _of_lists(column)):
            if kind[1] == SPANS:
                return column.name
            raise UserError(_line(column.name, *kind))
    if label is not None or any(columns_.LABEL.fullmatch(column.name) for column in columns_.labels(columns)):
        return None
    prompts = [column.name for column in columns_.texts(columns) if columns_.PROMPT.fullmatch(column.name)]
    answers = [column.name for column in columns_.texts(columns) if columns_.RESPONSE.fullmatch(column.name)]
    if prompts and answers:
        raise UserError(_line(f"{prompts[0]}', '{answers[0]}", "prompts and what answers them", "generation"))
    return None


def _line(columns: str, what: str, kind: str) -> str:
    return (
        f"column '{columns}': {what}: that is of the kind {kind}, which is not there yet; `winnow init` sets up "
        f"{', '.join(KINDS)}: give a column of labels by --label"
    )


def _of_lists(column: Column) -> tuple[str, str] | None:
    """Return what the lists of a column are, and the kind of task that they are of; None for labels, or for words."""
    lists = [value for value in column.other if isinstance(value, list) and value]
    if not lists:
        return None
    items = [item for each in lists for item in each]
    first = items[0]
    if isinstance(first, dict):
        if ROLES & set(first):
            return "conversations", "generation"
        return ("spans of the text", SPANS) if any({*ends} <= set(first) for ends in ENDS) else None
    if isinstance(first, list) and len(first) > 1 and all(isinstance(end, int) for end in first[:2]):
        return "spans of the text", SPANS
    if tags.are_tags(items) and len(set(items)) > 1:
        return "a tag for each word", SPANS
    if re.search(r"(ner|pos|chunk)_tags|bio|iob", column.name, re.IGNORECASE):
        return "a tag for each word", SPANS
    return None
