"""annotate: labels by rules and models for rows without one, each with its measured confidence; and all that they say.

python -m stages.annotate --rows data/deduplicated.parquet --split data/split.parquet --rules rules
    --out data/annotations.parquet --votes data/votes.parquet --audit data/audit_queue.parquet
    --audit-csv reports/review/audit.csv --ledger data/ledger/annotate.parquet --metrics reports/metrics/annotate.json

Rules vote on every row of the task. A vote counts only where given labels of the training split show how often it is
right: no rule is chosen by dev or test labels. What counts is combined by majority or by a label model; both are
measured by cross-fitting. The labels are proposals: `apply_decisions` lets those train that people's decisions on the
audit sample accept.

Out: one row a label set (id, label, label_origin, label_confidence, rule, audit), `rule` being the most precise of
those that say so; every vote (id, rule, label); the audit sample as a queue (`winnow.people.queue`): of each origin and
label the rows that come first by a hash of their id, so that another rule or another row moves few others in or out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from stages.annotate import combine
from winnow import kinds
from winnow.base import hashing, params
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.labelling.rules import AnyRule
from winnow.labelling.votes import NONE, Votes, accuracy, check_fields, collect, summary
from winnow.people import queue
from winnow.rows import tables
from winnow.rows.ledger import Ledger

OUT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("label_origin", pa.string(), nullable=False),
        pa.field("label_confidence", pa.float64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("audit", pa.bool_(), nullable=False),  # drawn for people to check
    ]
)
READ = ["id", "purpose", "text", "label", "meta"]
BATCH_ROWS = 4096
FOLDS = 5
COMBINERS = {"majority": combine.Majority, "label_model": combine.LabelModel}


class Params(params.Section):
    rules: list[AnyRule]
    combine: Literal["majority", "label_model"]
    min_confidence: float = Field(ge=0, le=1)
    min_rows: int = Field(ge=1)
    audit_rows: int = Field(ge=0)

    @field_validator("rules")
    @classmethod
    def _distinct(cls, rules: list[AnyRule]) -> list[AnyRule]:
        if len({rule.name for rule in rules}) < len(rules):
            raise ValueError("rules must have distinct names")
        return rules


@dataclass(frozen=True)
class Known:
    """Rows of the training split with a given label: what measures rules and combiners.

    Attributes:
        said: (rows, rules) int.
        truth: (rows,) int.
        folds: (rows,) int, rows of one group in one fold.
    """

    said: np.ndarray
    truth: np.ndarray
    folds: np.ndarray

    @classmethod
    def of(cls, votes: Votes, rows: pa.Table, train: pa.Array) -> "Known":
        """Return the rows whose label is known.

        Args:
            rows: id, group and label_origin, in the order of `votes`.
            train: ids of the training split.
        """
        given = pc.fill_null(pc.equal(rows["label_origin"], "given"), False)
        chosen = pc.and_(given, pc.is_in(rows["id"], train))
        groups = rows["group"].filter(chosen).to_pylist()
        folds = np.array([int(hashing.unit("fold", group) * FOLDS) for group in groups], dtype=int)
        chosen = chosen.to_numpy()
        return cls(votes.said[chosen], votes.label[chosen], folds)

    def fit(self, name: str, settings: Params, task: Task, without: int | None = None) -> combine.Combiner:
        """Return a combiner fitted on all rows, or on those outside a fold."""
        rows = self.folds != without
        limits = {"min_rows": settings.min_rows, "min_confidence": settings.min_confidence}
        return COMBINERS[name].fit(self.said[rows], self.truth[rows], len(task.labels), **limits)

    def precision(self, task: Task) -> combine.Precision:
        """Return how often each vote is right."""
        return combine.Precision.of(combine.measure(self.said, self.truth, len(task.labels)))


def batches(path: Path, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """Yield the task's rows with some of their columns; None for all."""
    for batch in tables.batches(path, columns, BATCH_ROWS):
        yield batch.filter(pc.equal(batch["purpose"], "task"))


