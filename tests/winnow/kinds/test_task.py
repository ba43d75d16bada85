"""What a task says of labels where its kind says nothing of its own."""

import pytest

from tests.other_tasks import NUMBERS, WORDS
from winnow.base.errors import UserError
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
    assert CLOSED.carry("<p>x", "x", "a") == "a"
    assert WORDS.carry("oak elm", "elm", "elm oak") == "elm"
    assert WORDS.carry("oak", "", "oak") is None


def test_rows_are_counted_for_each_class_and_none_is_an_error():
    assert WORDS.check_counts(["oak elm", "elm"], 1, "here") == {"elm": 2, "oak": 1}
    with pytest.raises(UserError, match="here: no row has a label"):
        WORDS.check_counts([], 1, "here")
