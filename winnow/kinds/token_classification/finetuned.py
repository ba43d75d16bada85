"""The fine-tuned member of the ensemble that scores words: an encoder, trained anew for each fold and seed."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.kinds.members import Recipe
from winnow.kinds.token_classification import decoding, model, windows
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.windows import Windows
from winnow.training import finetuning, layer_cache
from winnow.training.layer_cache import LayerCache

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class FineTuned:
    """A member for `winnow.kinds.token_classification.members.score`: the mean over seeds; its models are not kept.

    All folds and seeds share the windows and, where the recipe freezes layers, what these make of each.
    """

    def __init__(self, reader: Reader, texts: Sequence[str], recipe: Recipe, ids: Sequence[str] = ()):
        """Tokenize `texts`; `ids` name them in errors, else their numbers do."""
        self.texts, self.layout = texts, Layout.of(texts)
        self._recipe, self._reader = recipe, reader
        self._read = windows.cut(texts, ids or [f"row {number}" for number in range(len(texts))], reader)
        self._piece, self._word = self.layout.pieces(self._read)
        self._cache: LayerCache | None = None

    def predict(self, train: np.ndarray, tags: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
        """Return the probabilities of tags, (words inside, tags) float64, of whole rows, by models of others.

        Args:
            train: (some,) int, places of the words to learn from: those of whole rows.
            tags: (some,) int, their tags.
            inside: (words inside,) int, places of the words to predict.
            count: how many tags there are.
        """
        truth = np.full(len(self.layout.offsets), model.IGNORED, dtype=np.int64)
        truth[train] = tags
        return np.mean([self._predict(seed, truth, inside, count) for seed in self._recipe.seeds], axis=0)

    def _predict(self, seed: int, truth: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
        import torch

        recipe, reader, cache = self._recipe, self._reader, self._cached(count)
        torch.manual_seed(seed)
        encoder = self._build(count)
        learnt, targets = self._taken(truth)
        loss_of = model.tag_losses(learnt, targets, np.ones(self.layout.rows), recipe, reader)
        finetuning.train(encoder, learnt, loss_of, finetuning.Run(recipe, reader, seed), cache)
        rows = np.zeros(self.layout.rows, dtype=bool)
        rows[self.layout.row[inside]] = True
        read, places = self._read.take(rows), np.flatnonzero(rows)
        with cache.attached(encoder) if cache else nullcontext():
            chances = model.probabilities(reader.accelerator.prepare(encoder).eval(), read, reader)
        reader.accelerator.free_memory()  # else it holds every fold's model and optimizer
        return decoding.of_words(read, chances, self.layout.take(places)).astype(np.float64)

    def _taken(self, truth: np.ndarray) -> tuple[Windows, np.ndarray]:
        """Return the windows of the rows to learn from, and the tag that each of their tokens should have.

        Args:
            truth: (words,) int, their tags; `model.IGNORED` where nothing is learnt.
        """
        tags, (pieces, opening) = truth[self._word], np.unique(self._piece, return_index=True)
        goes_on = np.append(False, self._word[1:] == self._word[:-1])
        tags = np.where(goes_on & (tags % 2 == 1) & (tags > 0), tags + 1, tags)  # behind B stands I
        targets = np.full(len(self._read.is_home), model.IGNORED, dtype=np.int64)
        targets[pieces] = tags[opening]
        rows = np.zeros(self.layout.rows, dtype=bool)
        rows[self.layout.row[truth != model.IGNORED]] = True
        own = np.repeat(rows[self._read.row], np.diff(self._read.bounds))
        return self._read.take(rows), targets[own]

    def _build(self, count: int) -> "PreTrainedModel":
        encoder = head.build(self._reader.folder, [str(number) for number in range(count)])
        return finetuning.prepare(encoder, self._recipe)

    def _cached(self, count: int) -> LayerCache | None:
        """Return what the frozen layers make of each window, if there are any and memory holds it."""
        if self._cache is None:
            layers = self._recipe.whole_frozen_layers
            self._cache = layer_cache.make(self._build(count), layers, self._read.tokens, self._reader)
        return self._cache
