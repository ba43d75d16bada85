"""What labelling rules of every kind have in common: a name, and a vote on each row, a label or nothing."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from winnow.base.params import Section
from winnow.kinds.task import Task

# What a rule sees of a row: the columns of the data contract without those on its label; meta is a dict.
Row = dict
# The column, or the key of meta, that a rule reads.
FieldName = Annotated[str, Field(pattern=r"^(text|meta\..+)$")]


@dataclass
class Voter:
    """A rule at work.

    Attributes:
        vote: maps a batch of rows to the label that the rule gives each; None where it abstains.
        counts: further figures on the rule, complete when it has seen all rows.
    """

    vote: Callable[[list[Row]], list[str | None]]
    counts: Counter = field(default_factory=Counter)


class Rule(Section):
    """What rules of every kind have."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    """The rule's name, in votes and in every report."""

    # The origin of its labels: `rule` where people wrote down what to look for, `model` where they are predicted.
    origin: ClassVar[Literal["rule", "model"]] = "rule"
    # Whether it may read any column; `id`, `text` and `meta` are enough for most.
    whole_row: ClassVar[bool] = False

    @property
    def where(self) -> str:
        """Return how messages name the rule."""
        return f"params.yaml: annotate.rules '{self.name}'"

    def gives(self, task: Task) -> list[str]:
        """Return the labels that the rule is known to give: all of a closed set where it does not say which.

        Raises:
            UserError: one of them is not of the task.
        """
        return task.vocabulary(())

    def fields(self) -> set[str]:
        """Return the fields that the rule is known to read."""
        return set()

    def voter(self, files: Path, task: Task) -> Voter:
        """Return the rule at work.

        Args:
            files: the folder of what rules read: code, models, recorded answers.

        Raises:
            UserError: what the rule reads is missing or wrong; so may `Voter.vote`.
        """
        raise NotImplementedError

    def reason(self, row: Row) -> str:
        """Return why the rule gave a row its label, in words for a curator."""
        return f"label set by rule {self.name}"


def read_field(row: Row, name: str) -> str:
    """Return what a rule reads of a row; empty where the row lacks it."""
    return row["text"] if name == "text" else row["meta"].get(name.removeprefix("meta."), "")


def only(labels: Iterable[str]) -> str | None:
    """Return the one label; None where there is none, or more than one: a rule that contradicts itself says nothing."""
    found = list(labels)
    return found[0] if len(found) == 1 else None
