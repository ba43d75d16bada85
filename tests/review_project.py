"""A project with a queue, as a run of the pipeline leaves it."""

from pathlib import Path

import pyarrow as pa

from tests.conftest import make_rows
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, queue
from winnow.review.adding import Target
from winnow.review.session import Project
from winnow.rows import tables

LABELS = ["FRUIT", "STONE", "PLANT"]


def entries(count: int) -> list[dict]:
    """Rows of a queue: every second is given FRUIT, the others have no label."""
    return [
        {"id": f"row-{number:03}", "text": f"the text of row {number}", "suggested_label": "STONE", "split": "train"}
        | {"given_label": None if number % 2 else "FRUIT", "reasons": ["the model says STONE"], "p_error": 0.8}
        for number in range(count)
    ]


def write_queue(folder: Path, rows: list[dict]) -> None:
    """Write a queue and the labelled table that it is of."""
    tables.write(queue.table(rows), folder / "data/queue.parquet")
    labelled = make_rows([{"id": row["id"], "text": row["text"], "label": row["given_label"]} for row in rows])
    labelled = tables.set_column(labelled, "given_label", labelled["label"].to_pylist(), pa.string())
    labelled = tables.set_column(labelled, "split", ["train"] * len(rows), pa.string())
    tables.write(labelled, folder / "data/labelled.parquet")


def make(folder: Path, rows: list[dict] | None = None, labels: list[str] = LABELS) -> Project:
    """Write a queue (of six rows) and a decisions.csv without decisions; the reviewer is ana."""
    write_queue(folder, entries(6) if rows is None else rows)
    (folder / "data/decisions.csv").write_text(",".join(decisions.COLUMNS) + "\n")
    return Project(
        queue=folder / "data/queue.parquet",
        labelled=folder / "data/labelled.parquet",
        decisions=folder / "data/decisions.csv",
        task=Task(kind="classification", labels=labels),
        reviewer="ana",
        overlap=0.0,
    )


def target(project: Project, task: Task | None = None) -> Target:
    """Where a project's decisions go, as its files are now."""
    return Target(project.decisions, project.labelled, task or project.task)
