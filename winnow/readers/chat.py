"""Chats and instructions: rows of prompts and responses from the forms in which they are kept.

Files are JSON Lines, one JSON array, or Parquet, told apart by their first bytes. A conversation gives a row for its
assistant's last turn, or for each: `prompt` is all that stands before (`winnow.text.dialogue`), `response` the turn.
Lines of a turn end as in Unix, whatever system wrote them.
"""

import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import IO, Literal

import regex
from pydantic import Field

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.readers import (
    BLOCK_ROWS,
    UTF_8,
    Record,
    check_columns,
    check_once,
    json_array,
    jsonl,
    lines,
    listed,
    parquet,
)
from winnow.readers.values import as_list, as_text
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

FIELDS = ("prompt", "response", "conversation", "key", "turn")
HEAD = 100  # objects of a file of JSON that are looked at for the names of its columns
MAGIC = b"PAR1"  # how Parquet begins
Shape = Literal["messages", "sharegpt", "alpaca", "pairs", "chatml"]
Part = Literal["turns", "tools", "system", "prompt", "input", "response", "history"]
Targets = Literal["last", "all"]
# The usual names of each shape's columns; the first part is needed. Where no shape is told, it is the first whose
# first part and response are there; ChatML's column has a name that says nothing.
USUAL: dict[Shape, dict[Part, tuple[str, ...]]] = {
    "messages": {"turns": ("messages",), "tools": ("tools",), "system": ("system", "system_prompt")},
    "sharegpt": {
        "turns": ("conversations", "conversation"),
        "tools": ("tools",),
        "system": ("system", "system_prompt"),
    },
    "alpaca": {
        "prompt": ("instruction",),
        "input": ("input", "context"),
        "response": ("output", "response"),
        "system": ("system", "system_prompt"),
        "history": ("history",),
    },
    "pairs": {
        "prompt": ("prompt", "question"),
        "response": ("completion", "response", "answer"),
        "tools": ("tools",),
        "system": ("system", "system_prompt"),
    },
    "chatml": {"turns": ("text", "chatml"), "tools": ("tools",)},
}
FUNCTION_CALL = "function_call"
ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    FUNCTION_CALL: "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
}
# Of a turn, the keys that are read; `weight` and the like say nothing of its text.
READ = {"role", "content", "tool_calls", FUNCTION_CALL, "name", "tool_call_id", "from", "value"}
LEFT = {"reasoning_content", "reasoning", "thinking", "refusal", "audio", "images"}
_TURN = regex.compile(r"<\|im_start\|>(?P<role>[^\n]*)\n(?P<content>.*?)(?:<\|im_end\|>|\Z)", regex.DOTALL)


class Chat(Section):
    """How conversations are kept."""

    shape: Shape | None = None
    """`messages`: a list of turns as OpenAI has them, `role` and `content`; `sharegpt`: one of `from` and `value`;
    `alpaca`: an instruction, perhaps with an input, and its output; `pairs`: a prompt and its completion, as text or as
    lists of messages; `chatml`: a text of `<|im_start|>role` … `<|im_end|>`. Null: by the names of the columns."""

    columns: dict[Part, str] = Field(default_factory=dict)
    """Of each part of the shape (`turns`, `tools`, `system`, `prompt`, `input`, `response`, `history`), the column
    where it has not the usual name."""

    key: str | None = None
    """The column that names a conversation for ever. The rows of its turns have the keys `<key>#<turn>`, if each turn
    is one. Without it, the hash of a row's prompt names the row."""

    roles: dict[str, Literal["system", "user", "assistant", "tool"]] = Field(default_factory=dict)
    """What further names of roles mean: `{bot: assistant}`."""

    targets: Targets | None = None
    """Which turns of the assistant are rows. Null: as `task.targets` says, or the last."""

    def parts(self, names: Sequence[str], where: str) -> tuple[Shape, dict[Part, str]]:
        """Return the shape, and the column of each of its parts that is there.

        Args:
            names: of the columns.

        Raises:
            UserError: no shape fits, or a column is missing.
        """
        shape = self.shape or next((shape for shape in USUAL if self._fits(shape, names)), None)
        if shape is None:
            raise UserError(
                f"{where}: no conversation is seen in the columns {listed(names)}; say in its entry of params.yaml "
                f"what they hold: chat: {{shape: {' | '.join(USUAL)}, columns: {{prompt: …}}}}"
            )
        if strange := [part for part in self.columns if part not in USUAL[shape]]:
            raise UserError(
                f"{where}: chat.columns.{strange[0]}: shape {shape} has no such part; it has {', '.join(USUAL[shape])}"
            )
        check_columns(where, self.columns.values(), names)
        found = {part: name for part in USUAL[shape] if (name := self._column(shape, part, names))}
        needed = next(iter(USUAL[shape]))
        if needed not in found:
            usual = " or ".join(f"'{name}'" for name in USUAL[shape][needed])
            raise UserError(
                f"{where}: shape {shape} has its {needed} in column {usual}, which is missing; it has {listed(names)}; "
                f"name the column in its entry of params.yaml: chat: {{columns: {{{needed}: …}}}}"
            )
        return shape, found

    def _fits(self, shape: Shape, names: Sequence[str]) -> bool:
        needed = [next(iter(USUAL[shape])), *(["response"] if "response" in USUAL[shape] else [])]
        return shape != "chatml" and all(self._column(shape, part, names) for part in needed)

    def _column(self, shape: Shape, part: Part, names: Sequence[str]) -> str | None:
        own = [self.columns[part]] if part in self.columns else USUAL[shape][part]
        return next((name for name in own if name in names), None)


