"""Kinds regex, heading and keyword: what stands in a row's text, or in a field of its meta."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import Field, field_validator

from winnow.kinds.task import Task
from winnow.labelling.rule import FieldName, Row, Rule, Voter, only, read_field

# "2.1 Methods", "(3) Results:", "IV. Discussion"; letters enumerate too, but "C. elegans" is no third item.
NUMBERING = re.compile(r"^\(?(\d+(\.\d+)*[.):]?|[IVX]+[.):])\s+")
ENDING = re.compile(r"[\s.:;,\-–—]+$")
WORD_START, WORD_END = r"(?<!\w)", r"(?!\w)"


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
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"the pattern of '{label}' is no regular expression ({error})") from None
        return labels

    def normal(self, value: str) -> str:
        """Return the form of a value that the patterns match."""
        return value.strip().upper()

    def voter(self, files, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        patterns = dict(zip(self.gives(task), map(re.compile, self.labels.values()), strict=True))

        def vote(row: Row) -> str | None:
            value = self.normal(read_field(row, self.field))
            return only(label for label, pattern in patterns.items() if pattern.fullmatch(value))

        return Voter(lambda rows: [vote(row) for row in rows])


class Heading(Regex):
    """As regex, on a heading without its numbering, closing punctuation and typography; `&` and `/` read AND."""

    kind: Literal["heading"]

    def normal(self, value: str) -> str:
        """Return a heading's words: '2.1  Patients & methods:' gives PATIENTS AND METHODS."""
        value = unicodedata.normalize("NFKC", value).upper().replace("&", " AND ").replace("/", " AND ")
        return ENDING.sub("", NUMBERING.sub("", " ".join(value.split())))


class Keyword(_OfField):
    """Words or phrases for each label, whole ones, whatever their case."""

    kind: Literal["keyword"]
    match: Literal["any", "all"] = "any"
    """Whether one of a label's words is enough."""

    labels: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(min_length=1)
    """By label, words or phrases."""

    @field_validator("labels")
    @classmethod
    def _not_blank(cls, labels: dict[str, list[str]]) -> dict[str, list[str]]:
        for label, words in labels.items():
            if not all(word.strip() for word in words):
                raise ValueError(f"a word of '{label}' is blank")
        return labels

    def voter(self, files, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        words = [_patterns(words, self.match) for words in self.labels.values()]
        patterns = dict(zip(self.gives(task), words, strict=True))

        def vote(row: Row) -> str | None:
            value = read_field(row, self.field).casefold()
            return only(label for label, words in patterns.items() if all(word.search(value) for word in words))

        return Voter(lambda rows: [vote(row) for row in rows])


def _patterns(words: list[str], match: str) -> list[re.Pattern]:
    """Return patterns that must all be found in a case-folded value."""
    parts = [r"\s+".join(map(re.escape, word.casefold().split())) for word in words]
    alternatives = parts if match == "all" else ["|".join(parts)]
    return [re.compile(f"{WORD_START}(?:{part}){WORD_END}") for part in alternatives]
