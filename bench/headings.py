"""The rows of examples/mesh: papers of PubMed with the headings that its indexers gave them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.collect import __main__ as collect
from winnow.base import params
from winnow.kinds.multilabel import cells
from winnow.kinds.multilabel.labels import Task

EXAMPLE = Path("examples/mesh/params.yaml")
DOWNLOADS = Path(".dvc/tmp/downloads")  # where the stage collect keeps what it fetched


@dataclass(frozen=True)
class Papers:
    """Papers, each with its own group.

    Attributes:
        keys, texts: (rows,) strings; a text is a title and an abstract, as the source has them.
        sets: (rows, labels) bool.
    """

    task: Task
    keys: list[str]
    texts: list[str]
    sets: np.ndarray

    def take(self, rows: np.ndarray) -> "Papers":
        """Return some of the papers, (some,) int."""
        return Papers(self.task, [self.keys[row] for row in rows], [self.texts[row] for row in rows], self.sets[rows])


def read(downloads: Path = DOWNLOADS) -> Papers:
    """Return all papers of the example's source that have headings, fetched where they are not there yet."""
    task = params.load("task", Task, EXAMPLE)
    [source] = params.load("collect", collect.Params, EXAMPLE).sources
    columns = {name: [] for name in source.columns.used()}
    for block in source.open(Path(), downloads).blocks:
        for name, values in columns.items():
            values.extend(block.columns[name])
    title, body = source.columns.texts()
    [label] = source.columns.labels()
    kept = [place for place, named in enumerate(columns[label]) if named is not None]
    texts = [f"{columns[title][place] or ''}\n\n{columns[body][place]}".strip() for place in kept]
    sets = task.matrix([cells.mapped(task, columns[label][place], {}) for place in kept])
    return Papers(task, [columns[source.columns.key][place] for place in kept], texts, sets)