@dataclass
class Conversation:
    """What is read of one.

    Attributes:
        tools: as JSON, empty: none.
        left: keys of turns that hold something and are not read.
    """

    messages: list[Message] = field(default_factory=list)
    tools: str = ""
    left: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Chats:
    """The conversations of one file.

    Attributes:
        parts: of the shape, the columns.
        columns: that each row gives, of `FIELDS` and of the file.
    """

    chat: Chat
    shape: Shape
    parts: Mapping[Part, str]
    columns: Sequence[str]

    @classmethod
    def of(cls, chat: Chat, names: Sequence[str], where: str, columns: Sequence[str]) -> "Chats":
        """Return the reader of a file with columns of these names.

        Raises:
            UserError: its shape is not told by them, or a column of the shape is missing.
        """
        shape, parts = chat.parts(names, where)
        return cls(chat, shape, parts, columns)

    def needed(self) -> list[str]:
        """Return the columns of the file that are read."""
        return list(dict.fromkeys([*self.parts.values(), *further(self.chat, self.columns)]))

    def records(self, place: str, values: Mapping[str, object]) -> Iterator[Record]:
        """Yield the rows of a conversation, or one record that says why it cannot be read.

        Args:
            values: of the file's columns, at least `needed`.
        """
        try:
            found = self.conversation(values)
            key = as_text(values.get(self.chat.key)) if self.chat.key else None
            rows = list(self._rows(found, key))
        except ValueError as error:
            yield Record(place, (), str(error))
            return
        for row, doubt in rows:
            at = place if self.chat.targets != "all" else f"{place}, turn {row['turn']}"
            yield Record(at, [row[name] if name in row else values.get(name) for name in self.columns], doubt=doubt)

    def _rows(self, found: Conversation, key: str | None) -> Iterator[tuple[dict[str, object], str | None]]:
        turns = found.messages
        asked = next((place for place, turn in enumerate(turns) if turn.role in ("user", "tool")), None)
        if asked is None:
            raise ValueError(f"{'no turn' if not turns else 'no turn of a user'} is in the conversation")
        if turns[asked].role == "tool":
            raise ValueError(f"turn {asked + 1}: a tool's, and no user's stands before it")
        answers = [place for place, turn in enumerate(turns) if turn.role == "assistant"]
        targets = [place for place in answers if place > asked]
        if answers and not targets:
            raise ValueError(f"turn {answers[-1] + 1}: the assistant's, and no user's stands before it")
        whole = key or hashing.text_sha(dialogue.written(Dialogue(turns, found.tools)))
        doubts = [f"not read of its turns: {', '.join(sorted(found.left))}"] if found.left else []
        if targets and (behind := len(turns) - 1 - targets[-1]):
            doubts.append(f"{behind} turn{'s' * (behind > 1)} behind the assistant's last, which no row holds")
        if self.chat.targets != "all":
            targets = targets[-1:]
        for target in targets or [len(turns)]:
            answer = turns[target] if target < len(turns) else None
            said = dialogue.response(answer.content, answer.calls) if answer else None
            told = [*doubts, *(["the assistant's turn is empty"] if said is not None and not said.strip() else [])]
            row = {
                "prompt": dialogue.written(Dialogue(turns[:target], found.tools)),
                "response": said if said and said.strip() else None,
                "conversation": whole,
                "key": key if key is None or self.chat.targets != "all" else f"{key}#{target + 1}",
                "turn": target + 1,
            }
            yield row, "; ".join(told) or None

    def conversation(self, values: Mapping[str, object]) -> Conversation:
        """Return one conversation; raise `ValueError` that says what of it cannot be read."""
        cells = {part: values.get(column) for part, column in self.parts.items()}
        found = Conversation(tools=_tools(cells.get("tools")))
        if self.shape == "chatml":
            found.messages = self._chatml(cells["turns"])
        elif self.shape in ("messages", "sharegpt"):
            self._read(cells["turns"], found)
        else:
            for question, answer in _pairs(cells.get("history")):
                found.messages += [Message("user", question), Message("assistant", answer)]
            self._side("user", cells["prompt"], found)
            if extra := as_text(cells.get("input")):
                found.messages[-1] = Message("user", f"{found.messages[-1].content}\n\n{extra}")
            if (answer := cells.get("response")) not in (None, "", []):
                self._side("assistant", answer, found)
        system = as_text(cells.get("system"))
        if system and not any(turn.role == "system" for turn in found.messages[:1]):
            found.messages.insert(0, Message("system", system))
        # Else a model would learn which system a turn was written on, and a header could hide behind a return.
        found.messages = [replace(turn, content=lines.END.sub("\n", turn.content)) for turn in found.messages]
        if jsonl.SURROGATE.search(found.tools):
            raise ValueError("the tools: half a surrogate pair, which is no character")
        for number, turn in enumerate(found.messages, 1):
            if any(map(jsonl.SURROGATE.search, (turn.content, turn.calls, *turn.attributes.values()))):
                raise ValueError(f"turn {number}: half a surrogate pair, which is no character")
        return found

    def _side(self, role: str, cell: object, found: Conversation) -> None:
        """Add one side of a pair: a text is one turn, a list its turns."""
        if isinstance(cell, list):
            self._read(cell, found)
            return
        text = as_text(cell)
        if text is None or (role == "user" and not text.strip()):
            raise ValueError("the prompt is empty")
        found.messages.append(Message(role, text))

    def _read(self, cell: object, found: Conversation) -> None:
        for number, turn in enumerate(_list(cell, "the turns"), 1):
            try:
                found.messages.append(self._turn(turn, found))
            except ValueError as error:
                raise ValueError(f"turn {number}: {error}") from None

    def _turn(self, turn: object, found: Conversation) -> Message:
        role_key, content_key = ("from", "value") if self.shape == "sharegpt" else ("role", "content")
        if not isinstance(turn, dict) or role_key not in turn:
            other = "messages" if self.shape == "sharegpt" else "sharegpt"
            raise ValueError(f"it has no '{role_key}'; if turns are written otherwise, set chat.shape: perhaps {other}")
        found.left |= {key for key in LEFT if turn.get(key)}
        name = as_text(turn[role_key]) or ""
        role, content = self._role(name), _content(turn.get(content_key))
        if name == FUNCTION_CALL and name not in self.chat.roles:
            return Message(role, "", _calls_of_text(content))
        calls = _calls(turn.get("tool_calls") or turn.get(FUNCTION_CALL)) if role == "assistant" else ""
        attributes = {"name": turn.get("name")}
        if role == "tool":
            attributes["id"] = turn.get("tool_call_id")
        told = {key: str(value) for key, value in attributes.items() if value not in (None, "")}
        return Message(role, content, calls, told)

    def _role(self, name: str) -> str:
        role = self.chat.roles.get(name) or ROLES.get(name)
        if role is None:
            raise ValueError(f"'{name[:40]}' is no role; if it means one, add it to chat.roles: {{{name[:40]}: …}}")
        return role

    def _chatml(self, cell: object) -> list[Message]:
        text = lines.END.sub("\n", as_text(cell) or "")
        messages, end = [], 0
        for match in _TURN.finditer(text):
            if text[end : match.start()].strip():
                break
            messages.append(Message(self._role(match["role"].strip()), match["content"]))
            end = match.end()
        if text[end:].strip():
            raise ValueError(f"character {end + 1} stands in no turn of ChatML: {text[end : end + 40].strip()!r}")
        is_open = text.rstrip().endswith("<|im_start|>assistant")  # the place where a model would go on
        return messages[:-1] if is_open and messages and not messages[-1].content.strip() else messages


