"""What a transformer must beat: a linear model of words' tags; and a gazetteer of the training rows' entities."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.token_classification import predictions, words
from winnow.kinds.token_classification.decoding import Sure
from winnow.kinds.token_classification.features import Forms
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.mentions import Mentions
from winnow.kinds.token_classification.predictions import Told
from winnow.kinds.token_classification.tagger import Tagger, columns_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LOSS = "log_loss"
PASSES = 6
MOST_WORDS = 1_000_000  # of the training table, from its first row on; more cost memory and time


def features(training: pa.Table, rows: pa.Table) -> "tuple[csr_matrix, csr_matrix]":
    """Return the features of the words of the training table and of the rows, (words, columns) each.

    Args:
        training: text.
        rows: text.

    Raises:
        UserError: the training texts hold no word.
    """
    learnt, asked = (
        (Layout.of(own), own) for own in (training["text"].to_pylist()[: _rows(training)], rows["text"].to_pylist())
    )
    if not len(learnt[0].offsets):
        raise UserError("baseline: the training texts hold no words")
    both = (Forms(texts, layout).matrix(np.arange(len(layout.offsets))) for layout, texts in (learnt, asked))
    return next(both), next(both)


def _rows(training: pa.Table) -> int:
    """Return how many rows of the training table are learnt from."""
    counts = np.cumsum([len(words.offsets(text)) for text in training["text"].to_pylist()])
    return max(int(np.searchsorted(counts, MOST_WORDS, "right")), 1)


def predictor(
    task: Task, training: pa.Table, rows: pa.Table, features: "tuple[csr_matrix, csr_matrix]"
) -> Callable[[float], pa.Table]:
    """Return a function of C, the inverse of the penalty's strength, that fits a model and predicts rows.

    Args:
        training: text, label and weight.
        rows: id, group, split, text and label of the examples.
        features: of the words of both, from `features`.
    """
    training = training.slice(0, _rows(training))
    layout, asked = (Layout.of(own["text"].to_pylist()) for own in (training, rows))
    tags = layout.tags(task, np.array(training["label"].to_pylist(), dtype=object))
    weights = training["weight"].to_numpy()[layout.row]
    truth = asked.tags(task, np.array(rows["label"].to_pylist(), dtype=object))
    learnt, read = map(columns_of, features)

    def predict(c: float) -> pa.Table:
        chances = Tagger.fit(learnt, tags, c, PASSES, weights).probabilities(read, len(task.tags))
        return _table(task, rows, asked, chances).append_column(LOSS, pa.array(_losses(asked, truth, chances)))

    return predict


def _losses(layout: Layout, truth: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return the logarithmic loss of each row's words together, (rows,) float64; 0 where a row has no label."""
    right = np.where(truth < 0, 1, chances[np.arange(len(truth)), truth])
    return np.bincount(layout.row, -np.log(right.clip(min=1e-9)), layout.rows)


def _table(task: Task, rows: pa.Table, layout: Layout, chances: np.ndarray) -> pa.Table:
    """Return predictions of rows as a table; `chances` are (words, tags) float."""
    found: list[list[Sure]] = []
    said = []
    for row in range(layout.rows):
        own = layout.own(row)
        offsets, told = layout.offsets[own], chances[own]
        best, sure = told.argmax(axis=1), told.max(axis=1)
        found.append(
            [
                ((int(offsets[first, 0]), int(offsets[end - 1, 1]), task.labels[kind]), float(sure[first:end].mean()))
                for first, end, kind in words.runs(best).tolist()
            ]
        )
        said.append(Told.of(offsets, told))
    return predictions.table(task, rows, found, said)


def loss(task: Task, predicted: pa.Table) -> float:
    """Return the mean logarithmic loss of a row's words."""
    return float(np.mean(predicted[LOSS].to_numpy()))


def plain(task: Task, training: pa.Table, rows: pa.Table) -> dict[str, pa.Table]:
    """Return what needs no model, by name: label and predicted of the rows, by a gazetteer of the training entities."""
    training = training.slice(0, _rows(training))
    known = Mentions(training["text"].to_pylist(), training["label"].to_pylist())
    found = [canonical(span for span, _ in known.find(text)) for text in rows["text"].to_pylist()]
    return {"mentions": rows.select(["split", "label"]).append_column("predicted", pa.array(found, pa.string()))}
