"""Evidence of classes: the table's columns read back, and what is answered from them in label strings."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.winnow.kinds.classification.scores.worlds import TASK, named, spoil, world
from winnow.base.errors import UserError
from winnow.kinds.classification import scores
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.scores import Evidence
from winnow.kinds.evidence import Errors

OF = world(80)
GIVEN = spoil(OF.truth, 0.1)


def test_members_are_found_by_their_columns():
    names = [f"{prefix}_{label}" for prefix in ("p", "probe_p", "fine_p_tuned_p") for label in TASK.labels]
    told = [0.5, 0.3, 0.2, 0.1, 0.2, 0.7, 1.0, 0.0, 0.0]
    table = pa.table({"id": ["a"], "fold": [0]} | {name: [p] for name, p in zip(names, told, strict=True)})
    found = scores.read(TASK, table, Path("s"))
    assert list(found.members) == ["probe", "fine_p_tuned"]
    np.testing.assert_allclose(found.probabilities, [[0.5, 0.3, 0.2]])
    np.testing.assert_allclose(found.members["probe"].probabilities, [[0.1, 0.2, 0.7]])


def test_a_label_that_looks_like_a_column_is_no_member():
    task = Task(kind="classification", labels=["a", "x_p_a"])
    table = pa.table({"id": ["i"], "p_a": [0.5], "p_x_p_a": [0.5], "m_p_a": [0.1], "m_p_x_p_a": [0.9]})
    assert list(scores.read(task, table, Path("s")).members) == ["m"]


def test_a_label_without_a_column_is_refused():
    table = pa.table({"id": ["a"], "p_FRUIT": [0.5], "p_STONE": [0.5]})
    with pytest.raises(UserError, match="scores: column 'p_WATER' is missing; the table is of another task"):
        scores.read(TASK, table, Path("scores"))


@pytest.mark.parametrize("last", [0.3, 1.2, float("nan")])
def test_what_are_no_probabilities_is_refused(last):
    table = pa.table({"id": ["a"], "p_FRUIT": [0.5], "p_STONE": [0.3], "p_WATER": [last]})
    with pytest.raises(UserError, match=r"scores: the probabilities of 1 row\(s\) are none .*, first a"):
        scores.read(TASK, table, Path("scores"))


def test_a_part_says_what_the_whole_says_of_its_rows():
    whole, rows = OF.evidence(), np.array([5, 3, 8])
    part = whole.take(rows)
    assert part.likeliest().tolist() == whole.likeliest()[rows].tolist()
    assert part.shown() == [whole.shown()[row] for row in rows]
    assert part.members["words"].likeliest().tolist() == whole.members["words"].likeliest()[rows].tolist()


def test_chances_are_told_of_any_labels_in_any_order():
    found = OF.evidence()
    assert found.shown()[0] == list(zip(TASK.labels, found.probabilities[0].tolist(), strict=True))
    np.testing.assert_array_equal(found.chances(["WATER", "FRUIT"]), found.probabilities[:, [2, 0]])


def test_support_is_the_label_s_share_of_the_classes_that_occur():
    found = Evidence.of(TASK, {"probe": np.array([[0.2, 0.6, 0.2], [0.5, 0.25, 0.25], [0.9, 0.1, 0.0]])})
    np.testing.assert_allclose(found.support(named(np.array([0, 2, 0]))), [0.5, 1 / 3, 1.0], atol=1e-6)


@given(st.integers(1, 30), st.integers(0, 3))
def test_doubt_is_entropy_or_how_close_the_two_likeliest_are(count, seed):
    chances = np.random.default_rng(seed).dirichlet(np.ones(3), size=count)
    found = Evidence.of(TASK, {"probe": chances})
    entropies = [-sum(p * np.log(p) for p in row if p > 0) / np.log(3) for row in chances]
    assert found.doubt("entropy") == pytest.approx(entropies)
    margins = [sorted(row)[-1] - sorted(row)[-2] for row in chances.tolist()]
    assert found.doubt("margin") == pytest.approx([-margin for margin in margins])


def test_a_certain_model_has_no_entropy_and_an_ignorant_one_all():
    found = Evidence.of(TASK, {"probe": np.array([[1.0, 0, 0], [1 / 3, 1 / 3, 1 / 3]])})
    assert found.doubt("entropy") == pytest.approx([0, 1])


@pytest.mark.parametrize("kind", ["uniform", "class", "instance"])
def test_planted_errors_are_labels_of_the_task_and_as_many_as_asked(kind):
    before = named(OF.truth)
    noisy = OF.evidence().plant(before, Errors(kind, 0.25, 1))
    assert (noisy != before).sum() == 60
    assert set(noisy) == set(TASK.labels)
    assert before.tolist() == named(OF.truth).tolist()


def test_errors_of_instances_are_what_the_models_take_for_right():
    evidence, before = OF.evidence(), named(OF.truth)
    likeliest = evidence.likeliest()
    noisy = evidence.plant(before, Errors("instance", 0.1, 1))
    changed = noisy != before
    assert (likeliest != before)[changed].mean() > 2 * (likeliest != before).mean()


def test_the_estimated_noise_is_never_none_and_never_all():
    given_, known = named(spoil(OF.truth, 0.2)), np.ones(len(OF.truth), dtype=bool)
    found = OF.evidence().signals(given_, known, OF.surroundings(), given_).evidence
    assert found.noise(given_, known) == pytest.approx(0.2, abs=0.06)
    assert 0 < found.noise(named(OF.truth), ~known) < 1


def test_suspects_of_no_row_and_of_one_class():
    found = OF.evidence()
    none = found.take(np.zeros(0, dtype=int)).suspects(named(np.zeros(0, dtype=int)), "both")
    assert (len(none.quality), len(none.is_issue), none.count) == (0, 0, None)
    alike = found.take(np.arange(3)).suspects(named(np.zeros(3, dtype=int)), "both")
    np.testing.assert_array_equal(alike.is_issue, found.likeliest()[:3] != "FRUIT")
    assert alike.count is None
