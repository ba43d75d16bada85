"""What is fuzzed: one file for each family of readers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from winnow.base.errors import UserError


class LostError(AssertionError):
    """A row, or what it says, is gone without a word."""


@dataclass(frozen=True)
class Target:
    """A reader and inputs that it reads.

    Attributes:
        run: reads bytes in an empty folder. `UserError` is a right answer, as is `OSError` of a file; anything else
            that it raises is a defect.
        seeds: sound inputs, made here.
        tokens: what its format knows.
        packed: makes an input of changed bytes, where a checksum would refuse nearly all that are changed later.
    """

    run: Callable[[bytes, Path], None]
    seeds: Sequence[bytes]
    tokens: Sequence[bytes] = ()
    packed: Callable[[bytes], bytes] | None = None


def answered(run: Callable[[], object]) -> object | None:
    """Return what a call returns; None where it says what is wrong, in words that can be shown."""
    try:
        return run()
    except UserError as error:
        " ".join(str(error).split()).encode()
    except OSError as error:
        if error.errno is None or not isinstance(error.filename, str):
            raise
    return None


def expect(holds: bool, what: str) -> None:
    """Raise `LostError` unless something holds."""
    if not holds:
        raise LostError(what)
