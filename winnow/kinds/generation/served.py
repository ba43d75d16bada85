"""A language model's folder as transformers' `pipeline` uses it."""

from pathlib import Path

from winnow.generator import adapters
from winnow.kinds.generation import examples
from winnow.kinds.generation.model import FILE

TASK = "text-generation"
# What a model's folder may hold beside what every kind's does.
FILES = (adapters.CONFIG, adapters.WEIGHTS, FILE, examples.FILE)


def accompany(folder: Path, max_length: int) -> None:
    """Write nothing: transformers reads the folder as it is, an adapter's by peft."""


def example(folder: Path) -> str | None:
    """Return Python code that asks the model of a folder by `pipeline`; None where it is to be shown examples."""
    if (folder / examples.FILE).exists():
        return None
    return (
        "from transformers import pipeline\n\n"
        f'write = pipeline("{TASK}", "this/folder")\n'
        'write([{"role": "user", "content": "A prompt."}], do_sample=False)'
    )
