"""What the sources of models of every kind have in common."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import Field

from winnow.base.params import Section
from winnow.encoder import parts


@dataclass(frozen=True)
class Places:
    """Where a source may look and write."""

    scratch: Path  # a folder of this run
    local: Path  # the folder of local models
    known: Path  # the hashes of what came from hubs
    section: str  # of params.yaml, for messages


class Files(Protocol):
    """The files of a model, wherever they are."""

    where: str  # for messages

    def names(self) -> Collection[str]:
        """Return the names of the files at hand."""

    def copy(self, name: str, target: Path) -> None:
        """Write a file to `target`, or raise `UserError`."""


@dataclass(frozen=True)
class Form:
    """What a folder of a model is to be.

    Attributes:
        gather: puts the files of a model into an empty folder and returns the SHA-256 of its weights as they came.
        prove: loads the model as the stages do; takes the folder, and the model's place for messages.
        weights: name of the file of the weights as they came.
    """

    gather: Callable[[Files, Path], str]
    prove: Callable[[Path, str], None]
    weights: str = parts.WEIGHTS


class Source(Section):
    """What the sources of every kind have."""

    licence: str = Field(min_length=1)
    """The model's licence; what is built from the model states it. Read it before you change the model."""

    def fetch(self, into: Path, places: Places, form: Form) -> None:
        """Put the model into an empty folder.

        Raises:
            UserError: it is not there, is not what its pin says, or cannot be used.
        """
        raise NotImplementedError
