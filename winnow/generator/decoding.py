"""What a language model answers: the likeliest token each time, many prompts at once, with a cache of what it read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winnow.base import progress
from winnow.encoder import batching
from winnow.generator.losses import Passes, head_at

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Written:
    """What a model wrote.

    Attributes:
        ids: its tokens, that which ends the turn included if there is one.
        loss: what they cost together, in nats.
    """

    ids: list[int]
    loss: float


def answers(
    model: "PreTrainedModel", prompts: Sequence[list[int]], ends: Collection[int], most: int, passes: Passes
) -> list[Written]:
    """Return the model's answer to each prompt, by greedy decoding.

    Args:
        prompts: token ids, at least one each.
        ends: ids at which an answer ends.
        most: tokens of an answer.
    """
    model.to(passes.accelerator.device).eval()
    found: list[Written | None] = [None] * len(prompts)
    lengths = np.fromiter((len(prompt) + most for prompt in prompts), np.int64, len(prompts))
    for batch in progress.over(batching.by_length(lengths, passes.batch_tokens), "answering"):
        for row, written in zip(batch, _batch(model, [prompts[row] for row in batch], ends, most, passes), strict=True):
            found[row] = written
    return found


def _batch(
    model: "PreTrainedModel", prompts: list[list[int]], ends: Collection[int], most: int, passes: Passes
) -> list[Written]:
    """Return answers to prompts that are read at once, padded on the left."""
    import torch

    device = passes.accelerator.device
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), passes.padding, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for number, prompt in enumerate(prompts):
        ids[number, longest - len(prompt) :] = torch.tensor(prompt)
        mask[number, longest - len(prompt) :] = 1
    ids, mask = ids.to(device), mask.to(device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    written: list[list[int]] = [[] for _ in prompts]
    losses, going = [0.0] * len(prompts), list(range(len(prompts)))
    cache = None
    with torch.inference_mode(), passes.accelerator.autocast():
        for _ in range(most):
            last = torch.zeros_like(ids, dtype=torch.bool)
            last[:, -1] = True
            with head_at(model, last):
                told = model(
                    input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
                )
            cache = told.past_key_values
            chances, chosen = torch.log_softmax(told.logits[0].float(), -1).max(-1)
            for row, token, chance in zip(going, chosen.tolist(), chances.tolist(), strict=True):
                written[row].append(token)
                losses[row] -= chance
            stays = [place for place, row in enumerate(going) if written[row][-1] not in ends]
            if not stays:
                break
            going = [going[place] for place in stays]
            kept = torch.tensor(stays, device=device)
            if len(stays) < len(chosen):  # who has ended costs nothing more
                cache.batch_select_indices(kept)
            ids = chosen[kept, None]
            mask = torch.cat([mask[kept], torch.ones_like(ids)], dim=1)
            positions = positions[kept, -1:] + 1
    return [Written(*each) for each in zip(written, losses, strict=True)]
