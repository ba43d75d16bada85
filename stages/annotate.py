"""annotate: labels by rule for rows without one, each with the precision that its rule has on given labels.

python -m stages.annotate --rows data/deduplicated.parquet --split data/split.parquet --out data/annotations.parquet
    --audit reports/review/audit.csv --ledger data/ledger/annotate.parquet --metrics reports/metrics/annotate.json

Precision is measured on given labels of the training split alone, so that no rule is chosen by dev or test labels.
Out: one row a label set (id, label, label_origin, label_confidence, rule, audit); audit.csv is a random sample of
them, to be filled in by people like any queue: `apply_decisions` then reports the precision that they found.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from winnow import decisions, hashing, params, stats, tables
from winnow.errors import UserError
from winnow.files import write_json
from winnow.ledger import Ledger
from winnow.stage import arguments, run
from winnow.tasks.labels import Task

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


class Rule(params.Section):
    name: str = Field(min_length=1)
    field: str = Field(pattern=r"^(text|meta\..+)$")  # the column, or the key of meta, that the rule reads
    labels: dict[str, str] = Field(min_length=1)  # label -> regular expression, a full match of the upper-cased value

    @field_validator("labels")
    @classmethod
    def _compiles(cls, labels: dict[str, str]) -> dict[str, str]:
        for label, pattern in labels.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"the pattern of '{label}' is no regular expression ({error})") from None
        return labels

    def value(self, row: dict) -> str | None:
        """Return what the rule reads of a row; None where the row lacks it."""
        return row["text"] if self.field == "text" else dict(row["meta"]).get(self.field.removeprefix("meta."))

    def fires(self, row: dict) -> list[str]:
        """Return the labels whose pattern matches the row."""
        value = (self.value(row) or "").strip().upper()
        return [label for label, pattern in self.labels.items() if re.fullmatch(pattern, value)]


class Params(params.Section):
    rules: list[Rule]
    min_confidence: float = Field(ge=0, le=1)
    min_rows: int = Field(ge=1)
    audit_rows: int = Field(ge=0)

    @field_validator("rules")
    @classmethod
    def _distinct(cls, rules: list[Rule]) -> list[Rule]:
        if len({rule.name for rule in rules}) < len(rules):
            raise ValueError("rules must have distinct names")
        return rules


@dataclass(frozen=True)
class Precision:
    """How often a rule's label is right on given labels of the training split."""

    rows: int
    correct: int

    @property
    def point(self) -> float:
        return self.correct / self.rows if self.rows else 0.0

    @property
    def lower(self) -> float:
        return stats.wilson(self.correct, self.rows)[0]

    def __str__(self) -> str:
        return f"precision {self.point:.2f} (at least {self.lower:.2f}) on {self.rows} given labels"


def measure(rows: list[dict], rules: list[Rule]) -> dict[tuple[str, str], Precision]:
    """Return the precision of each (rule, label) on rows that have a given label."""
    fired: Counter = Counter()
    correct: Counter = Counter()
    for row in rows:
        for rule in rules:
            for label in rule.fires(row):
                fired[rule.name, label] += 1
                correct[rule.name, label] += label == row["label"]
    pairs = [(rule.name, label) for rule in rules for label in rule.labels]
    return {pair: Precision(fired[pair], correct[pair]) for pair in pairs}


