"""The metric by which a kind of task judges a model."""

from typing import NamedTuple


class Headline(NamedTuple):
    """A metric's name in `metrics.values`, whether more of it is better, and what it is, for who does not know it."""

    name: str
    larger_is_better: bool
    meaning: str = ""

    @property
    def sign(self) -> int:
        """1 where more is better, else -1: of two values, the larger by it is the better."""
        return 1 if self.larger_is_better else -1
