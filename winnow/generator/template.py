"""How a language model reads a dialogue: token ids by its own chat template, and which of them are the response's.

The response's tokens are those behind the rendering of the prompt, up to the token that ends the turn. Examples show
what a model's template can write: a system turn that it refuses goes in front of the user's next, and tools or calls
that it leaves out are written as text. Control tokens in a text are read as text. A model without a template gets a
plain one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import regex

from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.generator import calls
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# For base models that were never taught to chat; one turn is read as a document is.
PLAIN = """\
{%- set others = messages | rejectattr('role', 'equalto', 'assistant') | list -%}
{%- set alone = others | length == 1 and messages[0].role == 'user' -%}
{%- for message in messages -%}
{%- if not alone -%}{{ message.role | capitalize }}: {% endif -%}
{{ message.content }}{{ eos_token if message.role == 'assistant' else '\n\n' }}
{%- endfor -%}
{%- if add_generation_prompt and not alone -%}Assistant: {% endif -%}
"""
# Some templates tell the model the date. It must be the same on every day that a stage runs.
SAME_DAY = "{%- macro strftime_now(format) -%}26 Jul 2024{%- endmacro %}"
NONE = "none.txt"  # in the place of a model: params.yaml names none
WORD = "winnowing"  # of the examples; no template holds it
# Around a control token that a text holds. They are noncharacters: no text for interchange has them.
OPEN, CLOSE = "\ufdd0", "\ufdd1"


class TooLong(UserError):
    """A response, or the system's turn before it, leaves no room for any of the prompt."""


@dataclass(frozen=True)
class Encoded:
    """A dialogue as a model reads it.

    Attributes:
        ids: token ids of prompt and response, the end of the turn included.
        start: the place of the response's first token; at least one token stands before it.
        cut: tokens of the prompt that were left out for want of room.
    """

    ids: list[int]
    start: int
    cut: int = 0

    @property
    def response(self) -> list[int]:
        """The response's token ids."""
        return self.ids[self.start :]


