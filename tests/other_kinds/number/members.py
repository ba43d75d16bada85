"""What ridge regressions on embeddings and on words say of numbers that they did not learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.kinds.members import Inputs


@dataclass(frozen=True)
class Probe:
    """A ridge regression on embeddings, (rows, dimensions) float32."""

    features: np.ndarray
    regularization: float

    @classmethod
    def of(cls, inputs: Inputs, regularization: float) -> "Probe":
        """Return a probe on the rows' embeddings."""
        return cls(inputs.vectors(), regularization)

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Return the numbers of the rows `inside` by a model of the rows `train`, both (rows,) bool."""
        from sklearn.linear_model import Ridge

        fitted = Ridge(alpha=1 / self.regularization).fit(self.features[train], truth)
        return fitted.predict(self.features[inside])


class Words(Probe):
    """The same on TF-IDF of words."""

    def __init__(self, texts: Sequence[str], regularization: float) -> None:
        from winnow.text import tfidf

        super().__init__(tfidf.features(texts, 1, 5000)[1].toarray(), regularization)


@dataclass(frozen=True)
class Scored:
    """Numbers that models give, (rows,) float of each, by name."""

    members: Mapping[str, np.ndarray]
    truth: np.ndarray

    def columns(self) -> dict[str, pa.Array]:
        """Return number_<member>."""
        return {f"number_{name}": pa.array(numbers) for name, numbers in self.members.items()}

    def measure(self, judged: np.ndarray) -> dict:
        """Return the mean error of the members' mean on some rows, (rows,) bool."""
        error = np.abs(np.mean(list(self.members.values()), axis=0) - self.truth)[judged]
        return {"rows": int(np.isfinite(error).sum()), "mean_error": float(np.nanmean(error))}


def score(task, members: Mapping[str, Probe], labels: np.ndarray, folds: np.ndarray) -> Scored:
    """Return what models say of rows in whose fold they saw no label."""
    truth = task.numbers(labels)
    known, found = np.isfinite(truth), {name: np.zeros(len(truth)) for name in members}
    for name, member in members.items():
        for fold in np.unique(folds):
            inside, train = folds == fold, (folds != fold) & known
            found[name][inside] = member.predict(train, truth[train], inside)
    return Scored(found, truth)


def predict(task, members: Mapping[str, Probe], labels: np.ndarray, wanted: np.ndarray) -> Scored:
    """Return what models that learnt from all labels say of the rows `wanted`, which have none."""
    truth = task.numbers(labels)
    known = np.isfinite(truth)
    found = {name: member.predict(known, truth[known], wanted) for name, member in members.items() if wanted.any()}
    return Scored(found or {name: np.zeros(0) for name in members}, truth[wanted])
