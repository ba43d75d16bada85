"""What labelling rules of every kind have in common: a name, and a vote on each row, a label or nothing."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.base.files import sha256
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
    # Parameters that change no vote.
    idle: ClassVar[tuple[str, ...]] = ("name",)
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

    def fingerprint(self, files: Path, recorded: Collection[str]) -> str:
        """Return a hash of all that makes the rule's votes, apart from the rows: its parameters and what it reads.

        Args:
            files: the folder of what rules read.
            recorded: names of files there that hold recorded answers: more rows give more of these.
        """
        values = self.model_dump(mode="json", exclude=set(self.idle))
        return hashing.digest(json.dumps(values, sort_keys=True), *self.reads(files, recorded))

    def reads(self, files: Path, recorded: Collection[str]) -> Iterator[str]:
        """Yield the names and hashes of the files that make the rule's votes; see `fingerprint`."""
        yield from ()

    def records(self, files: Path) -> Iterator[Path]:
        """Yield the files that hold the rule's recorded answers."""
        yield from ()

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


def inside(files: Path, name: str, where: str) -> Path:
    """Return the path of what a rule reads below the folder of rules, which alone the stage depends on.

    Raises:
        UserError: the name leads out of the folder, by `..`, as an absolute path or through a link.
    """
    path = files / name
    if ".." in path.parts or not path.resolve().is_relative_to(files.resolve()):
        raise UserError(f"{where}: '{name}' leads out of {files}/, where DVC does not see it change; move it there")
    return path


def hashes(folder: Path) -> Iterator[str]:
    """Yield the name and the hash of each file of a folder, sorted by name; of none that Python or DVC put there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".dvc" and path.name != ".gitignore":
            yield f"{path.relative_to(folder).as_posix()} {sha256(path)}"


def only(labels: Iterable[str]) -> str | None:
    """Return the one label; None where there is none, or more than one: a rule that contradicts itself says nothing."""
    found = list(labels)
    return found[0] if len(found) == 1 else None
