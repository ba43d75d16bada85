"""Calls of tools in the form in which a chat template writes them, read back as a response tells them.

The form is not looked up by a model's name but learnt from the template: it writes two calls whose names and arguments
are known, and what stands around these is the form. Two are known: JSON objects or one list of them that hold name and
arguments (Hermes, Qwen, SmolLM: `<tool_call>{…}</tool_call>`; Llama: `{"name": …, "parameters": …}`; Mistral:
`[TOOL_CALLS] [{…}]`), and a name before the JSON of its arguments (newer ones of Mistral, DeepSeek). Calls that a
template has no words for stand as JSON in the last line, as `winnow.generator.template` writes them there.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import regex

from winnow.base.errors import UserError
from winnow.text import dialogue

NAMES = ("winnowing", "threshing")  # of the example's calls; no template holds them
ARGUMENTS = "arguments"
_DECODER = json.JSONDecoder()
_BEGINS = regex.compile(r"[{\[]")
_NAMED = regex.compile(r"[\w.-]+")

Call = dict[str, object]


@dataclass(frozen=True)
class Form:
    """How calls are written.

    Attributes:
        opening, between, closing: what stands before the first call, between two and behind the last; `between` is None
            where a template writes one call alone, or all of them as one list.
        keys: of name and arguments in a call's object; None: the name stands before the object, which is the arguments.
        middle: what then stands between both.
    """

    opening: str
    between: str | None
    closing: str
    keys: tuple[str, str] | None
    middle: str = ""

    def read(self, text: str) -> tuple[str, list[Call]] | None:
        """Return the words before the calls of a text, and these; None where it has none in this form."""
        opening = _pattern(self.opening)
        if not self.opening.strip():
            calls = self._calls(text, 0)
            return None if calls is None else ("", calls)
        for match in opening.finditer(text):
            calls = self._calls(text, match.end())
            if calls is not None:
                return text[: match.start()].strip(), calls
        return None

    def _calls(self, text: str, place: int) -> list[Call] | None:
        """Return the calls that stand from a place on; None unless all that stands there is calls."""
        found: list[Call] = []
        while True:
            read = self._call(text, place)
            if read is None:
                return None
            calls, place = read
            found += calls
            if self.between is not None and (match := _pattern(self.between).match(text, place)):
                place = match.end()
                continue
            match = _pattern(self.closing).match(text, place)
            is_whole = match is not None and not text[match.end() :].strip()
            return found if is_whole and found else None

    def _call(self, text: str, place: int) -> tuple[list[Call], int] | None:
        place += len(text[place:]) - len(text[place:].lstrip())
        if self.keys:
            value, end = _json(text, place)
            calls = [_told(each, self.keys) for each in (value if isinstance(value, list) else [value])]
            return None if None in calls else (calls, end)
        name = _NAMED.match(text, place)
        middle = _pattern(self.middle).match(text, name.end()) if name else None
        if middle is None:
            return None
        value, end = _json(text, middle.end())
        return ([{"name": name[0], ARGUMENTS: value}], end) if isinstance(value, dict) else None


@dataclass(frozen=True)
class Plain:
    """Calls as JSON in the last line of a text."""

    def read(self, text: str) -> tuple[str, list[Call]] | None:
        """Return the words before the calls of a text, and these; None where it has none."""
        content, _, last = text.rstrip().rpartition("\n")
        value, end = _json(last, 0)
        if not isinstance(value, list) or not value or last[end:].strip():
            return None
        calls = [_told(each, ("name", ARGUMENTS)) for each in value]
        return None if None in calls else (content.strip(), calls)


def learnt(write: Callable[[Sequence[Call]], str]) -> Form | None:
    """Return the form in which a template writes calls; None where it is none that is known.

    Args:
        write: returns what a model writes that calls some tools; raises `UserError` where the template refuses.
    """
    calls = [{"name": name, ARGUMENTS: {name: number, "of": [name]}} for number, name in enumerate(NAMES)]
    for count in (2, 1):  # some templates write one call alone
        try:
            text = write(calls[:count])
        except UserError:
            continue
        for form in _forms(text, calls[:count]):
            if form.read(text) == ("", calls[:count]):
                return form
    return None


def response(form: Form | Plain | None, text: str) -> str | None:
    """Return what a model wrote as a response with its calls; None where it calls nothing in this form.

    Calls that cannot be told as text are none: JSON may spell half a surrogate pair, which no table holds.
    """
    found = form.read(text) if form else None
    if found is None:
        return None
    try:
        told = dialogue.response(found[0], dialogue.compact(found[1]))
        told.encode()
    except (UnicodeEncodeError, RecursionError):
        return None
    return told


def _forms(text: str, calls: Sequence[Call]) -> Iterator[Form]:
    """Yield the forms in which a text may hold calls that are known."""
    for start, end, value in _values(text):
        each = value if isinstance(value, list) else [value]
        if len(each) not in (1, len(calls)):
            continue
        if not (keys := _keys(each[0], calls[0])):
            continue
        if len(each) == len(calls):
            yield Form(text[:start], None, text[end:], keys)
        elif other := next(((s, e) for s, e, v in _values(text, end) if _keys(v, calls[1]) == keys), None):
            yield Form(text[:start], text[end : other[0]], text[other[1] :], keys)
    ends = []
    for call in calls:
        place = text.find(call["name"], ends[-1][1] if ends else 0)
        found = next(((s, e) for s, e, v in _values(text, max(place, 0)) if v == call[ARGUMENTS]), None)
        if place < 0 or found is None:
            return
        ends.append((place, found[1], text[place + len(call["name"]) : found[0]]))
    between = text[ends[0][1] : ends[1][0]] if len(ends) > 1 else None
    yield Form(text[: ends[0][0]], between, text[ends[-1][1] :], None, ends[0][2])


def _values(text: str, place: int = 0) -> Iterator[tuple[int, int, object]]:
    """Yield the outermost values of JSON, objects and lists, with start and end."""
    while match := _BEGINS.search(text, place):
        value, place = _json(text, match.start())
        if value is None:
            place = match.end()
        else:
            yield match.start(), place, value


def _json(text: str, place: int) -> tuple[object, int]:
    """Return the object or list that begins at a place, and its end; None where there is none."""
    place += len(text[place:]) - len(text[place:].lstrip())
    try:
        value, end = _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None, place
    return (value, end) if isinstance(value, dict | list) else (None, place)


def _keys(value: object, call: Call) -> tuple[str, str] | None:
    """Return the keys under which an object holds a call's name and arguments."""
    own = _function(value)
    names = [key for key, each in own.items() if each == call["name"]]
    arguments = [key for key, each in own.items() if _object(each) == call[ARGUMENTS]]
    return (names[0], arguments[0]) if names and arguments else None


def _told(value: object, keys: tuple[str, str]) -> Call | None:
    """Return an object's call; its id is left out, which a model cannot know."""
    own = _function(value)
    name, arguments = own.get(keys[0]), _object(own.get(keys[1]))
    return {"name": name, ARGUMENTS: arguments} if isinstance(name, str) and arguments is not None else None


def _function(value: object) -> dict:
    own = value.get("function") if isinstance(value, dict) else None
    return own if isinstance(own, dict) else value if isinstance(value, dict) else {}


def _object(value: object) -> dict | None:
    """Return arguments, which some templates write as JSON within a text."""
    if isinstance(value, str):
        value, _ = _json(value, 0)
    return value if isinstance(value, dict) else None


def _pattern(text: str) -> "regex.Pattern":
    """Return a pattern of a text in which white space may be any, or none."""
    return regex.compile(r"\s*" + r"\s*".join(map(regex.escape, text.split())) + (r"\s*" if text.split() else ""))
