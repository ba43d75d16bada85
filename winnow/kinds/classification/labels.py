"""Classification: a label is the name of one class of a closed set."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from winnow.base.errors import UserError
from winnow.kinds import task

UNSUITED = ("Cc", "Zl", "Zp")  # Unicode categories: controls, line and paragraph separators
SHOWN = 20  # labels that a message names


class Task(task.Task):
    """Section `task` of params.yaml; the order of the labels is the order of a model's outputs."""

    kind: Literal["classification"]
    """Each row has one label of a closed set."""

    labels: list[str] = Field(min_length=2)
    """The set. Its order is the order of a model's outputs."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
            raise ValueError("labels must be distinct and not blank")
        if spaced := [label for label in labels if label != label.strip()]:
            raise ValueError(f"label {task.spelled(spaced[0])} has space around it; take it away")
        first: dict[str, str] = {}
        for label in labels:
            if (other := first.setdefault(task.bare(label), label)) != label:
                raise ValueError(
                    f"labels {task.spelled(other)} and {task.spelled(label)} differ in case, space or Unicode form "
                    f"alone; take one out and map it to the other (label_map of the source), or rename one"
                )
        if unsuited := [label for label in labels if any(unicodedata.category(sign) in UNSUITED for sign in label)]:
            raise ValueError(
                f"label {unsuited[0]!r}: a label is one line without control characters; map it to another"
            )
        return labels

    def told(self) -> str:
        """Return what a model of the task is, in words."""
        return f"a text classifier into {', '.join(self.labels)}"

    def check(self, label: str, where: str) -> str:
        """Return `label`, or raise a `UserError` that begins with `where` if it is not of the set."""
        if label not in self._places:
            more = f" and {len(self.labels) - SHOWN} more" if len(self.labels) > SHOWN else ""
            names = ", ".join(self.labels[:SHOWN]) + more
            raise UserError(f"{where}: label '{label}' is not one of params.yaml: task.labels ({names})")
        return label

    def indices(self, labels: Iterable[str | None]) -> np.ndarray:
        """Return each label's place in the set, (rows,) int; -1 where there is none."""
        places: dict[str | None, int] = {None: -1} | self._places
        return np.array([places[label] for label in labels], dtype=int)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: place for place, label in enumerate(self.labels)}

    def parse(self, answer: str) -> str | None:
        """Return the label that an answer is, whatever its case; None for an answer that is anything else."""
        said = answer.strip(task.AROUND).casefold()
        if not said:
            return None
        return next((label for label in self.labels if label.casefold().strip(task.AROUND) == said), None)

    def names(self, label: str) -> list[str]:
        """Return the label itself."""
        return [label]

    def classes(self, labels: Iterable[str]) -> list[str]:
        """Return all labels of the task."""
        return self.labels

    def vocabulary(self, labels: Iterable[str]) -> list[str]:
        """Return all labels of the task."""
        return self.labels

    def check_counts(self, labels: Iterable[str], where: str) -> Counter:
        """Return how often each label of the set occurs.

        Raises:
            UserError: there is no label, or one class only.
        """
        counts = super().check_counts(labels, where)
        present = [label for label in self.labels if counts[label]]
        if len(present) == 1:
            raise UserError(f"{where}: the only label is '{present[0]}'; a classifier needs at least two")
        return counts
