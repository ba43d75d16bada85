"""Evidence on responses: what was planted is planted again, what is not known says nothing, and tables read back."""

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.kinds.evidence import NOISES, Errors, Surroundings
from winnow.kinds.generation import columns, pairs, scores
from winnow.kinds.generation.columns import Signs
from winnow.kinds.generation.labels import Task
from winnow.kinds.generation.plants import Planted
from winnow.kinds.generation.scores import STACK, Evidence, reasons, stack

TASK = Task(kind="generation")
ROWS = 120


def evidence(seed: int = 1, partly: bool = False) -> tuple[Evidence, np.ndarray]:
    """Rows with a planted error in each of the first hundred, which two signs tell, each in one way of planting."""
    draw = np.random.default_rng(seed)
    labels = np.array([f"Answer {row} is right." for row in range(ROWS)], dtype=object)
    wrong = [Planted(f"Answer {row} is", "cut", NOISES[row % 3]) if row < 100 else None for row in range(ROWS)]
    made = pairs.gathered([[label] for label in labels], wrong)
    errors = made.sorts != pairs.REAL
    values = {name: draw.normal(size=len(errors)) for name in ("ifd", "misplaced", "echo")}
    values["misplaced"][errors & (made.ways == "uniform")] += 6
    values["ifd"][errors & (made.ways != "uniform")] += 6
    if partly:
        values["ifd"][made.rows >= 60] = np.nan
    facts = np.empty(len(errors), dtype=object)
    facts[:] = [[(0, 6)] if error else [] for error in errors]
    signs = Signs(values, np.tile([7, 9], (len(errors), 1)), facts, np.zeros(ROWS))
    return Evidence(TASK, made, signs), labels


@cache
def judged_once() -> tuple[Evidence, np.ndarray]:
    of, labels = evidence()
    return of.signals(labels, np.full(ROWS, True), around(), labels).evidence, labels


def around() -> Surroundings:
    rows = np.arange(ROWS)
    return Surroundings(rows % 4, rows, rows, np.full(ROWS, None, dtype=object), None)


def noisy(labels: np.ndarray, wrong: list[int]) -> np.ndarray:
    changed = labels.copy()
    for row in wrong:
        changed[row] = f"Answer {row} is"
    return changed