class Template:
    """The chat template of a model, with its tokenizer.

    Attributes:
        end: id of the token that ends a response.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", where: object):
        """Take a tokenizer, and where it is from, for errors.

        Raises:
            UserError: the template cannot be used, or no token ends a response.
        """
        self.tokenizer, self._where = tokenizer, where
        self._controls = regex.compile(
            "|".join(
                sorted(
                    (regex.escape(token.content) for token in tokenizer.added_tokens_decoder.values()),
                    key=len,
                    reverse=True,
                )
            )
            or r"(?!)"
        )
        self._source = self._template()
        self._header = ""
        self._counts: dict[int, bool] = {}
        self.end = self._ending()

    @classmethod
    def of(cls, folder: Path) -> "Template":
        """Return the template of a model's folder.

        Raises:
            UserError: as the constructor's, or the folder holds no tokenizer.
        """
        if (folder / NONE).exists():
            raise UserError(f"{folder}: no language model; name one in section generator of params.yaml")
        return cls(models.load_tokenizer(folder), folder)

    @property
    def padding(self) -> int:
        """The id of the padding token; which it is does not matter, as no loss and no attention looks at it."""
        own = self.tokenizer.pad_token_id
        return self.end if own is None else own

    @cached_property
    def ends(self) -> list[int]:
        """The ids at which a model has ended its response."""
        eos = self.tokenizer.eos_token_id
        return sorted({self.end} if eos is None else {self.end, eos})

    def encode(self, text: str, response: str, max_length: int | None = None) -> Encoded:
        """Return a row as the model reads it.

        What is longer than `max_length` loses the oldest turns of its prompt, then the beginning of the longest turn
        that is left; the system's turn and the response stay whole.

        Args:
            text: the prompt, as `dialogue.written` wrote it.
            response: as `dialogue.response` wrote it.

        Raises:
            TooLong: no room is left for any of the prompt.
            UserError: the text is no dialogue, or the template refuses it.
        """
        prompt = dialogue.read(text)
        encoded = self._encode(prompt, response)
        if max_length is None or len(encoded.ids) <= max_length:
            return encoded
        room = max_length - len(encoded.response)
        shorter = self._encode(self._cut(prompt, room), response)
        return replace(shorter, cut=encoded.start - shorter.start)

    def alone(self, response: str, max_length: int | None = None) -> Encoded:
        """Return a response as the answer to an empty prompt.

        Raises:
            TooLong: it has more tokens than `max_length`.
        """
        encoded = self._encode(Dialogue([Message("user", "")]), response)
        if max_length is not None and len(encoded.ids) > max_length:
            raise TooLong(f"the response has {len(encoded.response)} tokens; the model reads {max_length} in all")
        return encoded

    def prompt(self, text: str, max_length: int | None = None) -> list[int]:
        """Return the token ids after which the model writes its response; arguments are those of `encode`.

        Raises:
            UserError: as `encode`.
        """
        prompt = dialogue.read(text)
        ids = self._ids(self._before(prompt))
        if max_length is None or len(ids) <= max_length:
            return ids
        return self._ids(self._before(self._cut(prompt, max_length)))

    def answer(self, ids: Sequence[int]) -> tuple[str, bool]:
        """Return what a model wrote, up to the end of its turn, as a response, and whether it came to that end.

        Calls of tools are read in the form in which the template writes them (`winnow.generator.calls`).
        """
        ends = (place for place, token in enumerate(ids) if token in self.ends)
        place = next(ends, None)
        whole = self._words(ids[:place])
        called = calls.response(self._form, whole) or calls.response(calls.Plain(), whole)
        if called is None:
            words = self.tokenizer.decode(ids[:place], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            called = dialogue.response(words.strip())
        return called, place is not None

    @cached_property
    def _form(self) -> calls.Form | None:
        """How a model of this template calls tools; None: as text alone, or in a form that is not known."""

        def write(each: Sequence[calls.Call]) -> str:
            if not self._shows_calls(len(each)):
                raise UserError(f"{self._where}: the chat template writes no {len(each)} calls")
            return self._words(self.alone(dialogue.response("", dialogue.compact(each))).response[:-1])

        return calls.learnt(write)

    def _words(self, ids: Sequence[int]) -> str:
        """Return tokens as text, control tokens included: some begin a call."""
        return self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def _encode(self, prompt: Dialogue, response: str) -> Encoded:
        before = self._before(prompt)
        whole = self._rendered(prompt, Message("assistant", *dialogue.answered(response)))
        ids, start = self._joined(before, whole)
        ends = [place for place, token in enumerate(ids) if token == self.end and place >= start]
        ids = ids[: ends[-1] + 1] if ends else [*ids, self.end]
        if len(ids) < start + 2:
            raise UserError(f"{self._where}: the chat template shows nothing of the response {response[:40]!r}")
        return Encoded(ids, start)

    def _joined(self, before: str, whole: str) -> tuple[list[int], int]:
        """Return the ids of a whole dialogue and how many are those of the prompt, which are what `prompt` gives."""
        first = self._ids(before)
        if whole.startswith(before):
            ids = self._ids(whole)
            if ids[: len(first)] == first:
                return ids, len(first)
            return first + self._ids(whole[len(before) :]), len(first)  # a token would span both
        # The template ends a prompt with more than stands before a response: with the beginning of a thought.
        shared = self._shared(before, whole)
        return first + self._ids(whole[shared:]), len(first)

    def _shared(self, before: str, whole: str) -> int:
        """Return where the response begins in `whole`, whose beginning is that of `before`, but for its last words."""
        opening = self._opening
        place = before.rfind(opening) + len(opening) if opening and opening in before else -1
        if place < 0 or not whole.startswith(before[:place]):
            raise UserError(
                f"{self._where}: the chat template writes the turns before a response in another way where the "
                f"response stands behind them; take a model with another template"
            )
        return place

    @cached_property
    def _opening(self) -> str:
        """What the template writes between a user's turn and both a response and the place where one is to begin."""
        user = {"role": "user", "content": WORD}
        before = self._apply([user], True)
        whole = self._apply([user, {"role": "assistant", "content": "."}], False)
        place = next((i for i, (a, b) in enumerate(zip(before, whole, strict=False)) if a != b), len(before))
        return before[before.index(WORD) + len(WORD) : place]

    def _before(self, prompt: Dialogue) -> str:
        return self._rendered(prompt) + self._header

    def _rendered(self, prompt: Dialogue, response: Message | None = None) -> str:
        """Return a dialogue in the template's words: up to where a response begins, or with one."""
        turns = [*prompt.messages, response] if response else list(prompt.messages)
        tools = self._marked(_functions(prompt.tools))
        if prompt.tools and not (tools and self._shows_tools):
            tools = None
            told = f"{turns[0].content}\n\n{prompt.tools}" if turns[0].role == "system" else prompt.tools
            turns = [Message("system", told), *turns[turns[0].role == "system" :]]
        messages = [self._marked(self._message(turn)) for turn in turns]
        if not self._shows_system:
            messages = _joined_turns([self._as_users(message) for message in messages])
        try:
            return self._apply(messages, response is None, tools)
        except UserError:
            merged = _joined_turns(messages)
            if merged[0]["role"] == "assistant":
                merged = [{"role": "user", "content": ""}, *merged]
            if merged == messages:
                raise
            return self._apply(merged, response is None, tools)

    def _message(self, turn: Message) -> dict:
        """Return a turn as templates take it; of what they leave out, as text."""
        called = _named(turn.calls)
        if turn.role == "assistant" and turn.calls and not (called and self._shows_calls(len(called))):
            return {"role": "assistant", "content": "\n".join(part for part in (turn.content, turn.calls) if part)}
        if turn.role == "assistant" and called:
            named = [{"id": f"call{number:05}"} | call for number, call in enumerate(called)]
            return {"role": "assistant", "content": turn.content, "tool_calls": named}
        if turn.role == "tool":
            if not self._shows_answers:
                return {"role": "user", "content": turn.content}
            known = {"name": turn.attributes.get("name"), "tool_call_id": turn.attributes.get("id", "call00000")}
            return {"role": "tool", "content": turn.content} | {key: value for key, value in known.items() if value}
        return {"role": turn.role, "content": turn.content}

    @staticmethod
    def _as_users(message: dict) -> dict:
        return message | {"role": "user"} if message["role"] == "system" else message

    def _cut(self, prompt: Dialogue, room: int) -> Dialogue:
        """Return the prompt without its oldest parts, so that it has at most `room` tokens."""
        turns = list(prompt.messages)
        while (excess := len(self._ids(self._before(replace(prompt, messages=turns)))) - room) > 0:
            first = next((place for place, turn in enumerate(turns) if turn.role != "system"), len(turns))
            later = [place for place, turn in enumerate(turns) if turn.role == "user" and place > first]
            if later:
                turns[first : later[0]] = []
                continue
            longest = max(range(first, len(turns)), key=lambda place: len(turns[place].content), default=None)
            content = "" if longest is None else turns[longest].content
            # A share of the characters as large as that of the tokens: nearly right at once, and then again.
            drop = -(-len(content) * excess // max(1, len(self._ids(content))))
            content = content[max(1, drop) :]
            if not content.strip():
                raise TooLong(
                    "the response and the system's turn leave no room for the prompt; raise encoder.max_length, or "
                    "leave such rows out"
                )
            turns[longest] = replace(turns[longest], content=content)
        return replace(prompt, messages=turns)

    def _apply(self, messages: list[dict], is_open: bool, tools: list[dict] | None = None) -> str:
        try:
            return self.tokenizer.apply_chat_template(
                messages, tools=tools, chat_template=self._source, tokenize=False, add_generation_prompt=is_open
            )
        except Exception as error:  # a template is a program of somebody's: it raises what it likes
            raise UserError(f"{self._where}: the chat template refuses a dialogue: {error}") from None

    def _ids(self, text: str) -> list[int]:
        """Return a rendered text's token ids; control tokens between marks are text."""
        if OPEN not in text:
            return self.tokenizer.encode(text, add_special_tokens=False)
        ids: list[int] = []
        for number, piece in enumerate(regex.split(f"{OPEN}([^{CLOSE}]*){CLOSE}", text)):
            words = piece.replace(OPEN, "").replace(CLOSE, "")  # a template may have cut between two marks
            ids += self.tokenizer.encode(words, add_special_tokens=False, split_special_tokens=number % 2 == 1)
        return ids

    def _marked(self, value):
        """Return data with marks around the control tokens in its texts."""
        if isinstance(value, str):
            bare = value.replace(OPEN, "\ufffd").replace(CLOSE, "\ufffd")
            return self._controls.sub(lambda found: f"{OPEN}{found[0]}{CLOSE}", bare)
        if isinstance(value, dict):
            return {key: self._marked(each) for key, each in value.items()}
        return [self._marked(each) for each in value] if isinstance(value, list) else value

    def _template(self) -> str:
        if not self.tokenizer.chat_template:
            if self.tokenizer.eos_token is None:
                raise UserError(
                    f"{self._where}: the tokenizer has neither a chat template nor a token that ends a text"
                )
            opens = self.tokenizer.encode("")[:1] == [self.tokenizer.bos_token_id]
            return ("{{ bos_token }}" if opens else "") + PLAIN
        try:
            source = self.tokenizer.get_chat_template()
        except ValueError as error:
            raise UserError(f"{self._where}: {error}") from None
        return SAME_DAY + source if "strftime_now" in source else source

    def _ending(self) -> int:
        """Return the id that ends a turn, and see whether a prompt has to begin the response's turn by itself."""
        user, assistant = {"role": "user", "content": "."}, {"role": "assistant", "content": WORD}
        before, whole = self._apply([user], True), self._apply([user, assistant], False)
        if WORD not in whole:
            raise UserError(f"{self._where}: the chat template does not show an assistant's turn")
        header, tail = whole.removeprefix(before).split(WORD)[0], whole.rsplit(WORD)[-1]
        if before == self._apply([user], False) and whole.startswith(before) and header.strip():
            self._header = header
        added = self.tokenizer.added_tokens_decoder
        ends = [token for token in self._ids(tail) if token in added and not added[token].content.isspace()]
        end = ends[0] if ends else self.tokenizer.eos_token_id
        if end is None:
            raise UserError(f"{self._where}: no token ends a response, neither by the chat template nor as end of text")
        return end

    def _shows(self, messages: list[dict], tools: list[dict] | None = None) -> bool:
        try:
            return WORD in self._apply(messages, False, tools)
        except UserError:
            return False

    @cached_property
    def _shows_system(self) -> bool:
        return self._shows([{"role": "system", "content": WORD}, {"role": "user", "content": "."}])

    @cached_property
    def _shows_tools(self) -> bool:
        tool = {"name": WORD, "description": "", "parameters": {"type": "object", "properties": {}}}
        return self._shows([{"role": "user", "content": "."}], [{"type": "function", "function": tool}])

    def _shows_calls(self, count: int) -> bool:
        """Return whether the template writes so many calls in a turn; some write one alone."""
        if count not in self._counts:
            self._counts[count] = self._shows([{"role": "user", "content": "."}, _call(*["f"] * (count - 1), WORD)])
        return self._counts[count]

    @cached_property
    def _shows_answers(self) -> bool:
        answer = {"role": "tool", "name": "f", "content": WORD, "tool_call_id": "call00000"}
        return self._shows([{"role": "user", "content": "."}, _call("f"), answer])


def _call(*names: str) -> dict:
    called = [
        {"id": f"call{number:05}", "type": "function", "function": {"name": name, "arguments": {}}}
        for number, name in enumerate(names)
    ]
    return {"role": "assistant", "content": "", "tool_calls": called}


def _functions(text: str) -> list[dict]:
    """Return tools or calls from JSON as templates take them; nothing where it is no list of objects."""
    try:
        found = dialogue.parsed(text) if text else []
    except ValueError:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return []
    functions = [each if "function" in each else {"type": "function", "function": each} for each in found]
    return functions if all(isinstance(each["function"], dict) for each in functions) else []


def _named(text: str) -> list[dict]:
    """Return calls as templates take them; nothing where one of them names no function, which templates refuse."""
    found = _functions(text)
    return found if all(isinstance(each["function"].get("name"), str) for each in found) else []


def _joined_turns(messages: list[dict]) -> list[dict]:
    """Return messages where those of one role that follow each other are one."""
    joined: list[dict] = []
    for message in messages:
        last = joined[-1] if joined else {}
        if last.get("role") == message["role"] and "tool_calls" not in last and "tool_calls" not in message:
            joined[-1] = last | {"content": "\n\n".join(filter(None, (last["content"], message["content"])))}
        else:
            joined.append(message)
    return joined
