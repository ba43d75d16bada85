"""A classifier of sets as a labelling rule: of texts, as transformers' Trainer saves it, or one of `finetune`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow.encoder.reader import Reader
from winnow.kinds.classification import teacher
from winnow.kinds.multilabel import model, thresholds
from winnow.kinds.multilabel.labels import Task, canonical
from winnow.training.finetuning import Texts

if TYPE_CHECKING:
    from accelerate import Accelerator


class Teacher:
    """A classifier of sets at work.

    Attributes:
        names: the sets of one label that it may say; it may say any other set of these labels too.
    """

    def __init__(self, folder: Path, accelerator: "Accelerator") -> None:
        """Load the classifier, and its thresholds where `winnow publish` or `winnow export` wrote them beside it.

        Raises:
            UserError: the folder holds none, or one that gives a text one label.
        """
        loaded = teacher.load(folder, model.PROBLEM)
        self._labels = [loaded.config.id2label[number] for number in range(loaded.config.num_labels)]
        self.names = [canonical([label]) for label in self._labels]
        found = thresholds.read(folder, Task.model_construct(labels=self._labels))
        self._cut = np.full(len(self._labels), thresholds.HALF) if found is None else found
        self._model = accelerator.prepare(loaded).eval()

    def say(self, texts: Texts, reader: Reader) -> tuple[list[str], np.ndarray]:
        """Return the set of each text in canonical form, and how probable its least certain label is, (rows,) float."""
        chances = model.probabilities(self._model, texts, reader)
        sets = chances >= self._cut
        said = [canonical(self._labels[place] for place in np.flatnonzero(row)) for row in sets]
        return said, np.where(sets, chances, 1 - chances).min(axis=1)