def annotate(rows: pa.Table, train: set[str], settings: Params, ledger: Ledger) -> tuple[pa.Table, dict]:
    """Return the labels set (schema `OUT`) and the stage's metrics.

    Args:
        rows: table of the data contract, rows of purpose task.
        train: ids of the training split.
    """
    everything = rows.select(["id", "text", "label", "label_origin", "meta"]).to_pylist()
    _check_fields(everything, settings.rules)
    given = [row for row in everything if row["label_origin"] == "given" and row["id"] in train]
    unlabelled = [row for row in everything if row["label"] is None]
    precision = measure(given, settings.rules)
    trusted = {
        pair for pair, p in precision.items() if p.rows >= settings.min_rows and p.lower >= settings.min_confidence
    }

    fired: Counter = Counter()
    labelled: list[dict] = []
    abstained = 0
    for row in unlabelled:
        votes = [(rule.name, label) for rule in settings.rules for label in rule.fires(row)]
        fired.update(votes)
        for pair in votes:
            if pair not in trusted:
                reason = f"{pair[0]} -> {pair[1]} not trusted: {precision[pair]}"
                ledger.add(row["id"], "note", pair[0], reason)
        votes = [pair for pair in votes if pair in trusted]
        if len({label for _, label in votes}) > 1:
            abstained += 1
            ledger.add(row["id"], "note", "abstain", "rules disagree: " + ", ".join(f"{r} -> {v}" for r, v in votes))
        elif votes:
            best = max(votes, key=lambda pair: (precision[pair].point, pair))
            ledger.add(row["id"], "change", best[0], f"{best[0]} -> {best[1]}, {precision[best]}")
            labelled.append(
                {
                    "id": row["id"],
                    "label": best[1],
                    "label_origin": "rule",
                    "label_confidence": precision[best].point,
                    "rule": best[0],
                }
            )

    drawn = set(draw(labelled, settings.audit_rows))
    out = pa.Table.from_pylist([row | {"audit": row["id"] in drawn} for row in labelled], schema=OUT)
    used = Counter((row["rule"], row["label"]) for row in labelled)
    metrics = {
        "unlabelled": len(unlabelled),
        "labelled": len(labelled),
        "coverage": len(labelled) / len(unlabelled) if unlabelled else 0.0,
        "abstained": abstained,
        "audit_rows": len(drawn),
        "rules": {
            rule.name: {
                label: {
                    "fired": fired[rule.name, label],
                    "labelled": used[rule.name, label],
                    "rejected": 0 if (rule.name, label) in trusted else fired[rule.name, label],
                    "precision": precision[rule.name, label].point,
                    "precision_lower": precision[rule.name, label].lower,
                    "measured_on": precision[rule.name, label].rows,
                }
                for label in rule.labels
            }
            for rule in settings.rules
        },
    }
    return out, metrics


def draw(labelled: list[dict], rows: int) -> list[str]:
    """Return the ids of the audit sample: lowest hashes, as even over labels as there are rows.

    The order is by hash alone, so that people who stop half-way have still read a random sample.
    """
    place: Counter = Counter()
    ranked = []
    for row in sorted(labelled, key=_draw_key):
        ranked.append((place[row["label"]], _draw_key(row), row["id"]))
        place[row["label"]] += 1
    chosen = sorted(ranked)[:rows]
    return [id for _, _, id in sorted(chosen, key=lambda entry: entry[1])]


def audit_queue(rows: pa.Table, annotations: pa.Table, settings: Params) -> list[dict[str, str]]:
    """Return the audit sample as rows of a queue (`decisions.QUEUE_COLUMNS`)."""
    row_by_id = {row["id"]: row for row in rows.select(["id", "text", "meta"]).to_pylist()}
    rules = {rule.name: rule for rule in settings.rules}
    sample = sorted(annotations.filter(annotations["audit"]).to_pylist(), key=_draw_key)
    queue = []
    for entry in sample:
        row = row_by_id[entry["id"]]
        rule = rules[entry["rule"]]
        queue.append(
            {
                "id": row["id"],
                "text_sha": hashing.text_sha(row["text"]),
                "given_label": entry["label"],
                "score": f"{entry['label_confidence']:.3f}",
                "reasons": f"label set by rule {rule.name}: {rule.field} is '{rule.value(row)}'",
                "text": row["text"],
            }
        )
    return queue


def _draw_key(row: dict) -> str:
    return hashing.digest("audit", row["id"])


def _check_fields(rows: list[dict], rules: list[Rule]) -> None:
    keys = sorted({key for row in rows for key, _ in row["meta"]})
    for rule in rules:
        key = rule.field.removeprefix("meta.")
        if rule.field != "text" and key not in keys:
            raise UserError(
                f"params.yaml: annotate.rules '{rule.name}': no row has {rule.field}; "
                f"meta holds {', '.join(keys) or 'nothing'}: mend the field or take the rule out"
            )


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "split", "out", "audit", "ledger", "metrics")
    settings, task = params.load("annotate", Params), params.load("task", Task)
    for rule in settings.rules:
        for label in rule.labels:
            task.check(label, f"params.yaml: annotate.rules '{rule.name}'")
    rows = tables.read(args.rows, ["id", "purpose", "text", "label", "label_origin", "meta"])
    rows = rows.filter(pc.equal(rows["purpose"], "task"))
    split = tables.read(args.split, ["id", "split"])
    train = set(split.filter(pc.equal(split["split"], "train"))["id"].to_pylist())

    ledger = Ledger("annotate")
    annotations, metrics = annotate(rows, train, settings, ledger)
    ledger.check(rows.num_rows, rows.num_rows)
    tables.write(annotations, args.out)
    decisions.write_queue(args.audit, audit_queue(rows, annotations, settings))
    ledger.write(args.ledger)
    write_json(args.metrics, metrics)


if __name__ == "__main__":
    run(main)
