"""A set as people give it: in a spreadsheet's cell, ticked on the page and in Label Studio."""

import json
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.kinds.classification.labels import Task as Classes
from winnow.kinds.multilabel import widget
from winnow.kinds.multilabel.labels import Task
from winnow.review import label_studio, page
from winnow.review.label_studio import tasks

NAMES = ["Humans", "Rats", "true", "$cost", "naïve ネコ"]
TASK = Task(kind="multilabel", labels=NAMES)
MANY = Task(kind="multilabel", labels=[f"label {number}" for number in range(12)])
SETS = st.lists(st.sampled_from(NAMES), unique=True).map(lambda names: TASK.check(json.dumps(names), ""))


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        ('["Humans","Rats"]', '["Humans","Rats"]'),
        ("Rats; Humans", '["Humans","Rats"]'),
        ("TRUE;rats", '["Rats","true"]'),
        ("TRUE", '["true"]'),
        ("None of them", "[]"),
        ("[]", "[]"),
        ("", ""),
        ("Cats", "Cats"),
        ('["Rats"', '["Rats"'),
        ("=1+1", "=1+1"),
    ],
)
def test_a_spreadsheet_s_cell_is_a_set_or_comes_back(cell, label):
    assert widget.read_cell(cell, TASK, "") == label


@given(SETS)
def test_a_prediction_that_a_person_submits_is_the_same_set(label):
    assert widget.answers(widget.prediction(label, ""), TASK, "") == [label]


def test_label_studio_s_answers():
    def said(name, *choices):
        return {"from_name": name, "value": {"choices": list(choices)}}

    assert widget.answers([said("label", "Rats", "Humans")], TASK, "") == ['["Humans","Rats"]']
    assert widget.answers([said("verdict", "winnow:none")], TASK, "") == ["[]"]
    assert widget.answers([said("verdict", "winnow:ambiguous")], TASK, "") == ["winnow:ambiguous"]
    assert len(widget.answers([said("label", "Rats"), said("verdict", "winnow:none")], TASK, "")) == 2
    assert widget.answers([said("note")], TASK, "") == []


@pytest.mark.parametrize("task", [TASK, MANY])
def test_label_studio_s_config_offers_each_label_and_is_known_again(task):
    view = ElementTree.fromstring(label_studio.config(task) if hasattr(label_studio, "config") else tasks.config(task))
    ticks = view.find("Choices[@name='label']")
    assert ticks.get("choice") == "multiple"
    assert [choice.get("alias") or choice.get("value") for choice in ticks] == task.labels
    assert "$" not in "".join(re.sub("\\$\u200b", "", choice.get("value")) for choice in ticks)
    assert (view.find("Filter") is not None) == (task is MANY)
    known = {
        name: {
            "labels": [choice.get("alias") or choice.get("value") for choice in view.find(f"Choices[@name='{name}']")]
        }
        for name in ("label", "verdict")
    }
    assert widget.fits(known, task) is True
    del known["label"]["labels"][0]
    assert widget.fits(known, task) is None
    assert widget.fits({}, task) is False


def test_an_annotation_becomes_a_decision():
    data = {"winnow_id": "a" * 16, "text_sha": "b" * 16, "given_label": '["Rats"]', "text": "x"}
    result = [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["Rats", "Humans"]}}]
    annotation = {"result": result, "completed_by": 1, "created_at": "2026-01-01T00:00:00Z", "lead_time": 3.0}
    found = tasks.annotated([{"id": 1, "data": data, "annotations": [annotation]}], {1: "ada"}, TASK)
    assert not found.problems
    assert [(of.verdict, of.new_label) for of in found.decisions] == [("relabel", '["Humans","Rats"]')]


def script(task) -> str:
    return re.search(r'<script type="module">(.*)</script>', page.served("x", task), re.DOTALL)[1]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_page_writes_the_canonical_form_and_shows_changes_as_plus_and_minus():
    source = script(TASK)
    sets = source[source.index("const EMPTY") : source.index("/** Returns an element;")]
    ticks = source[source.index("const ticks =") : source.index("/** Shows what is ticked")]
    names = ["b", "a", "ab", "A", "ネコ", "\U0001f600", "\uff5e", 'q"', "é"]
    code = f"""{sets}{ticks}
    ticks.names = new Set({json.dumps(names)});
    console.log(ticked());
    ticks.names = new Set();
    console.log(ticked(), JSON.stringify(changes('["a","b"]', '["b","c"]')));
    console.log(shownLabel("[]"), shownLabel('["a","b"]'), shownLabel("a"));"""
    lines = subprocess.run(["node", "-e", code], check=True, capture_output=True, encoding="utf-8").stdout.splitlines()
    assert lines == [
        json.dumps(sorted(names), ensure_ascii=False, separators=(",", ":")),
        '[] [["+","c"],["−","a"]]',
        "none of them a, b a",
    ]


def test_the_page_of_one_label_a_row_has_no_ticks():
    assert "ticked" in script(TASK)
    assert "ticked" not in script(Classes(kind="classification", labels=["a", "b"]))
