"""Token classification: a label is the spans of a text, each of a type of a closed set; no span is a label too.

A label's canonical form is compact JSON, a list of `[start,end,"type"]` sorted by start: `[[0,7,"drug"],[9,12,"ill"]]`.
Offsets count Unicode code points of the row's text, as Python's strings do; the end is exclusive. No two spans overlap.
"""

import ast
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import ClassVar, Literal, get_args

import numpy as np
from pydantic import Field, model_validator

from winnow.base.errors import UserError
from winnow.kinds import task
from winnow.kinds.classification import labels as single
from winnow.kinds.token_classification import carrying, copies
from winnow.kinds.token_classification.span import SHOWN, Span, quoted, told

NONE = "no entity"  # the class for which a label without spans counts
OUTSIDE = "O"  # the tag of words in no span, which transformers' pipeline leaves out by this name
Strategy = Literal["simple", "first", "average", "max"]  # `aggregation_strategy` of transformers' pipeline
STRATEGIES = get_args(Strategy)


class Task(single.Task):
    """Section `task` of params.yaml; the order of the labels is the order of a model's outputs."""

    kind: Literal["token_classification"]
    """Each row has spans of its text, each of a type of a closed set; no span at all, "no entity", is a label too."""

    marks_text: ClassVar[bool] = True

    labels: list[str] = Field(min_length=1)
    """The types that a span may have. Their order is the order of a model's outputs."""

    overlap: Literal["refuse", "longest", "first"] = "refuse"
    """Which of spans that overlap stays: `refuse` stops the run and names them; `longest` keeps the longest, of equally
    long ones that which begins first; `first` keeps the one that begins first, of several the longest."""

    aggregation: Strategy | None = None
    """How pieces of words become spans, as transformers' pipeline calls it: `simple` reads each piece by itself; a word
    has the tag of its first piece (`first`), of its surest (`max`) or of their mean (`average`). Null: of
    `average`, `first` and `simple`, best first, the first that can tell the entities of the training rows."""

    @model_validator(mode="after")
    def _tellable(self) -> "Task":
        for name in self.labels:
            if task.bare(name) == NONE:
                raise ValueError(f"label {task.spelled(name)} is what a text without a span is called; take it out")
            if name == OUTSIDE:
                raise ValueError(f'label "{OUTSIDE}" is the tag of words outside of all spans; give it another name')
        return self

    def told(self) -> str:
        """Return what a model of the task is, in words."""
        return f"a token classifier that marks {', '.join(self.labels)} in texts"

    @cached_property
    def tags(self) -> list[str]:
        """Return the tags of a text's words, `O`, then `B-` and `I-` of each type: the order of a model's outputs."""
        return [OUTSIDE] + [f"{place}-{name}" for name in self.labels for place in "BI"]

    def check(self, label: str, where: str) -> str:
        """Return spans in their canonical form.

        Args:
            label: a list of `[start, end, type]`, as JSON or as Python prints it.

        Raises:
            UserError: it is no list, an item is no span, a type is none of the task's, or two spans overlap and
                `overlap` is `refuse`; begins with `where`.
        """
        found = parsed(label, where)
        for start, end, name in found:
            if name not in self._places:
                super().check(name, f"{where}: span {start} to {end}")
        kept, lost = self.apart(found)
        if lost and self.overlap == "refuse":
            one, other = overlapping(found)
            raise UserError(
                f"{where}: spans {told(one)} and {told(other)} overlap; set task.overlap to longest or first, which "
                f"says which one stays"
            )
        return canonical(kept)

    def parse(self, answer: str) -> str | None:
        """Return the spans that a language model's answer is: a list, or `NONE`; None for one that is anything else."""
        bare = answer.strip(task.AROUND)
        return canonical(()) if bare.casefold() == NONE else task.Task.parse(self, bare)

    def apart(self, found: Iterable[Span]) -> tuple[list[Span], list[Span]]:
        """Return those of some spans that `overlap` keeps, sorted, and those that overlap them, in their order.

        With `refuse` the spans that stay are those of `first`.
        """
        rank = _by_length if self.overlap == "longest" else _by_start
        kept: list[Span] = []
        lost: list[Span] = []
        starts: list[int] = []
        for span in sorted(set(found), key=rank):
            place = bisect_right(starts, span[0])
            is_free = (place == 0 or kept[place - 1][1] <= span[0]) and (
                place == len(kept) or span[1] <= kept[place][0]
            )
            if is_free:
                kept.insert(place, span)
                starts.insert(place, span[0])
            else:
                lost.append(span)
        return kept, lost

    def fits(self, label: str, text: str, where: str) -> None:
        """Raise a `UserError` if a span ends beyond the text, or begins or ends with white space, which no model can
        tell."""
        for span in spans(label):
            start, end, _ = span
            if end > len(text):
                raise UserError(
                    f"{where}: span {told(span)} ends beyond the text, which has {len(text)} characters; offsets count "
                    f"the characters of the row's text"
                )
            if text[start].isspace() or text[end - 1].isspace():
                raise UserError(
                    f"{where}: span {told(span)}, {quoted(text, span)}, begins or ends with white space; leave that "
                    f"out of the span"
                )

    def agree(self, label: str, text: str, other: str, other_text: str) -> bool:
        """Return whether two labels mark the same in what their texts share.

        Of texts of the same words that is the same words of both; of others, the same types of whatever words both
        texts hold: where these stand, and how often one of them is marked, is not compared.
        """
        return copies.agree(text, spans(label), other_text, spans(other))

    def carry(self, label: str, change: task.Change) -> task.Carried:
        """Return the spans where a change of the text left them; those are lost whose text is gone."""
        if change.rule is None:
            return task.Carried(None)
        if not (found := spans(label)):
            return task.Carried(label)
        moved = carrying.moved(change, found)
        lost = [
            f"span {told(span)}, {quoted(change.before, span)}"
            for span, new in zip(found, moved, strict=True)
            if not new
        ]
        return task.Carried(canonical(filter(None, moved)), lost)

    def shown(self, label: str, text: str) -> str:
        """Return the spans in words, each as its type and what it marks: `drug: aspirin; ill: heart failure`."""
        marked = [f"{name}: {' '.join(text[start:end].split())}" for start, end, name in spans(label)]
        return "; ".join(marked) or NONE

    def names(self, label: str) -> list[str]:
        """Return the types that occur, sorted; of a label without spans, `NONE`."""
        return sorted({name for _, _, name in spans(label)}) or [NONE]

    def classes(self, labels: Iterable[str]) -> list[str]:
        """Return all types of the task, and `NONE` if a label has no span."""
        return self.labels + ([NONE] if canonical(()) in labels else [])

    def vocabulary(self, labels: Iterable[str]) -> list[str]:
        """Return the labels that occur, sorted: nobody can list all that may."""
        return sorted(set(labels))

    def judged(self, label: str, truth: str | None, name: str) -> tuple[int, int]:
        """Return how many spans of a type are right, and how many there are, or are missed; of `NONE` see `Task`."""
        if name == NONE:
            return super().judged(label, truth, name)
        own, right = ({span for span in spans(each) if span[2] == name} for each in (label, truth or canonical(())))
        return len(own & right), len(own | right)

    def check_name(self, name: str, where: str) -> str:
        """Return a span's type, or raise a `UserError` that begins with `where` if it is none of the task's."""
        return super().check(name, where)

    def marked(self, spans: Iterable[Span], where: str) -> str:
        """Return the label of some spans; see `winnow.kinds.task.Task.marked`."""
        return canonical(spans)

    def check_counts(self, labels: Iterable[str], where: str) -> Counter:
        """Return how many rows have spans of each type.

        Raises:
            UserError: there is no label, or none has a span.
        """
        counts = task.Task.check_counts(self, labels, where)
        if not set(counts) & set(self.labels):
            raise UserError(f"{where}: no row has a span; a model needs examples of {', '.join(self.labels[:3])}")
        return counts