def area(wrong: np.ndarray, suspicion: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(wrong, suspicion)


def test_the_signs_together_find_what_each_finds_in_part():
    of, labels = evidence()
    wrong = list(range(0, 40))
    judged = noisy(labels, wrong)
    found = of.signals(judged, np.full(ROWS, True), around(), judged)
    is_wrong = np.isin(np.arange(ROWS), wrong)
    each = found.evidence.rankings(judged, None)
    assert found.names == [STACK, "misplaced", "ifd"]
    assert area(is_wrong, each[STACK]) > 0.97
    assert max(area(is_wrong, each[name]) for name in ("ifd", "misplaced", "echo")) < 0.95
    assert found.evidence.suspects(judged, "both").is_issue[is_wrong].mean() > 0.4
    assert found.evidence.noise(judged, np.full(ROWS, True)) == pytest.approx(1 / 6, abs=0.1)


def test_signs_that_some_rows_lack_are_weighed_among_the_others():
    of, labels = evidence(partly=True)
    judged = noisy(labels, list(range(0, 100, 3)))
    found = of.signals(judged, np.full(ROWS, True), around(), judged)
    assert np.isfinite(found.values).all()
    is_wrong = judged != labels
    assert area(is_wrong, found.values[:, 0]) > 0.9


def test_a_label_without_signs_says_nothing():
    of, labels = evidence()
    judged = labels.copy()
    judged[3], judged[4] = None, "Nobody wrote this."
    found = of.signals(labels, np.full(ROWS, True), around(), judged)
    others = np.delete(found.values, [3, 4], axis=0)
    np.testing.assert_allclose(found.values[[3, 4]], [others.mean(axis=0)] * 2)
    assert found.evidence.why()[3:5] == [[], []]
    assert np.isnan(found.evidence.suspects(judged, "both").quality[[3, 4]]).all()


def test_errors_come_first_from_their_way_and_a_lower_rate_is_a_part_of_a_higher_one():
    of, labels = evidence()
    few, many = (of.plant(labels, Errors("instance", rate, 1)) for rate in (0.1, 0.2))
    assert ((few != labels).sum(), (many != labels).sum()) == (12, 24)
    assert set(np.flatnonzero(few != labels)) < set(np.flatnonzero(many != labels))
    assert set(np.flatnonzero(many != labels) % 3) == {2}
    assert (of.plant(labels, Errors("instance", 0.2, 2)) != many).any()
    assert set(of.plant(labels, Errors("uniform", 1.0, 1)) != labels) == {True, False}, "a hundred are planted"


@settings(max_examples=20)
@given(st.lists(st.integers(0, ROWS - 1), max_size=9))
def test_what_is_said_of_some_rows_is_what_was_said_of_them(rows):
    whole, labels = judged_once()
    part = whole.take(np.array(rows, dtype=int))
    assert part.why() == [whole.why()[row] for row in rows]
    np.testing.assert_array_equal(part.judged.score, whole.judged.score[rows])
    assert part.likeliest().tolist() == [None] * len(rows)
    every = part.rankings(labels[rows], None)
    np.testing.assert_array_equal(every["echo"], whole.rankings(labels, None)["echo"][rows])


def test_tables_read_back():
    of, _ = evidence(partly=True)
    table = pa.table(columns.written(of.pairs, of.signs))
    again = scores.read(TASK, table, Path("scores.parquet"))
    assert again.pairs.responses.tolist() == of.pairs.responses.tolist()
    assert again.signs.facts.tolist() == of.signs.facts.tolist()
    np.testing.assert_array_equal(again.pairs.bounds, of.pairs.bounds)
    for name, own in of.signs.values.items():
        np.testing.assert_allclose(again.signs.values[name], own, atol=1e-6)
    with pytest.raises(UserError, match=r"scores.parquet: has no column worst; run `dvc repro score`"):
        scores.read(TASK, table.drop(["worst"]), Path("scores.parquet"))


def test_responses_have_one_measure_of_doubt():
    made = evidence()[0]
    assert made.doubt("margin").tolist() == made.doubt("entropy").tolist()


def test_nothing_planted_is_nothing_learnt():
    of, _ = evidence()
    none = stack.Learnt(np.zeros(len(of.pairs.rows), bool), of.pairs.sorts == "", of.pairs.rows % 4)
    assert not stack.stacked(of.signs.values, none).any()


def test_reasons_name_places_of_the_response_and_tell_the_strongest_first():
    response = "Emma is due on 12 May in Oslo"
    signs = Signs(
        values={"unsupported": np.array([0.5]), "worst": np.array([9.0]), "echo": np.array([0.5])},
        worst=np.array([[0, 4]]),
        facts=np.array([None]),
        spread=np.zeros(1),
    )
    signs.facts[0] = [(15, 17), (25, 29)]
    odds = {"echo": np.array([1.5]), "unsupported": np.array([9.0]), "worst": np.array([4.0])}
    [told] = reasons.in_words(np.array([response], dtype=object), signs, odds)
    assert told == [
        '"12" at 15-17, "Oslo" at 25-29 are not in the prompt',
        'its least expected words are "Emma" at 0-4',
    ]


def test_how_many_times_as_often_a_sign_comes_with_an_error():
    right, wrong = np.arange(100.0), np.arange(50.0, 150.0)
    found = reasons.odds(np.array([0, 120, np.nan]), wrong, right)
    assert found[0] == pytest.approx(1, abs=0.02)
    assert found[1] > 30
    assert found[2] == 1
