"""Checks of pairs: what a dialogue and its response show to be wrong with them by themselves, without a model."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import regex

from winnow.base.errors import UserError
from winnow.kinds.generation import boilerplate
from winnow.text import dialogue, fences, language
from winnow.text.dialogue import Dialogue, Message
from winnow.text.words import words

Action = Literal["note", "drop"]
SHOWN = 40  # characters of a text that a reason repeats
LEAST_PROSE = 8  # words of a last line from which on it should end as a sentence does
LEAST_ECHO = 5  # words of a prompt that a response may begin with by chance
MOST_BEFORE = 3  # words before a prompt that is repeated, such as "Question:"
LEAST_LETTERS, SURE = 40, 0.8  # of a text whose language is told
# Words of a run; of a response; share of its runs that come again: nearly half, where all of it comes twice.
NGRAM, LEAST_WORDS, MOST_REPEATED = 5, 60, 0.4
SEEN = regex.compile(r"[^\s\p{C}]")
MOST_LINES, LINE_WORDS = 4, 3  # times that one line comes; words that it has
ENDS = regex.compile(r"[.!?。！？｡।؟…:;][\"'”’»)\]*_`]*\s|[.!?。！？｡।؟…]$")
OPEN_END = regex.compile(r"(?:\.\.\.|…|\[truncated\]|\[cut off\])\s*$|(?:[\p{L}\p{N}\p{M}]|[,;:(\[–-])$")
NO_PROSE = regex.compile(r"\s*(?:[-*+•|#>]|\d+[.)]|[a-z][.)]\s|https?:)|.*(?:https?://\S+|[=\\$`|])$")
PLACEHOLDER = regex.compile(
    r"\[(?![A-Z_]+\])(?:(?i:your|insert|enter|add|company|recipient|sender|client|customer|manager|hiring manager|name"
    r"|full name|date|address|city|phone|email|link|url|topic|product|amount|number|title"
    r"|ihre?n?|deine?n?|datum|firma|adresse|ort|titel|thema|empfänger|absender|unternehmen|votre|nom|prénom|entreprise"
    r"|société|ville|titre|sujet|insérer|su|tu|nombre|fecha|dirección|empresa|ciudad|título|insertar|seu|sua|nome"
    r"|endereço|cidade|inserir|tuo|tua|cognome|indirizzo|azienda|città|inserire|uw|jouw|naam|bedrijf|twoje|imię"
    r"|nazwisko|nazwa|adres|ваше?а?|имя|фамилия|дата|адрес|название|компания)\b"
    r"|您的|你的|姓名|名字|公司|日期|地址|城市|标题|標題|あなたの|お名前|氏名|会社|日付|住所|귀하의|이름|회사|날짜|주소"
    r")[^\]\n]{0,40}\](?!\()"
    r"|\{\{\s*[\w. ]{1,40}\s*\}\}|<(?i:insert|your)[ _][^>\n]{1,40}>|(?i:\blorem ipsum\b)|\b(?:TODO|TBD|FIXME)\b"
)
INLINE = regex.compile(r"`[^`\n]*`")
JSON = regex.compile(r"(?i)(?<![a-z])json(?![a-z])")
LOOKS_JSON = regex.compile(r"[{\[]\s*(?:[\"'{\[\]}]|\w+\s*:)")
TRANSLATES = regex.compile(
    r"(?i)translat|übersetz|tradu|vertaal|tłumacz|przetłum|перев[её]д|çevir|翻译|翻譯|翻訳|訳し|번역|ترجم|अनुवाद"
    r"|\b(?:english|german|french|spanish|italian|portuguese|dutch|polish|russian|chinese|mandarin|japanese|korean|arabic"
    r"|hindi|turkish|latin|greek|hebrew|swedish|norwegian|danish|finnish|czech|hungarian|romanian|ukrainian|vietnamese"
    r"|thai|indonesian|deutsch|englisch|französisch|spanisch|anglais|français|allemand|inglés|español|inglese|italiano)\b"
)


@dataclass(frozen=True)
class Pair:
    """A prompt and its response, read.

    Attributes:
        content, calls: of the response; empty where there is none.
    """

    prompt: Dialogue
    content: str
    calls: str

    @cached_property
    def asked(self) -> str:
        """The last turn of the user."""
        return next((turn.content for turn in reversed(self.prompt.messages) if turn.role == "user"), "")

    @cached_property
    def prose(self) -> str:
        """The response without fenced code."""
        return _without_code(self.content)


def find(text: str, label: str | None, active: Collection[str]) -> dict[str, str]:
    """Return what is wrong with a row: by the names of checks, of those that are active, the reason.

    Args:
        label: the response; None: there is none.
    """
    try:
        prompt = dialogue.read(text)
    except UserError:
        prompt = Dialogue([Message("user", text)])
    pair = Pair(prompt, *(("", "") if label is None else dialogue.answered(label)))
    found = ((name, next(check(pair), None)) for name, (check, _) in CHECKS.items() if name in active)
    return {name: reason for name, reason in found if reason}


def _role_order(pair: Pair) -> Iterator[str]:
    turns = [turn for turn in pair.prompt.messages if turn.role != "system"]
    if any(turn.role == "system" for turn in pair.prompt.messages[1:]):
        yield "the system's turn is not the first"
    if turns and turns[0].role != "user":
        yield f"the first turn is the {turns[0].role}'s"
    for before, turn in pairwise(turns):
        if turn.role == "tool" and not before.calls and before.role != "tool":
            yield "a tool's turn follows no call"
        if turn.role == before.role != "tool":
            yield f"two turns of the {turn.role} in a row"
    if turns and turns[-1].role == "assistant":
        yield "the response follows a turn of the assistant"


def _empty_turn(pair: Pair) -> Iterator[str]:
    for number, turn in enumerate(pair.prompt.messages, 1):
        if turn.role in ("user", "assistant") and not SEEN.search(turn.content) and not turn.calls:
            yield f"turn {number}, the {turn.role}'s, is empty"


def _truncated(pair: Pair) -> Iterator[str]:
    said = pair.content.rstrip()
    if not said or pair.calls or any(not block.closed for block in fences.blocks(said)):
        return
    last = said.rsplit("\n", 1)[-1]
    if NO_PROSE.match(last) or not OPEN_END.search(last) or len(words(last)) < LEAST_PROSE:
        return
    # Only who ends sentences with a sign leaves one out by mistake.
    if ENDS.search(said[: -len(last)] + last[:-1]):
        yield f"it ends without an end: '…{last[-SHOWN:]}'"


def _echo(pair: Pair) -> Iterator[str]:
    asked, said = words(pair.asked), words(pair.content)
    if asked and asked == said:
        yield "the response is the prompt"
    elif len(asked) >= LEAST_ECHO and any(said[at : at + len(asked)] == asked for at in range(MOST_BEFORE + 1)):
        yield "the response begins with the whole prompt"


def _refusal(pair: Pair) -> Iterator[str]:
    if match := boilerplate.REFUSAL.search(pair.content):
        yield f"'{match[0][:SHOWN]}'"


def _assistant_boilerplate(pair: Pair) -> Iterator[str]:
    if match := boilerplate.ASSISTANT.search(pair.content):
        yield f"'{match[0][:SHOWN]}'"


def _placeholder(pair: Pair) -> Iterator[str]:
    for where, text in (("response", pair.prose), ("prompt", _without_code(pair.asked))):
        if match := PLACEHOLDER.search(INLINE.sub("", text)):
            yield f"'{match[0][:SHOWN]}' in the {where}"


def _other_language(pair: Pair) -> Iterator[str]:
    asked = _without_code(pair.asked)
    if any(sum(map(str.isalpha, text)) < LEAST_LETTERS for text in (asked, pair.prose)) or TRANSLATES.search(
        "\n".join(turn.content for turn in pair.prompt.messages)
    ):
        return
    (own, sure), (other, as_sure) = language.detect([asked, pair.prose])
    if own != other and language.UNKNOWN not in (own, other) and min(sure, as_sure) >= SURE:
        yield f"the prompt is in {own}, the response in {other}"


def _code_fence(pair: Pair) -> Iterator[str]:
    for where, text in [("response", pair.content), *(("prompt", turn.content) for turn in pair.prompt.messages)]:
        if any(not block.closed for block in fences.blocks(text)):
            yield f"code in the {where} is never closed"


def _json(pair: Pair) -> Iterator[str]:
    own = [block for block in fences.blocks(pair.content) if block.closed and block.language.lower() == "json"]
    for block in own:
        if reason := _no_json(block.code):
            yield f"a block of JSON: {reason}"
    said = pair.content.strip()
    asks = any(JSON.search(turn.content) for turn in pair.prompt.messages if turn.role in ("system", "user"))
    if not own and asks and LOOKS_JSON.match(said) and (reason := _no_json(said)):
        yield f"the prompt speaks of JSON: {reason}"


def _tool_call(pair: Pair) -> Iterator[str]:
    declared = _declared(pair.prompt.tools)
    for calls in filter(None, (pair.calls, *(turn.calls for turn in pair.prompt.messages))):
        if reason := _no_json(calls):
            yield f"a call does not parse: {reason}"
            return
        found = json.loads(calls)
        for call in found if isinstance(found, list) else [found]:
            name = call.get("name") if isinstance(call, dict) else None
            if not isinstance(name, str):
                yield "a call has no name"
            elif not isinstance(call.get("arguments", {}), dict):
                yield f"the arguments of '{name[:SHOWN]}' are no object"
            elif declared is not None and name not in declared:
                yield f"'{name[:SHOWN]}' is none of the declared tools"


def _repetition(pair: Pair) -> Iterator[str]:
    lines = Counter(line.strip() for line in pair.prose.splitlines() if len(words(line)) >= LINE_WORDS)
    if lines and (most := lines.most_common(1)[0])[1] >= MOST_LINES:
        yield f"a line comes {most[1]} times: '{most[0][:SHOWN]}'"
    said = words(pair.prose)
    if times := next((times for times in range(len(said) // NGRAM, 1, -1) if _is_repeated(said, times)), None):
        yield f"all of it comes {times} times"
    if len(said) >= LEAST_WORDS:
        runs = Counter(zip(*(said[start:] for start in range(NGRAM)), strict=False))
        again = 1 - len(runs) / runs.total()
        if again > MOST_REPEATED:
            yield f"{again:.0%} of its runs of {NGRAM} words come again"


def _is_repeated(said: list[str], times: int) -> bool:
    return len(said) % times == 0 and said == said[: len(said) // times] * times


def _encoding(pair: Pair) -> Iterator[str]:
    for where, text in (("response", pair.content), ("prompt", "\n".join(t.content for t in pair.prompt.messages))):
        if "\ufffd" in text:
            yield f"a character of the {where} was lost on the way (U+FFFD)"


# Each with what happens to a row by default: a person may know better than a rule, but from nothing nobody learns.
CHECKS: Mapping[str, tuple[Callable[[Pair], Iterator[str]], Action]] = {
    "empty_turn": (_empty_turn, "drop"),
    "role_order": (_role_order, "note"),
    "truncated": (_truncated, "note"),
    "echo": (_echo, "note"),
    "refusal": (_refusal, "note"),
    "assistant_boilerplate": (_assistant_boilerplate, "note"),
    "placeholder": (_placeholder, "note"),
    "other_language": (_other_language, "note"),
    "code_fence": (_code_fence, "note"),
    "json": (_json, "note"),
    "tool_call": (_tool_call, "note"),
    "repetition": (_repetition, "note"),
    "encoding": (_encoding, "note"),
}
DEFAULTS: Mapping[str, Action] = {name: action for name, (_, action) in CHECKS.items()}


def _without_code(text: str) -> str:
    parts, end = [], 0
    for block in fences.blocks(text):
        parts.append(text[end : block.start])
        end = block.end
    return "".join([*parts, text[end:]])


def _no_json(text: str) -> str | None:
    """Return why a text is no JSON; None if it is."""
    try:
        json.loads(text)
    except RecursionError:
        return "nested deeper than is read"
    except ValueError as error:
        return str(error)
    return None


def _declared(tools: str) -> set[str] | None:
    """Return the names of the declared tools; None: none are, or they cannot be read."""
    try:
        found = json.loads(tools) if tools else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    own = [tool.get("function") or tool for tool in found if isinstance(tool, dict)]
    return {tool["name"] for tool in own if isinstance(tool, dict) and isinstance(tool.get("name"), str)}
