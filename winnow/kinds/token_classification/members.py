"""The models by which the stage score finds label errors: the probability of each word's tag, out of fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.kinds.classification import logistic
from winnow.kinds.members import Inputs
from winnow.kinds.token_classification import columns, metrics, states
from winnow.kinds.token_classification.features import Forms
from winnow.kinds.token_classification.finetuned import FineTuned
from winnow.kinds.token_classification.labels import Task, known
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.words import OUTSIDE
from winnow.rows.text_column import take

__all__ = ["FineTuned", "Member", "Probe", "Scored", "Words", "predict", "score"]

BLOCK = 16_384  # words that are predicted at once
MOST_WORDS = 60_000  # that a regression learns from; of more a draw, three quarters of it near spans at most
BESIDE = 2  # words before and behind a span that are near it
READ_LAYERS = 2 / 3  # share of the encoder's layers: the middle ones tell most of single words (Tenney et al. 2019)
FEWEST = 2  # words of the training rows that a feature has; others teach nothing of another word
SHOWN = ("entity_f1", "precision", "recall")
WORD_PENALTY = 10  # a row has many words, so that the same C would fit them more closely


class Member(Protocol):
    """A kind of model that learns tags of words from some rows and predicts others; it knows the words of all rows."""

    texts: Sequence[str]
    layout: Layout

    def predict(self, train: np.ndarray, tags: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
        """Fit a new model and return the probabilities of tags, (words inside, tags) float64.

        Args:
            train: (some,) int, places of the words to learn from.
            tags: (some,) int, their tags.
            inside: (words inside,) int, places of the words to predict.
            count: how many tags there are.
        """
        ...


def _blocks(places: np.ndarray) -> list[np.ndarray]:
    return [places[start : start + BLOCK] for start in range(0, len(places), BLOCK)]


def _joined(parts: list[np.ndarray], count: int) -> np.ndarray:
    return np.concatenate([np.empty((0, count)), *parts])


class Probe:
    """A regression on what the frozen encoder makes of a word, of the one before it and of the one behind it."""

    def __init__(self, texts: Sequence[str], layout: Layout, vectors: np.ndarray, regularization: float) -> None:
        """Take what the encoder makes of words, (words, dimensions) float; C is the inverse strength of the penalty."""
        self.texts, self.layout = texts, layout
        self._vectors, self._regularization = vectors, regularization

    @classmethod
    def of(cls, inputs: Inputs, regularization: float) -> "Probe":
        """Return a probe on the encoder of the stage's inputs, which reads all texts."""
        layout = Layout.of(inputs.texts)
        return cls(
            inputs.texts, layout, states.of_words(inputs.reader(), inputs.texts, layout, READ_LAYERS), regularization
        )

    def predict(self, train: np.ndarray, tags: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
        """Return the probabilities of the words `inside`; see `Member.predict`."""
        from sklearn.preprocessing import StandardScaler

        chosen, weights = _sample(train, tags)
        scaler = StandardScaler()
        features = scaler.fit_transform(self._windows(train[chosen]))
        fitted = logistic.fit(features, tags[chosen], self._regularization, weights)
        parts = (scaler.transform(self._windows(places)) for places in _blocks(inside))
        return _joined([logistic.probabilities(fitted, part, count) for part in parts], count)

    def _windows(self, places: np.ndarray) -> np.ndarray:
        """Return the states of words beside those of their neighbours, zeros at a row's ends, float32."""
        return np.hstack([self._beside(places, step) for step in (0, -1, 1)])

    def _beside(self, places: np.ndarray, step: int) -> np.ndarray:
        beside, is_there = self.layout.beside(places, step)
        return self._vectors[beside].astype(np.float32) * is_there[:, None]


class Words:
    """A regression on the forms of words and of their neighbours (`features`)."""

    def __init__(self, texts: Sequence[str], regularization: float) -> None:
        """Read all texts, in their order; C is the inverse strength of the penalty."""
        self.texts, self.layout = texts, Layout.of(texts)
        self._forms, self._regularization = Forms(texts, self.layout), regularization

    def predict(self, train: np.ndarray, tags: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
        """Return the probabilities of the words `inside`; see `Member.predict`."""
        chosen, weights = _sample(train, tags)
        matrix = self._forms.matrix(train[chosen])
        kept = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]) >= FEWEST)
        fitted = logistic.fit(matrix[:, kept], tags[chosen], self._regularization / WORD_PENALTY, weights)
        parts = (self._forms.matrix(places)[:, kept] for places in _blocks(inside))
        return _joined([logistic.probabilities(fitted, part, count) for part in parts], count)


