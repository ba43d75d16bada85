"""The fine-tuned member of the ensemble that scores sets of labels: an encoder, trained anew for each fold and seed."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from winnow.kinds.classification import finetuned
from winnow.kinds.multilabel import model
from winnow.training import finetuning

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class FineTuned(finetuned.FineTuned):
    """A member for `winnow.kinds.multilabel.members.score`: the mean over seeds; its models are not kept."""

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Return the probabilities of the rows `inside`, (rows inside, labels) float64.

        Args:
            train: (rows,) bool, the rows to fit on.
            truth: (rows to fit on, labels) bool.
            inside: (rows,) bool, the rows to predict.
        """
        return super().predict(train, truth, inside, truth.shape[1])

    def _predict(self, seed: int, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        import torch

        recipe, reader, cache = self._recipe, self._reader, self._cached(classes)
        torch.manual_seed(seed)
        encoder, texts = self._build(classes), self._take(train)
        loss_of = model.set_losses(texts, truth, np.ones(len(truth)), recipe, reader)
        finetuning.train(encoder, texts, loss_of, finetuning.Run(recipe, reader, seed), cache)
        with cache.attached(encoder) if cache else nullcontext():
            chances = model.probabilities(reader.accelerator.prepare(encoder).eval(), self._take(inside), reader)
        reader.accelerator.free_memory()  # else it holds every fold's model and optimizer
        return chances

    def _build(self, classes: int) -> "PreTrainedModel":
        names = [str(number) for number in range(classes)]
        return finetuning.prepare(model.built(self._reader.folder, names), self._recipe)
