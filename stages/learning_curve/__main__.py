"""learning_curve: the headline on dev against the number of labels, for fast models on embeddings and on words.

python -m stages.learning_curve --rows data/labelled.parquet --embeddings data/embeddings
    --out reports/plots/learning_curve.csv

In: the labelled rows and their embeddings. Out: a CSV file with columns arm, labels, seed and the headline's name. Each
seed draws its training rows by hash, so that a seed's larger draw holds its smaller ones and new rows disturb little.
"""

import heapq
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import files, hashing, params, progress
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.kinds.learner import Learner
from winnow.kinds.task import Task
from winnow.rows import origins, tables
from winnow.rows.text_column import TextColumn
from winnow.text import tfidf


class Params(params.Section):
    """Section `learning_curve` of params.yaml."""

    budgets: list[Annotated[int, Field(ge=2)]] = Field([50, 100, 200, 400, 800], min_length=1)
    """Numbers of labels. Those above the rows at hand are left out; if that is all, the rows at hand are the one."""

    seeds: list[int] = Field([1, 2, 3], min_length=1)
    """Draws of each budget. More tell the spread better and take time."""

    regularization: tfidf.Regularization = tfidf.Regularization(probe=0.1, tfidf=10)
    """C of each arm's logistic regression."""

    dev_rows: int = Field(20_000, ge=1)
    """Rows of dev that measure, those of lowest id: ids are hashes. They bound memory and time."""


def learning_curve(
    rows: pa.Table, vectors: dict[str, np.ndarray], task: Task, settings: Params
) -> list[tuple[str, int, int, float]]:
    """Return (arm, labels, seed, headline on dev), sorted.

    Args:
        rows: labelled rows with id, split, text, label, label_origin; rows without a given or human label are unused.
        vectors: embedding of each row, by id, (width,) float32.

    Raises:
        UserError: there is no dev row.
    """
    usable = [row for row in rows.filter(origins.trusted(rows)).to_pylist() if row["split"] in ("train", "dev")]
    train = [row for row in usable if row["split"] == "train"]
    dev = [row for row in usable if row["split"] == "dev"]
    if not dev:
        raise UserError("learning_curve: no dev row has a given or human label; raise split.dev or add rows")
    budgets = [budget for budget in settings.budgets if budget <= len(train)] or [len(train)]
    points = []
    for seed in progress.over(settings.seeds, "learning curve"):
        order = sorted(train, key=lambda row: hashing.digest(seed, row["id"]))
        for budget in budgets:
            for arm, regularization in settings.regularization.model_dump().items():
                predicted = predict(order[:budget], dev, vectors, {arm: regularization}, task)
                points.append((arm, budget, seed, headline([row["label"] for row in dev], predicted, task)))
    return sorted(points)


def predict(
    drawn: list[dict], dev: list[dict], vectors: dict[str, np.ndarray], arm: dict[str, float], task: Task
) -> np.ndarray:
    """Return the labels of the dev rows, (rows,) object, by a fast model that learnt from the drawn ones."""
    rows, number = [*drawn, *dev], np.arange(len(drawn) + len(dev))
    matrix = np.stack([vectors[row["id"]] for row in rows]).astype(float)
    inside = number < len(drawn)
    learner: Learner = kinds.load(task, "fast").Learner(task, [row["text"] for row in rows], matrix, inside, arm)
    return learner.predict(number[inside], np.array([row["label"] for row in drawn], dtype=object), number[~inside])


def headline(labels: list[str], predicted: np.ndarray, task: Task) -> float:
    """Return how good predictions are."""
    metrics = kinds.load(task, "metrics")
    counts = metrics.counts(task, pa.table({"label": labels, "predicted": predicted}), np.zeros(len(labels), int), 1)
    return float(metrics.values(counts.sum(axis=0))[metrics.HEADLINE.name])


def wanted(rows: pa.Table, settings: Params) -> np.ndarray:
    """Return the places of the rows that are read: each seed's draws of train, and rows of dev; ascending."""
    usable, split = origins.trusted(rows).to_numpy(), rows["split"].to_numpy()
    dev = np.flatnonzero(usable & (split == "dev"))[: settings.dev_rows]
    train = np.flatnonzero(usable & (split == "train"))
    ids, most = rows["id"].take(train).to_pylist(), max(settings.budgets)
    drawn = [
        train[heapq.nsmallest(most, range(len(ids)), key=lambda place, seed=seed: hashing.digest(seed, ids[place]))]
        for seed in settings.seeds
    ]
    return np.unique(np.concatenate([dev, *drawn]))


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "embeddings", "out")
    settings, task = params.load("learning_curve", Params), kinds.read_task()
    rows = tables.read(args.rows, ["id", "split", "label", "label_origin"])
    places = wanted(rows, settings)
    rows = rows.take(places)
    texts = TextColumn(args.rows, places).column()
    rows = tables.set_column(rows, "text", texts, texts.type)
    ids = rows["id"].to_pylist()
    points = learning_curve(rows, dict(zip(ids, embeddings.of(ids, args.embeddings), strict=True)), task, settings)
    lines = (f"{arm},{labels},{seed},{score:.6f}\n" for arm, labels, seed, score in points)
    name = kinds.load(task, "metrics").HEADLINE.name
    files.write_text(args.out, f"arm,labels,seed,{name}\n" + "".join(lines))


if __name__ == "__main__":
    run(main)
