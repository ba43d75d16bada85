"""Sets of labels: every form that a set may be written in leads to one canonical form, and what is none is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.base.params import parse
from winnow.kinds.multilabel.labels import NONE, Task

NAMES = ["Rats", "Humans", "Cell Line", "naïve", "ネコ", "a,b", "Ünal", 'say "x"']
TASK = Task(kind="multilabel", labels=NAMES)
SETS = st.sets(st.sampled_from(NAMES))


@given(SETS, st.randoms())
def test_all_forms_of_a_set_have_one_canonical_form(names, random):
    listed = sorted(names)
    canonical = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
    twice = [*listed, *listed[:1]]
    random.shuffle(twice)
    forms = [json.dumps(twice), json.dumps(twice, ensure_ascii=False, indent=1), repr(twice), repr(tuple(twice))]
    forms += [" ; ".join(twice), ";".join(twice) + ";"] if twice else []
    assert {TASK.check(form, "x") for form in forms} == {canonical}
    assert TASK.is_label(canonical)
    assert TASK.names(canonical) == (listed or [NONE])


@given(st.lists(SETS, max_size=6))
def test_sets_come_back_from_their_matrix(sets):
    labels = [TASK.check(json.dumps(list(names)), "") for names in sets]
    matrix = TASK.matrix(labels)
    assert matrix.shape == (len(sets), len(NAMES))
    assert TASK.sets(matrix).tolist() == labels


@given(st.text())
def test_any_text_is_a_set_in_canonical_form_or_one_clear_line(text):
    told = ""
    try:
        label = TASK.check(text, "rows.csv, line 3")
    except UserError as error:
        label, told = "[]", str(error)
    assert not told or told.startswith("rows.csv, line 3: label '")
    assert TASK.is_label(label)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('["Rats"', "is no list of labels; write it as JSON"),
        ('{"Rats": 1}', "is no list of labels; write it as JSON"),
        ('["Rats", null]', "holds null, which is no label's name"),
        ('[["Rats"]]', 'holds ["Rats"], which is no label\'s name'),
        ("[true]", "holds true, which is no label's name"),
        ("[NaN]", "holds NaN, which is no label's name"),
        ('["Rats", -Infinity]', "holds -Infinity, which is no label's name"),
        ('["Cats"]', "label 'Cats' is not one of params.yaml: task.labels (Rats, Humans"),
        ("Rats;cats", "label 'cats' is not one of params.yaml: task.labels"),
        ("[" * 5000, "is no list of labels"),
    ],
)
def test_what_is_no_set_is_one_clear_line(text, told):
    with pytest.raises(UserError) as raised:
        TASK.check(text, "decisions.csv, line 2")
    assert str(raised.value).startswith("decisions.csv, line 2: label '")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("humans; RATS", '["Humans","Rats"]'),
        ('"Humans".', '["Humans"]'),
        ('["rats"]', '["Rats"]'),
        ("none of them", "[]"),
        ("None of them.", "[]"),
        ("[]", "[]"),
        ("", None),
        (";", None),
        ("Humans and rats", None),
        ("['x']", None),
    ],
)
def test_the_answer_of_a_language_model_is_a_set_or_none(answer, label):
    assert TASK.parse(answer) == label


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"labels": ["a;b", "c"]}, "holds the delimiter ';'; set task.delimiter"),
        ({"labels": ["a", "[b]"]}, "begins like a list"),
        ({"labels": ["a", "None of Them"]}, "is what the empty set is called"),
        ({"labels": ["a", "A"]}, "differ in case"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": ["a", "b"], "separator": ","}, "separator"),
    ],
)
def test_names_that_no_cell_could_tell_apart_are_refused(section, told):
    with pytest.raises(UserError) as raised:
        parse({"kind": "multilabel"} | section, Task, "params.yaml: task")
    assert told in str(raised.value)


def test_names_between_other_marks_are_told_what_stands_between_them():
    with pytest.raises(UserError, match=r"label 'Rats, Humans' is not one of .*; between two labels stands ';'"):
        TASK.check("Rats, Humans", "cell")
    with pytest.raises(UserError, match=r"label 'Rats, Cats' is not one of [^;]*$"):
        TASK.check("Rats, Cats", "cell")


def test_another_delimiter_leaves_the_first_one_in_names():
    task = Task(kind="multilabel", labels=["a;b", "c"], delimiter="|")
    assert task.check("c | a;b", "") == '["a;b","c"]'


def test_the_empty_set_is_a_class_where_it_occurs():
    assert TASK.classes(['["Rats"]', "[]"]) == [*NAMES, NONE]
    assert TASK.classes(['["Rats"]']) == TASK.classes(()) == NAMES
    assert TASK.check_counts(['["Humans","Rats"]', "[]", "[]"], "x") == {"Humans": 1, "Rats": 1, NONE: 2}
    assert not TASK.is_closed


@pytest.mark.parametrize("labels", [[], ['["Rats"]', '["Rats"]'], ["[]"]])
def test_no_model_can_learn_from_one_set(labels):
    with pytest.raises(UserError, match=r"^data: "):
        TASK.check_counts(labels, "data")


def test_a_set_of_other_labels_says_what_to_run():
    with pytest.raises(UserError, match=r"label 'Cats' is not one of params\.yaml: task\.labels; run `dvc repro`"):
        TASK.matrix(['["Cats"]'])


@pytest.mark.parametrize("cell", ["['a' 'b']", "['a'\n 'b']"])
def test_strings_side_by_side_are_not_one_name(cell):
    with pytest.raises(UserError, match="is no list of labels; write it as JSON"):
        TASK.parts(cell, "row 1")
    assert TASK.parts("['a',\n 'b', ]", "") == ["a", "b"]


@pytest.mark.parametrize("item", ["b'x'", "{1, 2}", "...", "1j", "{(1, 2): 3}", f"0x{'f' * 9000}"])
def test_what_python_alone_can_write_is_refused_in_one_line(item):
    with pytest.raises(UserError, match=r"^row 1: label") as error:
        TASK.parts(f"[{item}]", "row 1")
    assert len(str(error.value)) < 300


def test_the_items_of_a_set_come_in_the_same_order_in_every_run():
    assert TASK.parts("{'d', 'b', 'a', 'c', 'f', 'e'}", "") == list("abcdef")
