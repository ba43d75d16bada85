"""The metric by which a kind of task judges a model."""

from typing import NamedTuple


class Headline(NamedTuple):
    """A metric by which models are judged.

    Attributes:
        name: in `metrics.values`.
        larger_is_better: whether more of it is better.
        meaning: what it is, for who does not know it.
        is_share: whether it lies between 0 and 1, so that changes are told in points, a hundredth each; so do the other
            metrics of `WORDS`.
    """

    name: str
    larger_is_better: bool
    meaning: str = ""
    is_share: bool = True

    @property
    def sign(self) -> int:
        """1 where more is better, else -1: of two values, the larger by it is the better."""
        return 1 if self.larger_is_better else -1

    def gain(self, words: str) -> str:
        """Return what to call a gain, a change that is above zero where it is for the better.

        Args:
            words: what people are told of the metric.
        """
        return words if self.larger_is_better else f"gain in {words}"
