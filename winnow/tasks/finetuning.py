"""Fine-tuning of an encoder as a classifier: what params.yaml says of it, and one run by that recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from winnow import batching, encoder, training
from winnow.params import Section
from winnow.tasks import head

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import PreTrainedModel

    from winnow.checkpoints import Series


class Recipe(Section):
    """How a classifier is fine-tuned; the text, the labels, the encoder and the seed come from elsewhere."""

    epochs: int = Field(gt=0)
    max_length: int = Field(ge=4, le=8192)  # tokens of a text that are read
    batch_tokens: int = Field(gt=0)  # padded tokens a step; rows of like length stand together
    learning_rate: float = Field(gt=0)  # of the encoder; lower when there are many labels
    head_learning_rate: float = Field(gt=0)  # of the fresh head, which must move farther
    warmup_share: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    label_smoothing: float = Field(ge=0, lt=1)  # raise when labels are noisy
    dropout: float = Field(ge=0, lt=1)
    freeze_embeddings: bool  # false when there are many labels and a GPU
    frozen_layers: int = Field(ge=0)  # lowest layers, frozen with the embeddings; 0 when there are many labels


def build(folder: Path, labels: list[str], recipe: Recipe) -> "PreTrainedModel":
    """Return the encoder of `folder` with a fresh head, frozen as the recipe says."""
    model = head.build(folder, labels)
    encoder.set_dropout(model, recipe.dropout)
    if recipe.freeze_embeddings:
        encoder.freeze(model, recipe.frozen_layers)
    return model


def train(
    model: "PreTrainedModel",
    tokens: list[list[int]],
    padding: int,
    truth: np.ndarray,
    weights: np.ndarray,
    recipe: Recipe,
    seed: int,
    accelerator: "Accelerator",
    ids: Sequence[str],
    saved: "Series | None" = None,
) -> list[dict]:
    """Train `model`, from `build`, and return its curve, one dict a step: step, epoch, loss and learning rate.

    Args:
        tokens: (rows,) token ids of each text, special tokens included.
        padding: id of the padding token.
        truth: (rows,) int, the classes.
        weights: (rows,) float, what each row counts in the loss.
        seed: of the order of the rows and of dropout; torch's own generator makes the head.
        ids: (rows,) names of the rows, for errors.
        saved: where checkpoints go, and from where a killed run goes on.

    Raises:
        UserError: as `training.fit`.
    """
    import torch

    device, lengths = accelerator.device, encoder.lengths(tokens)
    classes, counts = torch.tensor(truth), torch.tensor(weights, dtype=torch.float32)
    epochs = [batching.shuffled(lengths, recipe.batch_tokens, seed, epoch) for epoch in range(recipe.epochs)]
    batches = [training.Batch(rows) for epoch in epochs for rows in epoch]

    def loss_of(model, batch: training.Batch) -> tuple[torch.Tensor, torch.Tensor]:
        rows, weights = batch.rows, counts[batch.rows].to(device)
        logits = head.logits(model, *encoder.pad([tokens[row] for row in rows], padding, device))
        return head.loss(logits, classes[rows].to(device), weights, recipe.label_smoothing), weights.sum()

    groups = training.parameter_groups(
        model.base_model, model, recipe.learning_rate, recipe.head_learning_rate, recipe.weight_decay
    )
    warmup = int(recipe.warmup_share * len(batches))
    curve = training.fit(accelerator, model, groups, batches, loss_of, warmup, seed=seed, ids=ids, saved=saved)
    numbers = [number for number, epoch in enumerate(epochs, start=1) for _ in epoch]
    return [
        {"step": step, "epoch": epoch} | point
        for step, (epoch, point) in enumerate(zip(numbers, curve, strict=True), start=1)
    ]
