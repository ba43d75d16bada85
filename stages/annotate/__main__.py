"""annotate: label rows without a label by rules and models, with measured confidence, and keep all that they say.

python -m stages.annotate --rows data/deduplicated.parquet --split data/split.parquet --rules rules
    --out data/annotations.parquet --votes data/votes.parquet --audit data/audit_queue.parquet
    --audit-csv reports/review/audit.csv --ledger data/ledger/annotate.parquet --metrics reports/metrics/annotate.json

Rules vote on every row of the task. A vote counts only where given labels of the training split show how often it is
right: no rule is chosen by dev or test labels. The votes that count are combined by majority or by a label model; both
are measured by cross-fitting. The labels are proposals: a model trains on those that `apply_decisions` accepts by
people's decisions on the audit sample.

Out: one row for each label (id, label, label_origin, label_confidence, rule, audit), `rule` being the most precise rule
that says so; every vote (id, rule, label); the audit sample as a queue (`winnow.people.queue`): of each origin and
class the rows that come first by a hash of their id, so that another rule or another row moves few others in or out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stages.annotate import combine
from stages.annotate.combine import Precision
from stages.annotate.measured import COMBINERS, Measured
from stages.annotate.proposal import OUT, Proposal
from winnow import kinds
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.labelling.rules import AnyRule
from winnow.labelling.settings import Params
from winnow.labelling.votes import NONE, Votes, check_fields, collect
from winnow.people import queue
from winnow.rows import tables
from winnow.rows.ledger import Ledger
from winnow.rows.votes import by_row

READ = ["id", "purpose", "text", "label", "meta"]
BATCH_ROWS = 4096


def batches(path: Path, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """Yield the task's rows with some of their columns; None for all."""
    for batch in tables.batches(path, columns, BATCH_ROWS):
        yield batch.filter(pc.equal(batch["purpose"], "task"))


def annotate(votes: Votes, measured: Measured, settings: Params, task: Task, ledger: Ledger) -> tuple[pa.Table, dict]:
    """Return the labels set (schema `OUT`) and the stage's metrics.

    Raises:
        UserError: a label model is asked for, and the labels of the task are not a closed set.
    """
    combiners = [name for name in COMBINERS if task.is_closed or name != "label_model"]
    if settings.combine not in combiners:
        raise UserError(
            f"params.yaml: annotate.combine: {settings.combine} needs a closed set of labels, which task.kind "
            f"{task.kind} lacks; set {' or '.join(combiners)}"
        )
    combiner = measured.fit(settings.combine, settings)
    unlabelled = votes.of(votes.label == NONE)
    combined = combiner.combine(unlabelled.said)
    proposal = Proposal(settings.rules, unlabelled, combiner.usable, Precision.of(measured.known))
    labelled = proposal.label(combined, ledger)
    drawn = set(draw(labelled, settings.audit_rows, task))
    table = pa.Table.from_pylist([row | {"audit": row["id"] in drawn} for row in labelled], schema=OUT)
    heard = (combine.countable(unlabelled.said, combiner.usable) != NONE).any(axis=1)
    metrics = {
        "unlabelled": len(unlabelled.ids),
        "labelled": len(labelled),
        "coverage": len(labelled) / max(len(unlabelled.ids), 1),
        "abstained": int((heard & (combined.label == NONE)).sum()),
        "audit_rows": len(drawn),
        "combine": settings.combine,
        "combined": {name: measured.cross_fitted(name, settings) for name in combiners},
        "rules": proposal.per_label(labelled, task),
        "by_rule": proposal.per_rule(measured.known),
    }
    return table, metrics


def draw(labelled: list[dict], rows: int, task: Task) -> list[str]:
    """Return the ids of the audit sample: of each origin and class, the rows of lowest hash.

    They are read in turn, so that whoever stops half-way has read as many of each, and a random sample of each.
    """
    place: Counter = Counter()
    ranked = []
    for key, id, origin, label in sorted(
        (hashing.digest("audit", row["id"]), row["id"], row["label_origin"], row["label"]) for row in labelled
    ):
        strata = [(origin, name) for name in task.names(label) or [None]]
        rank = min(place[stratum] for stratum in strata)
        place.update(strata)
        if rank < rows:
            ranked.append((rank, key, id))
    return [id for _, _, id in sorted(ranked)]


def audit_queue(ids: list[str], rows: dict[str, dict], votes: pa.Table, rules: Sequence[AnyRule]) -> pa.Table:
    """Return the audit sample as a queue (`winnow.people.queue.ENTRY`).

    Args:
        ids: of the sample, in the order in which it is read.
        rows: split, text and meta of these rows, and label and rule as they were set, by id.
        votes: id, rule and label of every vote on them.
    """
    rule_of = {rule.name: rule for rule in rules}
    said = by_row(votes)
    return queue.table(
        {
            "id": id,
            "split": rows[id]["split"],
            "given_label": rows[id]["label"],
            "reasons": [rule_of[rows[id]["rule"]].reason(rows[id])],
            "votes": said[id],
            "text": rows[id]["text"],
        }
        for id in ids
    )


def read_rows(path: Path, split: pa.Table, annotations: pa.Table) -> dict[str, dict]:
    """Return split, text, meta and what annotations say of a few rows, by id."""
    ids, annotated = annotations["id"].combine_chunks(), {row["id"]: row for row in annotations.to_pylist()}
    split = split.filter(pc.is_in(split["id"], ids))
    of_split = dict(zip(split["id"].to_pylist(), split["split"].to_pylist(), strict=True))
    found = {}
    for batch in batches(path, ["id", "purpose", "text", "meta"]):
        for row in batch.filter(pc.is_in(batch["id"], ids)).to_pylist():
            told = {"meta": dict(row["meta"]), "split": of_split.get(row["id"])}
            found[row["id"]] = row | told | annotated[row["id"]]
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
    annotations, metrics = annotate(votes, Measured.of(votes, rows, train), settings, task, ledger)
    ledger.check(rows.num_rows, rows.num_rows)
    for rule, voter in zip(settings.rules, voters, strict=True):
        metrics["by_rule"][rule.name] |= voter.counts
    said = votes.table(settings.rules)
    sample = annotations.filter(annotations["audit"])
    on_sample = said.filter(pc.is_in(said["id"], sample["id"].combine_chunks()))
    ids = draw(sample.to_pylist(), settings.audit_rows, task)
    audit = audit_queue(ids, read_rows(args.rows, split, sample), on_sample, settings.rules)
    tables.write(annotations, args.out)
    tables.write_sorted(said, args.votes)
    queue.write(audit, args.audit, args.audit_csv)
    ledger.write(args.ledger)
    write_json(args.metrics, metrics)


if __name__ == "__main__":
    run(main)
