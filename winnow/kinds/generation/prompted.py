"""prompted: the language model as it is, that learns nothing; examples may stand before each prompt."""

from pathlib import Path

from pydantic import Field

from winnow.base.params import Section
from winnow.encoder import models
from winnow.generator import adapters
from winnow.generator.template import Template
from winnow.kinds.generation import model as kind
from winnow.kinds.generation.examples import Examples
from winnow.kinds.job import Job, Trained


class Settings(Section):
    """How a language model is asked that learnt nothing: what a trained one must beat."""

    examples: int = Field(0, ge=0)
    """Rows of the training table that stand before each prompt with their responses, those with the nearest prompts.
    0: none. More take the room and the time of long prompts."""

    max_length: int = Field(1024, ge=16, le=131072)
    """Tokens of a prompt and its response; of longer ones, the farthest examples go first."""

    max_new_tokens: int = Field(128, gt=0)
    """Tokens of an answer, at most."""


def train(job: Job, settings: Settings) -> Trained:
    """Return the language model with an adapter that adds nothing, so that its folder is small.

    Raises:
        UserError: the model has no positions for so long texts.
    """
    Template.of(job.folder)
    models.check_length(job.folder, settings.max_length, "approaches.prompted.max_length")
    adapter = adapters.LoRA(rank=1, alpha=1.0)  # its second matrix is zero until it learns
    model = adapters.attached(kind.build(job.task, job.folder), adapter, frozen_layers=0, dropout=0.0)

    def add(folder: Path) -> None:
        kind.Reading(settings.max_length, settings.max_new_tokens).save(folder, job.folder)
        adapters.settle(folder, job.folder)
        if settings.examples:
            Examples.of(job.rows, settings.examples).save(folder)

    return Trained(model, [], add)
