"""One training loop for every encoder stage, through accelerate: AdamW, linear warm-up and decay, clipped gradients."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from winnow.errors import UserError

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

MAX_GRADIENT_NORM = 1.0  # as in BERT (Devlin et al. 2019) and the recipes of transformers


def parameter_groups(
    encoder: "torch.nn.Module",
    model: "torch.nn.Module",
    rate: float,
    head_rate: float,
    decay: float,
    factors: Mapping[int, float] | None = None,
) -> list[dict]:
    """Return AdamW groups for the trainable weights: encoder and head at their own rates, no decay on vectors.

    Args:
        factors: by id of a weight of the encoder, what its rate is multiplied by (`encoder.rate_factors`).
    """
    factors = factors or {}
    encoder_ids = {id(parameter) for parameter in encoder.parameters()}
    groups: dict[tuple, dict] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            own = rate * factors.get(id(parameter), 1.0) if id(parameter) in encoder_ids else head_rate
            key = (own, decay if parameter.ndim > 1 else 0.0)
            groups.setdefault(key, {"params": [], "lr": key[0], "weight_decay": key[1]})["params"].append(parameter)
    return list(groups.values())


def fit(
    accelerator: "Accelerator",
    model: "torch.nn.Module",
    groups: list[dict],
    batches: Sequence,
    loss_of: Callable[["torch.nn.Module", object], "torch.Tensor"],
    warmup_steps: int,
    after_step: Callable[[int], bool] | None = None,
) -> list[dict]:
    """Train `model` on `batches`, one optimizer step each, and return one dict a step: loss and learning rate.

    Args:
        groups: from `parameter_groups`.
        loss_of: (model, batch) -> scalar loss.
        warmup_steps: steps of linear warm-up; the rate then falls linearly to zero.
        after_step: called with each step's number, from 1, after its update; true ends the training.

    Raises:
        UserError: the loss is not finite.
    """
    import torch
    from transformers import get_linear_schedule_with_warmup

    from winnow.stage import progress

    optimizer = torch.optim.AdamW(groups, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, warmup_steps, len(batches))
    model, optimizer = accelerator.prepare(model, optimizer)
    model.train()
    curve = []
    for step, batch in enumerate(progress(batches, "training"), start=1):
        with accelerator.autocast():
            loss = loss_of(model, batch)
        value = loss.item()
        if value != value or value == float("inf"):
            raise UserError(f"training: the loss is {value} at step {step}; lower the learning rate")
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
        curve.append({"loss": value, "learning_rate": schedule.get_last_lr()[0]})
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if after_step and after_step(step):
            break
    model.eval()
    return curve
