"""Fine-tuning of an encoder as a classifier: what params.yaml says of it, and one run by that recipe."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from winnow.base.params import Section
from winnow.encoder import batching, models
from winnow.kinds.classification import head
from winnow.training import distributed, layer_cache, loop
from winnow.training.keeping import EarlyStop, Keeper

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel

    from winnow.training.checkpoints import Series
    from winnow.training.layer_cache import LayerCache

CACHE_TOKENS = 2048  # padded tokens in one forward pass through frozen layers


class Recipe(Section):
    """How a classifier is fine-tuned; the text, the labels, the encoder and the seed come from elsewhere."""

    epochs: int = Field(2, gt=0)
    """Times that the training table is read. More for few labels."""

    max_length: int = Field(ge=4, le=8192)  # tokens of a text that are read
    batch_tokens: int = Field(256, gt=0)
    """Padded tokens a step; rows of like length stand together. Small: few labels give few steps. Raise it with
    them."""

    learning_rate: float = Field(2e-4, gt=0)
    """Of the encoder. Lower it when there are many labels."""

    head_learning_rate: float = Field(1e-3, gt=0)
    """Of the fresh head, which must move farther."""

    dropout: float = Field(0.0, ge=0, lt=1)
    """0.1 where many epochs overfit; its random numbers are a quarter of the time on a CPU."""

    freeze_embeddings: bool = True
    """The word table is half of MiniLM and moves little under few labels. `false` when there are many, and a GPU."""

    frozen_layers: int = Field(3, ge=0)
    """The lowest layers, frozen with the embeddings; 3 of MiniLM's six. 0 when there are many labels."""

    warmup_share: float = Field(0.1, ge=0, lt=1)
    """Of the steps, in which the learning rate rises."""

    weight_decay: float = Field(0.01, ge=0)
    """Of AdamW."""

    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Raise it when labels are noisy."""

    layer_decay: float = Field(1.0, gt=0, le=1)
    """Learning rate of a layer over that of the one above. 0.8 or so where few layers are frozen."""

    average_decay: float = Field(0.0, ge=0, lt=1)
    """Of the weights' moving average, which takes their place. 0.9 for tens of steps, 0.999 for many; 0: none."""

    focal_gamma: float = Field(0.0, ge=0)
    """2 where most rows of the common classes are easy (focal loss)."""

    logit_adjustment: float = Field(0.0, ge=0)
    """1 where a rare class must count as much as a common one, without class weights."""

    @property
    def whole_frozen_layers(self) -> int:
        """The lowest layers whose output no step changes: those frozen, if the embeddings below them are."""
        return self.frozen_layers if self.freeze_embeddings else 0


@dataclass(frozen=True)
class Rows:
    """What is read and what should be said of it.

    Attributes:
        tokens: (rows,) token ids of each text, special tokens included.
        truth: (rows,) int, the classes.
        weights: (rows,) float, what each row counts in the loss.
        ids: (rows,) their names, for errors.
        own: (rows,) int, how many of its first tokens a document's mean is over; None: all.
    """

    tokens: list[list[int]]
    truth: np.ndarray
    weights: np.ndarray
    ids: Sequence[str]
    own: np.ndarray | None = None


