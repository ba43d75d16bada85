"""Wrong spans of each sort are ranked above right ones and named; as many errors as asked are planted."""

import numpy as np
import pyarrow as pa
import pytest
from cleanlab.token_classification.rank import get_label_quality_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from winnow.base.errors import UserError
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.evidence import NOISES, Errors, Surroundings
from winnow.kinds.token_classification import columns, scores
from winnow.kinds.token_classification.labels import Task, canonical, spans
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores import mentions, noise, reasons, stack
from winnow.kinds.token_classification.scores.spans import Spans, labels, of_tags

TASK = Task(kind="token_classification", labels=["drug", "ill"])
NAMES = [[f"{stem}{end}" for stem in ("al", "be", "ce", "do", "fu")] for end in ("zol", "itis")]
REST = ("the", "patient", "took", "had", "of", "and", "was", "given")
NEAR = Neighbours(np.full((1, 15), -1), np.zeros((1, 15), np.float32))


def world(rows: int, seed: int) -> tuple[list[str], np.ndarray, dict[str, np.ndarray], Surroundings]:
    """Texts of names that recur, right labels, two models of different worth, and what surrounds the rows."""
    random = np.random.default_rng(seed)
    texts, right = [], []
    for _ in range(rows):
        text, found = "", []
        for _ in range(int(random.integers(4, 14))):
            kind = int(random.integers(5))
            word = str(random.choice(NAMES[kind])) if kind < 2 else str(random.choice(REST))
            word = f"severe {word}" if kind == 1 and random.random() < 0.4 else word
            text += " " if text else ""
            found += [(len(text), len(text) + len(word), TASK.labels[kind])] if kind < 2 else []
            text += word
        texts.append(text)
        right.append(canonical(found))
    truth = np.array(right, dtype=object)
    layout = Layout.of(texts)
    tags = layout.tags(TASK, truth)
    members = {}
    for name, spread in (("good", 1.2), ("poor", 2.0)):
        logits = random.normal(0, spread, (len(tags), 5))
        logits[np.arange(len(tags)), tags] += 2
        chances = np.exp(logits)
        members[name] = (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)
    silent = np.full(rows, None, dtype=object)
    return texts, truth, members, Surroundings(np.arange(rows) % 5, np.arange(rows), np.arange(rows), silent, None)


def changed(label: str, sort: str) -> str:
    """A label with one error, at its last span."""
    start, end, kind = spans(label)[-1]
    others = list(spans(label)[:-1])
    other = {
        "missed": [],
        "type": [(start, end, "ill" if kind == "drug" else "drug")],
        "border": [(start + 7, end, kind)],
    }
    return canonical([*others, *other[sort]])


@pytest.mark.parametrize("sort", ["missed", "type", "border"])
def test_errors_of_each_sort_are_found_before_cleanlab_s_score_finds_them(sort):
    texts, truth, members, around = world(300, 1)
    evidence = scores.Evidence.of(TASK, texts, members)
    may = [
        bool(spans(label)) and (sort != "border" or texts[n][spans(label)[-1][0] :].startswith("severe "))
        for n, label in enumerate(truth)
    ]
    wrong = np.zeros(300, bool)
    wrong[np.flatnonzero(may)[::9]] = True
    noisy = np.array([changed(label, sort) if bad else label for label, bad in zip(truth, wrong, strict=True)], object)
    found = evidence.signals(noisy, np.ones(300, bool), around, noisy)
    assert np.isfinite(found.values).all()
    ours = average_precision_score(wrong, found.values[:, found.names.index("worst")])
    peer = average_precision_score(wrong, found.evidence.rankings(noisy, NEAR)["cleanlab_worst_token"])
    assert ours > peer + 0.02
    mended = found.evidence.likeliest()[wrong]
    assert (mended == truth[wrong]).mean() > 0.6
    told = [" ".join(said) for said in found.evidence.take(wrong).why()]
    assert sum("in other rows" in said for said in told) > 0.6 * len(told)


