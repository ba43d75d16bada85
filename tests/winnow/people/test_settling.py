"""Which decisions count, and what they settle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.people import settling
from winnow.people.decisions import Decision
from winnow.people.settling import Outcome

DAYS = ["2026-01-30", "2026-01-31", "2026-02-01"]


def decide(verdict: str = "keep", new_label: str = "", who: str = "ana", day: str = DAYS[0], **cells) -> Decision:
    of = {"id": "aa", "text_sha": "sha", "given_label": "FRUIT", "note": "", "line": 2} | cells
    return Decision(**of, verdict=verdict, new_label=new_label, reviewer=who, decided_on=day)


def test_the_latest_day_counts_wherever_its_line_stands():
    older, newer = decide("ambiguous"), decide("keep", day=DAYS[1])
    assert settling.latest([older, newer]) == settling.latest([newer, older]) == {"aa": {"ana": newer}}


def test_on_one_day_the_later_line_counts():
    first, second = decide("ambiguous"), decide("keep")
    assert settling.latest([first, second])["aa"]["ana"] is second
    assert settling.latest([second, first])["aa"]["ana"] is first


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
