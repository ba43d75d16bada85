"""Models by which the stage score judges labels: each learns from the labels of some rows and tells of others.

Each kind of task has its own, `winnow.kinds.<kind>.members`: `Probe.of(inputs, regularization)`, `Words(texts,
regularization)` and, if it can, `FineTuned(reader, texts, recipe, ids)`. What a model tells is the kind's own affair;
`score(task, members, labels, folds)` of the same module asks all of them out of fold, and `predict(task, members,
labels, wanted)` of rows that have no label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow.training import finetuning

if TYPE_CHECKING:
    from winnow.encoder.reader import Reader


class Recipe(finetuning.Recipe):
    """How an encoder is fine-tuned to score labels, anew for each fold and seed."""

    seeds: list[Annotated[int, Field(ge=0)]] = Field([1], min_length=1)
    """What the models of these seeds tell is averaged; each costs as much again."""

    batch_tokens: int = Field(1024, gt=0)
    """Padded tokens a step; the labels of all folds give more steps than those of `finetune`."""


@dataclass(frozen=True)
class Inputs:
    """What a frozen encoder's probe may learn from; what it does not ask for is not read.

    Attributes:
        ids: (rows,) the rows' ids.
        texts: (rows,) their texts.
        vectors: returns their embeddings, (rows, dimensions) float32, which the stage `embed` made.
        reader: returns what reads texts for the encoder in its `folder`.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    vectors: Callable[[], np.ndarray]
    reader: "Callable[[], Reader]"


class Scored(Protocol):
    """What the models tell of rows, each by models that did not see its label."""

    def columns(self) -> dict[str, pa.Array]:
        """Return it as columns of the stage's table, which `scores.read` of the kind reads."""
        ...

    def measure(self) -> dict:
        """Return how well the models tell the labels that they had to learn from, as metrics."""
        ...
