"""annotate: label rows without a label by rules and models, with measured confidence, and keep all that they say.

python -m stages.annotate --rows data/deduplicated.parquet --split data/split.parquet --rules rules
    --out data/annotations.parquet --votes data/votes.parquet --ledger data/ledger/annotate.parquet
    --metrics reports/metrics/annotate.json

Rules vote on every row of the task. A vote counts only where given labels of the training split show how often it is
right: no rule is chosen by dev or test labels. The votes that count are combined by majority or by a label model; both
are measured by cross-fitting. The labels are proposals: a model trains on those that `apply_decisions` accepts by
people's decisions on the audit sample.

Out: one row for each label (id, label, label_origin, label_confidence, rule, version), `rule` being the most precise
rule that says so, `version` that of all rules (`winnow.labelling.version`); every vote (id, rule, label).
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stages.annotate.combine import Precision
from stages.annotate.measured import COMBINERS, Measured
from stages.annotate.parts import Parted, PartsProposal
from stages.annotate.proposal import OUT, Proposal
from winnow import kinds
from winnow.base import params, progress
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.labelling.settings import Params
from winnow.labelling.version import version
from winnow.labelling.votes import NONE, Votes, check_fields, collect
from winnow.rows import tables
from winnow.rows.ledger import Ledger

READ = ["id", "purpose", "text", "label", "meta"]
BATCH_ROWS = 4096


def batches(path: Path, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """Yield the task's rows with some of their columns; None for all."""
    for batch in tables.batches(path, columns, BATCH_ROWS):
        yield batch.filter(pc.equal(batch["purpose"], "task"))


def annotate(
    votes: Votes | Parted, measured: Measured, settings: Params, task: Task, ledger: Ledger
) -> tuple[list[dict], dict]:
    """Return the labels set (columns of `OUT` without `version`) and the stage's metrics.

    Raises:
        UserError: a label model is asked for, and the labels of the task are not a closed set.
    """
    is_parted = isinstance(votes, Parted)
    combiners = [name for name in COMBINERS if is_parted or task.is_closed or name != "label_model"]
    if settings.combine not in combiners:
        raise UserError(
            f"params.yaml: annotate.combine: {settings.combine} needs a closed set of labels, which task.kind "
            f"{task.kind} lacks; set {' or '.join(combiners)}"
        )
    combiner = measured.fit(settings.combine, settings)
    unlabelled = votes.of(votes.label == NONE)
    combined = combiner.combine(unlabelled.said)
    if is_parted:
        proposal = PartsProposal(settings, unlabelled, combiner, Precision.of(measured.known))
    else:
        precision = Precision.of(measured.known)
        # A kind without parts tells a label without its text.
        proposal = Proposal(settings.rules, unlabelled, combiner.usable, precision, partial(task.brief, text=""))
    labelled = proposal.label(combined, ledger)
    metrics = {
        "unlabelled": len(unlabelled.ids),
        "labelled": len(labelled),
        "coverage": len(labelled) / max(len(unlabelled.ids), 1),
        "abstained": proposal.abstained(combined),
        "combine": settings.combine,
        "combined": {name: measured.cross_fitted(name, settings) for name in combiners},
        "rules": proposal.per_label(labelled, task),
        "by_rule": proposal.per_rule(measured.known),
    }
    return labelled, metrics


def main(argv: Sequence[str] | None = None) -> None:
    paths = "rows", "split", "out", "votes", "ledger", "metrics"
    args = arguments(__doc__, argv, *paths, rules=Path)
    settings, task = params.load("annotate", Params), kinds.read_task()
    voters = [rule.voter(args.rules, task) for rule in settings.rules]
    check_fields(batches(args.rows, ["purpose", "meta"]), settings.rules)
    columns = None if any(rule.whole_row for rule in settings.rules) else READ
    steps = -(-tables.count(args.rows) // BATCH_ROWS)
    votes = collect(progress.over(batches(args.rows, columns), "asking rules", steps), voters, task)
    rows = tables.read(args.rows, ["id", "purpose", "group", "label_origin"])
    rows = rows.filter(pc.equal(rows["purpose"], "task"))
    split = tables.read(args.split, ["id", "split"])
    train = split["id"].filter(pc.equal(split["split"], "train")).combine_chunks()

    ledger, said = Ledger("annotate"), votes
    if kinds.has(task, "parts"):
        said = Parted.made(votes, lambda: batches(args.rows, ["purpose", "text"]), task)
    labelled, metrics = annotate(said, Measured.of(said, rows, train), settings, task, ledger)
    ledger.check(rows.num_rows, rows.num_rows)
    for rule, voter in zip(settings.rules, voters, strict=True):
        metrics["by_rule"][rule.name] |= voter.counts
    own = {"version": version(settings, args.rules)}
    tables.write(pa.Table.from_pylist([row | own for row in labelled], schema=OUT), args.out)
    tables.write_sorted(votes.table(settings.rules), args.votes)
    ledger.write(args.ledger)
    write_json(args.metrics, metrics)


if __name__ == "__main__":
    run(main)
