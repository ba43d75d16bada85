"""transfer: an encoder with a fresh head, fine-tuned as it is, for any kind of task that has a model."""

from winnow import kinds
from winnow.base.params import Section
from winnow.kinds.job import Job, Trained
from winnow.training import finetuning


class Settings(Section):
    """Nothing: the recipe says it all."""


def train(job: Job, settings: Settings) -> Trained:
    """Return the fine-tuned model."""
    kind, task = kinds.load(job.task, "model"), job.task
    texts = kind.encode(task, job.rows, job.reader)
    model = finetuning.prepare(kind.build(task, job.folder), job.recipe)
    loss_of = kind.losses(task, job.rows, texts, job.recipe, job.reader)
    stop = job.early_stop(lambda rows: kind.predictor(task, rows, job.reader))
    return Trained(model, finetuning.train(model, texts, loss_of, job.run(stop)))