def further(chat: Chat, columns: Iterable[str]) -> list[str]:
    """Return the columns of the file that rows keep as they are, and that of the key."""
    return list(dict.fromkeys([*(name for name in columns if name not in FIELDS), *([chat.key] if chat.key else [])]))


def read(stream: IO[bytes], where: str, columns: Sequence[str], chat: Chat, encoding: str = UTF_8) -> Iterator[Record]:
    """Yield the rows of a file's conversations; `columns` are some of `FIELDS`, and of the file's own.

    Raises:
        UserError: the file cannot be read as a whole, its shape is not told, or it lacks a column.
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)
    head = buffered.peek(2**16)
    if head[: len(MAGIC)] == MAGIC:
        yield from _of_parquet(buffered, where, columns, chat)
        return
    objects = json_array.objects if json_array.begins(head, encoding) else jsonl.objects
    yield from _of_json(objects(buffered, where, encoding), where, columns, chat)


def is_chat(names: Sequence[str]) -> bool:
    """Return whether columns of these names hold conversations."""
    try:
        Chat().parts(names, "")
    except UserError:
        return False
    return True


def prompt(values: Mapping[str, object], where: str) -> str:
    """Return the prompt of a conversation: its turns, but for an answer of the assistant's that it ends with.

    Args:
        values: by the name of each column of its file.

    Raises:
        UserError: it cannot be read; begins with `where`.
    """
    try:
        found = Chats.of(Chat(), list(values), where, FIELDS).conversation(values)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    answered = found.messages and found.messages[-1].role == "assistant"
    turns = found.messages[:-1] if answered else found.messages
    if not any(turn.role == "user" for turn in turns):
        raise UserError(f"{where}: no turn of a user is in the conversation")
    return dialogue.written(Dialogue(turns, found.tools))


def _of_parquet(stream: IO[bytes], where: str, columns: Sequence[str], chat: Chat) -> Iterator[Record]:
    number = 0
    with parquet.seekable(stream, where) as source, parquet.opened(source, where) as file:
        names = parquet.paths(file.schema_arrow)
        chats = Chats.of(chat, names, where, columns)
        needed = chats.needed()
        check_columns(where, needed, names)
        check_once(where, needed, names, "rename one, and write the file again")
        for batch in parquet.batches(file, where, BLOCK_ROWS, needed):
            cells = [as_list(parquet.column(batch, name)) for name in needed]
            for row in zip(*cells, strict=True):
                number += 1
                yield from chats.records(f"{where}, row {number}", dict(zip(needed, row, strict=True)))


def _of_json(objects: Iterator[jsonl.Line], where: str, columns: Sequence[str], chat: Chat) -> Iterator[Record]:
    first = list(itertools.islice(objects, HEAD))
    names = dict.fromkeys(key for line in first if line.values for key in jsonl.paths(line.values))
    names |= dict.fromkeys(key for line in first if line.values for key in line.values)
    chats = Chats.of(chat, list(names), where, columns) if names else None
    own = further(chat, columns)
    dotted = [(name, name.split(".")) for name in [*own, *(chats.parts.values() if chats else ())] if "." in name]
    missing, present = set(own), {}
    for place, values, problem in itertools.chain(first, objects):
        if values is None or chats is None:
            yield Record(place, (), problem or "an empty object")
            continue
        for name, path in dotted:
            jsonl.lift(values, name, path)
        if missing:
            present.update(values)
            missing.difference_update(values)
        yield from chats.records(place, values)
    if missing and present:
        check_columns(where, own, present)


def _list(cell: object, what: str) -> list:
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{what} are not valid JSON: {error}") from None
    if cell is None or cell == []:
        raise ValueError(f"{what} are empty")
    if not isinstance(cell, list):
        raise ValueError(f"{what} are a {type(cell).__name__}, not a list")
    return cell


def _content(value: object) -> str:
    """Return a turn's words; of a list of parts, the texts, a line each."""
    if not isinstance(value, list):
        return as_text(value) or ""
    texts = []
    for part in value:
        kind = part.get("type", "text") if isinstance(part, dict) else "text"
        text = part.get("text") if isinstance(part, dict) else part
        if kind != "text" or not isinstance(text, str):
            raise ValueError(f"a part of type '{kind}', and only text is read")
        texts.append(text)
    return "\n".join(texts)


