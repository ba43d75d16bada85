"""Kinds gazetteer and pattern: spans of a text, from lists, files and regular expressions."""

import json

import pytest

from tests.winnow.labelling.conftest import TASK, make_rule, row
from winnow.base.errors import UserError
from winnow.kinds.token_classification.labels import Task
from winnow.text import gazetteer

SPANS = Task(kind="token_classification", labels=["drug", "illness"])


def marks(rule, *texts, files=None, task=SPANS):
    said = rule.voter(files, task).vote([row(text) for text in texts])
    return [
        None if label is None else [(text[start:end], type_) for start, end, type_ in json.loads(label)]
        for text, label in zip(texts, said, strict=True)
    ]


def test_a_gazetteer_marks_names_of_its_lists_and_files(tmp_path):
    (tmp_path / "drugs.txt").write_text("aspirin\n\nacetylsalicylic acid\n", encoding="utf-8")
    rule = make_rule(
        kind="gazetteer", labels={"illness": ["headache", "aspirin"]}, files={"drug": "drugs.txt"}, plurals=True
    )
    voter = rule.voter(tmp_path, SPANS)
    assert voter.counts == {"names": 4, "ambiguous_names": 1}
    texts = "Acetylsalicylic acid for headaches.", "Aspirin.", ""
    assert marks(rule, *texts, files=tmp_path) == [
        [("Acetylsalicylic acid", "drug"), ("headaches", "illness")],
        None,  # of two types
        None,
    ]
    before = rule.fingerprint(tmp_path, [])
    (tmp_path / "drugs.txt").write_text("ibuprofen\n")
    assert rule.fingerprint(tmp_path, []) != before


def test_a_pattern_marks_what_it_matches_or_its_group(tmp_path):
    rule = make_rule(
        kind="pattern",
        labels={"drug": r"(?i)\b\p{L}+(?:mab|olol)\b", "illness": r"(?:suffers from|has) (?P<span>\w+ ?)"},
    )
    assert marks(rule, "Rituximab: she has  x", "He has gout , no METOPROLOL", "nothing") == [
        [("Rituximab", "drug")],
        [("gout", "illness"), ("METOPROLOL", "drug")],  # without the space at its border
        None,
    ]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "gazetteer"}, "needs names: labels, files, or both"),
        ({"kind": "gazetteer", "labels": {"drug": ["a"]}, "case": "no"}, "case"),
        ({"kind": "pattern", "labels": {"drug": "("}}, "the pattern of 'drug' is no regular expression"),
        ({"kind": "pattern", "labels": {"drug": "(" * 5000 + ")" * 5000}}, "the pattern of 'drug' is no regular"),
        ({"kind": "pattern", "labels": {"drug": "a*"}}, "the pattern of 'drug' matches where nothing stands"),
    ],
)
def test_wrong_parameters_are_refused(values, says):
    with pytest.raises(UserError, match=says):
        make_rule(**values)


@pytest.mark.parametrize(
    ("values", "task", "says"),
    [
        ({"labels": {"gene": ["a"]}}, SPANS, "'mine'.*gene"),
        ({"labels": {"FRUIT": ["a"]}}, TASK, "marks spans of texts, and task.kind classification has none"),
        ({"files": {"drug": "none.txt"}}, SPANS, "none.txt: not found; it holds names, one a line"),
        ({"files": {"drug": "../x.txt"}}, SPANS, "leads out of"),
        ({"files": {"drug": "latin.txt"}}, SPANS, "latin.txt: byte 0 is not UTF-8"),
        ({"files": {"drug": "empty.txt"}}, SPANS, "its lists hold no name"),
    ],
)
def test_lists_that_cannot_be_used_are_refused_in_one_line(values, task, says, tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"\xe9\n")
    (tmp_path / "empty.txt").write_text("\n - \n")
    with pytest.raises(UserError, match=says) as told:
        make_rule(kind="gazetteer", **values).voter(tmp_path, task)
    assert "\n" not in str(told.value)


def test_lists_of_too_many_words_name_their_rule(tmp_path, monkeypatch):
    monkeypatch.setattr(gazetteer, "_characters", lambda: iter("ab"))
    with pytest.raises(UserError, match=r"'mine'.*: the lists hold 3 different words"):
        make_rule(kind="gazetteer", labels={"drug": ["one two three"]}).voter(tmp_path, SPANS)


def test_a_function_may_not_mark_what_is_beyond_the_text(tmp_path):
    (tmp_path / "own.py").write_text("def mark(row):\n    return '[[0, 5, \"drug\"]]'\n")
    rule = make_rule(kind="python", function="own.py:mark")
    assert marks(rule, "abcde", files=tmp_path) == [[("abcde", "drug")]]
    with pytest.raises(UserError, match=r"'mine'.*ends beyond the text"):
        marks(rule, "abcd", files=tmp_path)


def test_an_answer_that_marks_what_is_beyond_the_text_is_unusable(tmp_path):
    values = {"base_url": "http://localhost/v1", "model": "m", "api_key_env": None, "prompt": "{text}"}
    rule = make_rule(kind="llm", **values)
    texts, answer = ("abcde", "abcd"), '[[0, 5, "drug"]]'
    lines = [json.dumps({"key": rule.key(text), "id": "", "answer": answer}) + "\n" for text in texts]
    (tmp_path / "mine.jsonl").write_text("".join(lines))
    voter = rule.voter(tmp_path, SPANS)
    assert voter.vote([row(text) for text in texts]) == ['[[0,5,"drug"]]', None]
    assert voter.counts == {"answers": 1, "unusable_answers": 1}
