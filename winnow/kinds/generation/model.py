"""A language model that answers prompts: what it learns from, and what it predicts.

Its folder holds the whole model, or an adapter beside that of another folder, whose hash it knows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.base.files import read_text, sha256, write_json
from winnow.encoder import models, parts
from winnow.encoder.reader import Reader
from winnow.generator import adapters, decoding
from winnow.generator.losses import Passes, response_losses, token_losses
from winnow.generator.template import Encoded, Template, TooLong
from winnow.kinds.generation.examples import Examples
from winnow.kinds.generation.labels import Task
from winnow.rows import predictions, tables
from winnow.training.finetuning import Recipe, Texts

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from winnow.training.loop import LossOf

LOSS = ()
SHARES_LAYERS = False  # a layer is asked for one token at a time, with what it remembers of those before
FILE = "generator.json"
SHOWN = 3  # rows that an error names


@dataclass(frozen=True)
class Reading:
    """How a language model reads and answers.

    Attributes:
        max_length: tokens of a prompt and its response.
        max_new_tokens: of an answer.
    """

    max_length: int
    max_new_tokens: int

    def save(self, folder: Path, base: Path | None) -> None:
        """Write it into a trained model's folder, with the hash of the model beside which an adapter stands."""
        told = {"max_length": self.max_length, "max_new_tokens": self.max_new_tokens}
        write_json(folder / FILE, told | ({"base_sha256": sha256(base / parts.WEIGHTS)} if base else {}))


def reading_of(folder: Path) -> tuple[Reading, str | None]:
    """Return what a trained model's folder says of how it reads, and the hash of the model that its adapter wants.

    Raises:
        UserError: it says nothing.
    """
    try:
        told = json.loads(read_text(folder / FILE))
        return Reading(told["max_length"], told["max_new_tokens"]), told.get("base_sha256")
    except (OSError, ValueError, KeyError, TypeError, UserError):
        raise UserError(f"{folder / FILE}: does not say how the model reads; run `dvc repro finetune`") from None


@dataclass(frozen=True)
class Dialogues(Texts):
    """Rows that a language model reads.

    Attributes:
        rows: prompt and response of each.
    """

    rows: Sequence[Encoded] = ()


def build(task: Task, folder: Path) -> "PreTrainedModel":
    """Return the language model of a folder."""
    from transformers import AutoModelForCausalLM

    return models.load_model(AutoModelForCausalLM, folder)


def load(task: Task, folder: Path) -> "PreTrainedModel":
    """Return the trained model of a folder; an adapter is added to the weights beside which it stands.

    Raises:
        UserError: there is no model, or the one beside which the adapter stands is another than when it learnt.
    """
    base = adapters.base_of(folder)
    if base is None:
        return build(task, folder)
    _, wanted = reading_of(folder)
    weights = base / parts.WEIGHTS
    if not weights.exists():
        raise UserError(f"{folder}: stands beside {base}, which is not here; run `dvc repro fetch_generator`")
    if (got := sha256(weights)) != wanted:
        raise UserError(f"{folder}: learnt beside weights of sha256 {wanted}, but {base} has {got}; train it again")
    return adapters.merged(build(task, base), folder)


def encode(task: Task, rows: pa.Table, reader: Reader) -> Dialogues:
    """Return what the model reads of rows to learn from.

    Raises:
        UserError: as `encoded`.
    """
    return encoded(rows, Template(reader.tokenizer, reader.folder), reader.max_length)


def encoded(rows: pa.Table, template: Template, max_length: int) -> Dialogues:
    """Return rows to learn from as the model reads them; each has tokens of its response to learn.

    Raises:
        UserError: the responses of some rows do not fit, or a text is no dialogue.
    """
    ids, found, long = rows["id"].to_pylist(), [], []
    for name, text, label in zip(ids, rows["text"].to_pylist(), rows["label"].to_pylist(), strict=True):
        try:
            found.append(template.encode(text, label, max_length))
        except TooLong:
            long.append(name)
    if long:
        raise UserError(
            f"params.yaml: approaches.transfer.max_length: {max_length} tokens, which hold no prompt beside the "
            f"response of {len(long)} training row(s), such as {', '.join(long[:SHOWN])}; raise it, or let `clean` "
            f"take them out"
        )
    return Dialogues([row.ids for row in found], ids, rows=found)