def build(folder: Path, labels: list[str], recipe: Recipe) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh head, frozen as the recipe says."""
    model = head.build(folder, labels)
    models.set_dropout(model, recipe.dropout)
    if recipe.freeze_embeddings:
        models.freeze(model, recipe.frozen_layers)
    return model


def train(
    model: "PreTrainedModel",
    rows: Rows,
    padding: int,
    recipe: Recipe,
    seed: int,
    accelerator: "Accelerator",
    stop: EarlyStop | None = None,
    saved: "Series | None" = None,
    cache: "LayerCache | None" = None,
) -> list[dict]:
    """Train `model`, from `build`, and return its curve, one dict a step: step, epoch, loss and learning rate.

    Args:
        padding: id of the padding token.
        seed: of the order of the rows and of dropout; torch's own generator makes the head.
        stop: when to end before the recipe's epochs, and with the best weights; None: never.
        saved: where checkpoints go, and from where a killed run goes on.
        cache: what the frozen layers make of the rows; None: it is made here if that saves time.

    Raises:
        UserError: as `training.fit`.
    """
    if cache is None and recipe.epochs > 1 and stop is None:  # what judges reads other texts
        cache = frozen(model, rows.tokens, padding, recipe, accelerator)
    lengths, loss_of = models.lengths(rows.tokens), losses(rows, padding, recipe, accelerator, model.config.num_labels)
    epochs = [batching.shuffled(lengths, recipe.batch_tokens, seed, epoch) for epoch in range(recipe.epochs)]
    batches = [loop.Batch(chosen) for epoch in epochs for chosen in epoch]
    keeper = Keeper(model, np.cumsum([len(epoch) for epoch in epochs]).tolist(), recipe.average_decay, stop)
    warmup = int(recipe.warmup_share * len(batches))
    groups = parameter_groups(model, model, recipe)
    with cache.attached(model) if cache else nullcontext():
        curve = loop.fit(
            accelerator, model, groups, batches, loss_of, warmup,
            seed=seed, ids=rows.ids, longest=int(lengths.max()), saved=saved, keeper=keeper,
        )  # fmt: skip
    numbers = [number for number, epoch in enumerate(epochs, start=1) for _ in epoch]
    return [
        {"step": step, "epoch": epoch} | point
        for step, (epoch, point) in enumerate(zip(numbers[: len(curve)], curve, strict=True), start=1)
    ]


def frozen(
    model: "PreTrainedModel", tokens: list[list[int]], padding: int, recipe: Recipe, accelerator: "Accelerator"
) -> "LayerCache | None":
    """Return what the frozen layers make of texts that are read several times, or None where that saves nothing.

    A GPU computes the layers as fast as it is handed their output, FSDP has its own way with layers, and dropout gives
    another output each time.
    """
    if accelerator.device.type != "cpu" or recipe.dropout or distributed.is_sharding():
        return None
    return layer_cache.make(model, recipe.whole_frozen_layers, tokens, padding, CACHE_TOKENS, accelerator)


def parameter_groups(classifier: "PreTrainedModel", model: "torch.nn.Module", recipe: Recipe) -> list[dict]:
    """Return AdamW groups by the recipe for `model`, which is or holds `classifier`."""
    factors = models.rate_factors(classifier, recipe.layer_decay) if recipe.layer_decay < 1 else None
    rates = (recipe.learning_rate, recipe.head_learning_rate, recipe.weight_decay)
    return loop.parameter_groups(classifier.base_model, model, *rates, factors)


def losses(
    rows: Rows, padding: int, recipe: Recipe, accelerator: "Accelerator", classes: int, part: slice = slice(None)
) -> "loop.LossOf":
    """Return (model, batch) -> loss by the recipe, and what it weighs.

    Args:
        padding: id of the padding token.
        classes: how many there are.
        part: which of the model's outputs are these classes.
    """
    import torch

    device = accelerator.device
    truth, counts = torch.tensor(rows.truth), torch.tensor(rows.weights, dtype=torch.float32)
    own = None if rows.own is None else torch.tensor(rows.own)
    shift = None
    if recipe.logit_adjustment:
        # A class without rows would have no logarithm; no row asks for it.
        shares = np.bincount(rows.truth, minlength=classes).clip(min=1) / len(rows.truth)
        shift = torch.tensor(recipe.logit_adjustment * np.log(shares), dtype=torch.float32, device=device)

    def loss_of(model: torch.nn.Module, batch: loop.Batch) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = batch.rows
        ids, mask = models.pad([rows.tokens[row] for row in chosen], padding, device)
        logits = head.logits(model, ids, mask, None if own is None else own[chosen].to(device))[:, part]
        target, weights = truth[chosen].to(device), counts[chosen].to(device)
        return head.loss(logits, target, weights, recipe.label_smoothing, recipe.focal_gamma, shift), weights.sum()

    return loss_of
