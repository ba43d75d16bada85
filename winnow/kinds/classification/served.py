"""A classifier's folder as transformers' `pipeline` uses it, with the labels and probabilities of `evaluate`."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.base.files import read_text, write_text
from winnow.encoder import models, parts
from winnow.kinds.classification import examples, mean_pooling

if TYPE_CHECKING:
    from transformers import TextClassificationPipeline

TASK = "text-classification"
FILE = Path(mean_pooling.__file__)
# What a classifier's folder may hold beside what every kind's does.
FILES = (
    FILE.name, examples.FILE, examples.ARRAY,
    *(f"{examples.RETRIEVER}/{name}" for name in (*models.WEIGHTS, parts.TOKENIZER, *parts.OPTIONAL, *parts.SOURCES)),
)  # fmt: skip
# As transformers reads it: the pipeline's class, and that of its model.
CUSTOM = {TASK: {"impl": f"{FILE.stem}.MeanPooling", "pt": ["AutoModelForTokenClassification"], "type": "text"}}


def accompany(folder: Path, max_length: int) -> None:
    """Write into a classifier's folder what `pipeline` needs beside the model.

    Args:
        max_length: tokens of a text that the model read in training; the tokenizer cuts longer texts there.
    """
    shutil.copyfile(FILE, folder / FILE.name)
    _change(folder / "config.json", {"custom_pipelines": CUSTOM})
    if (folder / examples.FILE).exists():  # the text is not all that the model reads
        _change(folder / "config.json", {"reads_examples": True})
    else:
        _change(folder / "tokenizer_config.json", {"model_max_length": max_length})


def load(folder: Path | str, **named) -> "TextClassificationPipeline":
    """Return the pipeline of a classifier's folder; no code of the folder runs.

    Args:
        named: as of `transformers.pipeline`: device, batch_size, top_k …

    Raises:
        UserError: the folder holds no classifier, or one that reads labelled examples beside the text.
    """
    from transformers import pipeline

    folder = Path(folder)
    if (folder / examples.FILE).exists():
        raise UserError(f"{folder}: reads labelled examples beside the text, no pipeline does; ask `winnow predict`")
    if not (folder / FILE.name).exists():
        raise UserError(f"{folder}: no classifier of the stage finetune")
    return pipeline(TASK, str(folder), pipeline_class=mean_pooling.MeanPooling, **named)


def example(folder: Path, options: str = "top_k=None") -> str | None:
    """Return Python code that asks the classifier of a folder by `pipeline`; None if no pipeline can ask it.

    Args:
        options: of the call.
    """
    if (folder / examples.FILE).exists():
        return None
    return (
        "from transformers import pipeline\n\n"
        f'classify = pipeline("{TASK}", "this/folder", trust_remote_code=True)\n'
        f'classify(["A text."], {options})'
    )


def _change(file: Path, values: dict) -> None:
    """Set values of a JSON file, laid out as transformers writes it."""
    held = json.loads(read_text(file)) | values
    write_text(file, json.dumps(held, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
