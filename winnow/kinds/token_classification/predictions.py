"""Predictions of spans: beside the spans, how sure each is, and what the model says of words that may be in one.

| column | type | meaning |
|---|---|---|
| `confidence` | list of float32 | of each predicted span, in order: the mean probability of its tags |
| `words` | list of int32 | number, start and end of each word that is told of, one word after the other |
| `p` | list of float32 | the probability of each tag of each of these words, word after word |

Told is of the words that are outside of all spans less surely than `SURE`, and of the least sure word of each text: of
most words a model has no doubt.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.token_classification import words
from winnow.kinds.token_classification.decoding import Sure
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.rows import predictions

SURE = 0.99
OWN = {"confidence": pa.list_(pa.float32()), "words": pa.list_(pa.int32()), "p": pa.list_(pa.float32())}


class Told(NamedTuple):
    """What a model says of some words of a text.

    Attributes:
        numbers: (some,) int, which words of the text they are, in order.
        offsets: (some, 2) int, where they begin and end.
        chances: (some, tags) float, the probability of each tag.
    """

    numbers: np.ndarray
    offsets: np.ndarray
    chances: np.ndarray

    @classmethod
    def of(cls, offsets: np.ndarray, chances: np.ndarray) -> "Told":
        """Return what is told of a text whose words these are, all of them."""
        outside = chances[:, words.OUTSIDE]
        numbers = np.flatnonzero(outside < SURE)
        if not len(numbers) and len(outside):
            numbers = outside.argmin(keepdims=True)
        return cls(numbers, offsets[numbers], chances[numbers])


def table(task: Task, rows: pa.Table, found: Sequence[Sequence[Sure]], said: Sequence[Told]) -> pa.Table:
    """Return predictions as a table.

    Args:
        rows: id, group, split and label of the examples.
        found: (rows,) their spans, in order.
        said: (rows,) of their words.
    """
    values = (
        [[chance for _, chance in each] for each in found],
        [np.column_stack([each.numbers, each.offsets]).ravel() for each in said],
        [each.chances.ravel() for each in said],
    )
    own = {name: pa.array(each, OWN[name]) for name, each in zip(OWN, values, strict=True)}
    return predictions.table(rows, [canonical(span for span, _ in each) for each in found], own)


def confidence(task: Task, predicted: pa.Table) -> np.ndarray:
    """Return how probable the least certain of what was predicted of each text is, (rows,) float64.

    That is a span, or that a word outside of all spans is in none; 1 where a text has neither.
    """
    labels, sure = predicted["predicted"].to_pylist(), predicted["confidence"].to_pylist()
    found = np.ones(predicted.num_rows)
    for row, (label, of_spans, said) in enumerate(zip(labels, sure, told(task, predicted), strict=True)):
        is_outside = words.tags(task, label, said.offsets) == words.OUTSIDE
        found[row] = min([1.0, *of_spans, *said.chances[is_outside, words.OUTSIDE].tolist()])
    return found


def told(task: Task, predicted: pa.Table) -> list[Told]:
    """Return what a table of predictions tells of words, (rows,).

    Raises:
        UserError: it does not, or is of another task.
    """
    for name in OWN:
        if name not in predicted.column_names:
            raise UserError(f"predictions: column '{name}' is missing; the table is of another task: `dvc repro`")
    found = []
    for own, p in zip(predicted["words"].to_pylist(), predicted["p"].to_pylist(), strict=True):
        places = np.array(own, dtype=np.int64).reshape(-1, 3)
        if len(p) != len(places) * len(task.tags):
            raise UserError("predictions: column 'p' is of other labels than params.yaml: task.labels: `dvc repro`")
        found.append(Told(places[:, 0], places[:, 1:], np.array(p, dtype=np.float64).reshape(-1, len(task.tags))))
    return found
