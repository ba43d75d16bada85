"""The number of wrong labels, estimated from a random sample that people judged: design-based, with intervals.

A sample's rows stand for the rows of their stratum (flagged or not) and split, of which there are `population`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

DRAWS = 4000  # of a posterior; the interval's ends then stand to about half a point


@dataclass(frozen=True)
class Certainty:
    """How sure an interval is, and the seed of what is drawn for it."""

    confidence: float
    seed: int


@dataclass(frozen=True)
class Cell:
    """Rows of one stratum and split: how many there are, how many of them people judged, how many they changed."""

    population: float
    judged: int
    errors: int


@dataclass(frozen=True)
class Share:
    """A share of a stratum's rows, with the number of independent rows that would tell it as well."""

    population: float
    value: float
    effective: float


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float

    def named(self, name: str, scale: float = 1.0) -> dict[str, float]:
        """Return it as metrics: name, name_low, name_high, each times `scale`."""
        return {name: self.value * scale, f"{name}_low": self.low * scale, f"{name}_high": self.high * scale}

    def less(self, known: float) -> "Estimate":
        """Return what is left of a number when `known` of it are taken away: never below nothing."""
        return Estimate(*(max(0.0, end - known) for end in (self.value, self.low, self.high)))


def share(cells: Sequence[Cell]) -> Share | None:
    """Return a stratum's share of errors over the cells of its splits; None where nobody judged a row of it.

    Each cell counts by its population. A cell that nobody judged is taken to be like the others. The effective number
    of rows is Kish's (1965), with the correction for a finite population where every cell was judged.
    """
    judged = [cell for cell in cells if cell.judged]
    if not judged:
        return None
    total = sum(cell.population for cell in judged)
    weights = [cell.population / total for cell in judged]
    value = sum(weight * cell.errors / cell.judged for weight, cell in zip(weights, judged, strict=True))
    whole = len(judged) == len(cells)
    variance = sum(
        weight**2 / cell.judged * (_finite(cell) if whole else 1) for weight, cell in zip(weights, judged, strict=True)
    )
    return Share(sum(cell.population for cell in cells), value, 1 / variance if variance else math.inf)


def wilson(stratum: Share, confidence: float) -> Estimate:
    """Return a share with Wilson's interval (1927) at its effective number of rows; no wider than 0 to 1."""
    if math.isinf(stratum.effective):
        return Estimate(stratum.value, stratum.value, stratum.value)
    z = _z(confidence)
    ratio = z * z / stratum.effective
    middle = (stratum.value + ratio / 2) / (1 + ratio)
    half = z / (1 + ratio) * math.sqrt((stratum.value * (1 - stratum.value) + ratio / 4) / stratum.effective)
    return Estimate(
        stratum.value, max(0.0, min(stratum.value, middle - half)), min(1.0, max(stratum.value, middle + half))
    )


def total(strata: Sequence[Share], confidence: float) -> Estimate:
    """Return the number of errors over strata, by the method of variance estimates recovery (Zou et al. 2009).

    It squares and adds the distances from each stratum's share to the ends of its Wilson interval. So a stratum in
    which no error was found still widens the interval, which a variance estimated as zero would not.
    """
    estimates = [(stratum.population, wilson(stratum, confidence)) for stratum in strata]
    value = sum(rows * each.value for rows, each in estimates)
    below = math.sqrt(sum((rows * (each.value - each.low)) ** 2 for rows, each in estimates))
    above = math.sqrt(sum((rows * (each.high - each.value)) ** 2 for rows, each in estimates))
    return Estimate(value, max(0.0, value - below), min(sum(rows for rows, _ in estimates), value + above))


def recall(flagged: Share, unflagged: Share, certainty: Certainty) -> Estimate | None:
    """Return the share of all errors that is flagged; None where the sample holds no error.

    The interval is of the posterior under Jeffreys' prior for each stratum's share, and reaches to 0 or 1 where one
    stratum's sample holds no error (Brown, Cai and DasGupta 2001).
    """
    errors = [stratum.population * stratum.value for stratum in (flagged, unflagged)]
    if not sum(errors):
        return None
    rng = np.random.default_rng(certainty.seed)
    drawn = [stratum.population * _posterior(stratum, rng) for stratum in (flagged, unflagged)]
    tail = (1 - certainty.confidence) / 2
    low, high = np.quantile(drawn[0] / (drawn[0] + drawn[1]), [tail, 1 - tail])
    return Estimate(errors[0] / sum(errors), float(low) if errors[0] else 0.0, float(high) if errors[1] else 1.0)


def _posterior(stratum: Share, rng: np.random.Generator) -> np.ndarray:
    if math.isinf(stratum.effective):
        return np.full(DRAWS, stratum.value)
    errors = stratum.value * stratum.effective
    return rng.beta(errors + 0.5, stratum.effective - errors + 0.5, DRAWS)


def _finite(cell: Cell) -> float:
    """Return by how much a sample without replacement varies less: nothing is left to chance where all are judged."""
    if cell.population <= cell.judged:
        return 0.0
    return (cell.population - cell.judged) / (cell.population - 1)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
