"""The products of layers with an adapter, in few passes over memory.

On a CPU the matrices of a small model are multiplied sooner than peft, autocast and autograd read and write what stands
between the products: a cast of the input for each layer that reads it, a cast of weights that never change, a product
with the scale, a sum. The results are the same but for rounding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MAX_BYTES = 1 << 30  # of weights that are kept in bf16 beside their own: half a billion of them


@contextmanager
def fused(model: "torch.nn.Module") -> Iterator[None]:
    """Let the linear layers of a model that have an adapter of LoRA be computed here until the block ends.

    Layers with dropout, other variants of LoRA, and those that are no `torch.nn.Linear`, stay peft's.
    """
    changed = [layer for layer in model.modules() if _is_plain(layer)]
    sizes = sum(layer.base_layer.weight.numel() for layer in changed)
    cast = Cast(keeps_weights=2 * sizes <= MAX_BYTES)
    for layer in changed:
        layer.forward = partial(_forward, layer, cast)
    try:
        yield
    finally:
        cast.forget()
        for layer in changed:
            del layer.forward  # of the object; the class has its own


class Cast:
    """Tensors in the precision of the products, each made once for all that read it."""

    def __init__(self, keeps_weights: bool):
        """Begin without tensors.

        Args:
            keeps_weights: whether memory holds all weights in both precisions.
        """
        self._keeps_weights = keeps_weights
        self.forget()

    def inputs(self, tensor: "torch.Tensor", dtype: "torch.dtype") -> "torch.Tensor":
        """Return a layer's input, detached; the layers that read it do so one after the other."""
        if tensor.dtype == dtype:
            return tensor.detach()
        if self._last is not tensor or self._version != tensor._version or self._made.dtype != dtype:
            self._last, self._version, self._made = tensor, tensor._version, tensor.detach().to(dtype)
        return self._made

    def weight(self, tensor: "torch.Tensor", dtype: "torch.dtype") -> "torch.Tensor":
        """Return a weight that does not learn."""
        if tensor.dtype == dtype or not self._keeps_weights:
            return tensor.to(dtype)
        key = id(tensor), dtype
        if key not in self._weights:
            self._weights[key] = tensor.detach().to(dtype)
        return self._weights[key]

    def forget(self) -> None:
        """Keep no tensor alive."""
        self._last = self._made = self._version = None
        self._weights: dict[tuple, torch.Tensor] = {}


def _is_plain(layer: "torch.nn.Module") -> bool:
    import torch
    from peft.tuners.lora import Linear

    if not isinstance(layer, Linear) or type(layer.base_layer) is not torch.nn.Linear:
        return False
    if len(layer.active_adapters) != 1 or layer.merged or layer.disable_adapters or layer.fan_in_fan_out:
        return False
    [name] = layer.active_adapters
    if name not in layer.lora_A or name in layer.lora_variant:
        return False
    weights = [layer.base_layer.weight, layer.base_layer.bias]
    return (
        isinstance(layer.lora_dropout[name], torch.nn.Identity)
        and layer.lora_A[name].bias is None
        and layer.lora_B[name].bias is None
        and not any(weight.requires_grad for weight in weights if weight is not None)
    )


def _forward(layer: "torch.nn.Module", cast: Cast, inputs: "torch.Tensor") -> "torch.Tensor":
    import torch

    kind = inputs.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else inputs.dtype
    [name], base = layer.active_adapters, layer.base_layer
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    with torch.autocast(kind, enabled=False):
        return _adapted().apply(
            inputs,
            cast.inputs(inputs, dtype),
            cast.weight(base.weight, dtype),
            base.bias,
            down,
            up,
            layer.scaling[name],
        )


@cache
def _adapted() -> "type[torch.autograd.Function]":
    """Return the function of a linear layer with an adapter; torch is imported when it is first needed."""
    import torch

    class Adapted(torch.autograd.Function):
        """inputs @ weightᵀ + bias + scale · (inputs @ downᵀ) @ upᵀ, of which down and up learn."""

        @staticmethod
        def forward(ctx, inputs, lower, weight, bias, down, up, scale):
            flat, dtype = lower.reshape(-1, lower.shape[-1]), lower.dtype
            low_down, low_up = down.to(dtype), up.to(dtype)
            hidden = (flat @ low_down.T).mul_(scale)
            out = torch.nn.functional.linear(flat, weight, None if bias is None else bias.to(dtype))
            out.addmm_(hidden, low_up.T)
            ctx.save_for_backward(flat, hidden, weight, low_down, low_up)
            ctx.shape, ctx.dtypes, ctx.scale = inputs.shape, (inputs.dtype, down.dtype, up.dtype), scale
            return out.view(*inputs.shape[:-1], -1)

        @staticmethod
        def backward(ctx, gradient):
            flat, hidden, weight, down, up = ctx.saved_tensors
            of_inputs, of_down, of_up = ctx.dtypes
            gradient = gradient.reshape(-1, gradient.shape[-1]).to(weight.dtype)
            lower = (gradient @ up).mul_(ctx.scale)
            back = None
            if ctx.needs_input_grad[0]:
                back = (gradient @ weight).addmm_(lower, down).to(of_inputs).view(ctx.shape)
            down_too, up_too = (lower.T @ flat).to(of_down), (gradient.T @ hidden).to(of_up)
            return back, None, None, None, down_too, up_too, None

    return Adapted
