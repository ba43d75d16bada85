"""A model's folder in transformers' `pipeline`, which gives the spans that `evaluate` counts."""

import json
from pathlib import Path

from winnow import kinds
from winnow.base.files import read_text, write_text
from winnow.encoder import models
from winnow.kinds.token_classification import model, windows

TASK = "token-classification"
FILES = ()


def accompany(folder: Path, max_length: int) -> None:
    """Write into a model's folder what `pipeline` needs beside the model.

    Args:
        max_length: tokens of a window that the model read in training; the pipeline's windows are as long.
    """
    file = folder / "tokenizer_config.json"
    held = json.loads(read_text(file)) | {"model_max_length": max_length}
    write_text(file, json.dumps(held, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def example(folder: Path) -> str:
    """Return Python code that asks the model of a folder by `pipeline`.

    It gives the spans that `evaluate` counts, but for white space at their borders, which some tokenizers count to the
    word behind it. Without `stride` it reads the first `max_length` tokens of a text alone, and says nothing of it.
    """
    max_length = json.loads(read_text(folder / "tokenizer_config.json"))["model_max_length"]
    strategy = model.strategy_of(kinds.saved_task(folder), folder)
    stride = windows.stride(models.load_tokenizer(folder), max_length)
    return (
        "from transformers import pipeline\n\n"
        f'find = pipeline("{TASK}", "this/folder", aggregation_strategy="{strategy}", stride={stride})\n'
        'find("A text of any length.")'
    )
