"""choose_rows: rows without a label that are worth labelling, as a queue for people (active learning).

python -m stages.choose_rows --rows data/labelled.parquet --split data/split.parquet --scores data/scores.parquet
    --embeddings data/embeddings --votes data/votes.parquet --out data/unlabelled_queue.parquet
    --queue-csv reports/review/unlabelled.csv --queue-html reports/review/unlabelled.html
    --metrics reports/metrics/choose_rows.json

Candidates are the rows of the training split that have no label, for which no automatic one is proposed (`proposed`
lets these in) and that people have not settled. Rows of dev and test are never chosen by what a model says, which would
bias all that is measured on them; a random draw of them follows at the queue's end (`held_out_rows`).

While a class has fewer than `min_labels_per_class` labels the model's doubt says little: `cold_start` then chooses by
the embeddings alone, and `--scores` is not read. So it works before there is any label: `--rows` may then be
data/deduplicated.parquet.

Out: the queue (`winnow.people.queue`), the row most worth labelling first, as a table, a CSV file and a page.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.choose_rows import active
from winnow import kinds
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_json, write_text
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.kinds.task import Task
from winnow.people import queue
from winnow.review import page
from winnow.rows import tables
from winnow.rows.origins import TRUSTED

WHY = {
    "random": "drawn at random",
    "entropy": "the model is unsure of its class",
    "margin": "the model wavers between two classes",
    "k_center": "far from every row that has a label",
    "typical": "typical of many rows without a label",
    "mixed": "the model is unsure of it, and it is unlike the rows before it",
}


class Params(params.Section):
    strategy: active.Strategy
    cold_start: active.ColdStart
    min_labels_per_class: int = Field(ge=1)
    rows: int = Field(ge=1)
    proposed: bool
    held_out_rows: int = Field(ge=0)
    neighbours: int = Field(ge=0)
    seed: int


class Rows:
    """What is known of the task's rows, by their place in the table.

    Attributes:
        ids, texts, splits: (rows,) strings.
        labels: (rows,) the labels that people stand for; None where a row has none.
        given: (rows,) the labels before decisions, automatic ones too; None where a row has none.
        vectors: (rows, dimensions) float32 of unit length.
        open: (rows,) bool, the rows without a label that nobody has settled.
    """

    def __init__(self, table: pa.Table, split: pa.Table, embedded: Path) -> None:
        split_by_id = dict(zip(split["id"].to_pylist(), split["split"].to_pylist(), strict=True))
        ids, vectors = embeddings.read(embedded)
        place = {id: number for number, id in enumerate(ids)}
        rows = table.to_pylist()
        for row in rows:
            for known, stage in ((split_by_id, "split"), (place, "embed")):
                if row["id"] not in known:
                    raise UserError(f"row {row['id']} is not in the output of `{stage}`; run `dvc repro {stage}`")
        self.ids = [row["id"] for row in rows]
        self.texts = [row["text"] for row in rows]
        self.splits = [split_by_id[id] for id in self.ids]
        self.labels = [row["label"] if row["label_origin"] in TRUSTED else None for row in rows]
        self.vectors = active.unit_length(vectors[[place[id] for id in self.ids]])
        # Before apply_decisions the table has none of these columns.
        self.given = [row.get("given_label") for row in rows]
        settled = [row.get("verdict") is not None or row.get("conflict", False) for row in rows]
        self.open = np.array([row["label"] is None for row in rows], bool) & ~np.array(settled, bool)

    def where(self, mask: Sequence[bool]) -> np.ndarray:
        """Return the places of the rows that are marked, (marked,) int."""
        return np.flatnonzero(np.array(mask, bool))


def choose(rows: Rows, probabilities: np.ndarray | None, settings: Params) -> tuple[str, np.ndarray]:
    """Return the strategy that was used, and the chosen rows' places, the one to be labelled first at the front.

    Args:
        probabilities: (rows, labels) float, out of fold; None for a cold start.
    """
    train = np.array([split == "train" for split in rows.splits], bool)
    eligible = np.array([given is None or settings.proposed for given in rows.given], bool)
    candidates = rows.where(rows.open & train & eligible)
    labelled = rows.where([label is not None for label in rows.labels] & train)
    strategy = settings.cold_start if probabilities is None else settings.strategy
    chances = None if probabilities is None else probabilities[candidates]
    arguments = (rows.vectors[candidates], rows.vectors[labelled], chances, settings.seed)
    return strategy, candidates[active.choose(strategy, settings.rows, *arguments)]


def held_out(rows: Rows, settings: Params) -> np.ndarray:
    """Return the places of open rows of dev and test, drawn by hash, (at most held_out_rows,) int."""
    others = rows.where(rows.open & [split != "train" for split in rows.splits])
    return np.array(
        sorted(others, key=lambda row: hashing.digest("held-out", settings.seed, rows.ids[row])), dtype=np.int64
    )[: settings.held_out_rows]


def entries(
    rows: Rows,
    chosen: np.ndarray,
    probabilities: np.ndarray | None,
    votes: Mapping[str, list[dict]],
    why: str,
    task: Task,
    neighbours: int,
) -> list[dict]:
    """Return the chosen rows as entries of a queue (`winnow.people.queue.ENTRY`), in their order.

    Args:
        votes: rule and label of each vote on a row, by its id.
        why: the first reason; may name the row's {split}.
        neighbours: how many labelled rows are shown beside each.
    """
    labelled = rows.where([label is not None for label in rows.labels])
    near, cosines = active.nearest(rows.vectors[chosen], rows.vectors[labelled], max(neighbours, 1))
    made = []
    for row, places, similarities in zip(chosen, labelled[near], cosines, strict=True):
        nearest = [
            {"id": rows.ids[other], "label": rows.labels[other], "similarity": float(cosine), "text": rows.texts[other]}
            for other, cosine in zip(places, similarities, strict=True)
        ]
        chances = [] if probabilities is None else ranked(probabilities[row], task)
        made.append(
            {
                "id": rows.ids[row],
                "text": rows.texts[row],
                "split": rows.splits[row],
                "given_label": rows.given[row],
                "suggested_label": chances[0]["label"] if chances else None,
                "reasons": [why.format(split=rows.splits[row]), *reasons(chances, nearest)],
                "probabilities": chances,
                "votes": votes.get(rows.ids[row], []),
                "neighbours": nearest[:neighbours],
            }
        )
    return made


def ranked(chances: np.ndarray, task: Task) -> list[dict]:
    """Return a row's classes with their probabilities, the likeliest first."""
    order = np.argsort(-chances, kind="stable")
    return [{"label": task.labels[place], "p": float(chances[place])} for place in order]


