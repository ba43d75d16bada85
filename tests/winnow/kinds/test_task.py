"""What a task says of labels where its kind says nothing of its own."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.other_tasks import NUMBERS, WORDS
from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds import task
from winnow.kinds.classification.labels import Task

CLOSED = Task(kind="classification", labels=["b", "a"])


def test_a_label_is_one_in_its_canonical_form():
    assert [NUMBERS.is_label(label) for label in ("2.5", "2.50", "x", "")] == [True, False, False, False]
    assert [CLOSED.is_label(label) for label in ("a", "A", "")] == [True, False, False]


def test_an_open_set_knows_the_labels_that_it_is_told_and_a_closed_one_all():
    assert (NUMBERS.is_closed, CLOSED.is_closed) == (False, True)
    assert NUMBERS.vocabulary(["3", "-1", "3"]) == ["-1", "3"]
    assert CLOSED.vocabulary([]) == CLOSED.classes([]) == ["b", "a"]
    assert WORDS.classes(["oak elm", "elm"]) == ["elm", "oak"]


@pytest.mark.parametrize(("answer", "label"), [("**2.50**", "2.5"), (" '7' ", "7"), ("seven", None), ("", None)])
def test_an_answer_is_a_label_without_what_stands_around_it(answer, label):
    assert NUMBERS.parse(answer) == label


@pytest.mark.parametrize(("answer", "label"), [("A.", "a"), ('"b"', "b"), ("c", None), ("", None), ("...", None)])
def test_the_name_of_a_class_is_one_whatever_its_case(answer, label):
    assert CLOSED.parse(answer) == label


def test_a_label_stays_where_cleaning_changes_nothing_of_it():
    assert CLOSED.carry("a", task.Change("<p>x", "x", str)) == ("a", ())
    assert WORDS.carry("elm oak", task.Change("oak elm", "elm", str)) == ("elm", ["oak"])
    assert WORDS.carry("oak", task.Change("oak", "", str)) == (None, ["oak"])


def test_classes_with_few_rows_are_those_of_the_set_or_those_that_occur():
    assert CLOSED.rare(Counter({"b": 3}), 2) == {"a": 0}
    assert WORDS.rare(Counter({"oak": 3, "elm": 1}), 2) == {"elm": 1}


def test_rows_are_counted_for_each_class_and_none_is_an_error():
    assert WORDS.check_counts(["oak elm", "elm"], "here") == {"elm": 2, "oak": 1}
    with pytest.raises(UserError, match="here: no row has a label"):
        WORDS.check_counts([], "here")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Positive", "positive"),
        ("Positive", " POSITIVE\u00a0"),
        ("Positive", "\uff30\uff4f\uff53\uff49\uff54\uff49\uff56\uff45"),
        ("No s\u00e9", "no se\u0301"),
        ("a b", "a\u3000\u2009b"),
        ("a", "\ufeffa\u200b"),
        ("\u2764", "\u2764\ufe0f"),
        ("STRASSE", "stra\u00dfe"),
        ("\u0130Y\u0130", "iyi"),
        ("KIZ", "k\u0131z"),
        ("\u03a3\u0391\u03a3", "\u03c3\u03b1\u03c2"),
        ("\ufb01n", "fin"),
        ("\u0915\u093c", "\u0958"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\uff76\uff9e", "\u30ac"),
    ],
)
def test_labels_that_differ_for_nobody_who_reads_them(one, other):
    assert task.bare(one) == task.bare(other)
    with pytest.raises(
        UserError, match=r"labels \".*\" and \".*\" differ in case, space or Unicode form|has space around"
    ):
        params.parse({"kind": "classification", "labels": [one, other]}, Task, "params.yaml: task")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "\u00e1"),
        ("+", "-"),
        ("1", "1.0"),
        ("\U0001f44d", "\U0001f44d\U0001f3fd"),
        ("\u0e40\u0e01", "\u0e40\u0e01\u0e48"),
    ],
)
def test_labels_that_differ_for_those_who_read_them(one, other):
    assert task.bare(one) != task.bare(other)
    params.parse({"kind": "classification", "labels": [one, other]}, Task, "params.yaml: task")


def test_a_label_with_space_around_it_is_refused():
    with pytest.raises(UserError, match=r'label "a\\u00a0" has space around it; take it away'):
        params.parse({"kind": "classification", "labels": ["a\u00a0", "b"]}, Task, "params.yaml: task")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_label_as_it_is_told_is_what_yaml_reads(label):
    told = task.spelled(label)
    assert YAML(typ="safe").load(told) == label
    assert told.isprintable()
    assert task.bare(task.bare(label)) == task.bare(label)
