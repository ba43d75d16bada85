"""The fine-tuned member of the ensemble that scores labels: an encoder, trained anew for each fold and seed."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.kinds.classification.model import Labelled, class_losses
from winnow.kinds.members import Recipe
from winnow.training import finetuning, layer_cache
from winnow.training.finetuning import Texts
from winnow.training.layer_cache import LayerCache

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class FineTuned:
    """A member for `winnow.kinds.classification.members.out_of_fold`: the mean over seeds; its models are not kept.

    All folds and seeds share the token ids and, where the recipe freezes layers, what these make of each text: frozen
    layers go without dropout. No class weighs more than another, as label errors are found by probabilities under
    the classes' own shares.
    """

    def __init__(self, reader: Reader, texts: Sequence[str], recipe: Recipe, ids: Sequence[str] = ()):
        """Tokenize `texts`; `ids` name them in errors, else their numbers do."""
        self._recipe, self._reader = recipe, reader
        self._tokens = self._reader.tokenize(texts)
        self._ids = ids or [f"row {number}" for number in range(len(texts))]
        self._cache: LayerCache | None = None

    def predict(self, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        """Fit on the rows `train`, whose classes are `truth`; return the probabilities of the rows `inside`."""
        each = [self._predict(seed, train, truth, inside, classes) for seed in self._recipe.seeds]
        return np.mean(each, axis=0)

    def _predict(self, seed: int, train: np.ndarray, truth: np.ndarray, inside: np.ndarray, classes: int) -> np.ndarray:
        import torch

        recipe, reader, cache = self._recipe, self._reader, self._cached(classes)
        torch.manual_seed(seed)
        model = self._build(classes)
        learnt = Labelled(self._take(train), truth, np.ones(len(truth)))
        loss_of = class_losses(learnt, classes, recipe, reader)
        finetuning.train(model, learnt.texts, loss_of, finetuning.Run(recipe, reader, seed), cache)
        with cache.attached(model) if cache else nullcontext():
            chances = head.probabilities(reader.accelerator.prepare(model).eval(), self._take(inside), reader)
        reader.accelerator.free_memory()  # else it holds every fold's model and optimizer
        return chances

    def _build(self, classes: int) -> "PreTrainedModel":
        model = head.build(self._reader.folder, [str(number) for number in range(classes)])
        return finetuning.prepare(model, self._recipe)

    def _cached(self, classes: int) -> LayerCache | None:
        """Return what the frozen layers make of each text, if there are any and memory holds it."""
        if self._cache is None:
            layers = self._recipe.whole_frozen_layers
            self._cache = layer_cache.make(self._build(classes), layers, self._tokens, self._reader)
        return self._cache

    def _take(self, chosen: np.ndarray) -> Texts:
        rows = np.flatnonzero(chosen)
        return Texts([self._tokens[row] for row in rows], [self._ids[row] for row in rows])
