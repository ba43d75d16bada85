"""Labels of spans: every way to write them leads to one canonical form, and what is none is refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.base.params import parse
from winnow.kinds.token_classification.labels import NONE, Task, canonical, known, overlapping, spans
from winnow.kinds.token_classification.span import trimmed

NAMES = ["drug", "Krankheit", "ネコ", 'say "x"']


def task(overlap="refuse"):
    return Task(kind="token_classification", labels=NAMES, overlap=overlap)


TASK = task()
SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 15), st.sampled_from(NAMES)).map(lambda s: (s[0], s[0] + s[1], s[2])),
    max_size=8,
)


@given(SPANS, st.randoms())
def test_all_forms_of_spans_have_one_canonical_form(found, random):
    kept, _ = TASK.apart(found)
    label = canonical(kept)
    twice = [list(span) for span in [*kept, *kept[:1]]]
    random.shuffle(twice)
    forms = [json.dumps(twice), json.dumps(twice, ensure_ascii=False, indent=1), repr(twice), repr(tuple(twice))]
    assert {TASK.check(form, "x") for form in forms} == {label}
    assert TASK.is_label(label)
    assert list(spans(label)) == sorted(kept)
    assert TASK.names(label) == (sorted({name for *_, name in kept}) or [NONE])


@given(SPANS, st.sampled_from(["longest", "first"]))
def test_of_spans_that_overlap_one_stays_by_the_parameter(found, overlap):
    chosen = task(overlap)
    kept, lost = chosen.apart(found)
    assert sorted([*kept, *lost]) == sorted(set(found))
    assert overlapping(kept) is None
    assert chosen.check(json.dumps(found), "x") == canonical(kept)
    for span in lost:  # one that overlaps it goes before it
        rivals = [other for other in kept if other[0] < span[1] and span[0] < other[1]]
        if overlap == "longest":
            assert any(other[1] - other[0] >= span[1] - span[0] for other in rivals)
        else:
            assert any((other[0], -other[1]) <= (span[0], -span[1]) for other in rivals)
    if lost:
        with pytest.raises(UserError, match=r"^x: spans \[.*\] and \[.*\] overlap; set task.overlap"):
            TASK.check(json.dumps(found), "x")


def test_places_are_compared_as_whole_numbers():
    far = 2**63  # neighbours of it are one and the same to a float
    label = canonical([(0, 50, "drug"), (far, far + 3, "drug"), (far + 3, far + 103, "drug")])
    assert task("longest").check(label, "x") == label


def test_a_text_may_have_very_many_spans():
    # Half a minute, were all spans that stay converted for each further one.
    label = canonical((place, place + 1, NAMES[place % len(NAMES)]) for place in range(20_000))
    assert TASK.check(label, "x") == label


@given(st.text())
def test_any_text_is_a_label_or_one_clear_line(text):
    label, told = "[]", ""
    try:
        label = TASK.check(text, "rows.csv, line 3")
    except UserError as error:
        told = str(error)
    assert not told or told.startswith("rows.csv, line 3: ")
    assert TASK.is_label(label)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[0, 7, "drug"]', "is no list of spans; write it as JSON"),
        ("drug", "label 'drug' is no list of spans"),
        ('{"start": 0}', "is no list of spans"),
        ("[" * 5000, "is no list of spans"),
        ('[0, 7, "drug"]', "0 is no span; a span is [start, end, type]"),
        ("[[0, 7]]", "[0, 7] is no span"),
        ('[[7, 7, "drug"]]', '[7, 7, "drug"] is no span'),
        ('[[-1, 7, "drug"]]', "is no span"),
        ('[[0.5, 7, "drug"]]', "is no span"),
        ('[[true, 7, "drug"]]', "is no span"),
        ('[["0", 7, "drug"]]', "is no span"),
        ("[[0, 7, null]]", "[0, 7, null] is no span"),
        ('[[0, 7, "drugs"]]', "span 0 to 7: label 'drugs' is not one of params.yaml: task.labels (drug, Krank"),
        ('[[0, 7, "drug"], [6, 9, "ネコ"]]', 'spans [0, 7, "drug"] and [6, 9, "ネコ"] overlap'),
        ('[[0, 7, "drug"], [0, 7, "ネコ"]]', "overlap"),
        ('[[0, 9, "drug"], [1, 2, "drug"], [4, 5, "drug"]]', 'spans [0, 9, "drug"] and [1, 2, "drug"] overlap'),
    ],
)
def test_what_is_no_label_is_told_in_one_line(text, told):
    with pytest.raises(UserError) as error:
        TASK.check(text, "rows.csv, line 3")
    message = str(error.value)
    assert message.startswith("rows.csv, line 3: ")
    assert told in message
    assert "\n" not in message


def test_spans_that_touch_do_not_overlap():
    label = '[[0,2,"drug"],[2,4,"drug"],[4,5,"ネコ"]]'
    assert TASK.check(label, "x") == label


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ('[[0,6,"drug"]]', "ends beyond the text, which has 5 characters"),
        ('[[0,2,"drug"]]', '"a ", begins or ends with white space'),
        ('[[1,3,"drug"]]', "begins or ends with white space"),
        ('[[1,2,"drug"]]', "begins or ends with white space"),
    ],
)
def test_a_label_that_cannot_be_one_of_a_text_is_told(label, told):
    with pytest.raises(UserError, match=r"^data.parquet, row 7: span ") as error:
        TASK.fits(label, "a b\n😀", "data.parquet, row 7")
    assert told in str(error.value)


def test_labels_that_fit_a_text_pass():
    for label in ("[]", '[[0,3,"drug"],[4,5,"ネコ"]]'):
        TASK.fits(label, "a b\n😀", "x")


@given(st.text(alphabet=" \t\n\xa0\u3000ab😀"), st.data())
def test_a_trimmed_span_fits(text, data):
    if not text:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = trimmed((start, end, "drug"), text)
    if span is None:
        assert not text[start:end].strip()
        return
    assert text[span[0] : span[1]] == text[start:end].strip()
    TASK.fits(canonical([span]), text, "x")


def test_tags_and_classes_follow_the_order_of_the_labels():
    assert TASK.tags[:5] == ["O", "B-drug", "I-drug", "B-Krankheit", "I-Krankheit"]
    assert len(TASK.tags) == 2 * len(NAMES) + 1
    assert TASK.classes(['[[0,1,"drug"]]']) == NAMES
    assert TASK.classes(["[]"]) == [*NAMES, NONE]
    assert not TASK.is_closed
    assert known(["[]", None, '[[0,1,"drug"]]']).tolist() == [True, False, True]


def test_a_model_needs_a_span():
    assert TASK.check_counts(["[]", '[[0,1,"drug"],[2,3,"drug"]]'], "x") == {NONE: 1, "drug": 1}
    with pytest.raises(UserError, match=r"^x: no row has a span; a model needs examples of drug"):
        TASK.check_counts(["[]", "[]"], "x")
    with pytest.raises(UserError, match=r"^x: no row has a label"):
        TASK.check_counts([], "x")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": []}, "labels"),
        ({"labels": ["a", "A"]}, "differ in case"),
        ({"labels": ["No  entity"]}, "is what a text without a span is called"),
        ({"labels": ["drug", "O"]}, 'label "O" is the tag of words outside of all spans'),
        ({"overlap": "nested"}, "overlap"),
        ({"scheme": "IOB"}, "scheme"),
    ],
)
def test_the_section_is_checked(change, told):
    section = {"kind": "token_classification", "labels": ["a"]} | change
    with pytest.raises(UserError) as error:
        parse(section, Task, "params.yaml: task")
    assert told in str(error.value)


def test_an_answer_is_a_list_of_spans_or_nothing():
    assert TASK.parse("\"[[0, 4, 'drug']].\"") == '[[0,4,"drug"]]'
    assert TASK.parse("No entity.") == TASK.parse("[]") == "[]"
    assert TASK.parse("drug") is TASK.parse('[[0, 4, "gene"]]') is TASK.parse("") is None