def test_the_reason_names_the_span_and_how_often_it_is_labelled_elsewhere():
    texts = ["he took alzol"] * 9 + ["then <b>\n\u202ealzol</b>"]
    truth = np.array(['[[8,13,"drug"]]'] * 9 + ["[]"], dtype=object)
    layout = Layout.of(texts)
    chances = np.full((len(layout.offsets), 5), 0.05, np.float32)
    chances[:, 0] = 0.8
    chances[
        [
            text[start:end] == "alzol"
            for text, row in zip(texts, range(10), strict=True)
            for start, end in layout.offsets[layout.own(row)]
        ]
    ] = [0.3, 0.6, 0.03, 0.04, 0.03]
    around = Surroundings(np.arange(10) % 3, np.arange(10), np.arange(10), np.full(10, None, object), None)
    found = scores.Evidence.of(TASK, texts, {"one": chances}).signals(truth, np.ones(10, bool), around, truth)
    start = texts[9].index("alzol")
    why = found.evidence.why()
    assert why[9] == [f'"alzol" at {start}-{start + 5} has no label; it is drug in 9 of 9 mentions in other rows']
    assert why[:9] == [[]] * 9
    shown = dict(found.evidence.shown()[9])
    assert shown[canonical([(start, start + 5, "drug")])] > 0.5
    assert found.evidence.likeliest()[9] == canonical([(start, start + 5, "drug")])


def reasons_of(text: str, spans_: list[tuple], counts: list[tuple[int, int]]) -> list[str]:
    """The reasons of one row, of candidates (first word, end, type, given, score), each with mentions and labelled."""
    first, end, kind, given_, score = (np.array(each) for each in zip(*spans_, strict=True))
    mentioned, labelled = np.array(counts, dtype=float).T
    elsewhere = mentions.Counts(mentioned, labelled, np.zeros(len(counts)))
    found = stack.Candidates(Spans(first, end, kind), np.zeros(len(first), int), given_, score, elsewhere)
    return reasons.in_words(TASK, [text], Layout.of([text]), found)[0]


@pytest.mark.parametrize(
    ("spans_", "counts", "told"),
    [
        (  # what the corpus says argues for the suggestion
            [(0, 1, 0, True, -1.0), (0, 1, 1, False, 1.0)],
            [(13, 2), (13, 11)],
            '"a" at 0-1 is drug here; likelier is ill, which is so in 11 of 13 mentions in other rows',
        ),
        (  # it argues against it: the models alone speak for it, and that is said
            [(0, 1, 0, True, -1.0), (0, 1, 1, False, 1.0)],
            [(13, 0), (13, 0)],
            '"a" at 0-1 is drug here; likelier is ill, which is so with 73 % by the models, but in 0 of 13 mentions in '
            "other rows",
        ),
        (  # few, but more than are labelled as here
            [(0, 1, 0, True, -1.0), (0, 1, 1, False, 1.0)],
            [(13, 1), (13, 4)],
            '"a" at 0-1 is drug here; likelier is ill, which is so in 4 of 13 mentions in other rows, drug in 1',
        ),
        (
            [(0, 1, 0, False, 1.0)],
            [(13, 3)],
            '"a" at 0-1 has no label; it is drug with 73 % by the models, but in 3 of 13 mentions in other rows',
        ),
        (
            [(0, 1, 0, True, -1.0)],
            [(13, 11)],
            '"a" at 0-1 is drug here; it is so with 27 % by the models, but in 11 of 13 mentions in other rows',
        ),
        ([(0, 1, 0, True, -1.0)], [(13, 3)], '"a" at 0-1 is drug here; it is so in 3 of 13 mentions in other rows'),
        (  # not suggested, since the given one is likelier; never told as without a label
            [(0, 2, 0, True, 2.0), (1, 2, 0, False, 1.0)],
            [(0, 0), (9, 9)],
            '"a b" at 0-3 is drug here; possible is "b" at 2-3 as drug, which is so in 9 of 9 mentions in other rows',
        ),
        (  # of two that overlap, the one that is suggested
            [(0, 2, 0, False, 2.0), (1, 2, 0, False, 1.0)],
            [(9, 9), (9, 9)],
            '"a b" at 0-3 has no label; it is drug in 9 of 9 mentions in other rows',
        ),
    ],
)
def test_the_reasons_speak_for_what_is_suggested_or_say_that_they_do_not(spans_, counts, told):
    assert reasons_of("a b", spans_, counts) == [told]


