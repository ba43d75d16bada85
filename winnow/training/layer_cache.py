"""What an encoder's frozen layers make of each text, computed once for all the epochs, folds and seeds that need it.

Frozen layers without dropout give a text the same hidden states at every step. Kept in memory, these take the place of
a forward pass through the layers. Models that were trained from one encoder have these layers in common too.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from winnow.encoder import models
from winnow.encoder.reader import Reader

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

MAX_BYTES = 2 << 30  # about 30,000 texts of 46 tokens in MiniLM's 384 dimensions


def make(model: "PreTrainedModel", layers: int, tokens: Sequence[list[int]], reader: Reader) -> "LayerCache | None":
    """Return the cache, or None if no layer is frozen or memory does not hold it; the arguments are LayerCache's."""
    bytes_needed = 4 * model.config.hidden_size * int(models.lengths(tokens).sum())
    if not layers or bytes_needed > MAX_BYTES:
        return None
    return LayerCache(model, layers, tokens, reader)


class LayerCache:
    """The output of the lowest `layers` layers of an encoder for each of some texts, looked up by the text's tokens."""

    def __init__(self, model: "PreTrainedModel", layers: int, tokens: Sequence[list[int]], reader: Reader):
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
            states = _padded([self._states[key] for key in _keys(named)], named)
            current[0] = states if self._rest is None else (states, *self._rest)

        hook = model.register_forward_pre_hook(look_up, with_kwargs=True)
        try:
            with _replaced(models.layers_of(model)[: self._layers], lambda: current[0]):
                yield
        finally:
            hook.remove()


class Shared:
    """The output of the lowest `layers` layers of several models for the texts that any of them has read."""

    def __init__(self, layers: int):
        """Begin without texts."""
        self._layers, self._bytes = layers, 0
        self._states: dict[tuple[int, ...], torch.Tensor] = {}
        self._rest: tuple | None = None

    @contextmanager
    def attached(self, model: "PreTrainedModel") -> Iterator[None]:
        """Let the lowest layers of `model`, which must have the weights of the others there, compute new texts alone.

        Until the block ends it must be called in evaluation mode, with `input_ids` and `attention_mask` by name.
        """
        lowest = models.layers_of(model)[: self._layers]
        own = [layer.forward for layer in lowest]
        current: list = [None]
        keys: list = []

        def look_up(model, inputs: tuple, named: dict) -> None:
            keys[:] = _keys(named)
            is_known = all(key in self._states for key in keys)
            if is_known:
                states = _padded([self._states[key] for key in keys], named)
                current[0] = states if self._rest is None else (states, *self._rest)
                keys.clear()
            for layer, forward in zip(lowest, own, strict=True):
                layer.forward = (lambda *args, **named: current[0]) if is_known else forward

        def keep(layer, inputs: tuple, output) -> None:
            if not keys or self._bytes > MAX_BYTES:
                return
            if isinstance(output, tuple):
                output, *rest = output
                self._rest = tuple(rest)
            for key, states in zip(keys, output, strict=True):
                self._states[key] = states[: len(key)].clone()
                self._bytes += self._states[key].nbytes

        hooks = [model.register_forward_pre_hook(look_up, with_kwargs=True), lowest[-1].register_forward_hook(keep)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            for layer in lowest:
                layer.__dict__.pop("forward", None)  # of the object; the class has its own


class Common:
    """What models have in common: for each, by name, a `Shared` of the lowest layers that another one has too."""

    def __init__(self, fingerprints: Mapping[str, Sequence[str]]):
        """Compare models by what `fingerprints` gives of each."""
        self._of: dict[str, Shared] = {}
        made: dict[str, Shared] = {}
        for name, own in fingerprints.items():
            others = {print_ for other, of_other in fingerprints.items() if other != name for print_ in of_other}
            depth = sum(print_ in others for print_ in own)
            if depth:
                self._of[name] = made.setdefault(own[depth - 1], Shared(depth))

    def attached(self, name: str, model: "PreTrainedModel") -> AbstractContextManager[None]:
        """Let a model take from the others what it has in common with them, until the block ends."""
        return self._of[name].attached(model) if name in self._of else nullcontext()


def fingerprints(model: "PreTrainedModel") -> list[str]:
    """Return a hash for each layer, lowest first, of its weights and of all weights that its output depends on.

    What stands in the encoder beside the layers counts for the lowest already, wherever it stands.
    """
    stack, digest = models.layers_of(model), hashlib.sha256()
    inside = {id(weight) for weight in stack.parameters()}
    for name, weight in model.base_model.named_parameters():
        if id(weight) not in inside:
            _add(digest, name, weight)
    found = []
    for layer in stack:
        for name, weight in layer.named_parameters():
            _add(digest, name, weight)
        found.append(digest.hexdigest())
    return found


def _add(digest, name: str, weight: "torch.Tensor") -> None:
    digest.update(name.encode())
    digest.update(weight.detach().float().numpy())


def _keys(named: dict) -> list[tuple[int, ...]]:
    """Return each row's token ids, without padding, from the arguments of a model."""
    lengths = named["attention_mask"].sum(dim=1).tolist()
    return [tuple(row[:length]) for row, length in zip(named["input_ids"].tolist(), lengths, strict=True)]


def _padded(rows: "list[torch.Tensor]", named: dict) -> "torch.Tensor":
    import torch

    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(named["input_ids"].device)


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
