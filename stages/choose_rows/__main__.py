"""choose_rows: rows without a label that are worth labelling, as a queue for people (active learning).

python -m stages.choose_rows --rows data/labelled.parquet --split data/split.parquet
    --scores data/unlabelled_scores.parquet --embeddings data/embeddings --votes data/votes.parquet
    --out data/unlabelled_queue.parquet
    --queue-csv reports/review/unlabelled.csv --queue-html reports/review/unlabelled.html
    --metrics reports/metrics/choose_rows.json

Candidates are the rows of the training split that have no label, for which no automatic one is proposed (`proposed`
lets these in) and that people have not settled. Rows of dev and test are never chosen by what a model says, which would
bias all that is measured on them; a random draw of them follows at the queue's end (`held_out_rows`). No label of dev
or test chooses a row or stands in the queue: models, counts and neighbours are of the training split.

While a class has fewer than `min_labels_per_class` labels the model's doubt says little: `cold_start` then chooses by
the embeddings alone, and `--scores` is not read. So it works before there is any label: `--rows` may then be
data/deduplicated.parquet.

Out: the queue (`winnow.people.queue`), the row most worth labelling first, as a table, a CSV file and a page.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from winnow import kinds
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_json, write_text
from winnow.base.stage import arguments, run
from winnow.detect import active, inputs
from winnow.encoder import embeddings
from winnow.kinds.evidence import Evidence
from winnow.kinds.task import Task
from winnow.people import queue
from winnow.review import page
from winnow.rows import origins, tables, votes
from winnow.rows.text_column import TextColumn

WHY = {
    "random": "drawn at random",
    "entropy": "the model is unsure of its label",
    "margin": "the model wavers between two labels",
    "k_center": "far from every row that has a label",
    "typical": "typical of many rows without a label",
    "mixed": "the model is unsure of it, and it is unlike the rows before it",
}


class Params(params.Section):
    """Section `choose_rows` of params.yaml: which rows without a label people should see next (active learning)."""

    strategy: active.Strategy
    """How rows are chosen: docs/notebook/active-learning.md compares the strategies."""

    cold_start: active.ColdStart = "typical"
    """The strategy while a class has too few labels for a model."""

    min_labels_per_class: int = Field(ge=1)
    """From here on models choose."""

    rows: int = Field(ge=1)
    """Rows of the queue."""

    proposed: bool = False
    """`true`: also rows for which a rule or model proposes a label."""

    held_out_rows: int = Field(0, ge=0)
    """Rows of dev and test at the queue's end, drawn at random, never chosen."""

    neighbours: int = Field(5, ge=0)
    """The nearest rows with a label, shown beside each row."""

    max_rows: int = Field(50_000, ge=100)
    """Rows without a label, and rows with one, that `k_center`, `typical` and `random` look at: of more, those of
    lowest id, which is a hash. Their time grows with the square of the rows."""

    seed: int = 1
    """Seed of the draws."""


class Rows:
    """What is known of the task's rows, by their place in the table.

    Attributes:
        ids, splits: (rows,) strings.
        texts: (rows,) strings, read from the file where they are needed.
        labels: (rows,) the labels that people stand for, of the training split; None where a row has none.
        given: (rows,) the labels before decisions, automatic ones too; None where a row has none.
        vectors: (rows, dimensions) float32 of unit length.
        open: (rows,) bool, the rows without a label that nobody has settled.
    """

    def __init__(self, table: pa.Table, texts: TextColumn, split: pa.Table, embedded: Path) -> None:
        split_by_id = dict(zip(split["id"].to_pylist(), split["split"].to_pylist(), strict=True))
        self.ids, self.texts = table["id"].to_pylist(), texts
        for known, stage in ((split_by_id, "split"), (set(embeddings.read_ids(embedded)), "embed")):
            for id in self.ids:
                if id not in known:
                    raise UserError(f"row {id} is not in the output of `{stage}`; run `dvc repro {stage}`")
        self.splits = [split_by_id[id] for id in self.ids]
        stood_for = pc.if_else(origins.trusted(table), table["label"], None).to_pylist()
        self.labels = [label if split == "train" else None for label, split in zip(stood_for, self.splits, strict=True)]
        vectors = embeddings.of(self.ids, embedded)
        self.vectors = active.unit_length(vectors, out=vectors)
        nothing = pa.nulls(len(self.ids))
        # Before apply_decisions the table has none of these columns.
        given, verdict, conflict = (
            table[name] if name in table.column_names else nothing for name in ("given_label", "verdict", "conflict")
        )
        self.given = given.to_pylist()
        settled = pc.or_(pc.is_valid(verdict), pc.fill_null(conflict.cast(pa.bool_()), False))
        self.open = pc.and_(pc.is_null(table["label"]), pc.invert(settled)).to_numpy(zero_copy_only=False)

    def where(self, mask: Sequence[bool]) -> np.ndarray:
        """Return the places of the rows that are marked, (marked,) int."""
        return np.flatnonzero(np.array(mask, bool))


