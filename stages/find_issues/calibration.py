"""How probable it is that a label is wrong, given its signals: fitted on planted errors, then on people's decisions.

First a logistic regression on planted errors. The rows without one hold real errors of their own, so what they are is
not taken for granted: expectation-maximisation as for positive and unlabelled rows (Elkan and Noto 2008), with the
share of real errors held at its estimate. The intercept is then that of this share, not of the planted one (King and
Zeng 2001). No signal has a negative weight: what speaks against a label never makes it more trusted.

Then people's decisions. Their posterior mode under a normal prior: its mean is the fit on planted errors, its
precision that of as many planted rows as `worth` (a power prior, Ibrahim and Chen 2000, by Laplace's approximation).
So few decisions move little, and as they grow they outweigh the planted errors. A choice of rows by their signals, such
as a queue read from its top, does no harm to the fit: it learns what errors are given the signals.
"""

from dataclasses import dataclass, replace

import numpy as np

ROUNDS = 60  # of expectation-maximisation, at most; few planted errors among many real ones take the most
SETTLED = 1e-4  # no row's probability moves by more
RIDGE = 1.0  # on planted errors, against thousands of rows
SPREAD = 1.0  # prior standard deviation of what planted errors tell nothing of, in log odds per unit of a signal
FOLDS = 10


@dataclass(frozen=True)
class Model:
    """P(error | signals) = sigmoid(intercept + weights · (signals - centre) / scale).

    Attributes:
        names: of the signals.
        centre, scale, weights: (signals,) float.
        precision: (signals + 1, signals + 1) float, of the normal distribution of weights and intercept.
    """

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: float
    precision: np.ndarray


@dataclass(frozen=True)
class Planted:
    """Labels with planted errors.

    Attributes:
        names: of the signals.
        signals: (rows, signals) float.
        errors: (rows,) bool, where an error was planted.
        weights: (rows,) float, how many rows each stands for.
    """

    names: tuple[str, ...]
    signals: np.ndarray
    errors: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Rows:
    """What is fitted: standardised signals, (rows, signals), the probability of an error and the weight, (rows,)."""

    features: np.ndarray
    error: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Normal:
    """A prior of weights and intercept: mean, (signals + 1,), and precision, (signals + 1, signals + 1)."""

    mean: np.ndarray
    precision: np.ndarray


def predict(model: Model, signals: np.ndarray) -> np.ndarray:
    """Return the probability of an error, (rows,) float64; `signals` is (rows, signals) in the model's order."""
    return _sigmoid(_standard(model, signals) @ model.weights + model.intercept)


def fit(planted: Planted, noise: float, worth: float) -> tuple[Model, np.ndarray]:
    """Return the model by planted errors, for rows of which the share `noise` is wrong.

    Args:
        noise: share of the other labels that are wrong, above 0 and below 1.
        worth: how many decisions the planted errors count for.

    Returns:
        The model, and its probability that each row's error was planted, (rows,) float64.
    """
    signals, errors, weights = planted.signals, planted.errors, planted.weights
    centre = np.average(signals, axis=0, weights=weights)
    spread = np.sqrt(np.average((signals - centre) ** 2, axis=0, weights=weights))
    scale = np.where(spread > 0, spread, 1.0)
    features = (signals - centre) / scale
    rate = float(np.average(errors, weights=weights))
    wrong = rate + noise * (1 - rate)  # share of errors, planted or not
    ours = rate / wrong if wrong else 1.0  # share of the errors that were planted
    error = errors.astype(np.float64)
    size = features.shape[1]
    prior = Normal(np.zeros(size + 1), np.diag([RIDGE] * size + [0.0]))
    weight, intercept = np.zeros(size), _logit(wrong)
    for _ in range(ROUNDS):
        weight, intercept = _mode(Rows(features, error, weights), prior, start=np.append(weight, intercept))
        score = features @ weight + intercept
        before = error[~errors]
        error[~errors] = _share(score[~errors], weights[~errors], noise)
        if np.abs(error[~errors] - before).max() < SETTLED:
            break
    chance = _sigmoid(score)
    information = _information(features, chance, weights) * worth / weights.sum()
    precision = information + np.diag([SPREAD**-2] * size + [0.0])
    shifted = intercept + _logit(noise) - _logit(wrong)
    return Model(planted.names, centre, scale, weight, float(shifted), precision), chance * ours


