"""Models by which the stage score judges labels: each learns from the labels of some rows and tells of others.

Each kind of task has its own, `winnow.kinds.<kind>.members`: `Probe.of(inputs, regularization)`, `Words(texts,
regularization)` and, if it can, `FineTuned(reader, texts, recipe, ids)` and `Generator.of(folder, inputs, passes)`.
What a model tells is the kind's own affair; `score(task, members, labels, folds)` of the same module asks all of them
out of fold, and `predict(task, members, labels, wanted)` of rows that have no label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow.base.params import Section
from winnow.training import finetuning

if TYPE_CHECKING:
    from winnow.encoder.reader import Reader


class Recipe(finetuning.Recipe):
    """How an encoder is fine-tuned to score labels, anew for each fold and seed."""

    seeds: list[Annotated[int, Field(ge=0)]] = Field([1], min_length=1)
    """What the models of these seeds tell is averaged; each costs as much again."""

    batch_tokens: int = Field(1024, gt=0)
    """Padded tokens a step; the labels of all folds give more steps than those of `finetune`."""


class Passes(Section):
    """Section `score.generator`: how the language model of `models/generator` reads responses, where the kind of task
    asks it. Forward passes alone; they take most of the stage's time."""

    max_rows: int = Field(1000, ge=1)
    """Rows whose responses it reads: of more, those of lowest id, which is a hash. The others have the other signs."""

    max_length: int = Field(1024, ge=16)
    """Tokens of prompt and response together. Of a longer prompt the beginning is left out; a response without room is
    not read."""

    batch_tokens: int = Field(2048, gt=0)
    """Padded tokens in one forward pass. Raise it on a GPU."""


@dataclass(frozen=True)
class Inputs:
    """What a frozen encoder's probe may learn from; what it does not ask for is not read.

    Attributes:
        ids: (rows,) the rows' ids.
        texts: (rows,) their texts.
        vectors: returns their embeddings, (rows, dimensions) float32, which the stage `embed` made.
        reader: returns what reads texts for the encoder in its `folder`.
        judged: returns the labels of each row that may be judged, (rows,) of lists: its own, whoever gave it, and the
            one before people decided.
        planted_rows: in how many rows to plant a wrong label, where that must be done beforehand.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    vectors: Callable[[], np.ndarray]
    reader: "Callable[[], Reader]"
    judged: Callable[[], Sequence[Sequence[str]]]
    planted_rows: int


class Scored(Protocol):
    """What the models tell of rows, each by models that did not see its label."""

    def columns(self) -> dict[str, pa.Array]:
        """Return it as columns of the stage's table, which `scores.read` of the kind reads."""
        ...

    def measure(self) -> dict:
        """Return how well the models tell the labels that they had to learn from, as metrics."""
        ...
