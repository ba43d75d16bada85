"""apply_decisions of responses: they are told by hashes and lines, and replaced by whole texts."""

from dataclasses import replace

import pyarrow as pa
import pytest

from stages.annotate import __main__ as annotate
from stages.apply_decisions import __main__ as apply_decisions
from stages.apply_decisions.acceptance import Acceptance, judge
from tests.conftest import make_rows
from winnow.kinds.generation.labels import Task
from winnow.people import settling
from winnow.people.decisions import Decision
from winnow.rows import tables
from winnow.rows.ledger import Ledger

TASK = Task(kind="generation")
GIVEN, NEW = "Paris\nis it.", "It is Paris.\nYes."
ACCEPTANCE = Acceptance(method="alt_test", min_rows=2, min_reviewers=2)


def decide(row: str, verdict: str, new: str = "", given: str = GIVEN, who: str = "ana") -> Decision:
    told = TASK.told_given(given), verdict, TASK.told_new(new), who
    return Decision(row, "sha", *told, "2026-01-31", "", line=2)


def applied(*made: Decision, origin: str | None = "given") -> tuple[dict, list[dict]]:
    rows = make_rows([{"label": GIVEN}])
    row = rows["id"][0].as_py()
    rows = tables.set_column(rows, "label_origin", [origin], pa.string())
    rows = tables.set_column(rows, "given_label", [GIVEN], pa.string())
    ledger = Ledger("apply_decisions")
    by_row = settling.latest(replace(decision, id=row) for decision in made)
    out = apply_decisions.apply(rows, by_row, {}, TASK, ledger)
    return out.to_pylist()[0], ledger.table().to_pylist()


def test_an_edit_replaces_the_response():
    row, [entry] = applied(decide("aa", "relabel", NEW))
    assert (row["label"], row["label_origin"], row["verdict"]) == (NEW, "human", "relabel")
    assert entry["reason"] == f"label {TASK.told_given(GIVEN)} -> {TASK.told_given(NEW)}, decided by ana"


def test_a_kept_response_is_of_a_person():
    row, _ = applied(decide("aa", "keep"))
    assert (row["label"], row["label_origin"], row["verdict"]) == (GIVEN, "human", "keep")


def test_two_edits_are_a_conflict():
    row, [entry] = applied(decide("aa", "relabel", NEW), decide("aa", "relabel", "Lyon", who="bo"))
    assert (row["label"], row["conflict"]) == (GIVEN, True)
    assert "\n" not in entry["reason"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (decide("aa", "relabel", NEW, given="old"), decide("aa", "relabel", NEW)),
        (decide("aa", "relabel", GIVEN, given="old"), decide("aa", "keep")),
        (decide("aa", "ambiguous", given="old"), decide("aa", "ambiguous")),
        (decide("aa", "keep", given="old"), None),  # nobody knows what it kept: stale
    ],
)
def test_a_model_that_answers_anew(made, expected):
    today = apply_decisions.on_today(made, {"label_origin": "model", "given_label": GIVEN}, TASK)
    assert today == (expected or made)


def test_automatic_responses_stand_for_people():
    ids = [f"row-{number}" for number in range(40)]
    own = {"label": GIVEN, "label_origin": "rule", "label_confidence": 0.9, "rule": "r", "version": "v1"}
    table = pa.Table.from_pylist([{"id": id} | own for id in ids], schema=annotate.OUT)
    table = tables.set_column(table, "audit", [True] * len(ids), pa.bool_())
    made = [decide(id, "keep", who=who) for id in ids for who in ("ana", "bo", "cy")]
    [judgement] = judge(table, settling.latest(made), TASK, ACCEPTANCE).values()
    assert (judgement.correct, judgement.winning_rate, judgement.refusal) == (40, 1.0, None)
