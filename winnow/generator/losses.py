"""What each token of a response costs a language model: forward passes that compute the vocabulary at responses alone.

Rows are padded on the right, and no mask is given: a causal model sees nothing that stands behind a token.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.encoder import batching
from winnow.generator.template import Encoded

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Passes:
    """How forward passes are made.

    Attributes:
        padding: any token's id; nothing looks at it.
        batch_tokens: padded tokens in one.
    """

    padding: int
    batch_tokens: int
    accelerator: "Accelerator"


def token_losses(
    model: "PreTrainedModel", rows: Sequence[Encoded], passes: Passes, doing: str = "losses"
) -> list[np.ndarray]:
    """Return what each token of each row's response costs, (tokens,) float32 each, in nats.

    Args:
        model: any causal language model of transformers, with an adapter or without.
        doing: what the progress bar says.

    Raises:
        UserError: the model has no head over its vocabulary.
    """
    import torch

    device = passes.accelerator.device
    model.to(device).eval()
    found: list[np.ndarray | None] = [None] * len(rows)
    lengths = np.fromiter((len(row.ids) for row in rows), np.int64, len(rows))
    batches = batching.by_length(lengths, passes.batch_tokens)
    for batch in progress.over(batches, doing):
        some = [rows[row] for row in batch]
        with torch.no_grad(), passes.accelerator.autocast():
            losses = response_losses(model, some, passes.padding, device).float().cpu().numpy()
        ends = np.cumsum([len(row.ids) - row.start for row in some])
        for row, own in zip(batch, np.split(losses, ends[:-1]), strict=True):
            found[row] = own
    return found


def response_losses(
    model: "PreTrainedModel", rows: Sequence[Encoded], padding: int, device: "torch.device", with_mask: bool = False
) -> "torch.Tensor":
    """Return what each token of the responses costs, (all their tokens,) float32, row by row, for gradients too.

    Args:
        with_mask: give the model a mask of what is no padding; it changes nothing, but a cache of layers looks at it.
    """
    import torch

    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), padding, dtype=torch.int64)
    is_before = torch.zeros((len(rows), longest), dtype=torch.bool)  # what the next token, of the response, is told by
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        is_before[number, row.start - 1 : len(row.ids) - 1] = True
    targets = torch.tensor([token for row in rows for token in row.response], device=device)
    masks = {}
    if with_mask:
        lengths = torch.tensor([len(row.ids) for row in rows])
        masks["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long().to(device)
    with head_at(model, is_before.to(device)):
        logits = model(input_ids=ids.to(device), use_cache=False, **masks).logits
    return torch.nn.functional.cross_entropy(logits[0].float(), targets, reduction="none")


def head_at(model: "PreTrainedModel", places: "torch.Tensor") -> "AbstractContextManager[None]":
    """Let the head over the vocabulary see some places alone, (rows, tokens) bool: it gives (1, places, vocabulary).

    The head is a large part of a small model's work, and the prompt's tokens are most of a row. What a model does to
    logits behind its head, it does to each alone.

    Raises:
        UserError: the model has no such head.
    """
    return _heads_input(model, lambda hidden: hidden[places].unsqueeze(0))


def headless(model: "PreTrainedModel") -> "AbstractContextManager[None]":
    """Let the head over the vocabulary see nothing, where what stands below it is wanted alone."""
    return _heads_input(model, lambda hidden: hidden[:, :0])


@contextmanager
def _heads_input(model: "PreTrainedModel", change: "Callable[[torch.Tensor], torch.Tensor]") -> Iterator[None]:
    head = model.get_output_embeddings()
    if head is None:
        raise UserError(f"{type(model).__name__} has no head over its vocabulary; take a causal language model")
    hook = head.register_forward_pre_hook(lambda head, inputs: (change(inputs[0]), *inputs[1:]))
    try:
        yield
    finally:
        hook.remove()
