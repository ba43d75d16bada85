"""A label is a number as text."""

from typing import Literal

from winnow.base.errors import UserError
from winnow.kinds import task


class Task(task.Task):
    kind: Literal["number"]

    def check(self, label: str, where: str) -> str:
        try:
            return f"{float(label):g}"
        except ValueError:
            raise UserError(f"{where}: label '{label}' is no number") from None

    def names(self, label: str) -> list[str]:
        return ["number"]
