"""What a round's decisions did, and how many wrong labels its random sample shows before and after them."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stages.rounds import audit
from stages.rounds.audit import Certainty
from stages.rounds.replay import NONE, Rows, Settled
from winnow.base import hashing
from winnow.kinds.task import Task
from winnow.people.decisions import VERDICTS, Decision
from winnow.people.rounds.sample import STRATA, Drawn, Round
from winnow.rows.splits import SPLITS

SHOWN_IDS = 10
NO_LABEL = "none"


@dataclass(frozen=True)
class Course:
    """What was settled when a round began and when it ended, and what is settled today."""

    start: Settled
    end: Settled
    now: Settled


def deeds(rows: Rows, after: Settled, made: Sequence[Decision], sampled: set[str], task: Task) -> dict[str, object]:
    """Return what decisions did, as metrics: rows by verdict, split and class, changes of label, edited texts, time.

    Args:
        after: what is settled after them.
        made: the decisions, those of one round.
        sampled: ids of the round's random sample; other rows whose source gave a label tell how precise the queue was.
    """
    ids = sorted({decision.id for decision in made} & rows.place.keys())
    at = np.array([rows.place[id] for id in ids], dtype=int)
    verdicts = after.verdicts[at]
    queue = np.array([id not in sampled for id in ids], dtype=bool) & rows.trusted[at]
    of_class: dict[str, list[int]] = {}
    for place, label in enumerate(rows.given[at]):
        for name in [NO_LABEL] if label is NONE else task.names(label):
            of_class.setdefault(name, []).append(place)
    result: dict[str, object] = {
        "decisions": len(made),
        "rows": len(ids),
        "open": int((verdicts == "").sum()),
        "verdicts": _count(verdicts),
        "by_split": {split: _count(verdicts[rows.splits[at] == split]) for split in SPLITS},
        "by_label": {
            name: _count(verdicts[of_class.get(name, [])])
            for name in [*task.classes(label for label in rows.given if label is not NONE), NO_LABEL]
        },
        "changes": changes(rows.given[at], verdicts, after.labels[at], task),
        "queue": {"rows": int((queue & (verdicts != "")).sum()), "changed": int((queue & after.errors[at]).sum())},
    }
    if task.edits_text:
        result["edited_texts"] = int((after.texts[at] != "").sum())
    if times := [decision.seconds for decision in made if decision.seconds is not None]:
        result["seconds"] = {"timed": len(times), "total": sum(times), "median": statistics.median(times)}
    return result


def noise(round_: Round, rows: Rows, course: Course, certainty: Certainty) -> dict[str, object]:
    """Return how many labels are wrong before and after a round, by its sample, as metrics.

    The labels are those that models train on or are measured by, of a source or of people. One counts as wrong unless
    people keep it. Rows that were settled before the round are right by definition.
    What is left after the round is what there was, less what its decisions found, which is counted, not estimated.
    The estimate uses the sample up to its first row that nobody has settled: rows that people pass over are no
    random ones.
    """
    start, end, now = course.start, course.end, course.now
    present = [row for row in round_.rows if row.id in rows.place]
    judged = _judged(present, rows, now)
    result: dict[str, object] = {
        "drawn": len(round_.rows),
        "judged": len(judged),
        "open": sum(not now.done[rows.place[row.id]] for row in present),
        "passed_over": sum(bool(now.done[rows.place[row.id]]) for row in present) - len(judged),
        "vanished": _named(row for row in round_.rows if row.id not in rows.place),
        "changed": _named(row for row in present if _changed(row, rows)),
    }
    cells = _cells(round_, present, judged, rows, now)
    corrected = rows.trusted & ~start.done & end.errors
    for split in ("all", *SPLITS):
        strata = [
            audit.share(own)
            for stratum in STRATA
            if (own := [cell for (name, where), cell in cells.items() if name == stratum and split in ("all", where)])
        ]
        if not strata or None in strata:
            continue
        inside = np.full(len(rows.ids), True) if split == "all" else rows.splits == split
        errors = audit.total(strata, certainty.confidence)
        for when, settled, left in (
            ("before", start, errors),
            ("after", end, errors.less(float((corrected & inside).sum()))),
        ):
            if labelled := int(((settled.training(rows) != NONE) & inside).sum()):
                figures = {"rows": labelled, "errors": left.value} | left.named("share", 1 / labelled)
                result.setdefault(when, {})[split] = figures
    return result | _detector(cells, judged, rows, now, certainty)


def waiting(round_: Round, rows: Rows, now: Settled) -> list[Drawn]:
    """Return the rows of a round's sample that wait for people, in the order in which to judge them."""
    return [row for row in round_.rows if row.id in rows.place and not now.done[rows.place[row.id]]]


