"""Which weights a run of fine-tuning ends with: the last, their moving average, or those that were best on dev."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winnow.training import distributed, sharding

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class EarlyStop:
    """When to end a run.

    Attributes:
        score: (model) -> how good it is; called at the end of each epoch, with the model in evaluation mode.
        patience: epochs without a better score after which the run ends.
    """

    score: Callable[["torch.nn.Module"], float]
    patience: int


class Average:
    """The exponential moving average of a model's trainable weights, which follows closely at first.

    It begins with the weights after the first step. After step t it moves by 1 - min(decay, t / (t + 9)) of the way, so
    that the first, barely trained weights are forgotten in a short run too (as the averages of TensorFlow and timm do).
    """

    def __init__(self, model: "torch.nn.Module", decay: float):
        self._model = model
        self._means: list[torch.Tensor] = []
        self._decay, self._step = decay, 0

    @property
    def _weights(self) -> "list[torch.nn.Parameter]":
        return _trained(self._model)

    def state(self) -> "tuple[list[torch.Tensor], int]":
        """Return the means and the number of steps taken in."""
        return self._means, self._step

    def restore(self, means: "list[torch.Tensor]", step: int) -> None:
        """Set what `state` gave."""
        self._means, self._step = _beside(self._weights, means), step

    def update(self) -> None:
        """Take the weights after one more step in."""
        import torch

        self._step += 1
        if not self._means:  # not before, as the weights may have moved to a GPU since this object was made
            self._means = [weight.detach().clone() for weight in self._weights]
        share = 1 - min(self._decay, self._step / (self._step + 9))
        torch._foreach_lerp_(self._means, [weight.detach() for weight in self._weights], share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the average until the block ends."""
        last = [weight.detach().clone() for weight in self._weights]
        self.keep()
        try:
            yield
        finally:
            _set(self._weights, last)

    def keep(self) -> None:
        """Let the model have the average for good."""
        _set(self._weights, self._means)


class Keeper:
    """Watches a run of `loop.fit` and sets the weights in the end; its state is part of a checkpoint."""

    def __init__(self, model: "torch.nn.Module", ends: Collection[int], decay: float, stop: EarlyStop | None):
        """Begin.

        Args:
            ends: numbers of the steps, from 1, that end an epoch.
            decay: of the average; 0: no average.
            stop: None: the run goes to its end.
        """
        self._model, self._ends, self._stop = model, frozenset(ends), stop
        self._average = Average(model, decay) if decay else None
        self._best: tuple[float, list[torch.Tensor]] | None = None
        self._waited = 0

    @property
    def judges(self) -> bool:
        """Whether the run may end early."""
        return self._stop is not None

    @property
    def has_ended(self) -> bool:
        """Whether the run should go no further."""
        return self._stop is not None and self._waited >= self._stop.patience

    def state(self) -> "tuple[dict[str, torch.Tensor], dict]":
        """Return all that the steps so far have left here: tensors by name, and what JSON holds."""
        means, averaged = self._average.state() if self._average else ([], 0)
        score, best = self._best or (None, [])
        tensors = {f"mean.{number}": mean for number, mean in enumerate(means)}
        tensors |= {f"best.{number}": weight for number, weight in enumerate(best)}
        return tensors, {"averaged": averaged, "score": score, "waited": self._waited}

    def restore(self, tensors: "dict[str, torch.Tensor]", state: dict) -> None:
        """Set what `state` gave, in a keeper of the same model and arguments."""
        trained = _trained(self._model)
        if self._average:
            means = [tensors[f"mean.{number}"] for number in range(len(trained))]
            self._average.restore(means, state["averaged"])
        if state["score"] is not None:
            best = [tensors[f"best.{number}"] for number in range(len(trained))]
            self._best = state["score"], _beside(trained, best)
        self._waited = state["waited"]

    def after_step(self, step: int) -> None:
        """Take the weights after a step in, and judge them if it ends an epoch."""
        if self._average:
            self._average.update()
        if self._stop is None or step not in self._ends:
            return
        if self._average:
            with self._average.in_place():
                self._judge(self._stop)
        else:
            self._judge(self._stop)

    def finish(self) -> None:
        """Set the model's weights to those that the run should end with."""
        if self._best:
            _set(_trained(self._model), self._best[1])
        elif self._average:
            self._average.keep()

    def _judge(self, stop: EarlyStop) -> None:
        self._model.eval()
        # Processes that judge differently, by a last bit, would end at different steps.
        score = distributed.from_main(stop.score(self._model))
        self._model.train()
        if self._best is None or score > self._best[0]:
            self._best, self._waited = (score, [weight.detach().clone() for weight in _trained(self._model)]), 0
        else:
            self._waited += 1


def _trained(model: "torch.nn.Module") -> "list[torch.nn.Parameter]":
    return [weight for weight in model.parameters() if weight.requires_grad]


def _beside(weights: "list[torch.nn.Parameter]", values: "list[torch.Tensor]") -> "list[torch.Tensor]":
    """Return the values on the devices of the weights."""
    return [sharding.like(value, weight) for weight, value in zip(weights, values, strict=True)]


def _set(weights: "list[torch.nn.Parameter]", values: "list[torch.Tensor]") -> None:
    import torch

    with torch.no_grad():
        for weight, value in zip(weights, values, strict=True):
            weight.copy_(value)
