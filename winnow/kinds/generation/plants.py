"""Wrong responses made of right ones: what errors in pairs of prompt and response look like.

Five sorts: the response to another prompt (`swap`), a cut ending (`cut`), a changed number or name (`fact`), the prompt
in the response's place (`echo`), words that answer any prompt (`boilerplate`). Each is made in three ways, from the
easiest to find to the hardest (`winnow.kinds.evidence.Noise`): `uniform`, any other response, most of an ending or all
facts; `class`, something between; `instance`, the response to the nearest prompt, the last few words, one digit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

import regex

from winnow.kinds.evidence import Noise
from winnow.kinds.generation.signs import facts
from winnow.text import dialogue

SORTS = ("swap", "cut", "fact", "echo", "boilerplate")
PHRASES = (
    "As an AI language model, I do not have personal opinions or access to this information.",
    "I'm sorry, but I can't help with that request.",
    "Thank you for your question! There are many factors to consider, and it depends on the situation.",
    "This is an important topic that deserves careful thought. Please consult a professional for advice.",
    "Sure! Here is the answer you asked for. Let me know if you have any other questions.",
    "I hope this helps! Feel free to ask if you need anything else.",
)
# The share of a response's words that is left, by the way: from, to.
LEFT: Mapping[Noise, tuple[float, float]] = MappingProxyType(
    {"uniform": (0.2, 0.6), "class": (0.4, 0.8), "instance": (0.7, 0.95)}
)
_SENTENCE = regex.compile(r".+?(?:[.!?。！？](?=\s|$)|\n|$)", regex.DOTALL)
_SPACE = regex.compile(r"\s+")


@dataclass(frozen=True)
class Row:
    """A right pair, and what surrounds it, from which errors are made.

    Attributes:
        near: responses to the nearest prompts, nearest first.
        far: responses to any prompts.
        phrases: words that answer any prompt.
    """

    prompt: str
    response: str
    near: Sequence[str]
    far: Sequence[str]
    phrases: Sequence[str] = PHRASES


@dataclass(frozen=True)
class Planted:
    """A wrong response, its sort and the way in which it was made."""

    response: str
    sort: str
    way: Noise


def plant(row: Row, way: Noise, draw: Random) -> Planted | None:
    """Return a wrong response in the place of a right one, of a sort that is drawn; None where none can be made."""
    sorts = draw.sample(SORTS, len(SORTS))
    for sort in sorts:
        made = of_sort(sort, row, way, draw)
        if made is not None:
            return Planted(made, sort, way)
    return None


def of_sort(sort: str, row: Row, way: Noise, draw: Random) -> str | None:
    """Return a wrong response of one sort; None where it cannot be made, or says what the right one does."""
    made = _MAKERS[sort](row, way, draw)
    if made is None or not made.strip() or made.split() == row.response.split():
        return None
    return made


def _swap(row: Row, way: Noise, draw: Random) -> str | None:
    others = row.far if way == "uniform" else row.near[:1] if way == "instance" else row.near[1:]
    others = [other for other in others or row.near if other.split() != row.response.split()]
    return draw.choice(others) if others else None


def _cut(row: Row, way: Noise, draw: Random) -> str | None:
    response = row.response
    spaces = [match.start() for match in _SPACE.finditer(response.rstrip()) if response[: match.start()].strip()]
    if len(spaces) < 2:
        return None
    low, high = LEFT[way]
    place = round(draw.uniform(low, high) * len(spaces))
    return response[: spaces[min(max(place, 1), len(spaces)) - 1]]


def _fact(row: Row, way: Noise, draw: Random) -> str | None:
    response = row.response
    places = facts.facts(response)
    if not places:
        return None
    chosen = places if way == "uniform" else [draw.choice(places)]
    changed = response
    for start, end in reversed(chosen):
        fact = response[start:end]
        other = _other_number(fact, way, draw) if facts.is_number(fact) else _other_name(row, draw)
        if other is not None:
            changed = changed[:start] + other + changed[end:]
    return changed


def _other_number(number: str, way: Noise, draw: Random) -> str:
    """Return a number of as many digits: all others, or all but one the same."""
    places = [place for place, sign in enumerate(number) if sign.isdecimal()]
    changed = list(number)
    for place in [draw.choice(places)] if way == "instance" else places:
        first = place == places[0]
        changed[place] = draw.choice([digit for digit in "0123456789"[first:] if digit != number[place]])
    return "".join(changed)


def _other_name(row: Row, draw: Random) -> str | None:
    """Return a name of another response, of a near prompt if there is one, that this response has not."""
    for others in (row.near, row.far):
        names = {other[start:end] for other in others for start, end in facts.facts(other)}
        names = sorted(other for other in names if not facts.is_number(other) and other not in row.response)
        if names:
            return draw.choice(names)
    return None


def _echo(row: Row, way: Noise, draw: Random) -> str | None:
    asked = dialogue.read(row.prompt).messages
    text = asked[-1].content if asked else row.prompt
    if way == "uniform":
        return text
    sentences = [match[0].strip() for match in _SENTENCE.finditer(text) if match[0].strip()]
    if not sentences:
        return None
    return f"{sentences[0]} {row.response}" if way == "class" else draw.choice(sentences)


def _boilerplate(row: Row, way: Noise, draw: Random) -> str | None:
    phrase = draw.choice(list(row.phrases))
    if way == "uniform":
        return phrase
    sentences = [match[0].strip() for match in _SENTENCE.finditer(row.response) if match[0].strip()]
    words = sentences[0].split()
    kept = sentences[0] if way == "instance" else " ".join(words[: max(len(words) // 2, 1)])
    return f"{kept} {phrase}" if len(sentences) > 1 or way == "class" else f"{phrase} {row.response}"


_MAKERS: dict[str, Callable[[Row, Noise, Random], str | None]] = {
    "swap": _swap,
    "cut": _cut,
    "fact": _fact,
    "echo": _echo,
    "boilerplate": _boilerplate,
}
