"""Multilabel: a label is a set of names of a closed set, written as a sorted JSON list; the empty list is one too."""

import ast
import io
import json
import math
import tokenize
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from winnow.base.errors import UserError
from winnow.kinds import task
from winnow.kinds.classification import labels as single

MARKS = ",;|/\t"  # what people write between names, beside the task's own delimiter
NONE = "none of them"  # the class for which the empty set counts
SHOWN = 60  # characters of a label that a message repeats
OPENING = ("[", "{", "(")  # how a list begins that is no delimited text


class Task(single.Task):
    """Section `task` of params.yaml; the order of the labels is the order of a model's outputs."""

    kind: Literal["multilabel"]
    """Each row has a set of labels of a closed set; the empty set, "none of them", is a label too."""

    labels: list[str] = Field(min_length=2)
    """The names that a set may hold. Their order is the order of a model's outputs."""

    delimiter: str = Field(";", min_length=1)
    """What stands between the labels of a cell that is no list."""

    unlisted: Literal["refuse", "leave_out"] = "refuse"
    """What a source's label that is neither in `labels` nor in the source's `label_map` does: `refuse` stops the run
    and names it; `leave_out` takes it out of the row's set."""

    @model_validator(mode="after")
    def _tellable(self) -> "Task":
        for name in self.labels:
            if self.delimiter in name:
                raise ValueError(
                    f"label {task.spelled(name)} holds the delimiter {self.delimiter!r}; set task.delimiter to another"
                )
            if name.startswith(OPENING):
                raise ValueError(f"label {task.spelled(name)} begins like a list; map it to another name (label_map)")
            if task.bare(name) == NONE:
                raise ValueError(f"label {task.spelled(name)} is what the empty set is called; take it out")
        return self

    def told(self) -> str:
        """Return what a model of the task is, in words."""
        return f"a text classifier that gives each text any number of the labels {', '.join(self.labels)}"

    def check(self, label: str, where: str) -> str:
        """Return a set of labels in its canonical form.

        Args:
            label: a JSON list, a list as Python prints it, or names with `delimiter` between them.

        Raises:
            UserError: it is no list, or holds a name that is none of the task's; begins with `where`.
        """
        names = self.parts(label, where)
        for name in names:
            try:
                super().check(name, where)
            except UserError as error:
                if any(mark in name and set(map(str.strip, name.split(mark))) <= set(self.labels) for mark in MARKS):
                    raise UserError(f"{error}; between two labels stands '{self.delimiter}' (task.delimiter)") from None
                raise
        return canonical(names)

    def check_name(self, name: str, where: str) -> str | None:
        """Return a name that a set may hold; None for another one if `unlisted` is `leave_out`.

        Raises:
            UserError: it is another one; begins with `where`.
        """
        if self.unlisted == "leave_out" and name not in self.labels:
            return None
        return super().check(name, where)

    def parts(self, text: str, where: str) -> list[str]:
        """Return the names that a text holds, in its order, whether they are the task's or not.

        Raises:
            UserError: it begins like a list and is none, or holds what is no name; begins with `where`.
        """
        text = text.strip()
        if not text.startswith(OPENING):
            return [name for each in text.split(self.delimiter) if (name := each.strip())]
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        found = _listed(text)
        if found is None:
            raise UserError(f"""{where}: label '{shown}' is no list of labels; write it as JSON: ["a", "b"]""")
        for item in found:
            is_number = isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)
            if not (isinstance(item, str) or is_number):  # NaN is how pandas writes that there is nothing
                raise UserError(f"{where}: label '{shown}' holds {_spelled(item)[:SHOWN]}, which is no label's name")
        return [item.strip() if isinstance(item, str) else json.dumps(item) for item in found]

    def parse(self, answer: str) -> str | None:
        """Return the set that an answer is, whatever the case of its names; None for an answer that is anything else.

        An answer of no word is none; `[]` and "none of them" are the empty set.
        """
        bare = answer.strip(task.AROUND)
        if not bare:
            return None
        if bare.casefold() == NONE:
            return canonical(())
        try:
            names = [super(Task, self).parse(name) for name in self.parts(bare, "")]
        except UserError:
            return None
        return canonical(names) if None not in names and (names or bare.startswith(OPENING)) else None

    def shown(self, label: str, text: str) -> str:
        """Return the names of the set, or that it is empty."""
        return ", ".join(members(label)) or NONE

    def names(self, label: str) -> list[str]:
        """Return the names of the set; of the empty one, `NONE`."""
        return list(members(label)) or [NONE]

    def classes(self, labels: Iterable[str]) -> list[str]:
        """Return all names of the task, and `NONE` if a set is empty."""
        return self.labels + ([NONE] if canonical(()) in labels else [])

    def vocabulary(self, labels: Iterable[str]) -> list[str]:
        """Return the sets that occur, sorted: nobody can list all that may."""
        return sorted(set(labels))

    def check_counts(self, labels: Iterable[str], where: str) -> Counter:
        """Return how many rows hold each name.

        Raises:
            UserError: there is no label, or all rows have the same set.
        """
        labels = list(labels)
        counts = task.Task.check_counts(self, labels, where)
        if len(set(labels)) == 1:
            raise UserError(f"{where}: all rows have the same set of labels, {labels[0]}; a model needs another one")
        return counts

    def matrix(self, labels: Sequence[str | None]) -> np.ndarray:
        """Return which names each set holds, (rows, labels) bool; no name where a row has no label.

        Raises:
            UserError: a name is none of the task's.
        """
        found = np.zeros((len(labels), len(self.labels)), dtype=bool)
        for row, label in enumerate(labels):
            for name in members(label) if label is not None else ():
                if name not in self._places:
                    raise UserError(f"label '{name}' is not one of params.yaml: task.labels; run `dvc repro`")
                found[row, self._places[name]] = True
        return found

    def sets(self, matrix: np.ndarray) -> np.ndarray:
        """Return the canonical form of the names that are marked in each row, (rows,) object of (rows, labels) bool."""
        return np.array(
            [canonical(self.labels[place] for place in np.flatnonzero(row)) for row in matrix] + [None], dtype=object
        )[:-1]


def canonical(names: Iterable[str]) -> str:
    """Return a set's canonical form: a JSON list of its names, sorted by code point, each once, without spaces."""
    return json.dumps(sorted(set(names)), ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=65536)  # tables hold few different sets, and ask for their names row by row
def members(label: str) -> tuple[str, ...]:
    """Return the names of a set in canonical form."""
    return tuple(json.loads(label))


def known(labels: Sequence[str | None]) -> np.ndarray:
    """Return which rows have a label, (rows,) bool."""
    return np.array([label is not None for label in labels], dtype=bool)


def _listed(text: str) -> list | None:
    """Return the items of a list as JSON or Python writes it (pandas does so into CSV); None if it is none."""
    for read in (json.loads, _printed):
        try:
            found = read(text)
            _spelled(found)  # of a number may be too long
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
        if isinstance(found, set):
            return sorted(found, key=str)  # its own order differs from run to run
        return list(found) if isinstance(found, list | tuple) else None
    return None


def _printed(text: str) -> object:
    """Return what Python printed.

    Raises:
        ValueError: two strings stand side by side, as NumPy prints an array: Python would read them as one.
        SyntaxError, MemoryError, RecursionError, TypeError: Python prints nothing like it.
    """
    found = ast.literal_eval(text)
    kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type != tokenize.NL]
    if (tokenize.STRING, tokenize.STRING) in pairwise(kinds):
        raise ValueError("strings side by side")
    return found


def _spelled(item: object) -> str:
    return json.dumps(item, default=str, skipkeys=True)
