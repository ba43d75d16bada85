"""A classifier as one graph from token ids to logits, for runtimes that know no pooling of ours, and back again."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from winnow.base.errors import UserError
from winnow.kinds.classification import examples, head, model

if TYPE_CHECKING:
    import torch

    from winnow.kinds.classification.labels import Task

OUTPUT = "logits"  # (rows, labels), in the order of the task's labels

# What runs a graph: token ids and attention mask, (rows, tokens) int64 each -> (rows, labels) float32.
Run = Callable[[np.ndarray, np.ndarray], np.ndarray]


def module(task: "Task", folder: Path) -> "torch.nn.Module":
    """Return a module from token ids and attention mask, (rows, tokens) int64 each, to logits, (rows, labels).

    Raises:
        UserError: the folder holds no classifier, or one that reads labelled examples beside the text.
    """
    import torch

    if (folder / examples.FILE).exists():
        raise UserError(f"{folder}: reads labelled examples beside the text, which no graph does; ask `winnow predict`")

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = model.load(task, folder)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return head.logits(self.classifier, input_ids, attention_mask)

    return Graph().eval()


def wrapped(task: "Task", run: Run) -> "torch.nn.Module":
    """Return a graph as `model.predictor` asks a classifier: each token of a text has the text's logits."""
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = SimpleNamespace(num_labels=len(task.labels))

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
            found = torch.from_numpy(run(input_ids.cpu().numpy(), attention_mask.cpu().numpy()))
            return SimpleNamespace(logits=found.to(input_ids.device).unsqueeze(1).expand(-1, input_ids.shape[1], -1))

    return Wrapped().eval()
