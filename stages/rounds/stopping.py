"""Whether to go on: what the next decisions would change, and what that is worth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stages.rounds.audit import Estimate
from stages.rounds.replay import NONE
from stages.rounds.worth import Models
from winnow.base import progress
from winnow.kinds.evidence import Errors, Evidence, Noise
from winnow.people.rounds.settings import Params
from winnow.statistics import intervals

POINTS = 100
EXAM = "corrected"  # the labels of dev by which the advice is judged
KIND: Noise = "instance"  # errors as people make them; they cost a model less than random ones


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
        points: (wrong labels, seed, headline on dev) of each training.
        cost: of the headline that one more wrong label takes.
        resampled: (resamples,) float, the cost as groups of dev and planting seeds may be drawn; of one seed, groups.
    """

    points: list[tuple[int, int, float]]
    cost: float
    resampled: np.ndarray

    def estimate(self, confidence: float) -> Estimate:
        """Return the cost of one more wrong label with its interval."""
        return Estimate(self.cost, *intervals.interval(self.resampled, confidence))


def plant(training: np.ndarray, evidence: Evidence, models: Models, settings: Params) -> Planted:
    """Return what a wrong label costs: what dev loses over the number of labels made wrong (least squares).

    Args:
        training: (rows,) today's labels to train on, `NONE` for others.
        evidence: what models say, out of fold, of the rows that have one: which labels are mistaken, and for which.
    """
    known = np.flatnonzero(training != NONE)
    base = models.score(training, EXAM)
    points = [(0, 0, base.value)]
    shape = settings.plant_seeds, len(settings.planted)
    wrong, lost, lost_resampled = np.zeros(shape), np.zeros(shape), np.zeros((*shape, len(base.resampled)))
    for run in progress.over(list(np.ndindex(shape)), "planted errors"):
        seed, rate = settings.seed + run[0], settings.planted[run[1]]
        labels = training.copy()
        labels[known] = evidence.plant(training[known], Errors(KIND, rate, seed))
        wrong[run] = (labels != training).sum()
        score = models.score(labels, EXAM)
        loss = models.better_by(base, score)
        lost[run], lost_resampled[run] = loss.value, loss.resampled
        points.append((int(wrong[run]), seed, score.value))
    if not wrong.any():
        return Planted(points, 0.0, np.zeros(len(base.resampled)))
    square = (wrong**2).sum(axis=1).mean()
    slopes = (wrong * lost).sum(axis=1) / square
    slopes_resampled = (wrong[:, :, None] * lost_resampled).sum(axis=1) / square
    of_seeds = intervals.seed_draws(slopes[:, None], len(base.resampled), np.random.default_rng(settings.seed))[:, 0]
    return Planted(points, float(slopes.mean()), slopes_resampled.mean(axis=0) + of_seeds)


def label_value(curve: Iterable[tuple[str, int, int, float]], labels: int, sign: int) -> float | None:
    """Return what one more label adds to the headline at `labels` labels; None where the curve has one budget.

    The curve's better arm gains as much with each doubling as with its last one: not too little, since curves flatten.

    Args:
        curve: (arm, labels, seed, headline) of the stage learning_curve.
        sign: of the headline: 1 where more is better, else -1.
    """
    means: dict[str, dict[int, list[float]]] = {}
    for arm, budget, _, score in curve:
        means.setdefault(arm, {}).setdefault(budget, []).append(sign * score)
    last = {arm: sorted(budgets)[-2:] for arm, budgets in means.items() if len(budgets) > 1}
    if not last or not labels:
        return None
    arm = max(sorted(last), key=lambda arm: np.mean(means[arm][last[arm][1]]))
    low, high = last[arm]
    gain = float(np.mean(means[arm][high]) - np.mean(means[arm][low]))
    return max(0.0, gain / np.log(high / low) / labels)


def gain(next_: Next, planted: Planted, new_label: float | None, relabelled: float, settings: Params) -> Estimate:
    """Return what the next decisions would add to the headline on dev.

    A row of train that is relabelled gives back what a wrong label costs; one that is left out gives that, less what a
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


def verdict(next_: Next, gained: Estimate, test_labels: int, words: str, settings: Params) -> dict[str, object]:
    """Return the advice as metrics: `verdict` (go on, stop), why in one sentence (`says`), and what it rests on.

    Args:
        gained: what the next decisions would add to the headline on dev.
        test_labels: the number of test rows that have a label.
        words: what people are told of a gain in the headline.
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
        if next_.p_error:
            return result | _told("go on", "no row of the queue has a probability of error")
        return result | _told("stop", "the queue is empty")
    precision = changes / len(likely)
    result["precision"] = precision
    value, low, high = (POINTS * end for end in (gained.value, gained.low, gained.high))
    worth = f"{words} on dev {value:+.2f} points ({low:+.2f} to {high:+.2f}), wrong labels in test {-test:+.2f} points"
    change = f"people would change about {changes:.0f} of the next {len(likely)} rows ({precision:.0%})"
    if precision < settings.min_precision:
        fewer = f"fewer than rounds.min_precision ({settings.min_precision:.0%}) asks for"
        return result | _told("stop", f"{change}, {fewer}: {worth}")
    if max(value, test) < settings.min_gain:
        less = f"but that is worth less than rounds.min_gain ({settings.min_gain:g} points)"
        return result | _told("stop", f"{change}, {less}: {worth}")
    return result | _told("go on", f"{change}: {worth}")


def _told(word: str, why: str) -> dict[str, str]:
    return {"verdict": word, "says": f"{word.capitalize()}: {why}."}
