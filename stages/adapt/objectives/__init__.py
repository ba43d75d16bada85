"""Objectives: what an encoder learns from text without labels, one file each.

What one draws (masks, spans) is a pure function of (seed, epoch, key), so that a resumed run draws as an uninterrupted
one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch

    from stages.adapt.objectives.learner import Learner


class Objective(Protocol):
    """One of them, on some documents.

    Attributes:
        keys: (rows,) names of what it reads, for draws and for errors.
        head: its output layer on the encoder; None: it has none, or the masked-LM model's.
        contrasts: it tells the rows of a batch apart, by what dropout leaves of them: a batch of one, and a model
            without dropout, have no loss.
    """

    keys: list[str]
    head: "torch.nn.Module | None"
    contrasts: bool

    def read(self, epoch: int) -> Sequence[list[int]]:
        """Return what is read of each row in an epoch, (rows,) token ids, special tokens included.

        Rows may be drawn whenever they are looked at, so that no epoch takes memory.
        """

    def loss(self, model: "Learner", rows: np.ndarray, epoch: int) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return the mean loss of some rows, and what it weighs beside another batch's; both scalars."""
