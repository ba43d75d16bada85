"""Which decisions count, and what they settle."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.people import settling
from winnow.people.decisions import Decision
from winnow.people.settling import Outcome

TASK = Task(kind="classification", labels=["FRUIT", "STONE"])
DAYS = ["2026-01-30", "2026-01-31", "2026-02-01"]


def decide(verdict: str = "keep", new_label: str = "", who: str = "ana", day: str = DAYS[0], **cells) -> Decision:
    of = {"id": "aa", "text_sha": "sha", "given_label": "FRUIT", "note": "", "line": 2} | cells
    return Decision(**of, verdict=verdict, new_label=new_label, reviewer=who, decided_on=day)


def test_the_latest_day_counts_wherever_its_line_stands():
    older, newer = decide("ambiguous"), decide("keep", day=DAYS[1])
    assert settling.latest([older, newer]) == settling.latest([newer, older]) == {"aa": {"ana": newer}}


def test_on_one_day_the_time_counts_and_a_day_alone_is_its_beginning():
    made = [decide("keep", day=f"{DAYS[0]}{time}") for time in ("T23:00:00Z", "T09:30:00Z", "")]
    for order in itertools.permutations(made):
        assert settling.latest(order)["aa"]["ana"] is made[0]
    assert settling.latest(made[1:])["aa"]["ana"] is made[1]


def test_a_change_of_mind_within_one_second_counts():
    times = ("T09:30:00Z", "T09:30:00.100000Z", "T09:30:00.250000Z", "T09:30:01Z")
    made = [decide("keep" if place % 2 else "ambiguous", day=f"{DAYS[0]}{time}") for place, time in enumerate(times)]
    for last in range(1, len(made) + 1):
        for order in itertools.permutations(made[:last]):
            assert settling.latest(order)["aa"]["ana"] is made[last - 1]
            settling.check(order, {"aa": ("sha", "FRUIT")}, TASK, Path("decisions.csv"))


@given(
    st.lists(
        st.sampled_from([("keep", ""), ("ambiguous", ""), ("relabel", "STONE"), ("relabel", "PLANT")]), min_size=2
    ),
    st.randoms(use_true_random=False),
)
def test_of_one_moment_what_counts_does_not_depend_on_places(said, chooser):
    made = [decide(*verdict, line=line, seconds=float(line)) for line, verdict in enumerate(said)]
    found = settling.latest(made)
    chooser.shuffle(made)
    assert settling.latest(made) == found


def test_two_verdicts_of_one_moment_stop_the_run():
    rows = {"aa": ("sha", "FRUIT")}
    day, time = decide("ambiguous", line=3), decide("keep", line=5)
    with pytest.raises(
        UserError, match=r"lines [35] and [35]: ana decides on aa in two ways on 2026-01-30; take one out"
    ):
        settling.check([day, time], rows, TASK, Path("decisions.csv"))
    settling.check([day, replace(time, decided_on="2026-01-30T09:30:00Z")], rows, TASK, Path("decisions.csv"))
    settling.check([day, replace(day, line=5, seconds=2.0)], rows, TASK, Path("decisions.csv"))
    settling.check([day, time, decide("keep", day=DAYS[1])], rows, TASK, Path("decisions.csv"))


@given(
    st.lists(st.tuples(st.sampled_from(["aa", "bb"]), st.sampled_from("xy"), st.sampled_from(DAYS)), unique=True),
    st.randoms(use_true_random=False),
)
def test_of_one_decision_a_day_the_order_of_lines_says_nothing(made, chooser):
    made = [decide(id=id, who=who, day=day) for id, who, day in made]
    found = settling.latest(made)
    chooser.shuffle(made)
    assert settling.latest(made) == found
    assert list(found) == sorted(found)
    assert all(list(by_reviewer) == sorted(by_reviewer) for by_reviewer in found.values())


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (decide("keep"), Outcome("FRUIT", "")),
        (decide("relabel", "STONE"), Outcome("STONE", "")),
        (decide("ambiguous"), Outcome("", "ambiguous")),
        (decide("out_of_scope"), Outcome("", "out_of_scope")),
    ],
)
def test_each_verdict_says_what_its_row_is(decision, outcome):
    assert settling.outcome(decision) == settling.settled({"ana": decision}) == outcome
    assert str(outcome) == (outcome.label or outcome.left_out)


def test_reviewers_settle_a_row_together_or_not_at_all():
    keep, same = decide("keep"), decide("relabel", "FRUIT", "bo", given_label="STONE")
    assert settling.settled({"ana": keep, "bo": same}) == Outcome("FRUIT", "")
    assert settling.settled({"ana": keep, "bo": decide("relabel", "STONE", "bo")}) is None
    assert settling.settled({}) is None


def test_a_label_that_is_called_like_a_verdict_is_a_label():
    assert settling.settled({"ana": decide("relabel", "ambiguous"), "bo": decide("ambiguous", who="bo")}) is None
