"""A model's folder in transformers' `pipeline`, which gives the spans that `evaluate` counts.

from transformers import pipeline
find = pipeline("token-classification", folder, aggregation_strategy="simple", stride=63)
find("Aspirin inhibits COX-1.")

`stride` is what `winnow.kinds.token_classification.windows.stride` says of the folder's tokenizer; the model's card
tells it. Without it, the pipeline cuts long texts.
"""

import json
from pathlib import Path

from winnow.base.files import read_text, write_text

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
