"""multitask: beside the tags of pieces, the encoder learns hidden words, or the classes of `aux_<task>` columns.

Such a class is of the whole text, and is read from the mean of the pieces' outputs of its own. See
`winnow.kinds.classification.multitask`.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pyarrow as pa

from winnow.encoder import models
from winnow.kinds.classification.multitask import Own, Settings, Task, together
from winnow.kinds.job import Job, Trained
from winnow.kinds.token_classification import model

if TYPE_CHECKING:
    import torch

    from winnow.kinds.job import Predict
    from winnow.training import loop

__all__ = ["Settings", "train"]


def train(job: Job, settings: Settings) -> Trained:
    """Return the model of the task's tags.

    Raises:
        UserError: a task of the settings is no column of the data, or there is no further task.
    """
    tags, texts = job.task.tags, model.encode(job.task, job.rows, job.reader)
    of_tags = model.losses(job.task, job.rows, texts, job.recipe, job.reader)

    def loss_of(trained: "torch.nn.Module", batch: "loop.Batch") -> "tuple[torch.Tensor, torch.Tensor]":
        def own(**inputs: "torch.Tensor") -> SimpleNamespace:
            return SimpleNamespace(logits=trained.classifier(**inputs).logits[..., : len(tags)])

        return of_tags(own, batch)

    def predictor(dev: pa.Table) -> "Predict":
        return model.predictor(job.task, dev, job.reader)

    return together(job, settings, Own(tags, Task("own", texts.ids, models.lengths(texts.tokens), loss_of), predictor))
