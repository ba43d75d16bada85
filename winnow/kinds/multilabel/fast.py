"""Fast models of a text's labels: logistic regressions on embeddings and on words, one a label."""

import numpy as np

from winnow.kinds.classification import fast
from winnow.kinds.multilabel import one_against_rest, thresholds


class Learner(fast.Learner):
    """The mean of one set of regressions an arm; see `winnow.kinds.learner.Learner`."""

    def predict(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the set of each wanted row, at thresholds of highest expected F1; of no label to learn from, none."""
        truth = self._task.matrix(labels)
        if not len(truth):
            return self._task.sets(np.zeros((len(wanted), truth.shape[1]), dtype=bool))
        chances = np.mean(
            [
                one_against_rest.probabilities(one_against_rest.fit(matrix[rows], truth, c), matrix[wanted])
                for matrix, c in self._arms
            ],
            axis=0,
        )
        return self._task.sets(chances >= thresholds.expected(chances))
