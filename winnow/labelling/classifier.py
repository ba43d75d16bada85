"""Kind model: a fine-tuned classifier, from a folder that holds safetensors, config and tokenizer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.labelling.rule import Row, Rule, Voter

if TYPE_CHECKING:
    import torch

OF_TEXTS, OF_TOKENS = "ForSequenceClassification", "ForTokenClassification"


class Model(Rule):
    """A text classifier of transformers', or one that `finetune` has made."""

    kind: Literal["model"]
    folder: str = Field(min_length=1)
    """The classifier's folder, below rules/."""

    min_confidence: float = Field(gt=0, le=1)
    """A less probable label is no vote."""

    max_length: int = Field(ge=4, le=8192)
    """Tokens of a text that are read."""

    batch_tokens: int = Field(default=4096, gt=0)
    """Padded tokens in one forward pass. Lower it where memory is short."""

    label_map: dict[str, str | None] = Field(default_factory=dict)
    """The model's names of labels to the task's; null: no vote."""

    origin = "model"

    def voter(self, files: Path, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        from winnow.encoder.compute import Compute, start
        from winnow.encoder.reader import Reader
        from winnow.kinds.classification import head
        from winnow.training.finetuning import Texts

        folder = files / self.folder
        model = _load(folder)
        names = [model.config.id2label[number] for number in range(model.config.num_labels)]
        labels = [self._label(name, task) for name in names]
        accelerator = start(params.load("compute", Compute), seed=0)
        reader = Reader.of(folder, self.max_length, self.batch_tokens, accelerator)

        def vote(rows: list[Row]) -> list[str | None]:
            texts = Texts(reader.tokenize([row["text"] for row in rows]), [row["id"] for row in rows])
            chances = head.probabilities(accelerator.prepare(model).eval(), texts, reader)
            return self._votes(chances, labels)

        return Voter(vote)

    def _label(self, name: str, task: Task) -> str | None:
        label = self.label_map.get(name, name)
        return label if label is None else task.check(label, f"{self.where}: the model's label '{name}'")

    def _votes(self, chances: np.ndarray, labels: list[str | None]) -> list[str | None]:
        best = chances.argmax(axis=1)
        sure = chances.max(axis=1) >= self.min_confidence
        return [labels[number] if is_sure else None for number, is_sure in zip(best, sure, strict=True)]


def _load(folder: Path) -> "torch.nn.Module":
    """Return a classifier as `winnow.kinds.classification.head` knows them.

    Raises:
        UserError: the folder holds none.
    """
    from transformers import AutoModelForSequenceClassification

    from winnow.encoder import models
    from winnow.kinds.classification import examples, head

    if (folder / examples.FILE).exists():
        raise UserError(
            f"{folder}: reads labelled examples beside the text, which a rule has not; use another approach"
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        architecture = str((config.get("architectures") or [""])[0])
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: no model: {error}") from None
    # Without its head a model would load too, with a random one.
    if architecture.endswith(OF_TOKENS):
        return head.load(folder)
    if not architecture.endswith(OF_TEXTS) or config.get("problem_type") == "multi_label_classification":
        raise UserError(f"{folder}: is a {architecture or 'model without a head'}; needs a classifier of one label")
    return _of_tokens(models.load_model(AutoModelForSequenceClassification, folder))


def _of_tokens(model: "torch.nn.Module") -> "torch.nn.Module":
    """Return a text classifier as a token classifier whose tokens all say what it says of the text."""
    import torch
    from transformers.modeling_outputs import TokenClassifierOutput

    class OfTokens(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.config = model, model.config

        def forward(self, input_ids, attention_mask):
            logits = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
            return TokenClassifierOutput(logits=logits.unsqueeze(1))

    return OfTokens()
