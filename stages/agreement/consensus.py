"""What reviewers who judged the same rows say together: by majority, by Dawid and Skene, and by CROWDLAB."""

import warnings
from dataclasses import dataclass

import numpy as np

from stages.agreement.coefficients import counted

# Dawid-Skene: how many votes, shared as all reviewers together share them, are added to each row of a reviewer's
# confusion matrix. With a few dozen rows a reviewer, the plain estimate takes chance for character.
SHRINKAGE = 4.0
MAX_STEPS = 200
TOLERANCE = 1e-6  # largest change of a probability in one step
TINY = 1e-300  # keeps the logarithm of an outcome that never occurs finite


@dataclass(frozen=True)
class DawidSkene:
    """What EM says of rows and reviewers.

    Attributes:
        probabilities: (rows, outcomes) float, of each outcome to be the true one.
        confusion: (reviewers, outcomes, outcomes) float, the probability of what a reviewer says given the truth.
        prior: (outcomes,) float, how frequent each true outcome is.
    """

    probabilities: np.ndarray
    confusion: np.ndarray
    prior: np.ndarray

    def accuracy(self) -> np.ndarray:
        """Return how often each reviewer says what is true, (reviewers,) float."""
        return np.einsum("k,rkk->r", self.prior, self.confusion)


@dataclass(frozen=True)
class Crowdlab:
    """What CROWDLAB says of rows and reviewers.

    Attributes:
        label: (rows,) int, the consensus; -1 where no vote is a class.
        confidence: (rows,) float, that it is right; nan where there is none.
        quality: (reviewers,) float, of a reviewer's votes; nan where they gave no class.
    """

    label: np.ndarray
    confidence: np.ndarray
    quality: np.ndarray


def majority(votes: np.ndarray, outcomes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the outcome that most reviewers gave, (rows,) int, -1 where several are first, and its share of the votes.

    Args:
        votes: (rows, reviewers) int, at least one vote a row.
    """
    counts = counted(votes, outcomes)
    most = counts.max(axis=1)
    tied = (counts == most[:, None]).sum(axis=1) > 1
    return np.where(tied, -1, counts.argmax(axis=1)), most / counts.sum(axis=1)


def one_hot(votes: np.ndarray, outcomes: int) -> np.ndarray:
    """Return votes as counts for `dawid_skene`, (rows, reviewers, outcomes) float."""
    return (votes[:, :, None] == np.arange(outcomes)).astype(float)


def dawid_skene(counts: np.ndarray, shrinkage: float = SHRINKAGE) -> DawidSkene:
    """Return the true outcomes and the reviewers' confusions that explain the votes best, by EM.

    Dawid and Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM algorithm", with each
    reviewer's confusion matrix drawn towards that of all reviewers together.

    Args:
        counts: (rows, reviewers, outcomes) float, how often a reviewer gave a row an outcome; at least one vote a row.
        shrinkage: votes that are added to each row of a reviewer's confusion matrix; 0 is the method of 1979.
    """
    given = counts.any(axis=(0, 1))
    if not given.all():  # of many classes, reviewers gave few: each step takes the square of their number
        return _widened(dawid_skene(counts[:, :, given], shrinkage), given)
    votes = counts.sum(axis=1)
    probabilities = votes / votes.sum(axis=1, keepdims=True)
    for _ in range(MAX_STEPS):
        prior = probabilities.mean(axis=0)
        confusion = _confusion(np.einsum("nk,nrj->rkj", probabilities, counts), shrinkage)
        likelihood = np.einsum("nrj,rkj->nk", counts, np.log(np.maximum(confusion, TINY)))
        before, probabilities = probabilities, _normalized(likelihood + np.log(np.maximum(prior, TINY)))
        if np.abs(probabilities - before).max(initial=0) < TOLERANCE:
            break
    return DawidSkene(probabilities, confusion, prior)


def _widened(found: DawidSkene, given: np.ndarray) -> DawidSkene:
    """Return what is said of the outcomes that were given, (outcomes,) bool, as said of all of them."""
    outcomes = np.flatnonzero(given)
    probabilities = np.zeros((len(found.probabilities), len(given)))
    confusion, prior = np.zeros((len(found.confusion), len(given), len(given))), np.zeros(len(given))
    probabilities[:, outcomes], prior[outcomes] = found.probabilities, found.prior
    confusion[:, outcomes[:, None], outcomes] = found.confusion
    return DawidSkene(probabilities, confusion, prior)


def _confusion(said: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return confusion matrices from expected counts, both (reviewers, truth, outcomes)."""
    pooled = said.sum(axis=0)
    pooled = pooled / np.maximum(pooled.sum(axis=1, keepdims=True), TINY)
    said = said + shrinkage * pooled
    return said / np.maximum(said.sum(axis=2, keepdims=True), TINY)


def _normalized(logarithms: np.ndarray) -> np.ndarray:
    values = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def crowdlab(votes: np.ndarray, probabilities: np.ndarray) -> Crowdlab | None:
    """Return the consensus of reviewers and a model (Goh et al. 2022, arXiv:2210.06812, by cleanlab).

    Args:
        votes: (rows, reviewers) int, classes only; -1 also where a vote is no class.
        probabilities: (rows, classes) float, out of sample; read only where a row has a vote.

    Returns:
        None if no row has two votes: nothing then tells how much a reviewer's vote weighs against the model.
    """
    from cleanlab.multiannotator import get_label_quality_multiannotator

    cast = votes >= 0
    if not (cast.sum(axis=1) > 1).any():
        return None
    rows, reviewers = cast.any(axis=1), cast.any(axis=0)
    given = np.where(cast, votes, np.nan)[rows][:, reviewers]
    # cleanlab breaks exact ties at random; the smallest of differences between classes keeps it from that.
    chances = probabilities[rows].astype(float) - 1e-9 * np.arange(probabilities.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no two reviewers agree: the metrics say so
        result = get_label_quality_multiannotator(given, chances, verbose=False, return_detailed_quality=False)
    label, confidence = np.full(len(votes), -1), np.full(len(votes), np.nan)
    label[rows] = result["label_quality"]["consensus_label"]
    confidence[rows] = result["label_quality"]["consensus_quality_score"]
    quality = np.full(votes.shape[1], np.nan)
    quality[reviewers] = result["annotator_stats"]["annotator_quality"].sort_index()
    return Crowdlab(label, confidence, quality)