def test_cleanlab_s_worst_token_is_that_of_cleanlab():
    texts, truth, members, _ = world(40, 3)
    evidence = scores.Evidence.of(TASK, texts, members)
    layout, tags = evidence.layout, evidence.layout.tags(TASK, truth)
    each = [layout.own(row) for row in range(40)]
    theirs, _ = get_label_quality_scores(
        [tags[own].tolist() for own in each], [evidence.probabilities[own] for own in each]
    )
    assert -evidence.rankings(truth, NEAR)["cleanlab_worst_token"] == pytest.approx(theirs)
    assert evidence.suspects(truth, "prune_by_noise_rate").quality == pytest.approx(theirs)


def test_evidence_of_some_rows_is_that_of_all_taken():
    texts, truth, members, around = world(60, 4)
    evidence = scores.Evidence.of(TASK, texts, members)
    found = evidence.signals(truth, np.ones(60, bool), around, truth).evidence
    some = np.array([40, 3, 17, 3])
    taken = found.take(some)
    assert taken.likeliest().tolist() == found.likeliest()[some].tolist()
    assert taken.shown() == [found.shown()[row] for row in some]
    assert taken.why() == [found.why()[row] for row in some]
    assert taken.support(truth[some]) == pytest.approx(found.support(truth)[some])
    assert taken.doubt("margin") == pytest.approx(found.doubt("margin")[some])
    assert taken.doubt("entropy") == pytest.approx(found.doubt("entropy")[some])
    assert found.take(np.arange(60) < 0).likeliest().tolist() == []


def test_rows_without_a_label_are_not_judged_and_teach_nothing():
    texts, truth, members, around = world(80, 5)
    evidence = scores.Evidence.of(TASK, texts, members)
    known = np.arange(80) >= 20
    given = np.where(known, truth, None)
    found = evidence.signals(given, known, around, given)
    assert (found.values[:20] == 0).all()
    counted = mentions.Mentions(
        mentions.Corpus(
            evidence.layout, mentions.numbered(texts, evidence.layout), Spans(*[np.zeros(0, int)] * 3), known, 2
        ),
        Spans(np.array([0]), np.array([1]), np.array([0])),
    )
    word = texts[0].split()[0]
    of_known = sum(text.split().count(word) for text in texts[20:])
    assert counted.elsewhere(np.arange(80), own_row=False).mentions.tolist() == [of_known]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.sampled_from(NOISES), st.floats(0, 1), st.integers(0, 99))
def test_exactly_so_many_labels_are_wrong_and_fit_their_texts(rows, kind, rate, seed):
    texts, truth, members, _ = world(rows, seed)
    evidence = scores.Evidence.of(TASK, texts, members)
    planted = evidence.plant(truth, Errors(kind, rate, seed))
    wrong = planted != truth
    assert wrong.sum() == round(rate * rows)
    for text, label, before in zip(texts, planted, truth, strict=True):
        assert TASK.check(label, "") == label
        TASK.fits(label, text, "")
        assert len(set(spans(label)) ^ set(spans(before))) <= 2
    fewer = evidence.plant(truth, Errors(kind, rate / 2, seed))
    half = fewer != truth
    assert not (half & ~wrong).any()
    assert (fewer[half] == planted[half]).all()


