"""One training loop for every encoder stage, through accelerate: AdamW, linear warm-up and decay, clipped gradients.

A step is a function of the weights before it, its rows and (seed, step): with the weights, the optimizer and the number
of steps from a checkpoint, a killed run goes on to the same bytes as one that was never killed.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from winnow.base import hashing, progress
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.training import distributed, sharding
from winnow.training.checkpoints import Learning

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from accelerate import Accelerator

    from winnow.training.checkpoints import Series
    from winnow.training.keeping import Keeper

    # (model, batch) -> mean loss over the batch, and what it weighs beside another batch's; both scalars
    LossOf = Callable[[torch.nn.Module, "Batch"], tuple[torch.Tensor, torch.Tensor]]

MAX_GRADIENT_NORM = 1.0  # as in BERT (Devlin et al. 2019) and the recipes of transformers


@dataclass(frozen=True)
class Batch:
    """The rows of one step.

    Attributes:
        rows: (rows,) int, their numbers.
        epoch: for losses that draw something for each row and epoch.
    """

    rows: np.ndarray
    epoch: int = 0

    def __len__(self) -> int:
        """Return in how many parts it can be computed."""
        return len(self.rows)

    def parts(self, count: int) -> list["Batch"]:
        """Return `count` batches of about as many rows each; `count` is at most the length."""
        return [Batch(rows, self.epoch) for rows in np.array_split(self.rows, count)]


@dataclass(frozen=True)
class Rates:
    """Learning rates, and the decay of matrices.

    Attributes:
        encoder: rate of the encoder's weights.
        head: rate of all others.
        factors: by id of a weight of the encoder, what its rate is multiplied by (`models.rate_factors`).
    """

    encoder: float
    head: float
    decay: float
    factors: Mapping[int, float] = field(default_factory=dict)


def parameter_groups(encoder: "torch.nn.Module", model: "torch.nn.Module", rates: Rates) -> list[dict]:
    """Return AdamW groups for the trainable weights: encoder and head at their own rates, no decay on vectors."""
    encoder_ids = {id(parameter) for parameter in encoder.parameters()}
    groups: dict[tuple, dict] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            factor = rates.factors.get(id(parameter), 1.0)
            own = rates.encoder * factor if id(parameter) in encoder_ids else rates.head
            key = (own, rates.decay if parameter.ndim > 1 else 0.0)
            groups.setdefault(key, {"params": [], "lr": key[0], "weight_decay": key[1]})["params"].append(parameter)
    return list(groups.values())


@dataclass(frozen=True)
class Training:
    """What a model is trained on, and how.

    Attributes:
        batches: one optimizer step each.
        loss_of: may use torch's generator (dropout), which is seeded anew each step.
        warmup_steps: steps of linear warm-up; the rate then falls linearly to zero.
        seed: of the generator, with the step's number.
        ids: by number of row, its name to people.
        longest: tokens of the longest row.
        saved: where checkpoints go, and from where a killed run goes on.
        keeper: may end the training early, and sets the weights in the end; None: all batches, and the last weights.
    """

    batches: Sequence[Batch]
    loss_of: "LossOf"
    warmup_steps: int
    seed: object
    ids: Sequence[str]
    longest: int
    saved: "Series | None" = None
    keeper: "Keeper | None" = None

    def names(self, batch: Batch) -> str:
        """Return the names of a batch's rows."""
        return ", ".join(self.ids[row] for row in batch.rows)


