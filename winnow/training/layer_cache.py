"""What an encoder's frozen layers make of each text, computed once for all the epochs, folds and seeds that need it.

Frozen layers without dropout give a text the same hidden states at every step. Kept in memory, these take the place of
a forward pass through the layers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from winnow.encoder import models
from winnow.encoder.reader import Reader

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

MAX_BYTES = 2 << 30  # about 30,000 texts of 46 tokens in MiniLM's 384 dimensions


def make(model: "PreTrainedModel", layers: int, tokens: list[list[int]], reader: Reader) -> "LayerCache | None":
    """Return the cache, or None if no layer is frozen or memory does not hold it; the arguments are LayerCache's."""
    bytes_needed = 4 * model.config.hidden_size * int(models.lengths(tokens).sum())
    if not layers or bytes_needed > MAX_BYTES:
        return None
    return LayerCache(model, layers, tokens, reader)


class LayerCache:
    """The output of the lowest `layers` layers of an encoder for each of some texts, looked up by the text's tokens."""

    def __init__(self, model: "PreTrainedModel", layers: int, tokens: list[list[int]], reader: Reader):
        """Run the lowest layers of `model` once on each text.

        Args:
            layers: how many, above zero and fewer than the model has.
            tokens: (rows,) token ids of each text, special tokens included.
        """
        import torch

        self._layers = layers
        self._states: dict[tuple[int, ...], torch.Tensor] = {}
        self._rest: tuple | None = None  # what the layer gives beside the hidden states; None: it gives no tuple

        caught: list = [None]

        def catch(layer, inputs: tuple, output) -> None:
            caught[0] = output

        model.to(reader.device).eval()
        stack = models.layers_of(model)
        caught_by = stack[layers - 1].register_forward_hook(catch)
        # The layers above hand on what they get, at no cost.
        with _replaced(stack[layers:], lambda: caught[0]), torch.no_grad(), reader.accelerator.autocast():
            for batch, ids, mask in reader.batches(tokens, "frozen layers"):
                model(input_ids=ids, attention_mask=mask)
                output = caught[0]
                if isinstance(output, tuple):
                    output, *rest = output
                    self._rest = tuple(rest)
                for row, states in zip(batch, output.cpu(), strict=True):
                    self._states[tuple(tokens[row])] = states[: len(tokens[row])].clone()
        caught_by.remove()

    @contextmanager
    def attached(self, model: "PreTrainedModel") -> Iterator[None]:
        """Let the lowest layers of `model`, which must have the same weights there, answer from memory.

        Until the block ends it knows no text but these, and must be called with `input_ids` and `attention_mask` by
        name.
        """
        current: list = [None]

        def look_up(model, inputs: tuple, named: dict) -> None:
            states = self._padded(named["input_ids"], named["attention_mask"])
            current[0] = states if self._rest is None else (states, *self._rest)

        hook = model.register_forward_pre_hook(look_up, with_kwargs=True)
        try:
            with _replaced(models.layers_of(model)[: self._layers], lambda: current[0]):
                yield
        finally:
            hook.remove()

    def _padded(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        import torch

        rows = [
            self._states[tuple(row[:length])]
            for row, length in zip(ids.tolist(), mask.sum(dim=1).tolist(), strict=True)
        ]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(ids.device)


@contextmanager
def _replaced(layers: "torch.nn.ModuleList", result: Callable[[], object]) -> Iterator[None]:
    """Let each of `layers` give `result()` until the block ends."""
    # A layer stays the module that it is, as some encoders ask it for its attributes.
    for layer in layers:
        layer.forward = lambda *args, **named: result()
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # of the object; the class has its own
