"""Kinds gazetteer and pattern: spans of a row's text, by lists of names or by regular expressions; a type each."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import regex
from pydantic import Field, field_validator, model_validator

from winnow.base.errors import UserError
from winnow.base.files import read_text, sha256
from winnow.kinds.task import Task
from winnow.labelling.rule import Row, Rule, Voter, inside
from winnow.text import gazetteer
from winnow.text.gazetteer import Case, Span

SPAN = "span"  # the group of a pattern that is the span, where that is not the whole match


class Gazetteer(Rule):
    """Lists of names, a type each; what they match says `winnow.text.gazetteer`. A text without a name has no vote."""

    kind: Literal["gazetteer"]
    labels: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(default_factory=dict)
    """By type, names."""

    files: dict[str, str] = Field(default_factory=dict)
    """By type, a file of names below rules/, one a line, in UTF-8."""

    case: Case = "capitals"
    """Which names are found only as they are written: those in capitals alone (`capitals`: the disease `ALL` is not
    the word `all`), none (`any`), all (`exact`)."""

    plurals: bool = False
    """Whether the English plural or singular of a name's last word is the name too."""

    @model_validator(mode="after")
    def _has_names(self) -> Self:
        if not self.labels and not self.files:
            raise ValueError("needs names: labels, files, or both")
        return self

    def reads(self, files: Path, recorded: Collection[str]) -> Iterator[str]:
        """Yield the files of names; see `Rule.reads`."""
        for name in sorted(self.files.values()):
            yield f"{name} {sha256(self._path(files, name))}"

    def voter(self, files: Path, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        _check_types([*self.labels, *self.files], self, task)
        finder = gazetteer.Gazetteer(self._names(files), self.case, self.plurals, self.where)
        if not finder.names:
            raise UserError(f"{self.where}: its lists hold no name")
        counts = Counter({"names": finder.names, "ambiguous_names": finder.ambiguous})
        return Voter(lambda rows: [_vote(finder.find(row["text"]), task) for row in rows], counts)

    def _names(self, files: Path) -> Iterator[tuple[str, str]]:
        for type_, names in self.labels.items():
            yield from ((name, type_) for name in names)
        for type_, name in self.files.items():
            yield from ((line, type_) for line in read_text(self._path(files, name)).splitlines())

    def _path(self, files: Path, name: str) -> Path:
        path = inside(files, name, self.where)
        if not path.is_file():
            raise UserError(f"{self.where}: {path}: not found; it holds names, one a line")
        return path


class Pattern(Rule):
    """A regular expression for each type: each match in the text is a span. A text without a match has no vote."""

    kind: Literal["pattern"]
    labels: dict[str, str] = Field(min_length=1)
    """By type, a regular expression; the span is what its group `(?P<span>…)` matches, else the whole match. `(?i)` at
    its start: whatever the case."""

    @field_validator("labels")
    @classmethod
    def _compiles(cls, labels: dict[str, str]) -> dict[str, str]:
        for label, pattern in labels.items():
            try:
                found = _compiled(pattern)
            except (regex.error, RecursionError) as error:  # brackets in a thousand brackets
                raise ValueError(f"the pattern of '{label}' is no regular expression ({error})") from None
            if found.fullmatch(""):
                raise ValueError(f"the pattern of '{label}' matches where nothing stands")
        return labels

    def voter(self, files: Path, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        _check_types(self.labels, self, task)
        patterns = {type_: _compiled(pattern) for type_, pattern in self.labels.items()}

        def vote(row: Row) -> str | None:
            text = row["text"]
            found = (
                _bare(span, text) for type_, pattern in patterns.items() for span in _matches(pattern, text, type_)
            )
            return _vote(gazetteer.longest(span for span in found if span), task)

        return Voter(lambda rows: [vote(row) for row in rows])


def _compiled(pattern: str) -> regex.Pattern:
    # `regex` counts the marks of Indic scripts among \\w, unlike `re`.
    return regex.compile(unicodedata.normalize("NFC", pattern))


def _matches(pattern: regex.Pattern, text: str, type_: str) -> Iterator[Span]:
    group = SPAN if SPAN in pattern.groupindex else 0
    for match in pattern.finditer(text):
        start, end = match.span(group)  # -1 where the group is in another branch
        if start < end:
            yield start, end, type_


def _bare(span: Span, text: str) -> Span | None:
    """Return a span without white space at its borders; None if nothing else is in it."""
    start, end, type_ = span
    inside_ = text[start:end]
    start, end = end - len(inside_.lstrip()), start + len(inside_.rstrip())
    return (start, end, type_) if start < end else None


def _check_types(types: Iterable[str], rule: Rule, task: Task) -> None:
    """Raise a `UserError` if the task has no spans, or none of these types."""
    task.marked([], rule.where)
    for type_ in types:
        task.check_name(type_, rule.where)


def _vote(spans: list[Span], task: Task) -> str | None:
    return task.marked(spans, "") if spans else None
