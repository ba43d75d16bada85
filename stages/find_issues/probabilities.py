"""How probable each label is wrong, learnt from planted errors and from people's decisions."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.find_issues import calibration
from stages.find_issues.calibration import Planted
from stages.find_issues.found import Table
from winnow.base.errors import UserError
from winnow.rows import edited

FIXED = ("planting", "id", "label", "is_error", "weight")  # columns of the calibration's table that are no signal


def read_planted(planted: pa.Table, names: list[str], where: Path) -> Planted:
    """Return the stage calibrate's table, read from `where`.

    Args:
        names: of the labelled table's signals.

    Raises:
        UserError: it has others.
    """
    if [name for name in planted.column_names if name not in FIXED] != names:
        raise UserError(f"{where}: its signals are not those of the scores; run `dvc repro calibrate`")
    values = np.stack([planted[name].to_numpy() for name in names], axis=1)
    errors = planted["is_error"].to_numpy(zero_copy_only=False)
    return Planted(tuple(names), values, errors, planted["weight"].to_numpy())


def learn(table: Table, planted: Planted, worth: float, bins: int) -> tuple[np.ndarray, dict, list[tuple]]:
    """Return how probable each row's label in question is wrong, (rows,) float, metrics, and the reliability table.

    Args:
        worth: how many decisions the planted errors count for.
        bins: of the reliability table.
    """
    waiting = table.known & table.open
    noise = table.evidence.noise(table.labels, waiting if waiting.any() else table.known)
    prior, chance = calibration.fit(planted, noise, worth)

    decided = ~table.open & np.array([label is not None for label in table.judged], dtype=bool)
    if edited.GIVEN_TEXT in table.rows.column_names:  # the signals are of the text that people wrote, not saw
        decided &= table.rows[edited.GIVEN_TEXT].is_null().to_numpy()
    verdicts = np.array(table.rows["verdict"].to_pylist(), dtype=object)
    taught, errors = table.found.values[decided], verdicts[decided] != "keep"
    model = calibration.update(prior, taught, errors)
    measured: dict = {"noise": noise, "weights": dict(zip(model.names, model.weights.tolist(), strict=True))}
    observed = [("planted", chance, planted.errors, planted.weights)]
    if len(errors):
        ones = np.ones(len(errors))
        observed.append(("decisions", calibration.crossfit(prior, taught, errors), errors, ones))
        before = calibration.predict(prior, taught)
        measured["planted_errors_alone"] = calibration.quality(before, errors, ones, bins)
    curve = []
    for source, predicted, actual, weight in observed:
        curve += [(*row, source) for row in calibration.reliability(predicted, actual, weight, bins)]
        quality = calibration.quality(predicted, actual, weight, bins)
        measured[source] = {"rows": len(actual), "errors": int(actual.sum())} | quality
    return calibration.predict(model, table.found.values), measured, curve
