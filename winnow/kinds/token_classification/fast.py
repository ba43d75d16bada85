"""Fast models of a text's entities: a tagger of words, and a gazetteer of the entities that it learnt from.

An embedding is of a whole text, and says nothing of its words. So the arm `probe` is the gazetteer here, which has no
penalty, and `tfidf` the tagger.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from winnow.base.errors import UserError
from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.features import Forms
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.mentions import Mentions
from winnow.kinds.token_classification.tagger import Tagger, columns_of

PASSES = 3  # more are hardly better
BLOCK = 2**18  # words whose features are made at once


class Learner:
    """The tagger, the gazetteer, or their mean; see `winnow.kinds.learner.Learner`."""

    def __init__(
        self, task: Task, texts: Sequence[str], vectors: np.ndarray, fit_on: np.ndarray, arms: Mapping[str, float]
    ) -> None:
        self._task, self._texts, self._arms = task, texts, arms
        self._layout = Layout.of(texts)
        if not np.diff(self._layout.bounds)[fit_on].any():
            raise UserError("the texts to learn from hold no words")
        self._forms = Forms(texts, self._layout)
        count = len(self._layout.offsets)
        self._read = self._columns(np.arange(count)) if count <= BLOCK else None

    def predict(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the entities of each wanted row; of no label to learn from, none."""
        if not len(rows):
            return np.full(len(wanted), canonical(()), dtype=object)
        layout = self._layout.take(wanted)
        outside = np.zeros(len(self._task.tags))
        outside[words.OUTSIDE] = 1
        chances = np.tile(outside, (len(layout.offsets), 1))
        if "tfidf" in self._arms:
            chances = self._tagged(rows, labels, wanted)
        if "probe" in self._arms:
            self._look_up(rows, labels, wanted, chances)
        return layout.labels(self._task, chances.argmax(axis=1))

    def _tagged(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return what the tagger says, (words of the wanted rows, tags) float."""
        places, tags = self._layout.places(rows), self._layout.take(rows).tags(self._task, labels)
        fitted = Tagger.fit(self._columns(places), tags, self._arms["tfidf"], PASSES, np.ones(len(tags)))
        asked = self._layout.places(wanted)
        parts = [asked[start : start + BLOCK] for start in range(0, len(asked), BLOCK)]
        count = len(self._task.tags)
        return np.concatenate(
            [np.zeros((0, count)), *(fitted.probabilities(self._columns(own), count) for own in parts)]
        )

    def _columns(self, places: np.ndarray) -> np.ndarray:
        if getattr(self, "_read", None) is not None:
            return self._read[places]
        return columns_of(self._forms.matrix(places))

    def _look_up(self, rows: np.ndarray, labels: np.ndarray, wanted: np.ndarray, chances: np.ndarray) -> None:
        """Take into `chances` what the gazetteer says: alone, or as the mean of both where it finds something."""
        known = Mentions([self._texts[row] for row in rows], labels)
        share = 0.5 if "tfidf" in self._arms else 1.0
        layout = self._layout.take(wanted)
        for number, row in enumerate(wanted):
            own = layout.own(number)
            for span, right in known.find(self._texts[row]):
                tags = words.tags(self._task, canonical([span]), layout.offsets[own])
                inside = np.flatnonzero(tags != words.OUTSIDE)
                said = np.zeros((len(inside), chances.shape[1]))
                said[np.arange(len(inside)), tags[inside]] = right
                said[:, words.OUTSIDE] = 1 - right
                places = own.start + inside
                chances[places] = (1 - share) * chances[places] + share * said
