"""Turns of prompts and of responses: which parts of them are cleaned, searched for personal data, and read by people.

Cleaning leaves code between fences, calls, tools and what tools answered as they are; personal data is looked for in
all but the declarations of tools.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from winnow.base.errors import UserError
from winnow.kinds.generation import forms
from winnow.text import dialogue, fences
from winnow.text.cleaning.pieces import Pieces
from winnow.text.dialogue import Dialogue, Message


def prompt(text: str) -> Pieces:
    """Return what of a prompt is cleaned: the turns of the system, the user and the assistant, without fenced code."""
    turns = _read(text)
    parts = [[(False, turn.content)] if turn.role == "tool" else list(_parts(turn.content)) for turn in turns.messages]

    def joined(pieces: Sequence[str]) -> str:
        rest = iter(pieces)
        contents = ["".join(next(rest) if is_piece else part for is_piece, part in turn) for turn in parts]
        return _written(turns, contents)

    return _of(text, [part for turn in parts for is_piece, part in turn if is_piece], joined)


def response(label: str) -> Pieces:
    """Return what of a response is cleaned: its words, without fenced code."""
    content, calls = dialogue.answered(label)
    parts = list(_parts(content))

    def joined(pieces: Sequence[str]) -> str:
        rest = iter(pieces)
        return dialogue.response("".join(next(rest) if is_piece else part for is_piece, part in parts), calls)

    return _of(label, [part for is_piece, part in parts if is_piece], joined)


def whole_prompt(text: str) -> Pieces:
    """Return all that may hold personal data: the content of every turn, and what the assistant called."""
    turns = _read(text)
    found = [part for turn in turns.messages for part in (turn.content, turn.calls)]

    def joined(pieces: Sequence[str]) -> str:
        rest = iter(pieces)
        filled = [next(rest) if part.strip() else part for part in found]
        messages = [
            replace(turn, content=content, calls=calls)
            for turn, content, calls in zip(turns.messages, filled[::2], filled[1::2], strict=True)
        ]
        return dialogue.written(Dialogue(messages, turns.tools))

    return _of(text, [part for part in found if part.strip()], joined)


def whole_response(label: str) -> Pieces:
    """Return all of a response that may hold personal data."""
    found = dialogue.answered(label)

    def joined(pieces: Sequence[str]) -> str:
        rest = iter(pieces)
        return dialogue.response(*(next(rest) if part.strip() else part for part in found))

    return _of(label, [part for part in found if part.strip()], joined)


def said(text: str, label: str | None) -> tuple[str, str | None]:
    """Return the words of a prompt and of its response, as people read them: without headers, tools and calls.

    What a tool answered is no word of a person. A response of calls alone is the calls.
    """
    told = "\n\n".join(turn.content for turn in _read(text).messages if turn.role != "tool")
    if label is None:
        return told, None
    content, calls = dialogue.answered(label)
    return told, content if content.strip() else calls


def asked(text: str) -> str:
    """Return the words of the user's turns of a prompt."""
    return "\n\n".join(turn.content for turn in _read(text).messages if turn.role == "user")


def _read(text: str) -> Dialogue:
    try:
        return dialogue.read(text)
    except UserError:  # another text took its place (`clean.missing`), or it comes from elsewhere
        return Dialogue([Message("user", text)])


def _written(turns: Dialogue, contents: Sequence[str]) -> str:
    messages = [replace(turn, content=content) for turn, content in zip(turns.messages, contents, strict=True)]
    return dialogue.written(Dialogue(messages, turns.tools))


def _of(text: str, pieces: Sequence[str], joined) -> Pieces:
    """Return pieces of a text that is given back by the letter where none of them changed."""
    return Pieces(pieces, lambda new: text if list(new) == list(pieces) else joined(new))


def _parts(content: str) -> Iterator[tuple[bool, str]]:
    """Yield a turn's content in parts, and whether each is cleaned: not fenced code, and the line ends around it."""
    end, found = 0, list(fences.blocks(content))
    if not found:
        yield bool(content.strip()), content
        return
    for block in found:
        yield from _around(content[end : block.start])
        yield False, content[block.start : block.end]
        end = block.end
    yield from _around(content[end:])


def _around(text: str) -> Iterator[tuple[bool, str]]:
    """Yield what stands between fences: the line ends at its borders part the text from them."""
    body = text.strip("\r\n")
    if not body.strip():
        yield False, text
        return
    start = text.index(body)
    yield False, text[:start]
    yield True, body
    yield False, text[start + len(body) :]


def last_exchange(text: str, label: str | None) -> tuple[str, str]:
    """Return the words from the user's last turn on, and those of the response: what tells two rows apart.

    System prompts and earlier turns are shared by rows that are no copies of each other.
    """
    messages = _read(text).messages
    last = max((place for place, turn in enumerate(messages) if turn.role == "user"), default=0)
    asked = "\n\n".join(turn.content for turn in messages[last:])
    return asked, "" if label is None else "\n\n".join(filter(None, dialogue.answered(label)))


def prompt_form(text: str) -> str:
    """Return what is equal of prompts that say the same."""
    return forms.of(text)


def response_form(label: str) -> str:
    """Return what is equal of responses that say the same."""
    return forms.of_response(label)


class Described(NamedTuple):
    """What a row is like.

    Attributes:
        turns: before the response, but the system's.
        features: which of `system`, `tools`, `calls` and `code` it has.
        asked, said: the words of the user's last turn, and of the response.
    """

    turns: int
    features: list[str]
    asked: str
    said: str


def described(text: str, label: str | None) -> Described:
    """Return what a row is like, by which the diversity of dialogues is told."""
    found = _read(text)
    content, calls = ("", "") if label is None else dialogue.answered(label)
    features = {
        "system": any(turn.role == "system" for turn in found.messages),
        "tools": bool(found.tools),
        "calls": bool(calls) or any(turn.calls for turn in found.messages),
        "code": any(True for _ in fences.blocks(content)),
    }
    users = [turn.content for turn in found.messages if turn.role == "user"]
    turns = sum(turn.role != "system" for turn in found.messages)
    return Described(turns, [name for name, has in features.items() if has], users[-1] if users else "", content)
