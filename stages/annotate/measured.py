"""What the rules and the ways to combine their votes are worth, on rows whose label a source gave."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.annotate.combine import Combined, Combiner, Known, LabelModel, Limits, Majority, countable
from winnow.base import hashing
from winnow.labelling.settings import Params
from winnow.labelling.votes import NONE, NOTHING, Parted, Votes, accuracy

FOLDS = 5
COMBINERS = {"majority": Majority, "label_model": LabelModel}


@dataclass(frozen=True)
class Measured:
    """The votes on rows of the training split with a given label: what measures rules and combiners.

    Attributes:
        known: the votes and the labels.
        folds: (rows,) int, rows of one group in one fold.
        of_parts: whether what is called rows here are parts of rows, of which the first outcome marks nothing.
    """

    known: Known
    folds: np.ndarray
    of_parts: bool = False

    @classmethod
    def of(cls, votes: Votes | Parted, rows: pa.Table, train: pa.Array) -> "Measured":
        """Return the votes on these rows.

        Args:
            rows: id, group and label_origin, in the order of `votes`.
            train: ids of the training split.
        """
        given = pc.fill_null(pc.equal(rows["label_origin"], "given"), False)
        chosen = pc.and_(given, pc.is_in(rows["id"], train)).to_numpy()
        folds = np.full(len(chosen), NONE)
        groups = rows["group"].filter(pa.array(chosen)).to_pylist()
        folds[chosen] = [int(hashing.unit("fold", group) * FOLDS) for group in groups]
        of_parts = isinstance(votes, Parted)
        if of_parts:
            votes, chosen, folds = votes.parts, chosen[votes.row], folds[votes.row]
        known = Known(votes.said[chosen], votes.label[chosen], max(len(votes.labels), 1))
        return cls(known, folds[chosen], of_parts)

    def fit(self, name: str, settings: Params) -> Combiner:
        """Return a combiner fitted on all rows."""
        return self._fit(name, self.known, settings)

    def _fit(self, name: str, known: Known, settings: Params) -> Combiner:
        combiner = COMBINERS[name].fit(known, Limits(settings.min_rows, settings.min_confidence))
        if self.of_parts and isinstance(combiner, Majority):  # what two rules pass over must not outvote the third
            usable = combiner.usable.copy()
            usable[:, NOTHING] = False
            return replace(combiner, usable=usable)
        return combiner

    def cross_fitted(self, name: str, settings: Params) -> dict[str, float]:
        """Return how a combiner does on rows that it was not fitted on: the share that it labels, and accuracy."""
        said, truth = self.known.said, self.known.truth
        label = np.full(len(truth), NONE)
        for fold in np.unique(self.folds):
            inside = self.folds == fold
            others = replace(self.known, said=said[~inside], truth=truth[~inside])
            combiner = self._fit(name, others, settings)
            found = combiner.combine(said[inside])
            label[inside] = filled(found, said[inside], combiner) if self.of_parts else found.label
        if self.of_parts:  # a part that nobody marks, and in truth is nothing, is no finding
            telling = (label > NOTHING) | (truth > NOTHING)
            label, truth = label[telling], truth[telling]
        right = (label == truth)[label != NONE]
        return {"coverage": len(right) / max(len(label), 1)} | accuracy(right)


def filled(found: Combined, said: np.ndarray, combiner: Combiner) -> np.ndarray:
    """Return the likeliest outcome of each part, (parts,) int: nothing where no vote counts, `NONE` where two tie.

    Args:
        said: (parts, rules) int, what was combined.
    """
    unheard = (countable(said, combiner.usable) == NONE).all(axis=1)
    return np.where(unheard, NOTHING, found.likeliest)
