"""Whether to go on: what the next decisions would change, and what that is worth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stages.rounds.audit import Estimate
from stages.rounds.replay import NONE
from stages.rounds.worth import Exam, Learner
from winnow.base.stage import progress
from winnow.kinds.classification.scores import noise
from winnow.kinds.evidence import Errors
from winnow.people.rounds.settings import Params
from winnow.statistics import intervals

POINTS = 100
KIND = "instance"  # errors as people make them; they cost a model less than random ones


@dataclass(frozen=True)
class Next:
    """The rows that people would decide on next: split and calibrated probability of error (None: not known)."""

    splits: Sequence[str]
    p_error: Sequence[float | None]

    def likely(self, split: str | None = None) -> np.ndarray:
        """Return the known probabilities of the rows of one split, or of all."""
        pairs = zip(self.splits, self.p_error, strict=True)
        return np.array([p for where, p in pairs if p is not None and split in (None, where)])


@dataclass(frozen=True)
class Planted:
    """What wrong training labels cost, as measured by planting some.

    Attributes:
        points: (wrong labels, seed, macro-F1 on dev) of each training.
        cost: macro-F1 that one more wrong label costs, and its bootstrap values, (resamples,) float.
    """

    points: list[tuple[int, int, float]]
    cost: float
    resampled: np.ndarray

    def estimate(self, confidence: float) -> Estimate:
        """Return the cost of one more wrong label with its interval."""
        return Estimate(self.cost, *intervals.interval(self.resampled, confidence))


def plant(
    learner: Learner, training: np.ndarray, probabilities: np.ndarray, exam: Exam, classes: int, settings: Params
) -> Planted:
    """Return what a wrong label costs: the loss of macro-F1 over the number of labels made wrong (least squares).

    Args:
        training: (rows,) int, today's labels to train on, `NONE` for others.
        probabilities: (rows, classes) float, out of fold: which labels are mistaken, and for which.
        exam: the dev rows.
    """
    known = np.flatnonzero(training != NONE)
    base, base_resampled = exam.macro_f1(learner.predict(training), classes)
    points = [(0, 0, base)]
    shape = settings.plant_seeds, len(settings.planted)
    wrong, lost, lost_resampled = np.zeros(shape), np.zeros(shape), np.zeros((*shape, len(base_resampled)))
    for run in progress(list(np.ndindex(shape)), "planted errors"):
        seed, rate = settings.seed + run[0], settings.planted[run[1]]
        labels = training.copy()
        labels[known] = noise.plant(training[known], classes, Errors(KIND, rate, seed), probabilities[known])
        wrong[run] = (labels != training).sum()
        score, resampled = exam.macro_f1(learner.predict(labels), classes)
        lost[run], lost_resampled[run] = base - score, base_resampled - resampled
        points.append((int(wrong[run]), seed, score))
    if not wrong.any():
        return Planted(points, 0.0, np.zeros(len(base_resampled)))
    square = (wrong**2).sum(axis=1).mean()
    slopes = (wrong * lost).sum(axis=1) / square
    slopes_resampled = (wrong[:, :, None] * lost_resampled).sum(axis=1) / square
    draws = intervals.resample(settings.plant_seeds, len(base_resampled), np.random.default_rng(settings.seed))
    return Planted(points, float(slopes.mean()), (draws.T * slopes_resampled).mean(axis=0))


def label_value(curve: Iterable[tuple[str, int, int, float]], labels: int) -> float | None:
    """Return what one more label is worth in macro-F1 at `labels` labels; None where the curve has one budget.

    The curve's better arm gains as much with each doubling as with its last one: not too little, since curves flatten.

    Args:
        curve: (arm, labels, seed, macro-F1) of the stage learning_curve.
    """
    means: dict[str, dict[int, list[float]]] = {}
    for arm, budget, _, score in curve:
        means.setdefault(arm, {}).setdefault(budget, []).append(score)
    last = {arm: sorted(of)[-2:] for arm, of in means.items() if len(of) > 1}
    if not last or not labels:
        return None
    arm = max(sorted(last), key=lambda arm: np.mean(means[arm][last[arm][1]]))
    low, high = last[arm]
    gain = float(np.mean(means[arm][high]) - np.mean(means[arm][low]))
    return max(0.0, gain / np.log(high / low) / labels)


def gain(next_: Next, planted: Planted, new_label: float | None, relabelled: float, settings: Params) -> Estimate:
    """Return the macro-F1 on dev that the next decisions would bring.

    A row of train that is relabelled gives back what a wrong label costs; one that is left out gives that less what a
    right label in its place would bring. The interval is of both unknowns: which rows are errors, and the cost.

    Args:
        new_label: what one more label is worth.
        relabelled: the share of wrong labels that people replace; the others are left out of training.
    """
    likely = next_.likely("train")
    rng = np.random.default_rng(settings.seed)
    errors = (rng.random((len(planted.resampled), len(likely))) < likely).sum(axis=1)
    less = (1 - relabelled) * (new_label or 0.0)
    low, high = intervals.interval(errors * (planted.resampled - less), settings.confidence)
    return Estimate(float(likely.sum() * (planted.cost - less)), low, high)


def verdict(next_: Next, gained: Estimate, test_labels: int, settings: Params) -> dict[str, object]:
    """Return the advice as metrics: `verdict` (go on, stop), why in one sentence (`says`), and what it rests on.

    Args:
        gained: macro-F1 on dev, in 0..1.
        test_labels: the number of test rows that have a label.
    """
    likely = next_.likely()
    changes = float(likely.sum())
    test = float(next_.likely("test").sum() / test_labels * POINTS) if test_labels else 0.0
    result: dict[str, object] = {
        "next_rows": len(next_.p_error),
        "without_probability": len(next_.p_error) - len(likely),
        "expected_changes": changes,
        "test_error_points": test,
    } | gained.named("gain_points", POINTS)
    if not len(likely):
        empty = "the queue is empty" if not next_.p_error else "no row of the queue has a probability of error"
        word = "go on" if next_.p_error else "stop"
        return result | {"verdict": word, "says": f"{word.capitalize()}: {empty}."}
    precision = changes / len(likely)
    result["precision"] = precision
    value, low, high = (POINTS * end for end in (gained.value, gained.low, gained.high))
    worth = f"macro-F1 on dev {value:+.2f} points ({low:+.2f} to {high:+.2f}), wrong labels in test {-test:+.2f} points"
    change = f"people would change about {changes:.0f} of the next {len(likely)} rows ({precision:.0%})"
    if precision < settings.min_precision:
        says = f"Stop: {change}, fewer than rounds.min_precision ({settings.min_precision:.0%}) asks for: {worth}."
    elif max(value, test) < settings.min_gain:
        says = f"Stop: {change}, but that is worth less than rounds.min_gain ({settings.min_gain:g} points): {worth}."
    else:
        says = f"Go on: {change}: {worth}."
    return result | {"verdict": says.partition(":")[0].lower(), "says": says}
