"""Dialogues as text: a prompt, with all turns before the answer, and an answer, in one form that reads back exactly.

The contract's `text` is the prompt side of a row, its `label` the response. A prompt of one user's turn is that turn's
content as it stands. Any other begins each turn with a line that names its role:

    <|system|>
    You are a librarian.
    <|user|>
    Which books are due?
    <|assistant|>
    <|calls|>
    [{"name":"due","arguments":{"member":7}}]
    <|tool {"name":"due"}|>
    ["Emma","Persuasion"]

`<|tools|>`, at the start, holds the tools that the assistant may call; `<|calls|>` stands in an assistant's turn,
behind its words, and holds its calls; both are JSON lists. A header may carry attributes as a JSON object. A line of
content that reads as a header gets a backslash before it, and one that has backslashes there already gets one more, so
that every dialogue of any text comes back as it was. A response is the body of an assistant's turn.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import regex

from winnow.base.errors import UserError

ROLES = ("system", "user", "assistant", "tool")
TOOLS, CALLS = "tools", "calls"
_NAMES = "|".join((*ROLES, TOOLS, CALLS))
_HEADER = regex.compile(rf"<\|(?P<name>{_NAMES})(?: (?P<attributes>\{{.*\}}))?\|>")
_ESCAPED = regex.compile(rf"^(\\*)(?=<\|(?:{_NAMES})(?: \{{.*\}})?\|>$)", regex.MULTILINE)
_UNESCAPED = regex.compile(rf"^\\(?=\\*<\|(?:{_NAMES})(?: \{{.*\}})?\|>$)", regex.MULTILINE)


@dataclass(frozen=True)
class Message:
    """One turn of a dialogue.

    Attributes:
        role: one of `ROLES`.
        content: its words; empty where an assistant only calls tools.
        calls: what an assistant calls, as JSON: a list of objects; empty: nothing.
        attributes: what else is known of the turn, by name: of a tool's, `name` and `id`.
    """

    role: str
    content: str
    calls: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dialogue:
    """The turns before a response, and the tools that it may call.

    Attributes:
        tools: as JSON, a list of objects; empty: none.
    """

    messages: Sequence[Message]
    tools: str = ""


def compact(value: object) -> str:
    """Return a value as JSON in one line, in its own order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parsed(text: str) -> object:
    """Return what a text of JSON says.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or spells half a surrogate pair, which no table holds.
    """
    try:
        found = json.loads(text)
        compact(found).encode()
    except RecursionError as error:
        raise ValueError(str(error)) from None
    return found


def written(dialogue: Dialogue) -> str:
    """Return a dialogue as text; `read` gives the same back."""
    only = dialogue.messages[0] if len(dialogue.messages) == 1 and not dialogue.tools else None
    if only and only.role == "user" and not only.attributes and not _ESCAPED.search(only.content):
        return only.content
    parts = [(_header(TOOLS), dialogue.tools)] if dialogue.tools else []
    parts += [(_header(turn.role, turn.attributes), response(turn.content, turn.calls)) for turn in dialogue.messages]
    return "\n".join(f"{header}\n{body}" for header, body in parts)


def read(text: str) -> Dialogue:
    """Return the dialogue that `written` made a text of; a text without a header is one user's turn.

    Raises:
        UserError: a header stands where none may, or its attributes are no JSON.
    """
    lines = text.split("\n")
    if not _HEADER.fullmatch(lines[0]):
        return Dialogue([Message("user", text)])
    tools, messages = "", []
    for header, attributes, body in _sections(lines):
        if header == TOOLS and not messages and not tools:
            tools = body
        elif header == CALLS and messages and messages[-1].role == "assistant" and not messages[-1].calls:
            last = messages[-1]
            messages[-1] = Message(last.role, last.content, body, last.attributes)
        elif header in ROLES:
            messages.append(Message(header, body, "", attributes))
        else:
            raise UserError(f"a dialogue's header <|{header}|> stands where none may")
    return Dialogue(messages, tools)


def lost_header(text: str) -> str:
    """Return the first line that would begin a turn in a text that is one user's turn for want of a header before it.

    Empty where there is none, or where the text begins with a header.
    """
    lines = text.split("\n")
    if _HEADER.fullmatch(lines[0]):
        return ""
    return next((line for line in lines if _HEADER.fullmatch(line)), "")


def is_tools(text: str) -> bool:
    """Return whether a text is tools as `Dialogue` holds them, a JSON list of objects."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and all(isinstance(tool, dict) for tool in found)


def response(content: str, calls: str = "") -> str:
    """Return an assistant's words and calls as text; `answered` gives both back."""
    body, called = (_ESCAPED.sub(r"\\\1", part) for part in (content, calls))  # broken calls may hold any line
    if not calls:
        return body
    return f"{body}\n{_header(CALLS)}\n{called}" if body else f"{_header(CALLS)}\n{called}"


def answered(text: str) -> tuple[str, str]:
    """Return the words and the calls of an assistant's turn, as `response` wrote them."""
    lines = text.split("\n")
    header = _header(CALLS)
    if header not in lines:
        return _UNESCAPED.sub("", text), ""
    place = lines.index(header)
    content, calls = (_UNESCAPED.sub("", "\n".join(part)) for part in (lines[:place], lines[place + 1 :]))
    return content, calls


def _header(name: str, attributes: Mapping[str, str] | None = None) -> str:
    return f"<|{name} {compact(dict(attributes))}|>" if attributes else f"<|{name}|>"


def _sections(lines: Iterable[str]) -> list[tuple[str, dict[str, str], str]]:
    found: list[tuple[str, dict[str, str], list[str]]] = []
    for line in lines:
        if header := _HEADER.fullmatch(line):
            found.append((header["name"], _attributes(header["attributes"]), []))
        else:
            found[-1][2].append(line)
    return [(name, attributes, _UNESCAPED.sub("", "\n".join(body))) for name, attributes, body in found]


def _attributes(text: str | None) -> dict[str, str]:
    try:
        return {} if text is None else {str(name): str(value) for name, value in parsed(text).items()}
    except ValueError:
        raise UserError(f"a dialogue's header has attributes that are no JSON: {text[:60]}") from None