@dataclass(frozen=True)
class Said:
    """What the models say of open rows.

    Attributes:
        evidence: on these rows.
        places: (open rows,) int, their places in the table, ascending.
    """

    evidence: Evidence
    places: np.ndarray

    def of(self, rows: np.ndarray) -> Evidence:
        """Return what they say of some of them, (rows,) int."""
        return self.evidence.take(np.searchsorted(self.places, rows))


def choose(rows: Rows, said: Said | None, settings: Params) -> tuple[str, np.ndarray]:
    """Return the strategy that was used, and the chosen rows' places, the one to be labelled first at the front.

    Args:
        said: what the models say of open rows; None for a cold start.
    """
    train = np.array([split == "train" for split in rows.splits], bool)
    eligible = np.array([given is None or settings.proposed for given in rows.given], bool)
    candidates = rows.where(rows.open & train & eligible)
    labelled = rows.where([label is not None for label in rows.labels])[: settings.max_rows]
    strategy = settings.cold_start if said is None else settings.strategy
    by, doubt = active.DOUBT.get(strategy), None
    if said is not None and by is not None:
        doubt = said.of(candidates).doubt(by)
        first = np.argsort(-doubt, kind="stable")[: active.UNCERTAIN * settings.rows]  # all that a strategy looks at
        candidates, doubt = candidates[first], doubt[first]
    else:
        candidates = candidates[: settings.max_rows]
    pool = active.Pool(rows.vectors[candidates], rows.vectors[labelled], doubt)
    return strategy, candidates[active.choose(strategy, settings.rows, pool, settings.seed)]


def held_out(rows: Rows, settings: Params) -> np.ndarray:
    """Return the places of open rows of dev and test, drawn by hash, (at most held_out_rows,) int."""
    others = rows.where(rows.open & [split != "train" for split in rows.splits])
    return np.array(
        sorted(others, key=lambda row: hashing.digest("held-out", settings.seed, rows.ids[row])), dtype=np.int64
    )[: settings.held_out_rows]


@dataclass(frozen=True)
class Beside:
    """What is shown beside rows that are chosen.

    Attributes:
        said: what the models say of open rows; None for a cold start.
        votes: rule and label of each vote on a row, by its id.
        neighbours: how many labelled rows.
    """

    said: Said | None
    votes: Mapping[str, list[dict]]
    neighbours: int
    task: Task

    def suggestions(self, chosen: np.ndarray) -> list[tuple[str | None, list[dict]]]:
        """Return the label that the models suggest for each row, and labels with probabilities, likeliest first."""
        if self.said is None:
            return [(None, []) for _ in chosen]
        said = self.said.of(chosen)
        ranked = [sorted(chances, key=lambda chance: -chance[1]) for chances in said.shown()]
        chances = [[{"label": label, "p": p} for label, p in of_row] for of_row in ranked]
        return list(zip(said.likeliest(), chances, strict=True))


