"""evidence: a kind that answers four questions is enough; what it cannot tell is left out."""

from typing import ClassVar

import numpy as np
import pytest

from winnow.base.errors import UserError
from winnow.encoder.neighbours import Neighbours
from winnow.kinds import evidence
from winnow.kinds.evidence import Errors, Signals

NEAR = Neighbours(np.zeros((3, 1), dtype=int), np.zeros((3, 1)))


class Numbers(evidence.Evidence):
    """What a model of numbers says: one number a row."""

    members: ClassVar = {}

    def __init__(self, predicted: np.ndarray):
        self.predicted = predicted

    def take(self, rows):
        return Numbers(self.predicted[rows])

    def likeliest(self):
        return np.array([f"{number:g}" for number in self.predicted], dtype=object)

    def signals(self, labels, known, surroundings, judged):
        away = [
            0.0 if label is None else abs(float(label) - own) for label, own in zip(judged, self.predicted, strict=True)
        ]
        return Signals(["distance"], np.array(away)[:, None], self)

    def plant(self, labels, errors: Errors):
        noisy = labels.copy()
        noisy[: round(errors.rate * len(labels))] = self.likeliest()[: round(errors.rate * len(labels))]
        return noisy


OF = Numbers(np.array([1.0, 2.5, 4.0]))
LABELS = np.array(["1", "2", "9"], dtype=object)


def test_what_a_kind_does_not_tell_is_left_out():
    assert OF.shown() == [[], [], []]
    assert OF.chances(["1", "2"]) is None
    assert OF.support(LABELS) is None
    assert OF.flags(LABELS, NEAR, LABELS) == OF.rankings(LABELS, NEAR) == {}
    suspects = OF.suspects(LABELS, "both")
    assert np.isnan(suspects.quality).all()
    assert not suspects.is_issue.any()
    assert suspects.count is None


def test_noise_is_never_none_and_never_all():
    assert OF.noise(LABELS, np.ones(3, dtype=bool)) == pytest.approx(1 / 5)
    assert OF.noise(LABELS, np.zeros(3, dtype=bool)) == pytest.approx(1 / 2)
    assert evidence.between(1.0, 8) == pytest.approx(0.9)


def test_doubt_that_models_do_not_have_is_named():
    with pytest.raises(UserError, match=r"choose_rows\.strategy: the models of this kind of task have no margin"):
        OF.doubt("margin")