def annotate(votes: Votes, known: Known, settings: Params, task: Task, ledger: Ledger) -> tuple[pa.Table, dict]:
    """Return the labels set (schema `OUT`) and the stage's metrics."""
    combiner, precision = known.fit(settings.combine, settings, task), known.precision(task)
    unlabelled = votes.label == NONE
    ids, said = votes.ids[unlabelled].tolist(), votes.said[unlabelled]
    counted, combined = combine.countable(said, combiner.usable), combiner.combine(said)

    labelled = propose(ids, said, counted, combined, precision, settings.rules, task, ledger)
    drawn = set(draw(labelled, settings.audit_rows))
    table = pa.Table.from_pylist([row | {"audit": row["id"] in drawn} for row in labelled], schema=OUT)
    metrics = {
        "unlabelled": len(ids),
        "labelled": len(labelled),
        "coverage": len(labelled) / len(ids) if ids else 0.0,
        "abstained": int(((counted != NONE).any(axis=1) & (combined.label == NONE)).sum()),
        "audit_rows": len(drawn),
        "combine": settings.combine,
        "combined": {name: cross_fitted(name, known, settings, task) for name in COMBINERS},
        "rules": per_label(settings.rules, labelled, said, combiner.usable, precision, task),
        "by_rule": per_rule(settings.rules, said, known),
    }
    return table, metrics


def propose(
    ids: list[str],
    said: np.ndarray,
    counted: np.ndarray,
    combined: combine.Combined,
    precision: combine.Precision,
    rules: Sequence[AnyRule],
    task: Task,
    ledger: Ledger,
) -> list[dict]:
    """Return the labels set, without `audit`; the ledger tells them, abstentions, and votes that do not count.

    Args:
        said: (rows, rules) int, all votes.
        counted: (rows, rules) int, those that count.
    """
    words, point, out = in_words(rules, precision, task), precision.point, []
    found = (part.tolist() for part in (said, counted, combined.label, combined.confidence, combined.likeliest))
    for id, spoken, heard, label, confidence, likeliest in zip(ids, *found, strict=True):
        for rule, vote in enumerate(spoken):
            if vote != heard[rule]:
                ledger.add(id, "note", rules[rule].name, f"does not count: {words[rule][vote]}")
        cast = [(rule, vote) for rule, vote in enumerate(heard) if vote != NONE]
        told = ", ".join(words[rule][vote] for rule, vote in cast)
        if label != NONE:
            best = rules[max((pair for pair in cast if pair[1] == label), key=lambda pair: point[pair])[0]]
            ledger.add(id, "change", best.name, f"label {task.labels[label]}, confidence {confidence:.2f}: {told}")
            row = id, task.labels[label], best.origin, confidence, best.name
            out.append(dict(zip(OUT.names, row, strict=False)))
        elif cast:
            why = "even" if likeliest == NONE else f"{task.labels[likeliest]} is only {confidence:.2f} sure"
            ledger.add(id, "note", "abstain", f"{why}: {told}")
    return out


def in_words(rules: Sequence[AnyRule], precision: combine.Precision, task: Task) -> list[list[str]]:
    """Return what to say of each rule's vote for each label."""
    point, lower = precision.point, precision.lower
    return [
        [
            f"{rule.name} -> {label} (precision {point[place, number]:.2f}, at least {lower[place, number]:.2f}, "
            f"on {precision.rows[place, number]} given labels)"
            for number, label in enumerate(task.labels)
        ]
        for place, rule in enumerate(rules)
    ]


def per_label(
    rules: Sequence[AnyRule],
    labelled: list[dict],
    said: np.ndarray,
    usable: np.ndarray,
    precision: combine.Precision,
    task: Task,
) -> dict:
    """Return the figures of each rule's votes for each label that it may give.

    Args:
        said: (rows, rules) int, on rows without a label.
        usable: (rules, classes) bool.
    """
    used = Counter((row["rule"], row["label"]) for row in labelled)
    point, lower, result = precision.point, precision.lower, {}
    for place, rule in enumerate(rules):
        result[rule.name] = {}
        for label in rule.gives(task):
            number = task.labels.index(label)
            fired = int((said[:, place] == number).sum())
            result[rule.name][label] = {
                "fired": fired,
                "labelled": used[rule.name, label],
                "rejected": 0 if usable[place, number] else fired,
                "precision": float(point[place, number]),
                "precision_lower": float(lower[place, number]),
                "measured_on": int(precision.rows[place, number]),
            }
    return result


def per_rule(rules: Sequence[AnyRule], said: np.ndarray, known: Known) -> dict:
    """Return each rule's coverage, overlap and conflict on rows without a label, and its accuracy on known ones."""
    result = {}
    for place, rule in enumerate(rules):
        votes = known.said[:, place]
        right = (votes == known.truth)[votes != NONE]
        result[rule.name] = {"kind": rule.kind} | summary(said, place) | accuracy(right)
    return result


