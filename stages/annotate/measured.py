"""What the rules and the ways to combine their votes are worth, on rows whose label a source gave."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.annotate.combine import Combiner, Known, LabelModel, Limits, Majority
from winnow.base import hashing
from winnow.labelling.settings import Params
from winnow.labelling.votes import NONE, Votes, accuracy

FOLDS = 5
COMBINERS = {"majority": Majority, "label_model": LabelModel}


@dataclass(frozen=True)
class Measured:
    """The votes on rows of the training split with a given label: what measures rules and combiners.

    Attributes:
        known: the votes and the labels.
        folds: (rows,) int, rows of one group in one fold.
    """

    known: Known
    folds: np.ndarray

    @classmethod
    def of(cls, votes: Votes, rows: pa.Table, train: pa.Array) -> "Measured":
        """Return the votes on these rows.

        Args:
            rows: id, group and label_origin, in the order of `votes`.
            train: ids of the training split.
        """
        given = pc.fill_null(pc.equal(rows["label_origin"], "given"), False)
        chosen = pc.and_(given, pc.is_in(rows["id"], train))
        groups = rows["group"].filter(chosen).to_pylist()
        folds = np.array([int(hashing.unit("fold", group) * FOLDS) for group in groups], dtype=int)
        chosen = chosen.to_numpy()
        return cls(Known(votes.said[chosen], votes.label[chosen], max(len(votes.labels), 1)), folds)

    def fit(self, name: str, settings: Params) -> Combiner:
        """Return a combiner fitted on all rows."""
        return COMBINERS[name].fit(self.known, _limits(settings))

    def cross_fitted(self, name: str, settings: Params) -> dict[str, float]:
        """Return how a combiner does on rows that it was not fitted on: the share that it labels, and accuracy."""
        said, truth = self.known.said, self.known.truth
        label = np.full(len(truth), NONE)
        for fold in np.unique(self.folds):
            inside = self.folds == fold
            others = replace(self.known, said=said[~inside], truth=truth[~inside])
            label[inside] = COMBINERS[name].fit(others, _limits(settings)).combine(said[inside]).label
        right = (label == truth)[label != NONE]
        return {"coverage": len(right) / max(len(label), 1)} | accuracy(right)


def _limits(settings: Params) -> Limits:
    return Limits(settings.min_rows, settings.min_confidence)
