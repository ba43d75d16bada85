"""Fine-tuning of an encoder: what params.yaml says of it, and one run by that recipe. What a label is, is no matter."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.encoder import batching, models
from winnow.encoder.reader import Reader
from winnow.training import layer_cache, loop, sharding
from winnow.training.keeping import EarlyStop, Keeper

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from winnow.training.checkpoints import Series
    from winnow.training.layer_cache import LayerCache

LOSS = ("label_smoothing", "focal_gamma", "logit_adjustment")  # settings that a kind's loss may read or not
CACHE_TOKENS = 2048  # padded tokens in one forward pass through frozen layers


class Recipe(Section):
    """How a model is fine-tuned; the text, the labels, the encoder and the seed come from elsewhere."""

    epochs: int = Field(2, gt=0)
    """Times that the training table is read, at least."""

    reads: int = Field(0, ge=0)
    """Texts that are read, at least: a small table is read so often, in whole epochs, that none of its models is left
    half-trained. 0: `epochs` alone count."""

    batch_tokens: int = Field(256, gt=0)
    """Padded tokens a step; rows of like length stand together. Small: few labels give few steps. Raise it with
    them."""

    learning_rate: float = Field(2e-4, gt=0)
    """Learning rate of the encoder. Lower it when there are many labels."""

    head_learning_rate: float = Field(1e-3, gt=0)
    """Learning rate of the fresh head, which must move farther."""

    dropout: float = Field(0.0, ge=0, lt=1)
    """0.1 where many epochs overfit; its random numbers are a quarter of the time on a CPU."""

    freeze_embeddings: bool = True
    """The word table is half of MiniLM and moves little under few labels. `false` when there are many, and a GPU."""

    frozen_layers: int = Field(3, ge=0)
    """The lowest layers, frozen with the embeddings; 3 of MiniLM's six. 0 when there are many labels."""

    warmup_share: float = Field(0.1, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""

    weight_decay: float = Field(0.01, ge=0)
    """Weight decay of AdamW."""

    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Raise it when labels are noisy."""

    layer_decay: float = Field(1.0, gt=0, le=1)
    """Learning rate of a layer over that of the one above. 0.8 or so where few layers are frozen."""

    average_decay: float = Field(0.0, ge=0, lt=1)
    """Decay of the weights' moving average, which takes their place. 0.9 for tens of steps, 0.999 for many; 0: none."""

    focal_gamma: float = Field(0.0, ge=0)
    """2 where most rows of the common classes are easy (focal loss)."""

    logit_adjustment: float = Field(0.0, ge=0)
    """1 where a rare class must count as much as a common one, without class weights."""

    def check_loss(self, read: Collection[str], kind: str) -> None:
        """Refuse what the loss of a kind of task does not read.

        Raises:
            UserError: a setting of the loss is on that is not in `read`.
        """
        for name in LOSS:
            if getattr(self, name) and name not in read:
                raise UserError(f"params.yaml: finetune.{name}: the loss of task.kind {kind} has none; set it to 0")

    def passes(self, rows: int) -> int:
        """Return how often a table of so many rows is read."""
        return max(self.epochs, -(-self.reads // rows))

    @property
    def whole_frozen_layers(self) -> int:
        """The lowest layers whose output no step changes: those frozen, if the embeddings below them are."""
        return self.frozen_layers if self.freeze_embeddings else 0


@dataclass(frozen=True)
class Texts:
    """What a model reads of some rows.

    Attributes:
        tokens: (rows,) token ids of each text, special tokens included.
        ids: (rows,) the rows' names, for errors.
        own: (rows,) int, how many of its first tokens are a row's own; None: all.
    """

    tokens: Sequence[list[int]]
    ids: Sequence[str]
    own: np.ndarray | None = None


@dataclass(frozen=True)
class Run:
    """One run by a recipe.

    Attributes:
        seed: of the order of the rows and of dropout; torch's own generator makes the head.
        stop: when to end before the recipe's epochs, and with the best weights; None: never.
        saved: where checkpoints go, and from where a killed run goes on.
    """

    recipe: Recipe
    reader: Reader
    seed: int
    stop: EarlyStop | None = None
    saved: "Series | None" = None


def prepare(model: "PreTrainedModel", recipe: Recipe) -> "PreTrainedModel":
    """Return the model with the recipe's dropout, frozen as the recipe says."""
    models.set_dropout(model, recipe.dropout)
    if recipe.freeze_embeddings:
        models.freeze(model, recipe.frozen_layers)
    return model


def train(
    model: "PreTrainedModel", texts: Texts, loss_of: "loop.LossOf", run: Run, cache: "LayerCache | None" = None
) -> list[dict]:
    """Train `model`, from `prepare`, and return its curve, one dict a step: step, epoch, loss and learning rate.

    Args:
        loss_of: of batches of `texts`.
        cache: what the frozen layers make of the texts; None: it is made here if that saves time.

    Raises:
        UserError: as `loop.fit`.
    """
    recipe, accelerator = run.recipe, run.reader.accelerator
    lengths, passes = models.lengths(texts.tokens), recipe.passes(len(texts.tokens))
    if cache is None and passes > 1 and run.stop is None:  # what judges reads other texts
        cache = frozen(model, texts, run)
    epochs = [batching.shuffled(lengths, recipe.batch_tokens, run.seed, epoch) for epoch in range(passes)]
    batches = [loop.Batch(chosen) for epoch in epochs for chosen in epoch]
    training = loop.Training(
        batches=batches,
        loss_of=loss_of,
        warmup_steps=int(recipe.warmup_share * len(batches)),
        seed=run.seed,
        ids=texts.ids,
        longest=int(lengths.max()),
        saved=run.saved,
        keeper=Keeper(model, np.cumsum([len(epoch) for epoch in epochs]).tolist(), recipe.average_decay, run.stop),
    )
    with cache.attached(model) if cache else nullcontext():
        curve = loop.fit(model, parameter_groups(model, model, recipe), training, accelerator)
    numbers = [number for number, epoch in enumerate(epochs, start=1) for _ in epoch]
    return [
        {"step": step, "epoch": epoch} | point
        for step, (epoch, point) in enumerate(zip(numbers[: len(curve)], curve, strict=True), start=1)
    ]


def frozen(model: "PreTrainedModel", texts: Texts, run: Run) -> "LayerCache | None":
    """Return what the frozen layers make of texts that are read several times, or None where that saves nothing.

    A GPU computes the layers as fast as it is handed their output, FSDP has its own way with layers, and dropout gives
    another output each time.
    """
    if run.reader.device.type != "cpu" or run.recipe.dropout or sharding.is_sharding():
        return None
    reader = replace(run.reader, batch_tokens=CACHE_TOKENS)
    return layer_cache.make(model, run.recipe.whole_frozen_layers, texts.tokens, reader)


def parameter_groups(tuned: "PreTrainedModel", model: "torch.nn.Module", recipe: Recipe) -> list[dict]:
    """Return AdamW groups by the recipe for `model`, which is or holds `tuned`."""
    factors = models.rate_factors(tuned, recipe.layer_decay) if recipe.layer_decay < 1 else {}
    rates = loop.Rates(recipe.learning_rate, recipe.head_learning_rate, recipe.weight_decay, factors)
    return loop.parameter_groups(tuned.base_model, model, rates)
