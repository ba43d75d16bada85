"""A model folder that transformers and `winnow predict` load, with its card."""

import sys
from collections.abc import Mapping
from pathlib import Path

from winnow import kinds
from winnow.base import params
from winnow.base.files import write_text
from winnow.commands import graphs, measurements, model_files, pipeline
from winnow.commands.publishing import cards
from winnow.commands.terminal import printable
from winnow.kinds.task import Task
from winnow.rows import predictions

SHOWN = 10  # files that a message names


def write(folder: Path, model: Path, task: Task, dataset: tuple[str | None, list[str]], why: str) -> None:
    """Write a model and its card into a folder that is not there yet.

    Args:
        model: the folder of the stage finetune.
        dataset: the id that the dataset has on a hub, if it has one; the sources' names.
        why: why it is this model.

    Raises:
        UserError: the model has no weights, or a file of it is a link to elsewhere.
    """
    folder.mkdir()
    served = kinds.load(task, "served") if kinds.has(task, "served") else None
    made = served.whole(task, model, folder) if hasattr(served, "whole") else set()
    weights = () if made else model_files.weights(model)
    left_out = model_files.copy(model, {*model_files.names(task), *weights} - made, folder)
    left_out = [name for name in left_out if name not in made]
    measurements.accompany(model, task, folder)
    if left_out:
        more = f" and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
        named = printable(f"{model}: left out, for no model needs it: {', '.join(left_out[:SHOWN])}{more}")
        print(named, file=sys.stderr)
    is_graph = (folder / graphs.FILE).exists()
    asked = served.example(folder) if served and not is_graph else None
    base = params.read()["generator" if predictions.is_of_generator(model.name) else "fetch_model"]
    write_text(folder / "README.md", card(task, dataset, (f"`{model.name}`: {why}.", base), asked))


def card(task: Task, dataset: tuple[str | None, list[str]], which: tuple[str, Mapping], served: str | None) -> str:
    """Return the card: YAML, how to use the model, and the pipeline's own model card.

    Args:
        dataset: as of `write`.
        which: model it is, and why; the section of params.yaml that says what it starts from.
        served: Python code that asks it by transformers; None: that cannot be.

    Raises:
        UserError: the model card is not made.
    """
    (hub_id, sources), (named, base) = dataset, which
    categories = cards.task_categories(task)
    front = {
        **cards.licence([str(base.get("licence", "not stated"))]),
        "language": cards.languages(sources),
        "library_name": "transformers",
        "pipeline_tag": categories[0] if categories else None,
        "base_model": base.get("id") if base.get("kind") == "hub" else None,
        "datasets": [hub_id] if hub_id else None,
        "tags": ["winnow"],
    }
    parts = [
        f"# {cards.plain(cards.title())}: the model",
        f"{named} It is {task.told()}.",
        "```sh\nwinnow predict new.csv predicted.csv --model this/folder\n```",
        *([f"```python\n{served}\n```"] if served else []),
        "The folder says all that a prediction needs: how texts are cleaned (`cleaning.json`), how much of one is read "
        "(`reader.json`), and what is predicted (`task.json`).",
        cards.body(pipeline.path("report", "model-card")),
    ]
    return cards.written(front, parts)