def fit(model: "torch.nn.Module", groups: list[dict], training: Training, accelerator: "Accelerator") -> list[dict]:
    """Train `model` and return one dict a step: loss, learning rate and number of processes.

    Torch's generator is left as it was.

    Args:
        groups: from `parameter_groups`.

    Raises:
        UserError: loss or gradient are not finite, memory does not hold one row, or no disk the checkpoints.
    """
    import torch
    from transformers import get_linear_schedule_with_warmup

    whole = model.to(accelerator.device).train()
    distributed.begin_alike(whole)
    if sharding.is_sharding():
        if training.keeper and training.keeper.judges:
            raise UserError(
                "params.yaml: finetune.patience: FSDP cannot judge a model on the way; set patience to null"
            )
        model, groups, keeper, loss_of = sharding.shard(whole, groups, training.keeper, training.loss_of)
        training = replace(training, keeper=keeper, loss_of=loss_of)
    optimizer = torch.optim.AdamW(groups, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, training.warmup_steps, len(training.batches))
    saved, keeper = training.saved, training.keeper
    learning = Learning(model, optimizer, schedule, keeper)
    curve = saved.restore(learning) if saved else []
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    device = accelerator.device
    forked = torch.random.fork_rng([device] if device.type == "cuda" else [])
    with forked, models.fast_attention(model, accelerator, training.longest):
        left = training.batches[len(curve) :]
        for batch in progress.over(left, "training") if accelerator.is_main_process else left:
            if keeper and keeper.has_ended:
                break
            step = len(curve) + 1
            loss = _gradients(model, batch, step, training, accelerator)
            norm = sharding.whole(torch.nn.utils.clip_grad_norm_(trained, MAX_GRADIENT_NORM))
            value, length = torch.stack([loss, norm]).tolist()  # at once: each look makes a GPU wait
            for name, number in (("loss", value), ("gradient", length)):
                if not math.isfinite(number):
                    raise UserError(
                        f"training: the {name} is {number} at step {step}; lower the learning rate, or see what is "
                        f"wrong with these rows: {training.names(batch)}"
                    )
            point = {"loss": value, "learning_rate": schedule.get_last_lr()[0]}
            curve.append(point | {"processes": accelerator.num_processes})
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if keeper:
                keeper.after_step(step)
            if saved:
                saved.save_if_due(learning, curve)
    if keeper:
        keeper.finish()
    sharding.gather(model, whole)
    whole.eval()
    return curve


def _gradients(
    model: "torch.nn.Module", batch: Batch, step: int, training: Training, accelerator: "Accelerator"
) -> "torch.Tensor":
    """Set the gradients of the batch's loss and return it, detached.

    Each process computes its share of the rows. What memory does not hold at once is computed in 2, 4, 8 … parts. The
    result differs by rounding, and by which values dropout drops. Each step tries the whole share first: what a resumed
    run does may not hang on steps before.
    """
    import torch
    from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

    rank, processes = distributed.place()
    shares = batch.parts(min(processes, len(batch)))
    has_rows = rank < len(shares)
    own, drawn = shares[rank if has_rows else 0], (rank,) if processes > 1 else ()
    count = 1
    while True:
        torch.manual_seed(int(hashing.digest("dropout", training.seed, step, *drawn)[:15], 16))
        try:
            if processes == 1 and count == 1:
                return _mean(model, batch, training, accelerator)
            total, weights = _sums(model, own.parts(count), training, accelerator, has_rows)
            break
        except (RuntimeError, MemoryError) as error:
            if not isinstance(error, MemoryError) and not should_reduce_batch_size(error):
                raise
        if sharding.is_sharded(model):
            raise UserError(
                f"training: step {step}: memory does not hold it, and FSDP cannot split it; lower batch_tokens"
            )
        if count >= len(own):
            raise UserError(
                f"training: step {step}: memory does not hold one row ({training.names(own)}); lower max_length, "
                f"or freeze more of the encoder"
            )
        # Not in the except block: there the error still holds the step's tensors.
        model.zero_grad()
        clear_device_cache(garbage_collection=True)
        count = min(2 * count, len(own))
        print(f"training: step {step} does not fit into memory; again in {count} parts", file=sys.stderr)
    if processes > 1:
        total, weights = sharding.add_up(model, total, weights)
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad /= weights
    return total / weights


def _mean(model: "torch.nn.Module", batch: Batch, training: Training, accelerator: "Accelerator") -> "torch.Tensor":
    """Set the gradients of the mean loss of a whole batch and return it, detached."""
    with accelerator.autocast():
        loss, _ = training.loss_of(model, batch)
    accelerator.backward(loss)
    return loss.detach().float()


def _sums(
    model: "torch.nn.Module", parts: list[Batch], training: Training, accelerator: "Accelerator", counts: bool
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return loss and weight of the parts, summed, as the gradients are; of parts that do not count, zeros."""
    import torch

    total = weights = torch.zeros((), device=accelerator.device)
    for part in parts:
        with accelerator.autocast():
            loss, weight = training.loss_of(model, part)
        weight = weight * counts
        # The mean over nothing is not a number; but FSDP wants all processes to go along.
        if weight or sharding.is_sharded(model):
            accelerator.backward(loss * weight)
            total, weights = total + loss.detach().float() * weight, weights + weight
    return total, weights


def processes(curve: list[dict]) -> str:
    """Return how many processes computed a curve's steps; each number once, in their order, if a run was resumed."""
    return ", ".join(dict.fromkeys(str(int(point["processes"])) for point in curve))