def cross_fitted(name: str, known: Known, settings: Params, task: Task) -> dict[str, float]:
    """Return how a combiner does on known rows that it was not fitted on: the share that it labels, and accuracy."""
    label = np.full(len(known.truth), NONE)
    for fold in np.unique(known.folds):
        inside = known.folds == fold
        label[inside] = known.fit(name, settings, task, without=fold).combine(known.said[inside]).label
    right = (label == known.truth)[label != NONE]
    return {"coverage": len(right) / max(len(label), 1)} | accuracy(right)


def draw(labelled: list[dict], rows: int) -> list[str]:
    """Return the ids of the audit sample: of each origin and label, the rows of lowest hash.

    In turn from each, so that whoever stops half-way has read as many of each, and a random sample of each.
    """
    place: Counter = Counter()
    ranked = []
    for key, id, *stratum in sorted(
        (hashing.digest("audit", row["id"]), row["id"], row["label_origin"], row["label"]) for row in labelled
    ):
        if place[tuple(stratum)] < rows:
            ranked.append((place[tuple(stratum)], key, id))
        place[tuple(stratum)] += 1
    return [id for _, _, id in sorted(ranked)]


def audit_queue(rows: dict[str, dict], votes: pa.Table, annotations: pa.Table, settings: Params) -> pa.Table:
    """Return the audit sample as a queue (`winnow.people.queue.ENTRY`).

    Args:
        rows: split, text and meta of the sample's rows, by id.
        votes: id, rule and label of every vote on them.
    """
    rules = {rule.name: rule for rule in settings.rules}
    said: dict[str, list[dict]] = {}
    for vote in votes.to_pylist():
        said.setdefault(vote.pop("id"), []).append(vote)
    sample = annotations.filter(annotations["audit"]).to_pylist()
    by_id = {row["id"]: row for row in sample}
    return queue.table(
        {
            "id": id,
            "split": rows[id]["split"],
            "given_label": by_id[id]["label"],
            "reasons": [rules[by_id[id]["rule"]].reason(rows[id])],
            "votes": said[id],
            "text": rows[id]["text"],
        }
        for id in draw(sample, settings.audit_rows)
    )


def read_rows(path: Path, split: pa.Table, ids: pa.Array) -> dict[str, dict]:
    """Return split, text and meta of a few rows, by id."""
    split = split.filter(pc.is_in(split["id"], ids))
    of_split = dict(zip(split["id"].to_pylist(), split["split"].to_pylist(), strict=True))
    found = {}
    for batch in batches(path, ["id", "purpose", "text", "meta"]):
        for row in batch.filter(pc.is_in(batch["id"], ids)).to_pylist():
            found[row["id"]] = row | {"meta": dict(row["meta"]), "split": of_split.get(row["id"])}
    return found


def main(argv: Sequence[str] | None = None) -> None:
    paths = "rows", "split", "out", "votes", "audit", "audit_csv", "ledger", "metrics"
    args = arguments(__doc__, argv, *paths, rules=Path)
    settings, task = params.load("annotate", Params), kinds.read_task()
    voters = [rule.voter(args.rules, task) for rule in settings.rules]
    check_fields(batches(args.rows, ["purpose", "meta"]), settings.rules)
    columns = None if any(rule.whole_row for rule in settings.rules) else READ
    votes = collect(batches(args.rows, columns), voters, task)
    rows = tables.read(args.rows, ["id", "purpose", "group", "label_origin"])
    rows = rows.filter(pc.equal(rows["purpose"], "task"))
    split = tables.read(args.split, ["id", "split"])
    train = split["id"].filter(pc.equal(split["split"], "train")).combine_chunks()

    ledger = Ledger("annotate")
    annotations, metrics = annotate(votes, Known.of(votes, rows, train), settings, task, ledger)
    ledger.check(rows.num_rows, rows.num_rows)
    for rule, voter in zip(settings.rules, voters, strict=True):
        metrics["by_rule"][rule.name] |= voter.counts
    said = votes.table(settings.rules, task.labels)
    ids = annotations["id"].filter(annotations["audit"]).combine_chunks()
    sample = read_rows(args.rows, split, ids)
    audit = audit_queue(sample, said.filter(pc.is_in(said["id"], ids)), annotations, settings)
    tables.write(annotations, args.out)
    tables.write_sorted(said, args.votes)
    queue.write(audit, args.audit, args.audit_csv)
    ledger.write(args.ledger)
    write_json(args.metrics, metrics)


if __name__ == "__main__":
    run(main)
