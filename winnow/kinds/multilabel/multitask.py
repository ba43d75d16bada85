"""multitask: beside the sets of labels, the encoder learns hidden words, or the classes of `aux_<task>` columns.

See `winnow.kinds.classification.multitask`.
"""

from typing import TYPE_CHECKING

import pyarrow as pa

from winnow.encoder import models
from winnow.kinds.classification.multitask import Own, Settings, Task, together
from winnow.kinds.job import Job, Trained
from winnow.kinds.multilabel import model

if TYPE_CHECKING:
    import torch

    from winnow.kinds.job import Predict
    from winnow.training import loop

__all__ = ["Settings", "train"]


def train(job: Job, settings: Settings) -> Trained:
    """Return the model of the task's own labels.

    Raises:
        UserError: a task of the settings is no column of the data, or there is no further task.
    """
    texts = model.encode(job.task, job.rows, job.reader)
    of_sets = model.losses(job.task, job.rows, texts, job.recipe, job.reader)

    def loss_of(trained: "torch.nn.Module", batch: "loop.Batch") -> "tuple[torch.Tensor, torch.Tensor]":
        return of_sets(trained.classifier, batch)

    def predictor(dev: pa.Table) -> "Predict":
        return model.predictor(job.task, dev, job.reader)

    own = Own(job.task.labels, Task("own", texts.ids, models.lengths(texts.tokens), loss_of), predictor)
    trained = together(job, settings, own)
    trained.model.config.problem_type = model.PROBLEM
    return trained
