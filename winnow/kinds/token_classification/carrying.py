"""Spans through a rule of cleaning: where the text of each stands after the rule.

A rule may delete, replace and move what it likes. Its input and its output alone do not tell which of two equal words
it took away. So the rule is asked again, about the same text with a word in each span's place that occurs nowhere else.
If the rule's output is the same but for these words, they stand where the spans' texts went, and what is left out is
gone. Where a rule's work depends on what stands in the spans, they are asked about in halves, in the end one by one; a
span that even so gives another output is placed by the shortest edit script (Levenshtein's). So are those that are left
once the rule was asked about `MOST_ASKED` characters: of a long text that it rewrites as a whole, each span would cost
the whole text again.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from operator import attrgetter

from rapidfuzz.distance import Levenshtein, Opcode

from winnow.kinds.task import Change
from winnow.kinds.token_classification.span import Span, trimmed

# The words begin and end with a letter that no combining mark changes: no character of Unicode is a q with a mark.
STEM, END, LETTERS = "qxz", "q", "bcdfghjklmnpqrstvwxyz"
MOST_ASKED = 2_000_000  # characters of one row; a row of a few hundred words and some dozen spans needs less
MOST_TRIED = 8  # stems, and letters in a span's own shape, until one occurs nowhere


def moved(change: Change, found: Sequence[Span]) -> list[Span | None]:
    """Return each span as it is after a rule changed the text; None where its text is gone.

    White space at a span's borders goes.

    Args:
        found: spans of the text before, sorted, of which no two overlap.
    """
    places = _places(change._replace(rule=_Asked(change.rule)), found)
    kept = [place and trimmed((*place, span[2]), change.after) for place, span in zip(places, found, strict=True)]
    end: int = 0
    for number in sorted((n for n, span in enumerate(kept) if span), key=lambda n: kept[n]):
        if kept[number][0] < end:  # two spans became one character
            kept[number] = None
        else:
            end = kept[number][1]
    return kept


class _Asked:
    """A rule, and how many characters it may be asked about yet."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        self._rule, self.left = rule, MOST_ASKED

    def __call__(self, text: str) -> str:
        self.left -= len(text)
        return self._rule(text)


def _places(change: Change, found: Sequence[Span]) -> list[tuple[int, int] | None]:
    if not found:
        return []
    if change.rule.left < 0:
        return [_aligned(change, span) for span in found]
    places = _together(change, found)
    if places is not None:
        return places
    if len(found) == 1:
        return [_alone(change, found[0])]
    half = len(found) // 2
    return [*_places(change, found[:half]), *_places(change, found[half:])]


def _together(change: Change, found: Sequence[Span]) -> list[tuple[int, int] | None] | None:
    """Return where spans are whose texts a rule leaves as they are, or changes by themselves; None: it does not."""
    before, after, rule = change
    words = _words(before, found)
    if not words:
        return None
    probe = rule(_with(before, found, words))
    met = list(re.finditer("|".join(words), probe))
    number_of = {word: number for number, word in enumerate(words)}
    order = [number_of[match[0]] for match in met]
    if len(set(order)) < len(order):
        return None
    own = [before[start:end] for start, end, _ in found]
    for texts in (own, [rule(text) for text in own]):
        places: list[tuple[int, int] | None] = [None] * len(found)
        grown = 0  # how much longer the text is than the probe, so far
        for number, match in zip(order, met, strict=True):
            start = match.start() + grown
            places[number] = start, start + len(texts[number])
            grown += len(texts[number]) - len(match[0])
        marks = [(match.start(), match.end(), "") for match in met]
        if _with(probe, marks, [texts[number] for number in order]) == after:
            return places
    return None


def _alone(change: Change, span: Span) -> tuple[int, int] | None:
    before, after, rule = change
    start, end, _ = span
    for word in _stand_ins(before, span):
        probe = rule(f"{before[:start]}{word}{before[end:]}")
        if word not in probe:
            if probe == after:
                return None
            continue
        left, _, right = probe.partition(word)
        is_whole = word not in right and len(left) + len(right) <= len(after)
        if is_whole and after.startswith(left) and after.endswith(right):
            return _narrowed(after, (len(left), len(after) - len(right)), rule(before[start:end]))
    return _aligned(change, span)


def _narrowed(text: str, place: tuple[int, int], own: str) -> tuple[int, int]:
    """Return where a span's own text stands in a place that may be too wide: around another word a rule keeps less."""
    inside = text[place[0] : place[1]]
    if not own.strip() or inside.count(own) != 1:
        return place
    start = place[0] + inside.index(own)
    return start, start + len(own)


def _aligned(change: Change, span: Span) -> tuple[int, int] | None:
    """Return where a span is by the shortest edit script; None if it leaves no character of it."""
    before, after, rule = change
    start, end, _ = span
    places, is_kept = [], False
    script = _script(before, after)
    for part in islice(script, bisect_right(script, start, key=attrgetter("src_end")), None):
        if part.src_start >= end:
            break
        first, last = max(start, part.src_start), min(end, part.src_end)
        if first < last and part.tag in ("equal", "replace"):
            shift = part.dest_start - part.src_start
            places += [first + shift, last + shift]
            is_kept = is_kept or (part.tag == "equal" and any(map(str.isalnum, before[first:last])))
    if not places:
        return None
    own = rule(before[start:end]).strip()
    return (places[0], places[-1]) if is_kept or after[places[0] : places[-1]].strip() == own else None


@lru_cache(maxsize=1)  # of all the spans of a text
def _script(before: str, after: str) -> list[Opcode]:
    return list(Levenshtein.opcodes(before, after))


def _words(text: str, found: Sequence[Span]) -> list[str]:
    """Return a word for each span that occurs nowhere in a text, with a capital where the span has one.

    All are equally long. There are none if the text holds even the strangest.
    """
    lower = text.lower()
    stem = next((stem for n in range(MOST_TRIED) if (stem := STEM + "x" * n) not in lower), None)
    if stem is None:
        return []
    width = 1
    while len(LETTERS) ** width < len(found):
        width += 1
    words = []
    for number, (start, _, _) in enumerate(found):
        code = ""
        for _ in range(width):
            number, rest = divmod(number, len(LETTERS))
            code += LETTERS[rest]
        word = f"{stem}{code}{END}"
        words.append(word.capitalize() if text[start].isupper() else word)
    return words


def _stand_ins(text: str, span: Span) -> Iterator[str]:
    """Yield texts that may stand in a span's place and occur nowhere: a word, digits, what has the span's own shape."""
    start, end, _ = span
    own = text[start:end]
    yield from _words(text, [span])
    for letter, digit in zip(LETTERS[::-1][:MOST_TRIED], "98765432", strict=True):
        shape = re.sub("[A-Z]", letter.upper(), re.sub("[a-z]", letter, re.sub("[0-9]", digit, own)))
        if shape not in text:
            yield shape
            break


def _with(text: str, found: Sequence[Span], words: Sequence[str]) -> str:
    """Return a text with words in the spans' places."""
    parts, position = [], 0
    for (start, end, _), word in zip(found, words, strict=True):
        parts += [text[position:start], word]
        position = end
    return "".join([*parts, text[position:]])
