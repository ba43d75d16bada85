"""The label set of a task and the checks on it."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from pydantic import Field, field_validator

from winnow.base.errors import UserError
from winnow.base.params import Section

# Origins of labels that people stand for. Models train on them, and only they measure anything.
TRUSTED = ("given", "human")


class Task(Section):
    """Section `task` of params.yaml: single-label classification into a closed set."""

    kind: Literal["classification"]
    labels: list[str] = Field(min_length=2)

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
            raise ValueError("labels must be distinct and not blank")
        return labels

    def check(self, label: str, where: str) -> str:
        """Return `label`, or raise a `UserError` that begins with `where` if it is not of the set."""
        if label not in self.labels:
            raise UserError(f"{where}: label '{label}' is not one of params.yaml: task.labels ({self._names()})")
        return label

    def check_counts(self, labels: Iterable[str], at_least: int, where: str) -> Counter:
        """Return how often each label of the set occurs.

        Raises:
            UserError: there is no label, one class only, or a label with fewer than `at_least` rows.
        """
        counts = Counter(labels)
        if not counts:
            raise UserError(f"{where}: no row has a label; map a label column in params.yaml: collect.sources")
        present = [label for label in self.labels if counts[label]]
        if len(present) == 1:
            raise UserError(f"{where}: the only label is '{present[0]}'; a classifier needs at least two")
        for label in self.labels:
            if counts[label] < at_least:
                raise UserError(
                    f"{where}: label '{label}' has {counts[label]} row(s), fewer than {at_least}; add rows, map it to "
                    f"another label (label_map of its source) or take it out of task.labels"
                )
        return counts

    def _names(self) -> str:
        return ", ".join(self.labels)
