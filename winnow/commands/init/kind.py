"""The kind of task that data is made for: classification, multilabel, or one that does not exist yet."""

import re
from collections.abc import Sequence

from winnow.base.errors import UserError
from winnow.commands.init import columns as columns_
from winnow.commands.init import sets
from winnow.commands.init.ask import NONE, Answers
from winnow.commands.init.columns import Column
from winnow.commands.init.sets import Sets

ONE, SEVERAL = "classification", "multilabel"
KINDS = (ONE, SEVERAL)  # that `winnow init` sets up
ROLES = {"role", "from"}
MOST_NAMED = 4  # columns that a question names


def several(columns: Sequence[Column], answers: Answers) -> Sets | None:
    """Return where several labels a row stand; None for one label a row, or none.

    Where they are plain to see, the kind of task is asked for; `--yes` takes them as they are.

    Raises:
        UserError: the data is of a kind of task that there is not yet, or not of the one that was asked for.
    """
    options = answers.options
    label = options.label if options.label != NONE else None
    if options.task != SEVERAL:
        refuse(columns, label)
    elif label is not None:
        return sets.named(columns, label)
    looked_at = columns if label is None else [column for column in columns if column.name == label]
    found = None if options.label == NONE else sets.detect(looked_at)
    if options.task == SEVERAL:
        if found is None and options.label != NONE:
            raise UserError(
                "--task multilabel: no column looks like several labels a row; name one by --label COLUMN, or the "
                "columns of 0 and 1 by --label A,B,C"
            )
        return found
    if found is None or (label is not None and not sets.has_lists(looked_at[0])):
        return None
    named = "', '".join(found.columns[:MOST_NAMED])
    if options.task is None:
        what = f"column '{named}': {found.what}: which kind of task"
        if answers.ask("task", what, SEVERAL, KINDS) == SEVERAL:
            return found
    if len(found.columns) == 1 and found.delimiter is None:
        raise UserError(
            f"column '{named}': {found.what}, for --task {SEVERAL}; give a column of single labels by --label"
        )
    return None


def refuse(columns: Sequence[Column], label: str | None) -> None:
    """Raise `UserError` if the data is of a kind of task that there is not yet.

    Args:
        label: the column that a person named as the label; then only lists are looked for, and there.
    """
    for column in columns:
        if label in (None, column.name) and (kind := _of_lists(column)):
            raise UserError(_line(column.name, *kind))
    if label is not None or any(columns_.LABEL.fullmatch(column.name) for column in columns_.labels(columns)):
        return
    prompts = [column.name for column in columns_.texts(columns) if columns_.PROMPT.fullmatch(column.name)]
    answers = [column.name for column in columns_.texts(columns) if columns_.RESPONSE.fullmatch(column.name)]
    if prompts and answers:
        raise UserError(_line(f"{prompts[0]}', '{answers[0]}", "prompts and what answers them", "generation"))


def _line(columns: str, what: str, kind: str) -> str:
    return (
        f"column '{columns}': {what}: that is of the kind {kind}, which is not there yet; `winnow init` sets up "
        f"{' and '.join(KINDS)}: give a column of labels by --label"
    )


def _of_lists(column: Column) -> tuple[str, str] | None:
    """Return what the lists of a column are, and the kind of task that they are of."""
    lists = [value for value in column.other if isinstance(value, list) and value]
    if not lists:
        return None
    first = lists[0][0]
    if isinstance(first, dict):
        if ROLES & set(first):
            return "conversations", "generation"
        return ("spans of the text", "token_classification") if {"start", "end"} <= set(first) else None
    if isinstance(first, list) and len(first) > 1 and all(isinstance(end, int) for end in first[:2]):
        return "spans of the text", "token_classification"
    if re.search(r"tokens?$|words$|(ner|pos|chunk)_tags|bio|iob", column.name, re.IGNORECASE):
        return "a label for each word", "token_classification"
    return None
