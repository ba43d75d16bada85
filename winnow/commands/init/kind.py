"""The kind of task that data is made for: one label a row, several, spans of its text, or a response to it."""

import re
from collections.abc import Sequence

from winnow.base.errors import UserError
from winnow.commands.init import sets
from winnow.commands.init.ask import NONE, Answers
from winnow.commands.init.columns import Column
from winnow.commands.init.sets import Sets
from winnow.readers import tags

ONE, SEVERAL, SPANS, GENERATION = "classification", "multilabel", "token_classification", "generation"
KINDS = (ONE, SEVERAL, SPANS, GENERATION)  # that `winnow init` sets up
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
        label: the column that a person named as the label; then it alone is looked at.
    """
    return next((column.name for column in columns if label in (None, column.name) and _has_spans(column)), None)


def _has_spans(column: Column) -> bool:
    """Return whether the lists of a column are spans of a text, or tags of its words; not labels, or words."""
    lists = [value for value in column.other if isinstance(value, list) and value]
    if not lists:
        return False
    items = [item for each in lists for item in each]
    first = items[0]
    if isinstance(first, dict):
        return any({*ends} <= set(first) for ends in ENDS)
    if isinstance(first, list) and len(first) > 1 and all(isinstance(end, int) for end in first[:2]):
        return True
    if tags.are_tags(items) and len(set(items)) > 1:
        return True
    return bool(re.search(r"(ner|pos|chunk)_tags|bio|iob", column.name, re.IGNORECASE))
