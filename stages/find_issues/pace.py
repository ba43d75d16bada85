"""How long a person takes to decide on a row.

Reading is counted in words; characters of scripts without spaces count for parts of one. Adults who read the
International Reading Speed Texts aloud (Trauzettel-Klosinski & Dietz 2012, Invest. Ophthalmol. Vis. Sci. 53(9):5452,
doi:10.1167/iovs.11-8284; means and standard deviations) read 228 (30) words a minute of English and 255 (29) characters
of Chinese: a Han character is 0.9 of a word. Of Japanese they read 357 (56) characters, of which about a third, as we
take it, are Han: a Hiragana is 0.6. In 14 languages of alphabets a character takes 68 ms, a quarter of an English word;
with its marks a letter of Thai, Lao, Khmer or Burmese, which are none of the 17 languages, is taken for a third. Silent
reading is faster (238 words, Brysbaert 2019, doi:10.1016/j.jml.2019.104047), which the parameter tells.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import regex
from pydantic import Field

from winnow.base.params import Section
from winnow.text import sketch
from winnow.text.words import words

LAST = 1000  # decisions: people get faster
LEAST_SECONDS = 1.0
PARTS_OF_A_WORD = {r"\p{Ideographic}": 0.9, r"\p{Script=Hiragana}": 0.6, r"\p{Line_Break=SA}": 1 / 3}
_PARTS = [(regex.compile(characters), part) for characters, part in PARTS_OF_A_WORD.items()]
# Texts in which no word is a part of one, as they are and as they are folded.
_WHOLE_WORDS = regex.compile(r"[\p{ASCII}\p{Latin}\p{Greek}\p{Cyrillic}\p{Sm}\u00a0-\u00bf\u2010-\u205e]*")


def lengths(texts: Sequence[str]) -> list[float]:
    """Return the `length` of each text, most of them counted by a compiled loop."""
    counts = np.diff(sketch.words(pa.array(texts, pa.large_string())).offsets).tolist()
    return [count if _WHOLE_WORDS.fullmatch(text) else length(text) for count, text in zip(counts, texts, strict=True)]


def length(text: str) -> float:
    """Return how many words a text takes as long to read as."""
    found = words(text)
    if text.isascii():
        return len(found)
    return len(found) - sum((1 - part) * sum(map(bool, map(one.match, found))) for one, part in _PARTS)


class Pace(Section):
    """Section `find_issues.pace` of params.yaml: seconds for a decision, and the time to read the text."""

    seconds: float = Field(8.0, gt=0)
    """Seconds that a decision takes beside reading."""

    words_per_minute: float = Field(200.0, gt=0)
    """Words read in a minute. A character of a script without spaces is a part of a word
    (`stages/find_issues/pace.py`)."""

    min_decisions: int = Field(ge=2)
    """From so many decisions with a time on, both are estimated from them."""

    def of(self, words: float) -> float:
        """Return the expected seconds for a text of so many words."""
        return self.seconds + 60 * words / self.words_per_minute

    def measured(self, words: Sequence[float], seconds: Sequence[float]) -> "Pace":
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
