"""Kinds regex, heading and keyword: what stands in a row's text, or in a field of its meta."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

import regex
from pydantic import Field, field_validator

from winnow.kinds.task import Task
from winnow.labelling.rule import FieldName, Row, Rule, Voter, only, read_field
from winnow.text.words import places, words

# "2.1 Methods", "(3) Results:", "IV. Discussion"; letters enumerate too, but "C. elegans" is no third item. In scripts
# without spaces none stands behind the number: "1.方法", "（二）結果", "三、讨论".
_NO_SPACE = r"(?=[\p{Ideographic}\p{Hiragana}\p{Katakana}])"
_IDEOGRAPHIC = r"[一二三四五六七八九十]{1,3}"
NUMBERING = regex.compile(
    rf"\(?(\d++(\.\d++)*+[.):]?|[IVX]++[.):])(\s+|{_NO_SPACE})"
    rf"|\(?{_IDEOGRAPHIC}\)\s*|(\d++|{_IDEOGRAPHIC})[、.]\s*{_NO_SPACE}"
)
ENDING = regex.compile(r"(?V1)[\s\p{Pd}[\p{Terminal_Punctuation}--[!?]]]+$")
# Georgian has no capitals in ordinary text, but `str.upper` knows some.
_GEORGIAN = {capital: capital - 0x1C90 + 0x10D0 for capital in range(0x1C90, 0x1CC0)}


class _OfField(Rule):
    """A rule that reads one field."""

    field: FieldName
    """What the rule reads: `text`, or `meta.<name>`."""

    def gives(self, task: Task) -> list[str]:
        """Return the labels that the rule may give; see `Rule.gives`."""
        return [task.check(label, self.where) for label in self.labels]

    def fields(self) -> set[str]:
        """Return the field; see `Rule.fields`."""
        return {self.field}

    def reason(self, row: Row) -> str:
        """Return what the rule has read; see `Rule.reason`."""
        if self.field == "text":
            return f"label set by rule {self.name} from the text"
        return f"label set by rule {self.name}: {self.field} is '{read_field(row, self.field)}'"


class Regex(_OfField):
    """A regular expression for each label: a full match of the upper-cased field."""

    kind: Literal["regex"]
    labels: dict[str, str] = Field(min_length=1)
    """By label, the regular expression that must match the whole of the upper-cased field."""

    @field_validator("labels")
    @classmethod
    def _compiles(cls, labels: dict[str, str]) -> dict[str, str]:
        for label, pattern in labels.items():
            try:
                _compiled(pattern)
            except (regex.error, RecursionError) as error:  # brackets in a thousand brackets
                raise ValueError(f"the pattern of '{label}' is no regular expression ({error})") from None
        return labels

    def normal(self, value: str) -> str:
        """Return the form of a value that the patterns match: upper case, accents composed (NFC)."""
        return unicodedata.normalize("NFC", value.strip().upper().translate(_GEORGIAN))

    def voter(self, files, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        patterns = dict(zip(self.gives(task), map(_compiled, self.labels.values()), strict=True))

        def vote(row: Row) -> str | None:
            value = self.normal(read_field(row, self.field))
            return only(label for label, pattern in patterns.items() if pattern.fullmatch(value))

        return Voter(lambda rows: [vote(row) for row in rows])


def _compiled(pattern: str) -> regex.Pattern:
    # `regex` counts the marks of Indic scripts among \\w, unlike `re`.
    return regex.compile(unicodedata.normalize("NFC", pattern))


class Heading(Regex):
    """As regex, on a heading without its numbering, closing punctuation and typography; `&` and `/` read AND."""

    kind: Literal["heading"]

    def normal(self, value: str) -> str:
        """Return a heading's words: '2.1  Patients & methods:' gives PATIENTS AND METHODS."""
        value = super().normal(unicodedata.normalize("NFKC", value)).replace("&", " AND ").replace("/", " AND ")
        value = " ".join(value.split())
        number = NUMBERING.match(value)
        return ENDING.sub("", value[number.end() :] if number else value)


class Keyword(_OfField):
    """Words or phrases for each label, as whole words (`winnow.text.words`) whatever their case: a hyphen reads as a
    space, and punctuation at the ends of a keyword does not count. In scripts without spaces a keyword is found
    wherever its characters stand in a row. Signs are words too: `C++`, `#fail`, `:)`, emoji."""

    kind: Literal["keyword"]
    match: Literal["any", "all"] = "any"
    """Whether one of a label's words is enough."""

    labels: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(min_length=1)
    """By label, words or phrases."""

    @field_validator("labels")
    @classmethod
    def _not_blank(cls, labels: dict[str, list[str]]) -> dict[str, list[str]]:
        for label, keywords in labels.items():
            for keyword in keywords:
                if not Phrase.of(keyword).words:
                    raise ValueError(f"a word of '{label}' is blank: '{keyword}' has no letter, digit or symbol")
        return labels

    def voter(self, files, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        given = self.gives(task)
        phrases = [(label, Phrase.of(word)) for label, own in enumerate(self.labels.values()) for word in own]
        needed = [1 if self.match == "any" else len(own) for own in self.labels.values()]
        finder = Finder(phrase for _, phrase in phrases)

        def vote(row: Row) -> str | None:
            counts = [0] * len(given)
            for number in finder.find(read_field(row, self.field)):
                counts[phrases[number][0]] += 1
            return only(label for label, count, least in zip(given, counts, needed, strict=True) if count >= least)

        return Voter(lambda rows: [vote(row) for row in rows])


@dataclass(frozen=True)
class Phrase:
    """Words, and what stands between two of them."""

    words: tuple[str, ...]
    between: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a text's words as a phrase."""
        folded, spans = places(f" {text}")
        between = (_between(folded[end:start]) for (_, end), (start, _) in pairwise(spans))
        return cls(tuple(folded[start:end] for start, end in spans), tuple(between))


class Finder:
    """Finds phrases in texts; its time grows with the text's words, hardly with the number of phrases."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_first: dict[str, list[tuple[int, Phrase]]] = {}
        for number, phrase in enumerate(phrases):
            self._by_first.setdefault(phrase.words[0], []).append((number, phrase))

    def find(self, text: str) -> list[int]:
        """Return the numbers of the phrases that stand in a text."""
        found, whole = set(words(text)), None
        hits = []
        for first in self._by_first.keys() & found:
            for number, phrase in self._by_first[first]:
                if len(phrase.words) > 1:
                    if not found.issuperset(phrase.words):
                        continue
                    whole = whole or Phrase.of(text)
                    if not _stands(phrase, whole):
                        continue
                hits.append(number)
        return hits


def _stands(phrase: Phrase, text: Phrase) -> bool:
    length, start = len(phrase.words), -1
    while True:
        try:
            start = text.words.index(phrase.words[0], start + 1)
        except ValueError:
            return False
        if (
            text.words[start : start + length] == phrase.words
            and text.between[start : start + length - 1] == phrase.between
        ):
            return True


_SPACES = regex.compile(r"[\s\p{Pd}]+")


def _between(gap: str) -> str:
    # Nobody sees a zero-width space; a line may break at a hyphen.
    return _SPACES.sub(" ", gap.replace("\u200b", "")) if gap else gap