def canonical(found: Iterable[Span]) -> str:
    """Return the canonical form of spans: sorted, each once, as JSON without spaces. They must not overlap."""
    listed = [[int(start), int(end), name] for start, end, name in sorted(set(found))]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=65536)  # every concern asks for the spans of the same rows
def spans(label: str) -> tuple[Span, ...]:
    """Return the spans of a label in canonical form: (start, end, type), sorted."""
    return tuple((start, end, name) for start, end, name in json.loads(label))


def known(labels: Sequence[str | None]) -> np.ndarray:
    """Return which rows have a label, (rows,) bool."""
    return np.array([label is not None for label in labels], dtype=bool)


def overlapping(found: Iterable[Span]) -> tuple[Span, Span] | None:
    """Return the first two spans that overlap; None if none do."""
    widest: Span | None = None
    for span in sorted(set(found)):
        if widest is not None and span[0] < widest[1]:
            return widest, span
        widest = span
    return None


def parsed(label: str, where: str) -> list[Span]:
    """Return the spans that a text lists, whatever their types and order.

    Raises:
        UserError: it is no list, or an item is no `[start, end, type]`; begins with `where`.
    """
    text = label.strip()
    items = listed(text)
    if items is None:
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        raise UserError(f"""{where}: label '{shown}' is no list of spans; write it as JSON: [[0, 7, "type"]]""")
    return [_span(item, where) for item in items]


def _span(item: object, where: str) -> Span:
    if isinstance(item, list | tuple) and len(item) == 3:
        start, end, name = item
        if type(start) is int and type(end) is int and isinstance(name, str) and 0 <= start < end:
            return start, end, name.strip()
    shown = json.dumps(item, ensure_ascii=False, default=str)
    raise UserError(
        f"{where}: {shown[:SHOWN]} is no span; a span is [start, end, type], with whole numbers, 0 <= start < end"
    )


def listed(text: str) -> list | None:
    """Return the items of a list that a text is, as JSON or Python writes it; None if it is none."""
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
        return list(found) if isinstance(found, list | tuple) else None
    return None


def _by_length(span: Span) -> tuple[int, int, str]:
    return span[0] - span[1], span[0], span[2]


def _by_start(span: Span) -> tuple[int, int, str]:
    return span[0], -span[1], span[2]
