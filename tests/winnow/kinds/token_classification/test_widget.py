"""Spans as people give them: in a spreadsheet's cell, and in Label Studio."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import review_project
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.token_classification import widget
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.people import decisions
from winnow.review import importing
from winnow.review.label_studio import tasks

TASK = Task(kind="token_classification", labels=["drug", "ill", "$cost"])
MANY = Task(kind="token_classification", labels=[f"type {number}" for number in range(12)])
TEXT = "😀 Aspirin for heart\nfailure: aspirin, not aspirins; = 5 $ e\u0301"


def at(words: str, kind: str = "drug", text: str = TEXT) -> list:
    start = text.index(words)
    return [start, start + len(words), kind]


def label(*spans: list) -> str:
    return canonical(map(tuple, spans))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("aspirin = drug", label(at("aspirin"))),
        ("Aspirin = DRUG; heart failure = ill", label(at("Aspirin"), at("heart\nfailure", "ill"))),
        ("HEART failure=ill;", label(at("heart\nfailure", "ill"))),
        ("aspirins = drug", label(at("aspirins"))),
        ("aspiri #2 = drug", label(at("aspiri", text=TEXT.replace("aspiri", "xxxxxx", 1)))),
        ("5 $ = $cost", label(at("5 $", "$cost"))),
        ("e\u0301 = ill", label(at("e\u0301", "ill"))),
        ("= = ill", label(at("=", "ill"))),
        (" No entity ", "[]"),
        ("[]", "[]"),
        ('[[2, 9, "drug"]]', '[[2,9,"drug"]]'),
        ("", ""),
        ('[[2, 9, "dru', '[[2, 9, "dru'),
        ("a #all = ill", label(*([found.start(), found.end(), "ill"] for found in re.finditer("a", TEXT)))),
    ],
)
def test_a_cell_that_people_write_is_found_in_the_text(cell, expected):
    assert widget.read_cell(cell, TASK, TEXT) == expected


def test_words_of_a_cell_may_begin_with_a_bracket():
    assert widget.read_cell("[18F]FDG = drug", TASK, "PET by [18F]FDG.") == '[[7,15,"drug"]]'
    with pytest.raises(UserError, match=r"'\[19F\]FDG' does not stand in the row's text"):
        widget.read_cell("[19F]FDG = drug", TASK, "PET by [18F]FDG.")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("asprin = drug", "'asprin' does not stand in the row's text"),
        ("for = dug", "'for = dug': label 'dug' is not one of"),
        ("Aspirin", "'Aspirin' is no span; write its words and its type, as in: aspirin = drug"),
        ("i = ill", r"'i' stands \d times in the row's text; write which one, as in 'i #2', or 'i #all'"),
        ("i #99 = ill", r"'i' stands \d times in the row's text; there is no #99"),
        ("i #0 = ill", "there is no #0"),
        ("heart = ill; heart failure = ill", "spans: spans .* overlap"),
        ("= drug", "is no span"),
        ("=1+1", "is no span"),
    ],
)
def test_a_cell_that_may_mean_several_things_ends_in_one_line(cell, words):
    with pytest.raises(UserError, match=words) as error:
        widget.read_cell(cell, TASK, TEXT)
    assert "\n" not in str(error.value)


@given(st.text(), st.text())
def test_any_cell_is_a_label_that_fits_comes_back_or_ends_in_one_line(cell, text):
    try:
        found = widget.read_cell(cell, TASK, text)
    except UserError:
        return
    if found != cell.strip():
        assert TASK.check(found, "") == found


def test_a_sheet_that_people_filled_in(tmp_path):
    rows = [{"id": f"row-{number}", "text": TEXT, "given_label": "[]"} for number in range(4)]
    project = review_project.make(tmp_path, rows)
    target = review_project.target(project, TASK)
    file = tmp_path / "sheet.csv"

    def write(*cells: str) -> None:
        filled_in = [
            {"id": f"row-{number}", "text_sha": hashing.text_sha(TEXT), "given_label": "[]", "verdict": "relabel"}
            | {"new_label": cell, "reviewer": "ana", "text": TEXT}
            for number, cell in enumerate(cells)
        ]
        decisions.write_queue(file, filled_in)

    write("aspirin = drug", "i = ill", '[[0,999,"ill"]]', '[[1,3,"ill"]]')
    with pytest.raises(UserError) as error:
        importing.run(file, target)
    assert "3 problems" in str(error.value)
    assert "line 4: new_label: 'i' stands" in str(error.value)
    assert 'new_label of row-2: span [0, 999, "ill"] ends beyond the text' in str(error.value)
    assert "begins or ends with white space" in str(error.value)
    write("aspirin = drug", "= = ill")
    assert importing.run(file, target).added == 2
    assert [of.new_label for of in decisions.read(project.decisions)] == [label(at("aspirin")), label(at("=", "ill"))]


SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.sampled_from(TASK.labels)), max_size=5)


@given(st.text(min_size=30), SPANS)
def test_a_prediction_that_a_person_submits_is_the_same_label(text, wished):
    found, free = [], 0
    for gap, length, kind in wished:
        start, end = free + gap, free + gap + length
        if end <= len(text) and not text[start].isspace() and not text[end - 1].isspace():
            found.append((start, end, kind))
            free = end
    expected = canonical(found)
    assert widget.answers(widget.prediction(expected, text), TASK, text) == [expected]


def region(start: object, end: object, *kinds: str, **value: object) -> dict:
    return {"from_name": "label", "value": {"start": start, "end": end, "labels": list(kinds)} | value}


def verdict(*choices: str) -> dict:
    return {"from_name": "verdict", "value": {"choices": list(choices)}}


def test_label_studio_s_answers():
    drug = region(*at("Aspirin"))
    assert widget.answers([drug], TASK, TEXT) == [label(at("Aspirin"))]
    assert widget.answers([region(1, 10, "drug")], TASK, TEXT) == [label(at("Aspirin"))]  # white space is left out
    assert widget.answers([verdict("winnow:none")], TASK, TEXT) == ["[]"]
    assert widget.answers([drug, verdict("winnow:ambiguous")], TASK, TEXT) == ["winnow:ambiguous"]
    assert len(widget.answers([drug, verdict("winnow:none")], TASK, TEXT)) == 2
    assert widget.answers([], TASK, TEXT) == []


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([region(0, 999, "drug")], "a region from 0 to 999 is none of the text's"),
        ([region(-1, 3, "drug")], "a region from -1 to 3"),
        ([region("1", 3, "drug")], "a region from 1 to 3"),
        ([region(None, None, "drug")], "a region from None to None"),
        ([region(True, 3, "drug")], "a region from True to 3"),
        ([region(2, 9)], "'Aspirin' is marked with 0 types; a span has one"),
        ([region(2, 9, "drug", "ill")], "'Aspirin' is marked with 2 types"),
        ([region(2, 9, "<b>")], "label '<b>' is not one of"),
        ([region(1, 2, "drug")], "marks white space alone"),
        ([region(3, 10, "drug", text=["Aspirin"])], "a region says that it marks 'Aspirin', its places 3 to 10 are"),
        ([region(2, 9, "drug"), region(4, 12, "ill")], "overlap"),
    ],
)
def test_what_other_programs_leave_in_label_studio_ends_in_one_line(regions, words):
    with pytest.raises(UserError, match=words) as error:
        widget.answers(regions, TASK, TEXT)
    assert "\n" not in str(error.value)
    data = {"winnow_id": "a" * 16, "text_sha": "b" * 16, "given_label": "[]", "text": TEXT}
    annotation = {"result": regions, "completed_by": 1, "created_at": "2026-01-01T00:00:00Z"}
    found = tasks.annotated([{"id": 7, "data": data, "annotations": [annotation]}], {1: "ada"}, TASK)
    assert not found.decisions
    assert len(found.problems) == 1
    assert found.problems[0].startswith("task 7: ")


@pytest.mark.parametrize("task", [TASK, MANY])
def test_label_studio_s_config_offers_each_type_and_is_known_again(task):
    view = ElementTree.fromstring(tasks.config(task))
    types = [one.get("alias") or one.get("value") for one in view.find("Labels[@name='label']")]
    assert types == task.labels
    assert (view.find("Filter") is not None) == (task is MANY)
    verdicts = [one.get("alias") for one in view.find("Choices[@name='verdict']")]
    known = {"label": {"type": "Labels", "labels": types}, "verdict": {"type": "Choices", "labels": verdicts}}
    assert widget.fits(known, task) is True
    assert widget.fits(known | {"label": {"type": "Labels", "labels": types[1:]}}, task) is None
    assert widget.fits(known | {"label": {"type": "Choices", "labels": types}}, task) is False
    assert widget.fits({}, task) is False


def test_a_task_shows_labels_in_words_and_starts_from_the_given_one():
    given, better = label(at("Aspirin", "ill")), label(at("Aspirin"))
    near = {"label": label([0, 2, "ill"]), "similarity": 0.5, "text": "flu"}
    entry = {"id": "a", "text_sha": "b", "given_label": given, "suggested_label": better, "rank": 0, "p_error": 0.5}
    entry |= {"tier": None, "text": TEXT, "reasons": [], "drawn_for": None, "probabilities": [], "neighbours": [near]}
    entry |= {"votes": [{"rule": "list", "label": better}, {"rule": "other", "label": None}]}
    asked = tasks.question(entry, TASK)
    assert asked["data"]["question"].startswith("Its label: ill: Aspirin; the model's: drug: Aspirin; wrong with")
    assert asked["data"]["reasons"] == "list says drug: Aspirin\nother says nothing"
    assert asked["data"]["neighbours"] == "ill: fl (0.50): flu"
    assert [one["model_version"] for one in asked["predictions"]] == ["given", "winnow"]
    assert [widget.answers(one["result"], TASK, TEXT) for one in asked["predictions"]] == [[given], [better]]
    assert tasks.prelabels(TASK)["model_version"] == "given"
