"""What the base encoder's sources of every kind have in common."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import Field

from winnow.base.params import Section


@dataclass(frozen=True)
class Places:
    """Where a source may look and write."""

    scratch: Path  # a folder of this run
    local: Path  # the folder of local models
    known: Path  # the hashes of what came from hubs


class Files(Protocol):
    """The files of a model, wherever they are."""

    where: str  # for messages

    def names(self) -> Collection[str]:
        """Return the names of the files at hand."""

    def copy(self, name: str, target: Path) -> None:
        """Write a file to `target`, or raise `UserError`."""


class Encoder(Section):
    """What the base encoder's sources of every kind have."""

    licence: str = Field(min_length=1)
    """The encoder's licence; what is built from the encoder states it. Read it before you change the encoder."""

    def fetch(self, into: Path, places: Places) -> None:
        """Put the encoder into an empty folder.

        Raises:
            UserError: it is not there, is not what its pin says, or cannot be used.
        """
        raise NotImplementedError
