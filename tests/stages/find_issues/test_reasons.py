"""reasons: in words that a curator understands, and only what speaks of this row."""

from functools import partial

import pytest

from stages.find_issues.reasons import Findings, in_words, percent
from winnow.kinds.multilabel.labels import Task

CHANCES = {"FRUIT": 0.05, "STONE": 0.9, "WATER": 0.05}
PLAIN = {"label": "FRUIT", "origin": "given", "suggested": "STONE", "chances": CHANCES}


def said(**changes) -> list[str]:
    return in_words(Findings(**PLAIN | changes))


def test_what_the_models_give_comes_without_anything_else():
    assert said() == ["the models give FRUIT 5 % and STONE 90 %"]
    assert said(label="STONE") == ["the models agree: STONE 90 %"]
    unsure = {"FRUIT": 0.63, "STONE": 0.37}
    assert said(label="STONE", chances=unsure) == ["the models are unsure of the label: STONE 37 %"]
    assert said(label=None, origin=None) == ["the models give STONE 90 %"]


def test_models_that_tell_no_probabilities_are_told_without():
    assert said(chances={}) == ["the models give STONE"]
    assert said(chances={}, label="STONE") == ["the models agree: STONE"]


def test_models_are_named_by_what_they_look_at_where_they_differ():
    members = {"probe": "STONE", "words": "FRUIT", "finetune": "STONE", "group": "FRUIT", "other": "WATER"}
    assert said(members=members)[1] == (
        "STONE by its meaning and the fine-tuned model; FRUIT by its words and the rest of its group; "
        "WATER by model other"
    )
    assert len(said(members={"probe": "FRUIT", "words": "FRUIT"})) == 1
    assert len(said(members={"probe": "STONE"})) == 1


def test_neighbours_are_counted_the_most_frequent_first():
    assert said(nearest=["A", "B", "B", "C", "D", "C", "B"])[1] == "labels of the 7 nearest rows: 3 B, 2 C, 1 A"


def test_sets_are_told_in_words():
    shown = partial(Task(kind="multilabel", labels=["A", "B"]).shown, text="")
    told = said(
        label='["A"]',
        suggested='["A","B"]',
        chances={},
        members={"probe": '["A","B"]', "words": "[]"},
        nearest=['["A","B"]', "[]", '["A","B"]'],
        shown=shown,
    )
    assert told == [
        "the models give A, B",
        "A, B by its meaning; none of them by its words",
        "labels of the 3 nearest rows: 2 (A, B), 1 none of them",
    ]


def test_rules_outliers_slices_and_confident_learning_are_told():
    text = said(votes=[("heading", "STONE"), ("cue", "FRUIT")], outlier=True, poor_slice=True, flagged=2, ways=7)
    assert text[1:] == [
        "rule heading says STONE",
        "rule cue says FRUIT",
        "confident learning counts it as an error in 2 of 7 ways",
        "it is unlike all other rows",
        "it is one of a group of similar rows on which the models do poorly",
    ]


@pytest.mark.parametrize(("origin", "told"), [("given", False), ("human", False), ("rule", True), ("model", True)])
def test_a_label_that_no_person_stands_for_is_said_to_be(origin, told):
    assert (said(origin=origin)[-1] == f"the label was set by a {origin}") is told


def test_disputes_come_first():
    others = [("ab", "STONE"), ("cd", "WATER"), ("ef", "STONE"), ("gh", "STONE"), ("ij", "WATER")]
    assert said(
        conflict="reviewers disagree: ana FRUIT, ben STONE",
        copies="duplicates have other labels: xy WATER",
        duplicates=others,
    )[:3] == [
        "reviewers disagree: ana FRUIT, ben STONE",
        "duplicates have other labels: xy WATER",
        "rows that say nearly the same have other labels: ab STONE, cd WATER, ef STONE and 2 more",
    ]


@pytest.mark.parametrize(("share", "text"), [(0.0, "under 1 %"), (0.004, "under 1 %"), (0.5, "50 %"), (1, "over 99 %")])
def test_percent_calls_nothing_certain(share, text):
    assert percent(share) == text