def _sample(places: np.ndarray, tags: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return which of the words to learn from are read, (chosen,) int, and how many words each stands for.

    Args:
        places: (words,) int, ascending; neighbours in a text are neighbours here.
        tags: (words,) int.
    """
    if len(places) <= MOST_WORDS:
        return np.arange(len(places)), None
    near = np.convolve(tags != OUTSIDE, np.ones(2 * BESIDE + 1), "same") > 0
    random, parts, weights = np.random.default_rng(0), [], np.ones(len(places))
    most = max(MOST_WORDS - int((~near).sum()), MOST_WORDS * 3 // 4)
    for own, bound in ((near, most), (~near, MOST_WORDS - min(int(near.sum()), most))):
        stratum = np.flatnonzero(own)
        drawn = random.choice(stratum, min(bound, len(stratum)), replace=False)
        weights[drawn] = len(stratum) / max(len(drawn), 1)
        parts.append(drawn)
    chosen = np.sort(np.concatenate(parts))
    return chosen, weights[chosen]


@dataclass(frozen=True)
class Scored:
    """Probabilities of words' tags, by models that did not see the rows' labels.

    Attributes:
        texts: (rows,) of the rows.
        layout: their words.
        members: (words, tags) float32 of each model, by name.
        labels: (rows,) that they learnt from, None where a row has none.
    """

    task: Task
    texts: Sequence[str]
    layout: Layout
    members: dict[str, np.ndarray]
    labels: np.ndarray

    @cached_property
    def mean(self) -> np.ndarray:
        """What the models say together, (words, tags) float32."""
        return np.mean(list(self.members.values()), axis=0)

    def columns(self) -> dict[str, pa.Array]:
        """Return text, p, of the mean, and <member>_p: of each row's words, one behind the other, a number a tag."""
        return columns.of(self.texts, self.layout, {"": self.mean, **self.members})

    def measure(self, judged: np.ndarray) -> dict:
        """Return the metrics of the ensemble, and of each member, on the rows whose label is known.

        Args:
            judged: (rows,) bool, which rows count.
        """
        rows = np.flatnonzero(judged & known(self.labels))
        each = {name: self._measured(own, rows) for name, own in self.members.items()}
        return {"rows": len(rows), **self._measured(self.mean, rows), "members": each}

    def _measured(self, chances: np.ndarray, rows: np.ndarray) -> dict:
        layout, places = self.layout.take(rows), self.layout.places(rows)
        own = chances[places].astype(np.float64)
        tags = layout.tags(self.task, self.labels[rows])
        right = np.clip(own[np.arange(len(tags)), tags], 1e-9, 1)
        shown = pa.table({"label": self.labels[rows], "predicted": layout.labels(self.task, own.argmax(axis=1))})
        counts = metrics.counts(self.task, shown, np.zeros(len(rows), dtype=int), 1)[0]
        found = metrics.values(counts)
        return {name: float(found[name]) for name in SHOWN} | {
            "log_loss": float(-np.log(right).mean()) if len(tags) else 0.0
        }


def score(task: Task, members: Mapping[str, Member], labels: np.ndarray, folds: np.ndarray) -> Scored:
    """Return what models say of rows in whose fold they saw no label.

    Args:
        labels: (rows,) to learn from, None where a row is predicted only.
        folds: (rows,) int.

    Raises:
        UserError: outside of a fold no row has a span.
    """
    first = next(iter(members.values()))
    layout, names = first.layout, np.unique(folds)
    tags, fold = layout.tags(task, labels), folds[layout.row]
    for name in names:  # all of them before the first is fitted, which may take minutes
        _check(tags[(fold != name) & (tags >= 0)], f"fold {name}: outside of it ")
    found = {name: np.zeros((len(tags), len(task.tags)), dtype=np.float32) for name in members}
    for name, member in members.items():
        for number in progress.over(names, "folds"):
            train, inside = np.flatnonzero((fold != number) & (tags >= 0)), np.flatnonzero(fold == number)
            found[name][inside] = member.predict(train, tags[train], inside, len(task.tags))
    return Scored(task, first.texts, layout, found, labels)


def predict(task: Task, members: Mapping[str, Member], labels: np.ndarray, wanted: np.ndarray) -> Scored:
    """Return what models that learnt from all labels say of some rows that have none.

    Args:
        labels: (rows,) to learn from, one or more; None where a row has none.
        wanted: (rows,) bool, the rows to predict; may be none.

    Raises:
        UserError: there are such rows, and no row has a span.
    """
    first, rows = next(iter(members.values())), np.flatnonzero(wanted)
    tags, inside = first.layout.tags(task, labels), first.layout.places(rows)
    train = np.flatnonzero(tags >= 0)
    found = {name: np.zeros((len(inside), len(task.tags)), dtype=np.float32) for name in members}
    if len(inside):
        _check(tags[train], "")
        for name, member in members.items():
            found[name][:] = member.predict(train, tags[train], inside, len(task.tags))
    return Scored(task, take(first.texts, rows), first.layout.take(rows), found, labels[rows])


def _check(tags: np.ndarray, where: str) -> None:
    if len(np.unique(tags)) < 2:
        raise UserError(
            f"{where}no labelled row has both words in spans and words in none, so that nothing can be learnt; add "
            f"rows of other groups, or change params.yaml: score.folds"
        )
