"""Fast models learn classes from embeddings and words, alone and together."""

import numpy as np
import pytest

from winnow.base.errors import UserError
from winnow.kinds.classification.fast import Learner
from winnow.kinds.classification.labels import Task

TASK = Task(kind="classification", labels=["STONE", "FRUIT", "TREE"])
LABELS = np.array(["FRUIT", "STONE"] * 20, dtype=object)
TEXTS = [f"row {number} {'apple' if label == 'FRUIT' else 'flint'}" for number, label in enumerate(LABELS)]
VECTORS = np.random.default_rng(1).normal(size=(40, 4)) + 3 * (LABELS == "FRUIT")[:, None]
LEARNT, WANTED = np.arange(30), np.arange(30, 40)


def learner(**arms: float) -> Learner:
    return Learner(TASK, TEXTS, VECTORS, np.arange(40) < 30, arms)


@pytest.mark.parametrize("arms", [{"probe": 1.0}, {"tfidf": 10.0}, {"probe": 1.0, "tfidf": 10.0}])
def test_each_arm_learns_and_all_together(arms):
    assert learner(**arms).predict(LEARNT, LABELS[:30], WANTED).tolist() == LABELS[30:].tolist()


def test_rows_that_are_left_out_teach_nothing():
    found = learner(probe=1.0)
    swapped = np.where(LABELS[:30] == "FRUIT", "STONE", "FRUIT")
    some = np.arange(10)
    right = found.predict(some, LABELS[:10], WANTED)
    assert (found.predict(some, swapped[:10], WANTED) != right).all()
    assert right.tolist() == LABELS[30:].tolist()


def test_of_one_class_all_are_that_one_and_of_none_the_first():
    found = learner(probe=1.0)
    assert set(found.predict(LEARNT[:3], np.array(["TREE"] * 3, dtype=object), WANTED)) == {"TREE"}
    assert set(found.predict(LEARNT[:0], LABELS[:0], WANTED)) == {"STONE"}


def test_texts_need_words():
    with pytest.raises(UserError, match="the texts to learn from hold no words"):
        Learner(TASK, ["?"] * 40, VECTORS, np.arange(40) < 30, {"tfidf": 1.0})
