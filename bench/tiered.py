"""How probable it is that a label is wrong, from labels alone, without anyone's decision; bench/labels.py measures it.

The stages `calibrate` and `find_issues` do the same with a table in between, and with people's decisions.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from stages.calibrate import planting
from stages.calibrate.planting import Labels
from stages.find_issues import calibration
from stages.find_issues.calibration import Planted
from winnow.kinds.classification.scores import Evidence
from winnow.kinds.evidence import Noise, Surroundings

# Share of the labels that get a wrong one, by kind. People's errors are most often those of hard rows (`instance`).
SHARES: Mapping[Noise, float] = MappingProxyType({"uniform": 0.04, "class": 0.04, "instance": 0.08})


def suspicion(given: np.ndarray, evidence: Evidence, surroundings: Surroundings, seed: int = 1) -> np.ndarray:
    """Return the probability that each label is wrong, (rows,) float64.

    Args:
        given: (rows,) labels; there is no other knowledge of the truth.
        evidence: what models say that learnt from `given` out of fold.
        surroundings: without votes: planted errors cannot teach what a rule is worth.
    """
    known = np.ones(len(given), dtype=bool)
    found = evidence.signals(given, known, surroundings, given)
    noisy = planting.plant(Labels(given, known, surroundings.folds), found.evidence, SHARES, seed, evidence.task)
    taught = evidence.signals(noisy, known, surroundings, noisy)
    planted = Planted(tuple(taught.names), taught.values, noisy != given, np.ones(len(given)))
    model, _ = calibration.fit(planted, found.evidence.noise(given, known), worth=1)
    return calibration.predict(model, found.values)