def _count(verdicts: np.ndarray) -> dict[str, int]:
    return {verdict: int((verdicts == verdict).sum()) for verdict in VERDICTS}


def changes(given: np.ndarray, verdicts: np.ndarray, new: np.ndarray, task: Task) -> list[dict]:
    """Return what became of the labels that did not stay, told by their classes; the most frequent change first."""
    counts: Counter = Counter()
    for before, verdict, after in zip(given.tolist(), verdicts.tolist(), new.tolist(), strict=True):
        if verdict in ("", "keep") or (verdict == "relabel" and before == after):  # the text alone is another
            continue
        old = NO_LABEL if before is NONE else ", ".join(task.names(before))
        said = ", ".join(task.names(after)) if verdict == "relabel" else verdict
        counts[old, f"{said}, marked otherwise" if said == old and task.marks_text else said] += 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"given": before, "new": after, "rows": count} for (before, after), count in ranked]


def _judged(present: Iterable[Drawn], rows: Rows, now: Settled) -> list[Drawn]:
    judged = []
    for row in present:
        if not now.done[rows.place[row.id]]:
            break
        judged.append(row)
    return judged


def _named(drawn: Iterable[Drawn]) -> dict[str, object]:
    ids = [row.id for row in drawn]
    return {"rows": len(ids), "ids": ids[:SHOWN_IDS]}


def _changed(row: Drawn, rows: Rows) -> bool:
    return hashing.text_sha(rows.texts[rows.place[row.id]]) != row.text_sha


def _cells(
    round_: Round, present: Iterable[Drawn], judged: Iterable[Drawn], rows: Rows, now: Settled
) -> dict[tuple[str, str], audit.Cell]:
    """Return the sample's cells; a population shrinks as its sample's rows vanish from the dataset."""
    there = Counter((row.stratum, row.split) for row in present)
    drawn = Counter((row.stratum, row.split) for row in round_.rows)
    of_cell: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in judged:
        of_cell[row.stratum, row.split].append(bool(now.errors[rows.place[row.id]]))
    return {
        cell: audit.Cell(population * there[cell] / drawn[cell], len(of_cell[cell]), sum(of_cell[cell]))
        for cell, population in round_.cells.items()
        if there[cell]
    }


def _detector(
    cells: dict[tuple[str, str], audit.Cell], judged: Iterable[Drawn], rows: Rows, now: Settled, certainty: Certainty
) -> dict[str, object]:
    """Return how many flagged rows are errors, how many errors are flagged, and errors found for each one expected."""
    result: dict[str, object] = {}
    flagged, unflagged = (
        audit.share([cell for (name, _), cell in cells.items() if name == wanted]) for wanted in STRATA
    )
    if flagged:
        result |= audit.wilson(flagged, certainty.confidence).named("precision")
    if flagged and unflagged and (recall := audit.recall(flagged, unflagged, certainty)):
        result |= recall.named("recall")
    expected = observed = 0.0
    for row in judged:
        if row.p_error is not None:
            cell = cells[row.stratum, row.split]
            weight = cell.population / cell.judged
            expected += weight * row.p_error
            observed += weight * bool(now.errors[rows.place[row.id]])
    return result | ({"observed_to_expected": observed / expected} if expected else {})
