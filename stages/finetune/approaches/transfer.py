"""transfer, dapt: an encoder with a fresh head, fine-tuned as it is; they differ by the encoder alone."""

from stages.finetune.approaches.job import Job, Trained
from winnow.base.params import Section
from winnow.encoder import models
from winnow.kinds.classification import finetuning


class Settings(Section):
    """Nothing: the recipe says it all."""


def train(job: Job, settings: Settings) -> Trained:
    """Return the fine-tuned classifier."""
    tokenizer = models.load_tokenizer(job.folder)
    rows = job.inputs(job.rows, tokenizer)
    model = finetuning.build(job.folder, job.labels, job.recipe)
    stop, saved = job.early_stop(tokenizer), job.saved.series("train")
    curve = finetuning.train(model, rows, tokenizer.pad_token_id, job.recipe, job.seed, job.accelerator, stop, saved)
    return Trained(model, curve)
