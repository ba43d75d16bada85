"""How long a person takes to decide on a row."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from winnow.base.params import Section

LAST = 1000  # decisions: people get faster
LEAST_SECONDS = 1.0


class Pace(Section):
    """Section `find_issues.pace` of params.yaml: seconds for a decision, and the time to read the text."""

    seconds: float = Field(8.0, gt=0)
    """Beside reading."""

    words_per_minute: float = Field(200.0, gt=0)
    """Of reading."""

    min_decisions: int = Field(ge=2)
    """With a time, from which on both are estimated."""

    def of(self, words: float) -> float:
        """Return the expected seconds for a text of so many words."""
        return self.seconds + 60 * words / self.words_per_minute

    def measured(self, words: Sequence[int], seconds: Sequence[float]) -> "Pace":
        """Return the pace of decisions made, the last ones if there are many; this one, if they are too few.

        The time to read a word is the median slope between two decisions (Theil 1950, Sen 1968), the rest the median
        of what that leaves: a reviewer who went for coffee moves neither. Where time does not grow with length, words
        per minute stay as they are.
        """
        if len(seconds) < self.min_decisions:
            return self
        from scipy.stats import theilslopes

        length, took = np.array(words[-LAST:], dtype=float), np.array(seconds[-LAST:], dtype=float)
        slope = float(theilslopes(took, length).slope) if len(np.unique(length)) > 1 else 0.0
        per_minute = 60 / slope if slope > 0 else self.words_per_minute
        rest = float(np.median(took - 60 * length / per_minute))
        return self.model_copy(update={"seconds": max(rest, LEAST_SECONDS), "words_per_minute": per_minute})