def _calls(value: object) -> str:
    """Return what an assistant calls, in one form: a list of objects with a name, arguments and perhaps an id."""
    if value in (None, "", []):
        return ""
    if isinstance(value, str):
        return _calls_of_text(value)
    return dialogue.compact([_call(call) for call in (value if isinstance(value, list) else [value])])


def _calls_of_text(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text  # broken: the checks of pairs tell it
    return _calls(value) if isinstance(value, list | dict) and value else text


def _call(call: object) -> object:
    function = call.get("function") if isinstance(call, dict) else None
    own = function if isinstance(function, dict) else call
    if not isinstance(own, dict) or "name" not in own:
        return call
    arguments = own.get("arguments", own.get("parameters"))
    if isinstance(arguments, str):
        with suppress(ValueError, RecursionError):  # broken ones stay text: the checks of pairs tell them
            arguments = json.loads(arguments)
    told = {"name": own["name"], "arguments": {} if arguments is None else arguments}
    return told | {"id": call["id"]} if call.get("id") else told


def _tools(value: object) -> str:
    if value in (None, "", []):
        return ""
    found = _list([value] if isinstance(value, dict) else value, "the tools")
    if not all(isinstance(tool, dict) for tool in found):
        raise ValueError("the tools are no objects")
    return dialogue.compact(found)


def _pairs(cell: object) -> list[tuple[str, str]]:
    if cell in (None, "", []):
        return []
    found = _list(cell, "the turns of the history")
    if not all(isinstance(pair, list) and list(map(type, pair)) == [str, str] for pair in found):
        raise ValueError("the history is no list of pairs of texts")
    return [(question, answer) for question, answer in found]