def entries(rows: Rows, chosen: np.ndarray, why: str, beside: Beside) -> list[dict]:
    """Return the chosen rows as entries of a queue (`winnow.people.queue.ENTRY`), in their order.

    Args:
        why: the first reason; may name the row's {split}.
    """
    labelled = rows.where([label is not None for label in rows.labels])
    near, cosines = active.nearest(rows.vectors, chosen, labelled, max(beside.neighbours, 1))
    shown = np.unique(np.concatenate([chosen, near.ravel()]))
    texts = dict(zip(shown.tolist(), rows.texts.take(shown), strict=True))
    suggestions = beside.suggestions(chosen)
    made = []
    for row, places, similarities, (suggested, chances) in zip(
        chosen.tolist(), near.tolist(), cosines, suggestions, strict=True
    ):
        nearest = [
            {"id": rows.ids[other], "label": rows.labels[other], "similarity": float(cosine), "text": texts[other]}
            for other, cosine in zip(places, similarities, strict=True)
        ]
        made.append(
            {
                "id": rows.ids[row],
                "text": texts[row],
                "split": rows.splits[row],
                "given_label": rows.given[row],
                "suggested_label": suggested,
                "reasons": [
                    why.format(split=rows.splits[row]),
                    *reasons(suggested, chances, nearest, texts[row], beside.task),
                ],
                "probabilities": chances,
                "votes": beside.votes.get(rows.ids[row], []),
                "neighbours": nearest[: beside.neighbours],
            }
        )
    return made


def reasons(suggested: str | None, chances: list[dict], nearest: list[dict], text: str, task: Task) -> list[str]:
    """Return what a person may want to know of a row with this text, in words."""
    says = [f"{chance['label']} {100 * chance['p']:.0f} %" for chance in chances[:2]]
    near = [
        f"the nearest row with a label is {task.brief(row['label'], row['text'])}, similarity {row['similarity']:.2f}"
        for row in nearest[:1]
    ]
    if suggested is None:
        return near or ["no row has a label yet"]
    model = f"the model gives {' and '.join(says) or task.brief(suggested, text)}"
    return [model, *(near or ["no row has a label yet"])]


def main(argv: Sequence[str] | None = None) -> None:
    paths = ("rows", "split", "scores", "embeddings", "votes", "out", "queue_csv", "queue_html", "metrics")
    args = arguments(__doc__, argv, *paths)
    settings, task = params.load("choose_rows", Params), kinds.read_task()
    table = tables.read(args.rows, tables.without_texts(args.rows))
    of_task = pc.equal(table["purpose"], "task")
    texts = TextColumn(args.rows, of_task.to_numpy())
    rows = Rows(table.filter(of_task), texts, tables.read(args.split, ["id", "split"]), args.embeddings)
    known = [label for label in rows.labels if label is not None]
    classes, counts = task.classes(known), Counter(name for label in known for name in task.names(label))
    cold = min((counts[name] for name in classes), default=0) < settings.min_labels_per_class
    open_ = rows.where(rows.open)
    said = None if cold else Said(inputs.evidence(args.scores, [rows.ids[row] for row in open_], task), open_)

    strategy, chosen = choose(rows, said, settings)
    drawn = held_out(rows, settings)
    cast = votes.ByRow(tables.read(args.votes, ["id", "rule", "label"]))
    beside = Beside(said, cast, settings.neighbours, task)
    found = [
        *entries(rows, chosen, WHY[strategy], beside),
        *entries(rows, drawn, "drawn at random from {split}, to measure on", beside),
    ]
    suggested = [entry["suggested_label"] for entry in found if entry["suggested_label"] is not None]
    made = queue.table(found)
    html = page.offline(made, task, "Rows without a label")
    queue.write(made, args.out, args.queue_csv, task)
    write_text(args.queue_html, html)
    write_json(
        args.metrics,
        {
            "labelled": {name: counts[name] for name in classes},
            "without_label": int(rows.open.sum()),
            "strategy": strategy,
            "cold_start": cold,
            "chosen": len(chosen),
            "held_out": len(drawn),
            "suggested": dict(Counter(name for label in suggested for name in task.names(label))),
        },
    )


if __name__ == "__main__":
    run(main)
