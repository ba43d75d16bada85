"""What speaks against a label, span by span, in words that a curator understands."""

import numpy as np

from winnow.kinds.task import spelled
from winnow.kinds.token_classification.labels import Task
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores.stack import Candidates

MOST = 3  # spans that are told of a row
LONGEST = 40  # characters of a span that are repeated


def in_words(task: Task, texts: list[str], layout: Layout, found: Candidates) -> list[list[str]]:
    """Return what is doubtful of each row, the most doubtful span first; nothing where no span is."""
    told: list[list[str]] = [[] for _ in texts]
    doubted = np.flatnonzero(found.against > 0)
    for place in doubted[np.argsort(-found.against[doubted], kind="stable")].tolist():
        own = told[found.row[place]]
        if len(own) < MOST and (found.given[place] or found.is_free[place] or not _is_told_by_given(found, place)):
            own.append(_sentence(task, texts[found.row[place]], layout, (found, place)))
    return told


def _is_told_by_given(found: Candidates, place: int) -> bool:
    """Return whether a given span that overlaps is doubted too, which then names this one."""
    return any(found.given[other] and found.score[other] < 0 for other in _overlapping(found, place))


def _overlapping(found: Candidates, place: int) -> list[int]:
    first, end = found.spans.first[place], found.spans.end[place]
    own = slice(*np.searchsorted(found.row, [found.row[place], found.row[place] + 1]))
    overlap = (found.spans.first[own] < end) & (found.spans.end[own] > first)
    return [other for other in (own.start + np.flatnonzero(overlap)).tolist() if other != place]


def _sentence(task: Task, text: str, layout: Layout, of: tuple[Candidates, int]) -> str:
    found, place = of
    name = task.labels[found.spans.kind[place]]
    said = _quoted(text, layout, of)
    if not found.given[place]:
        return f"{said} has no label; it is {name} {_elsewhere(found, place)}"
    better = [other for other in _overlapping(found, place) if not found.given[other] and found.score[other] > 0]
    if not better:
        return f"{said} is {name} here; it is so {_elsewhere(found, place)}"
    other = max(better, key=lambda each: (found.score[each], -each))
    likelier = task.labels[found.spans.kind[other]]
    instead = likelier
    if (found.spans.first[other], found.spans.end[other]) != (found.spans.first[place], found.spans.end[place]):
        instead = f"{_quoted(text, layout, (found, other))} as {likelier}"
    return f"{said} is {name} here; likelier is {instead}, which is so {_elsewhere(found, other)}"


def _quoted(text: str, layout: Layout, of: tuple[Candidates, int]) -> str:
    found, place = of
    start = int(layout.offsets[found.spans.first[place], 0])
    end = int(layout.offsets[found.spans.end[place] - 1, 1])
    shown = text[start:end] if end - start <= LONGEST else f"{text[start : start + LONGEST]}…"
    return f"{spelled(shown)} at {start}-{end}"


def _elsewhere(found: Candidates, place: int) -> str:
    """Return how often the form is labelled so in other rows, or how probable the models hold it."""
    mentions, labelled = int(found.elsewhere.mentions[place]), int(found.elsewhere.labelled[place])
    if mentions:
        return f"in {labelled} of {mentions} mentions in other rows"
    return f"with {100 / (1 + np.exp(-found.score[place])):.0f} % by the models; no other row mentions it"