def reasons(chances: list[dict], nearest: list[dict]) -> list[str]:
    """Return what a person may want to know of a row, in words."""
    says = [f"{chance['label']} {100 * chance['p']:.0f} %" for chance in chances[:2]]
    near = [f"the nearest row with a label is {row['label']}, similarity {row['similarity']:.2f}" for row in nearest]
    return [f"the model gives {' and '.join(says)}"] * bool(says) + (near[:1] or ["no row has a label yet"])


def scored(path: Path, ids: list[str], task: Task) -> np.ndarray:
    """Return the probabilities of rows in their order, (rows, labels) float64.

    Raises:
        UserError: a row has none.
    """
    table = tables.read(path, ["id", *(f"p_{label}" for label in task.labels)])
    order = pc.index_in(pa.array(ids, pa.string()), table["id"].combine_chunks())
    if order.null_count:
        missing = ids[order.to_pylist().index(None)]
        raise UserError(f"{path}: {order.null_count} row(s) are not in it, first {missing}; run `dvc repro score`")
    return np.stack([table[f"p_{label}"].take(order).to_numpy() for label in task.labels], axis=1).astype(float)


def by_row(votes: pa.Table) -> dict[str, list[dict]]:
    """Return rule and label of each vote on a row, by its id."""
    found: dict[str, list[dict]] = {}
    for vote in votes.to_pylist():
        found.setdefault(vote["id"], []).append({"rule": vote["rule"], "label": vote["label"]})
    return found


def main(argv: Sequence[str] | None = None) -> None:
    paths = ("rows", "split", "scores", "embeddings", "votes", "out", "queue_csv", "queue_html", "metrics")
    args = arguments(__doc__, argv, *paths)
    settings, task = params.load("choose_rows", Params), kinds.read_task()
    table = tables.read(args.rows)
    table = table.filter(pc.equal(table["purpose"], "task"))
    rows = Rows(table, tables.read(args.split, ["id", "split"]), args.embeddings)
    votes = by_row(tables.read(args.votes, ["id", "rule", "label"]))
    counts = Counter(label for label in rows.labels if label is not None)
    cold = min(counts[label] for label in task.labels) < settings.min_labels_per_class
    probabilities = None if cold else scored(args.scores, rows.ids, task)

    strategy, chosen = choose(rows, probabilities, settings)
    drawn = held_out(rows, settings)
    found = [
        entry
        for places, why in ((chosen, WHY[strategy]), (drawn, "drawn at random from {split}, to measure on"))
        for entry in entries(rows, places, probabilities, votes, why, task, settings.neighbours)
    ]
    made = queue.table(found)
    html = page.offline(made, task.labels, "Rows without a label")
    queue.write(made, args.out, args.queue_csv)
    write_text(args.queue_html, html)
    write_json(
        args.metrics,
        {
            "labelled": {label: counts[label] for label in task.labels},
            "without_label": int(rows.open.sum()),
            "strategy": strategy,
            "cold_start": cold,
            "chosen": len(chosen),
            "held_out": len(drawn),
            "suggested": dict(Counter(entry["suggested_label"] for entry in found if entry["suggested_label"])),
        },
    )


if __name__ == "__main__":
    run(main)