def update(model: Model, signals: np.ndarray, error: np.ndarray) -> Model:
    """Return the model after decisions.

    Args:
        signals: (rows, signals) float.
        error: (rows,) bool, whether the label was wrong.
    """
    if not len(error):
        return model
    mean = np.append(model.weights, model.intercept)
    features, ones = _standard(model, signals), np.ones(len(error))
    rows = Rows(features, error.astype(np.float64), ones)
    weight, intercept = _mode(rows, Normal(mean, model.precision), start=mean)
    return replace(model, weights=weight, intercept=float(intercept))


def crossfit(model: Model, signals: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the probabilities of decided rows by models that did not see them, (rows,) float64.

    Rows are dealt to folds in the order they have; fewer than ten are each left out in turn.
    """
    fold = np.arange(len(error)) % FOLDS
    found = np.zeros(len(error))
    for number in np.unique(fold):
        inside = fold == number
        found[inside] = predict(update(model, signals[~inside], error[~inside]), signals[inside])
    return found


def reliability(
    predicted: np.ndarray, observed: np.ndarray, weights: np.ndarray, bins: int
) -> list[tuple[float, float, float]]:
    """Return mean prediction, mean outcome and number of rows of bins that hold equally many rows.

    Args:
        predicted, weights: (rows,) float.
        observed: (rows,) bool.
    """
    if not len(predicted):
        return []
    order = np.argsort(predicted, kind="stable")
    observed = observed.astype(np.float64)
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [
        (
            float(np.average(predicted[part], weights=weights[part])),
            float(np.average(observed[part], weights=weights[part])),
            float(weights[part].sum()),
        )
        for part in parts
    ]


def quality(predicted: np.ndarray, observed: np.ndarray, weights: np.ndarray, bins: int) -> dict[str, float]:
    """Return expected calibration error (equal-count bins), Brier score and log loss of probabilities."""
    table = np.array(reliability(predicted, observed, weights, bins))
    observed = observed.astype(np.float64)
    clipped = np.clip(predicted, 1e-6, 1 - 1e-6)
    loss = -observed * np.log(clipped) - (1 - observed) * np.log(1 - clipped)
    return {
        "ece": float(np.average(np.abs(table[:, 0] - table[:, 1]), weights=table[:, 2])),
        "brier": float(np.average((predicted - observed) ** 2, weights=weights)),
        "log_loss": float(np.average(loss, weights=weights)),
    }


def _standard(model: Model, signals: np.ndarray) -> np.ndarray:
    return (signals - model.centre) / model.scale


def _share(score: np.ndarray, weights: np.ndarray, share: float) -> np.ndarray:
    """Return the probabilities sigmoid(score + c), with the c that makes their mean `share`."""
    from scipy.optimize import brentq

    def excess(shift: float) -> float:
        return float(np.average(_sigmoid(score + shift), weights=weights)) - share

    reach = float(np.abs(score).max()) + abs(_logit(share)) + 1
    return _sigmoid(score + brentq(excess, -reach, reach))


def _mode(rows: Rows, prior: Normal, start: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights and intercept of largest posterior density, the weights not negative."""
    from scipy.optimize import minimize

    features, target, weights, precision = rows.features, rows.error, rows.weights, prior.precision
    design = np.hstack([features, np.ones((len(features), 1))])

    def negative(at: np.ndarray) -> tuple[float, np.ndarray]:
        score, off = design @ at, at - prior.mean
        loss = weights @ (np.logaddexp(0, score) - target * score) + off @ precision @ off / 2
        return float(loss), design.T @ (weights * (_sigmoid(score) - target)) + precision @ off

    bounds = [(0, None)] * features.shape[1] + [(None, None)]
    found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return found.x[:-1], float(found.x[-1])


def _information(features: np.ndarray, chance: np.ndarray, weights: np.ndarray) -> np.ndarray:
    design = np.hstack([features, np.ones((len(features), 1))])
    return design.T @ (design * (weights * chance * (1 - chance))[:, None])


def _sigmoid(score: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -score))


def _logit(share: float) -> float:
    return float(np.log(share) - np.log1p(-share))
