"""A model as one graph from token ids to the logits of each token's tags, for other runtimes, and back again."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from winnow.kinds.token_classification import model
from winnow.kinds.token_classification.labels import Task

if TYPE_CHECKING:
    import torch

OUTPUT = "logits"  # (rows, tokens, tags), in the order of the task's tags

# What runs a graph: token ids and attention mask, (rows, tokens) int64 each -> (rows, tokens, tags) float32.
Run = Callable[[np.ndarray, np.ndarray], np.ndarray]


def module(task: Task, folder: Path) -> "torch.nn.Module":
    """Return a module from token ids and attention mask, (rows, tokens) int64 each, to logits, (rows, tokens, tags).

    Raises:
        UserError: the folder holds no model of the task.
    """
    import torch

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model.load(task, folder)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    return Graph().eval()


def wrapped(task: Task, run: Run) -> "torch.nn.Module":
    """Return a graph as `model.predictor` asks a model."""
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = SimpleNamespace(num_labels=len(task.tags))

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
            found = torch.from_numpy(run(input_ids.cpu().numpy(), attention_mask.cpu().numpy()))
            return SimpleNamespace(logits=found.to(input_ids.device))

    return Wrapped().eval()