def test_the_four_sorts_of_error_come_equally_often():
    texts, truth, members, _ = world(800, 6)
    planted = scores.Evidence.of(TASK, texts, members).plant(truth, Errors("uniform", 1.0, 3))
    sorts = dict.fromkeys(noise.SORTS, 0)
    for label, before in zip(planted, truth, strict=True):
        new, old = set(spans(label)) - set(spans(before)), set(spans(before)) - set(spans(label))
        same = {span[:2] for span in new} == {span[:2] for span in old}
        sorts["missed" if not new else "spurious" if not old else "type" if same else "border"] += 1
    assert min(sorts.values()) > 140


def test_instance_noise_plants_what_the_model_takes_for_right():
    texts, truth, members, _ = world(300, 7)
    evidence = scores.Evidence.of(TASK, texts, {"good": members["good"]})
    support = evidence.support(truth)
    by = {kind: evidence.plant(truth, Errors(kind, 0.2, 1)) for kind in ("uniform", "instance")}
    lost = {kind: np.log(support / evidence.support(planted))[planted != truth].mean() for kind, planted in by.items()}
    assert lost["instance"] < lost["uniform"] / 2


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5), st.integers(0, 1), st.floats(-5, 5)), max_size=15))
def test_rivals_are_those_that_overlap(made):
    found = sorted((first, first + length, kind, score) for first, length, kind, score in made)
    first, end, kind, score = (np.array(own) for own in zip(*found, strict=True)) if found else (np.zeros(0, int),) * 4
    rivals = stack.strongest_rival(Spans(first, end, kind), score)
    for place, (a, b, *_) in enumerate(found):
        others = [other[3] for n, other in enumerate(found) if n != place and other[0] < b and other[1] > a]
        assert rivals[place] == max([stack.NONE, *others])


@given(st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=5))
def test_spans_of_tags_stay_within_their_rows(rows):
    texts = [" ".join("x" * len(row)) for row in rows]
    layout = Layout.of(texts)
    tags = np.array([tag for row in rows for tag in row], dtype=int)
    assert labels(TASK, layout, of_tags(layout, tags)).tolist() == layout.labels(TASK, tags).tolist()


@pytest.mark.parametrize("texts", [[], [""], ["", " "], ["one", ""], ["🙂 👨‍👩‍👧 e\u0301", "ناقص"]])
def test_odd_texts_and_labels_of_one_value_are_judged(texts):
    layout = Layout.of(texts)
    evidence = scores.Evidence.of(TASK, texts, {"one": np.full((len(layout.offsets), 5), 0.2, np.float32)})
    given = np.full(len(texts), "[]", dtype=object)
    rows = np.arange(len(texts))
    around = Surroundings(rows % 2, rows, rows, np.full(len(texts), None, object), None)
    found = evidence.signals(given, np.ones(len(texts), bool), around, given)
    assert np.isfinite(found.values).all()
    own = found.evidence
    each = [own.likeliest(), own.why(), own.shown(), own.doubt("margin"), own.doubt("entropy"), own.support(given)]
    each += [*own.flags(given, NEAR, given).values(), *own.rankings(given, NEAR).values()]
    assert {len(of) for of in each} == {len(texts)}
    assert 0 < own.noise(given, np.ones(len(texts), bool)) < 1
    own.plant(given, Errors("instance", 0.5, 1))


def test_it_comes_back_from_the_table_and_another_table_is_one_line():
    texts, _, members, _ = world(20, 8)
    layout = Layout.of(texts)
    mean = np.mean(list(members.values()), axis=0)
    table = pa.table({"id": [str(row) for row in range(20)]} | columns.of(texts, layout, {"": mean, **members}))
    evidence = scores.read(TASK, table, "scores.parquet")
    assert evidence.texts == texts
    assert list(evidence.members) == ["good", "poor"]
    assert evidence.probabilities == pytest.approx(mean)
    with pytest.raises(UserError, match=r"scores.parquet: column 'text' is missing"):
        scores.read(TASK, table.drop_columns(["text"]), "scores.parquet")
