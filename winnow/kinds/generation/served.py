"""A language model's folder as transformers' `pipeline` uses it."""

from pathlib import Path

from winnow.generator import adapters
from winnow.kinds.generation import examples
from winnow.kinds.generation import model as kind
from winnow.kinds.generation.labels import Task

TASK = "text-generation"
# What a model's folder may hold beside what every kind's does.
FILES = (adapters.CONFIG, adapters.WEIGHTS, kind.FILE, examples.FILE)


def accompany(folder: Path, max_length: int) -> None:
    """Write nothing: transformers reads the folder as it is, an adapter's by peft."""


def whole(task: Task, folder: Path, into: Path) -> set[str]:
    """Write the model of a folder's adapter whole, for those who lack the model beside which it stands.

    Args:
        into: where the other files of the model's folder go.

    Returns:
        The files that it stands for; none, and nothing is written, where the folder holds a whole model.

    Raises:
        UserError: the adapter cannot be added to the model beside which it stands.
    """
    if adapters.base_of(folder) is None:
        return set()
    model = kind.load(task, folder)
    model.config._name_or_path = ""
    model.save_pretrained(into)
    reading, _ = kind.reading_of(folder)
    reading.save(into, None)
    return {adapters.CONFIG, adapters.WEIGHTS, kind.FILE}


def example(folder: Path) -> str | None:
    """Return Python code that asks the model of a folder by `pipeline`; None where it is to be shown examples."""
    if (folder / examples.FILE).exists():
        return None
    return (
        "from transformers import pipeline\n\n"
        f'write = pipeline("{TASK}", "this/folder")\n'
        'write([{"role": "user", "content": "A prompt."}], do_sample=False)'
    )
