"""A classifier of sets as a labelling rule: of texts, as transformers' Trainer saves it, or one of `finetune`."""

from collections.abc import Callable, Mapping, Sequence
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
        names: the labels of the sets that it may say; they need not be the task's.
    """

    def __init__(self, folder: Path, accelerator: "Accelerator") -> None:
        """Load the classifier, and its thresholds where `winnow publish` or `winnow export` wrote them beside it.

        Raises:
            UserError: the folder holds none, or one that gives a text one label.
        """
        loaded = teacher.load(folder, model.PROBLEM)
        self.names = [loaded.config.id2label[number] for number in range(loaded.config.num_labels)]
        found = thresholds.read(folder, Task.model_construct(labels=self.names))
        self._cut = np.full(len(self.names), thresholds.HALF) if found is None else found
        self._model = accelerator.prepare(loaded).eval()

    def vote(
        self, rows: Sequence[Mapping], reader: Reader, meant: Callable[[str], str | None], least: float
    ) -> list[str | None]:
        """Return the set that it gives each row; None where the least certain of all labels is less so than `least`.

        Args:
            rows: id and text of each.
            meant: what one of `names` means; None: nothing, and it is in no set.
        """
        texts = Texts(reader.tokenize([row["text"] for row in rows]), [row["id"] for row in rows])
        chances = model.probabilities(self._model, texts, reader)
        sets, own = chances >= self._cut, list(map(meant, self.names))
        sure = np.where(sets, chances, 1 - chances).min(axis=1) >= least
        said = [[own[place] for place in np.flatnonzero(row)] for row in sets]
        return [
            canonical(name for name in names if name is not None) if is_sure else None
            for names, is_sure in zip(said, sure, strict=True)
        ]
