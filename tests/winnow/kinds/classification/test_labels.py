"""The label set and its checks."""

import pytest

from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task

TASK = Task(kind="classification", labels=["a", "b", "c"])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "classification", "labels": ["a"]}, "task.labels"),
        ({"kind": "classification", "labels": ["a", "a"]}, "distinct"),
        ({"kind": "classification", "labels": ["a", " "]}, "not blank"),
        ({"kind": "classification", "labels": ["a", "two\nlines"]}, "label 'two\\nlines': a label is one line without"),
        ({"kind": "classification", "labels": ["a", "b\u2028c"]}, "a label is one line without control characters"),
        ({"kind": "regression", "labels": ["a", "b"]}, "task.kind"),
        ({"kind": "classification", "labels": ["a", 1]}, "task.labels[1]"),
        ({"kind": "classification", "labels": ["a", "b"], "extra": 1}, "unknown parameter"),
        ({"kind": "classification"}, "missing"),
    ],
)
def test_bad_sections_are_refused_in_one_line(workspace, section, message):
    workspace(task=section)
    with pytest.raises(UserError) as error:
        params.load("task", Task)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_default_is_valid(default_params):
    assert params.parse(default_params["task"], Task, "params.yaml: task").labels[0] == "BACKGROUND"


def test_a_label_of_the_set_passes_and_another_is_named():
    assert TASK.check("b", "here") == "b"
    with pytest.raises(UserError, match=r"row 7: label 'd' is not one of .*a, b, c"):
        TASK.check("d", "row 7")


def test_of_many_labels_a_message_names_some():
    task = Task(kind="classification", labels=[f"class {number}" for number in range(1000)])
    with pytest.raises(UserError, match=r"'dog' is not one of params.yaml: task.labels \(class 0, .* and 980 more\)"):
        task.check("dog", "row 1")


def test_counts_of_a_good_table():
    assert TASK.check_counts(["a", "b", "c", "a"], "x") == {"a": 2, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "no row has a label"),
        (["b", "b"], "the only label is 'b'"),
    ],
)
def test_labels_that_cannot_be_learnt_are_refused(labels, message):
    with pytest.raises(UserError, match=message):
        TASK.check_counts(labels, "table")