def losses(task: Task, rows: pa.Table, texts: Dialogues, recipe: Recipe, reader: Reader) -> "LossOf":
    """Return (model, batch) -> the mean loss of the responses' tokens, by the rows' weights, and what it weighs."""
    import torch

    lengths = np.array([len(row.response) for row in texts.rows])
    weights = rows["weight"].to_numpy()

    def loss_of(model, batch) -> "tuple[torch.Tensor, torch.Tensor]":
        some = [texts.rows[row] for row in batch.rows]
        found = response_losses(model, some, reader.padding, reader.device, with_mask=True)
        weight = torch.tensor(np.repeat(weights[batch.rows], lengths[batch.rows]), dtype=torch.float32)
        weight = weight.to(reader.device)
        return (found * weight).sum() / weight.sum(), weight.sum()

    return loss_of


def predictor(task: Task, rows: pa.Table, reader: Reader) -> "Callable[[PreTrainedModel], pa.Table]":
    """Return what predicts rows by a trained model; `reader` is of its folder."""
    reading, _ = reading_of(reader.folder)
    examples = Examples.load(reader.folder)
    if examples:
        rows = tables.set_column(rows, "text", examples.shown(rows["text"].to_pylist()), pa.large_string())
    return predictor_of(task, rows, reader, Template(reader.tokenizer, reader.folder), reading)


def predictor_of(
    task: Task, rows: pa.Table, reader: Reader, template: Template, reading: Reading
) -> "Callable[[PreTrainedModel], pa.Table]":
    """Return what predicts rows by a model.

    The table has the columns `loss`, nats of the given response, and `tokens`, how many it has, null where none is
    given or it does not fit; `stopped`, whether the model ended its answer; `predicted_loss` and `predicted_tokens`,
    nats and tokens of the answer.
    """
    room = reading.max_length - reading.max_new_tokens
    if room < 1:
        raise UserError(
            f"params.yaml: approaches.transfer.max_new_tokens: {reading.max_new_tokens} of {reading.max_length} tokens "
            f"leave no room for a prompt; lower it, or raise max_length"
        )
    texts = rows["text"].to_pylist()
    prompts = [_fitting(template, text, room) for text in texts]
    given = [
        _given(template, text, label, reading) for text, label in zip(texts, rows["label"].to_pylist(), strict=True)
    ]
    passes = Passes(template.padding, reader.batch_tokens, reader.accelerator)

    def predict(model: "PreTrainedModel") -> pa.Table:
        known = [place for place, row in enumerate(given) if row is not None]
        sums: list[float | None] = [None] * len(given)
        found = token_losses(model, [given[place] for place in known], passes)
        for place, of_tokens in zip(known, found, strict=True):
            sums[place] = float(of_tokens.sum(dtype=np.float64))
        written = decoding.answers(model, prompts, template.ends, reading.max_new_tokens, passes)
        told = [template.answer(each.ids) for each in written]
        own = {
            "loss": pa.array(sums, pa.float64()),
            "tokens": pa.array([None if row is None else len(row.response) for row in given], pa.int64()),
            "stopped": pa.array([stopped for _, stopped in told], pa.bool_()),
            "predicted_loss": pa.array([each.loss for each in written], pa.float64()),
            "predicted_tokens": pa.array([len(each.ids) for each in written], pa.int64()),
        }
        return predictions.table(rows, [response for response, _ in told], own)

    return predict


def _fitting(template: Template, text: str, room: int) -> list[int]:
    try:
        return template.prompt(text, room)
    except TooLong:  # the system's turn fills the window: the end of the prompt is what the model needs most
        return template.prompt(text)[-room:]


def _given(template: Template, text: str, label: str | None, reading: Reading) -> Encoded | None:
    try:
        return None if label is None else template.encode(text, label, reading.max_length)
    except TooLong:
        return None
