"""A classifier of anybody's as a labelling rule: of texts, as transformers' Trainer saves it, or one of `finetune`."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.encoder.reader import Reader
from winnow.kinds.classification import examples, head
from winnow.training.finetuning import Texts

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

OF_TEXTS, OF_TOKENS = "ForSequenceClassification", "ForTokenClassification"
ONE_LABEL, SEVERAL_LABELS = "single_label_classification", "multi_label_classification"
NEEDED = {
    ONE_LABEL: "a classifier of one label a text",
    SEVERAL_LABELS: f"a classifier of several labels a text (problem_type {SEVERAL_LABELS})",
}


class Teacher:
    """A classifier at work.

    Attributes:
        names: of all that it may say; they need not be the task's labels.
    """

    def __init__(self, folder: Path, accelerator: "Accelerator") -> None:
        """Load the classifier.

        Raises:
            UserError: the folder holds none.
        """
        model = load(folder)
        self.names = [model.config.id2label[number] for number in range(model.config.num_labels)]
        self._model = accelerator.prepare(model).eval()

    def vote(
        self, rows: Sequence[Mapping], reader: Reader, meant: Callable[[str], str | None], least: float
    ) -> list[str | None]:
        """Return the label that it gives each row; None where that is less probable than `least`, or means nothing.

        Args:
            rows: id and text of each.
            meant: what one of `names` means; None: nothing.
        """
        texts = Texts(reader.tokenize([row["text"] for row in rows]), [row["id"] for row in rows])
        chances = head.probabilities(self._model, texts, reader)
        said = zip(chances.argmax(axis=1), chances.max(axis=1), strict=True)
        return [meant(self.names[number]) if chance >= least else None for number, chance in said]


def load(folder: Path, problem: str = ONE_LABEL) -> "torch.nn.Module":
    """Return a classifier as `head` knows them.

    Args:
        problem: of `NEEDED`, as transformers calls it: what it must have been trained for.

    Raises:
        UserError: the folder holds none, or one that was trained for another problem.
    """
    from transformers import AutoModelForSequenceClassification

    if (folder / examples.FILE).exists():
        raise UserError(
            f"{folder}: reads labelled examples beside the text, which a rule has not; use another approach"
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{folder}: no model: {error}") from None
    config = config if isinstance(config, dict) else {}
    named = config.get("architectures")
    architecture = str(named[0]) if named and isinstance(named, list) else ""
    is_other = (config.get("problem_type") == SEVERAL_LABELS) != (problem == SEVERAL_LABELS)
    # Without its head a model would load too, with a random one.
    if is_other or not architecture.endswith((OF_TOKENS, OF_TEXTS)):
        raise UserError(f"{folder}: is a {architecture or 'model without a head'}; needs {NEEDED[problem]}")
    if architecture.endswith(OF_TOKENS):
        return head.load(folder)
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
