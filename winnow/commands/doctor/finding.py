"""What a check of the doctor says."""

from dataclasses import dataclass
from typing import Literal

GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: what it is of, in a word.
        level: `fail` would break a run, `warn` may cost time or trouble.
        says: in a sentence.
        mend: what to do about it, in one line; empty where nothing is to be done.
    """

    area: str
    level: Literal["ok", "warn", "fail"]
    says: str
    mend: str = ""


def gib(size: float) -> str:
    """Return bytes as people read them."""
    return f"{size / GIB:.1f} GiB"
