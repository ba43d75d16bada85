"""transfer: a language model that learns the responses of the training table, by an adapter or whole."""

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from winnow.base.params import Section
from winnow.encoder import models
from winnow.generator import adapters, losses
from winnow.generator.template import Template
from winnow.kinds.generation import model as kind
from winnow.kinds.generation import products
from winnow.kinds.job import Job, Trained
from winnow.training import finetuning, sharding
from winnow.training.finetuning import Run

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from winnow.training.loop import LossOf


class Settings(Section):
    """What a language model learns with, beyond the recipe; of the kind generation."""

    adapter: adapters.LoRA | None = adapters.LoRA()
    """Matrices of low rank beside the model's. Null: all of the model learns, above `finetune.frozen_layers`."""

    max_length: int = Field(1024, ge=16, le=131072)
    """Tokens of a prompt and its response, control tokens included. A longer prompt loses its oldest words; a response
    that does not fit with some of its prompt stops the run. More take memory and time."""

    max_new_tokens: int = Field(128, gt=0)
    """Tokens of an answer, at most, where the model predicts. More take time for answers that do not end."""


def train(job: Job, settings: Settings) -> Trained:
    """Return the fine-tuned model.

    Raises:
        UserError: the model has no positions for so long texts, or a row does not fit.
    """
    from transformers import AutoModelForCausalLM

    reading = kind.Reading(settings.max_length, settings.max_new_tokens)
    template = Template.of(job.folder)
    models.check_length(job.folder, settings.max_length, "approaches.transfer.max_length")
    reader = replace(job.reader, tokenizer=template.tokenizer, max_length=settings.max_length)
    if reader.tokenizer.pad_token_id is None:
        reader.tokenizer.pad_token = reader.tokenizer.convert_ids_to_tokens(template.padding)
    recipe = job.recipe.model_copy(update={"head_learning_rate": job.recipe.learning_rate})  # no head is fresh
    texts = kind.encoded(job.rows, template, settings.max_length)
    model = models.load_model(AutoModelForCausalLM, job.folder)
    if settings.adapter is None:
        model = finetuning.prepare(model, recipe)
    else:
        model = adapters.attached(model, settings.adapter, recipe.whole_frozen_layers, recipe.dropout)
    stop = job.early_stop(lambda rows: kind.predictor_of(job.task, rows, reader, template, reading))
    run = replace(job.run(stop), recipe=recipe, reader=reader)
    loss_of = kind.losses(job.task, job.rows, texts, recipe, reader)
    curve = learn(model, texts, loss_of, run)

    def add(folder) -> None:
        reading.save(folder, None if settings.adapter is None else job.folder)
        if settings.adapter is not None:
            adapters.settle(folder, job.folder)

    return Trained(model, curve, add)


def learn(model: "PreTrainedModel", texts: kind.Dialogues, loss_of: "LossOf", run: Run) -> list[dict]:
    """Train a model, with an adapter or whole, and return its curve as `finetuning.train` does."""
    cache = None
    if run.recipe.passes(len(texts.tokens)) > 1 and run.stop is None:
        with losses.headless(model):
            cache = finetuning.frozen(model, texts, run)
    # A GPU was not measured; FSDP has its own way with layers.
    is_fused = run.reader.device.type == "cpu" and not sharding.is_sharding()
    with products.fused(model) if is_fused else nullcontext():
        return finetuning.train(model, texts, loss_of, run, cache)
