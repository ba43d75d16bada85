"""Number: a label is a number as text, in a range; its class, where rows are counted by class, is the half of it."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import numpy as np

from winnow.base.errors import UserError
from winnow.kinds import task


class Task(task.Task):
    """Section `task` of params.yaml."""

    kind: Literal["number"]
    low: float
    high: float

    def check(self, label: str, where: str) -> str:
        """Return the number without needless digits, or raise a `UserError` that begins with `where`."""
        try:
            value = float(label)
        except ValueError:
            raise UserError(f"{where}: label '{label}' is no number") from None
        if not self.low <= value <= self.high:
            raise UserError(f"{where}: label '{label}' is not from {self.low:g} to {self.high:g}")
        return self.text(value)

    def text(self, value: float) -> str:
        """Return a number in the form of a label, brought into the range."""
        return f"{np.clip(value, self.low, self.high):.3g}"

    def numbers(self, labels: Iterable[str | None]) -> np.ndarray:
        """Return the labels' numbers, (rows,) float; nan where there is none."""
        return np.array([np.nan if label is None else float(label) for label in labels], dtype=float)

    def names(self, label: str) -> list[str]:
        """Return the half of the range in which the number lies."""
        return ["low" if float(label) < (self.low + self.high) / 2 else "high"]

    def check_counts(self, labels: Iterable[str], where: str) -> Counter:
        """Return the rows of each half."""
        return super().check_counts(labels, where)
