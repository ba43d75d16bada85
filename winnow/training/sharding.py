"""A model's weights and gradients in several processes: pieces of them in each (FSDP), or the same in all."""

import copy
import os
from typing import TYPE_CHECKING, TypeVar

from winnow.training.distributed import place

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

T = TypeVar("T")
L = TypeVar("L", bound="Callable")


def is_sharding() -> bool:
    """Tell whether weights are to be spread over the processes: accelerate's configuration says FSDP."""
    return place()[1] > 1 and os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def shard(
    model: "torch.nn.Module", groups: list[dict], beside: T, loss_of: L
) -> "tuple[torch.nn.Module, list[dict], T, L]":
    """Return all four for a copy of the model whose weights, gradients and moments are spread over the processes.

    Fully sharded data parallel (Zhao et al. 2023): a layer's weights are whole while it computes. Layers are what
    stands in a `ModuleList`, where every encoder of transformers keeps its own.

    Args:
        beside: what else refers to the model; its copy refers to the copy.
        loss_of: (model, batch) -> two scalars.
    """
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    class Root(torch.nn.Module):
        """Computes the loss inside a `forward`, where FSDP brings the weights together."""

        def __init__(self, model: torch.nn.Module):
            super().__init__()
            self.model = model

        def forward(self, batch) -> tuple[torch.Tensor, torch.Tensor]:
            return loss_of(self.model, batch)

    names = {id(weight): name for name, weight in model.named_parameters()}
    pieces, beside = copy.deepcopy((model, beside))
    root, mesh = Root(pieces), init_device_mesh(next(model.parameters()).device.type, (place()[1],))
    for module in reversed(list(pieces.modules())):
        for layer in module if isinstance(module, torch.nn.ModuleList) else []:
            fully_shard(layer, mesh=mesh)
    fully_shard(root, mesh=mesh)
    weights = dict(pieces.named_parameters())
    groups = [group | {"params": [weights[names[id(weight)]] for weight in group["params"]]} for group in groups]
    return pieces, groups, beside, lambda _, batch: root(batch)


def is_sharded(model: "torch.nn.Module") -> bool:
    """Tell whether a model is from `shard`.

    Its weights do not tell: those outside the layers are whole from a forward pass to the end of the backward pass.
    """
    if not is_sharding():
        return False
    from torch.distributed.fsdp import FSDPModule

    return any(isinstance(module, FSDPModule) for module in model.modules())


def whole(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return all of a tensor that may be spread over the processes; all of them must call."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def like(tensor: "torch.Tensor", weight: "torch.Tensor") -> "torch.Tensor":
    """Return a whole tensor on a weight's device, and spread as it is."""
    if not hasattr(weight, "full_tensor"):
        return tensor.to(weight.device)
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(weight.device), weight.device_mesh, weight.placements)


def gather(pieces: "torch.nn.Module", model: "torch.nn.Module") -> None:
    """Give a model the weights of its copy from `shard`; nothing where there is none."""
    import torch

    if pieces is not model:
        with torch.no_grad():
            for weight, piece in zip(model.parameters(), pieces.parameters(), strict=True):
                weight.copy_(whole(piece))


def add_up(
    model: "torch.nn.Module", total: "torch.Tensor", weights: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Set each gradient to its sum over all processes, and return the sums of two scalars.

    FSDP has set them to their mean already. A weight that has a gradient in no process keeps none: the optimizer would
    let it decay.
    """
    import torch
    import torch.distributed as dist

    trained = [weight for weight in model.parameters() if weight.requires_grad]
    if is_sharded(model):
        sums = torch.stack([total, weights])
        dist.all_reduce(sums)
        for weight in trained:
            if weight.grad is not None:
                weight.grad *= place()[1]
        return sums[0], sums[1]
    own = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in trained]
    has = torch.tensor([float(weight.grad is not None) for weight in trained], device=total.device)
    # One message: its start costs more than a small encoder's megabytes.
    message = torch.cat([*(gradient.flatten() for gradient in own), has, torch.stack([total, weights])])
    dist.all_reduce(message)
    *gradients, has, sums = message.split([*(weight.numel() for weight in trained), len(trained), 2])
    for weight, gradient, count in zip(trained, gradients, has.tolist(), strict=True):
        weight.grad = gradient.view_as(weight) if count else None
    return sums[0], sums[1]
