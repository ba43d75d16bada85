"""Acceptance: automatic labels stand where people's decisions on the audit sample show them to be right."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.apply_decisions import acceptance
from stages.apply_decisions.acceptance import Acceptance
from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.kinds.token_classification import labels as token_classification
from winnow.people import settling
from winnow.people.decisions import Decision
from winnow.statistics import intervals

SETTINGS = {"method": "precision", "min_rows": 20, "min_precision": 0.8}
SETTINGS |= {"min_reviewers": 3, "epsilon": 0.15, "winning_rate": 0.5}
TASK = Task(kind="classification", labels=["FRUIT", "STONE"])
STRATUM = ("rule", "FRUIT")


def settings(**changes) -> Acceptance:
    return Acceptance(**SETTINGS | changes)


def annotations(drawn: int, undrawn: int = 0, label: str = "FRUIT", origin: str = "rule") -> pa.Table:
    rows = [
        {"id": f"{label}-{n}", "label": label, "label_origin": origin, "audit": n < drawn}
        for n in range(drawn + undrawn)
    ]
    return pa.Table.from_pylist(rows)


def decided(number: int, verdict: str = "keep", reviewer: str = "ana", label: str = "FRUIT") -> Decision:
    cells = {"id": f"{label}-{number}", "text_sha": "", "given_label": label, "verdict": verdict}
    cells |= {"new_label": "STONE" if verdict == "relabel" else "", "reviewer": reviewer}
    return Decision(**cells, decided_on="2026-01-31", note="", line=2)


def judge(table: pa.Table, *made: Decision, **changes) -> acceptance.Judgement:
    return acceptance.judge(table, settling.latest(made), TASK, settings(**changes))[STRATUM]


def test_accepted_at_the_bound_and_not_below_it():
    made = [decided(n, "keep" if n < 38 else "relabel") for n in range(40)]
    bound = intervals.wilson(38, 40)[0]
    at = judge(annotations(40, 60), *made, min_precision=bound)
    assert (at.refusal, at.rows, at.drawn, at.decided, at.correct) == (None, 100, 40, 40, 38)
    assert (at.precision, at.lower) == (38 / 40, bound)
    below = judge(annotations(40), *made, min_precision=bound + 1e-9)
    assert below.refusal.startswith("38 of 40 audited rows right: precision at least 0.8")


class Several(Task):
    """A kind whose labels count for the classes that they name: "FRUIT+STONE" for both, "" for none."""

    def names(self, label: str) -> list[str]:
        return [name for name in label.split("+") if name]


def test_a_label_of_several_classes_is_judged_under_each():
    task = Several(kind="classification", labels=["FRUIT", "STONE"])
    table = pa.concat_tables([annotations(40), annotations(30, label="FRUIT+STONE"), annotations(1, label="")])
    made = [decided(n) for n in range(40)]
    made += [decided(n, "keep" if n < 20 else "ambiguous", label="FRUIT+STONE") for n in range(30)]
    found = acceptance.judge(table, settling.latest(made), task, settings(min_precision=0.7))
    assert {stratum: (of.rows, of.decided, of.correct) for stratum, of in found.items()} == {
        ("rule", "FRUIT"): (70, 70, 60),
        ("rule", "STONE"): (30, 30, 20),
        ("rule", "none"): (1, 0, 0),
    }
    assert [of.refusal is None for of in found.values()] == [True, False, False]


def spans_judged(relabelled: int, new: str, **changes) -> acceptance.Judgement:
    """Return what is found of 40 rows with two drugs and an illness, some of which people relabel."""
    task = token_classification.Task(kind="token_classification", labels=["drug", "illness"])
    label = '[[0,1,"drug"],[2,3,"drug"],[4,5,"illness"]]'
    rows = [{"id": f"{n}", "label": label, "label_origin": "rule", "audit": True} for n in range(40)]
    made = [
        replace(decided(n, "relabel" if n < relabelled else "keep"), id=f"{n}", given_label=label, new_label=new)
        for n in range(40)
    ]
    made = [replace(each, new_label="") if each.verdict == "keep" else each for each in made]
    return acceptance.judge(pa.Table.from_pylist(rows), settling.latest(made), task, settings(**changes))[
        "rule", "drug"
    ]


def test_labels_of_spans_are_judged_span_by_span():
    other = spans_judged(30, '[[0,1,"drug"],[2,3,"drug"]]')  # the illness was wrong, no drug
    assert (other.precision, other.correct, other.refusal) == (1.0, 40, None)
    assert other.lower == intervals.wilson(80, 80)[0]
    spurious = spans_judged(10, '[[0,1,"drug"],[4,5,"illness"]]')
    assert (spurious.precision, spurious.correct) == (70 / 80, 30)
    missed = spans_judged(10, '[[0,1,"drug"],[2,3,"drug"],[4,5,"illness"],[6,7,"drug"]]')
    assert missed.precision == 80 / 90
    assert spans_judged(10, "[]").precision == 60 / 80
    # Ten rows of which all is wrong tell as much as ten rows do, not as twenty spans.
    assert spans_judged(10, "[]").lower == intervals.wilson(30, 40)[0] < intervals.wilson(60, 80)[0]
    assert spans_judged(10, "[]").refusal.startswith("60 of 80 right in 40 audited rows: precision at least 0.6")


def test_too_few_audited_rows_and_none_prove_nothing():
    few = judge(annotations(40), *[decided(n) for n in range(19)])
    assert few.refusal == "people decided on 19 rows of its audit sample, 20 needed"
    none = judge(annotations(40))
    assert none.refusal == "people decided on 0 rows of its audit sample, 20 needed"
    assert (none.precision, none.decided) == (0.0, 0)
    assert judge(annotations(0, 50)).lower == 0.0


def test_rows_that_people_passed_over_count_as_wrong():
    found = judge(annotations(40), *[decided(n) for n in range(30)])
    assert found.precision == 1.0
    assert found.lower == intervals.wilson(30, 40)[0]
    assert "30 of 40 audited rows right (10 undecided count as wrong)" in found.refusal
    assert judge(annotations(40), *[decided(n) for n in range(39)]).refusal is None


def test_a_row_is_right_only_if_all_who_decided_keep_its_label():
    made = [decided(n) for n in range(40)]
    doubted = [decided(n, verdict, "bo") for n, verdict in enumerate(["ambiguous", "out_of_scope", "relabel", "keep"])]
    assert judge(annotations(40), *made, *doubted).correct == 37


def test_decisions_outside_the_sample_count_for_nothing():
    made = [decided(n, "keep" if n < 40 else "relabel") for n in range(100)]
    assert judge(annotations(40, 60), *made).correct == judge(annotations(40, 60), *made).decided == 40


def test_each_origin_and_label_is_judged_by_itself():
    table = pa.concat_tables(
        [annotations(40), annotations(40, label="STONE"), annotations(40, label="PLANT", origin="model")]
    )
    made = [decided(n) for n in range(40)] + [decided(n, "relabel", label="STONE") for n in range(40)]
    found = acceptance.judge(table, settling.latest(made), TASK, settings())
    assert list(found) == [("model", "PLANT"), ("rule", "FRUIT"), ("rule", "STONE")]
    assert [judgement.refusal is None for judgement in found.values()] == [False, True, False]
    assert acceptance.judge(table.slice(0, 0), {}, TASK, settings()) == {}


PEOPLE = ("ana", "bo", "cy")


def test_with_several_reviewers_the_alt_test_decides():
    # Three people who each keep nine of ten, not the same nine: the label stands for them as well as they do.
    made = [
        decided(n, "relabel" if n % 10 == place else "keep", who) for place, who in enumerate(PEOPLE) for n in range(50)
    ]
    passed = judge(annotations(50), *made, method="alt_test")
    assert (passed.refusal, passed.winning_rate) == (None, 1.0)
    # Three people who agree that it is another label in most rows.
    made = [decided(n, "relabel" if n % 10 else "keep", who) for who in PEOPLE for n in range(50)]
    failed = judge(annotations(50), *made, method="alt_test")
    assert failed.refusal == "alt-test: it stands for 0% of 3 reviewers, 50% needed"


def test_the_alt_test_needs_reviewers_who_share_rows():
    made = [decided(n, "keep", who) for who in PEOPLE[:2] for n in range(50)]
    two = judge(annotations(50), *made, method="alt_test")
    assert two.refusal == "2 reviewers share 20 rows of its audit sample with others, 3 needed"
    assert two.winning_rate is None
    assert judge(annotations(50), *made, method="alt_test", min_reviewers=2).refusal is None
    apart = [decided(n, "keep", PEOPLE[n % 3]) for n in range(50)]
    assert judge(annotations(50), *apart, method="alt_test").refusal.startswith("0 reviewers share")


@given(
    st.lists(st.tuples(st.integers(0, 29), st.sampled_from(["keep", "relabel", "ambiguous"]), st.sampled_from("abc")))
)
def test_one_more_doubt_never_makes_labels_acceptable(choices):
    made = {(n, who): decided(n, verdict, who) for n, verdict, who in choices}
    found = judge(annotations(30), *made.values(), min_rows=1)
    assert 0 <= found.correct <= found.decided <= found.drawn == 30
    assert found.lower <= found.precision or not found.decided
    doubted = {key: decided(key[0], "ambiguous", key[1]) for key in list(made)[:1]}
    worse = judge(annotations(30), *(made | doubted).values(), min_rows=1)
    assert worse.lower <= found.lower
    assert found.refusal is None or worse.refusal is not None


@pytest.mark.parametrize(
    "changes",
    [{"method": "trust"}, {"min_rows": 0}, {"min_precision": 80}, {"min_reviewers": 1}, {"winning_rate": 0}],
)
def test_bad_parameters_are_named(changes):
    with pytest.raises(UserError, match=f"acceptance.{next(iter(changes))}"):
        params.parse(SETTINGS | changes, Acceptance, "params.yaml: apply_decisions.acceptance")
