"""apply_decisions: the labelled table after people's decisions; a stale or unknown decision stops the run.

python -m stages.apply_decisions --rows data/deduplicated.parquet --split data/split.parquet
    --annotations data/annotations.parquet --audit data/audit_queue.parquet --decisions data/decisions.csv
    --out data/labelled.parquet --edited data/edited.parquet --evaluated data/evaluated.parquet
    --undecided data/undecided.parquet
    --ledger data/ledger/apply_decisions.parquet --metrics reports/metrics/apply_decisions.json

Out: the rows of purpose task, with columns split, given_label (the label before decisions: given or automatic), verdict
(what people settled, or null) and conflict (reviewers disagree: the label stays as before, and the row goes back to the
queue until one of them decides again). `winnow.people.settling` says which decisions count. `keep` and `relabel` give
origin `human` and no confidence: agreement measures people's decisions, not a probability.

Where the kind lets people edit texts (`Task.edits_text`), the table has the new text, and column `given_text` the one
before decisions, null where it stayed. `--edited` is the table of `--rows` with the new texts: what later stages read
that need all rows. Without such a decision it is a copy of that file, and none of them runs again. A new text that says
the same as one of another split stops the run.

An automatic label stands only where people's decisions on the audit sample accept the labels of its origin and class
(`stages.apply_decisions.acceptance`); its confidence is then the precision that they found. Else the row has no label,
and `given_label` tells what it would be.
`--evaluated`: of the dev and test rows that measure models, what these read. A decision on a row of train leaves it as
it is, and no model predicts them again.
`--undecided`: id and label of the rows on which people decided, as they would be had nobody done so.
Memory: the rows without text and meta, which pass from file to file.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.apply_decisions import acceptance, texts
from stages.apply_decisions.acceptance import Acceptance, Judgement, Stratum
from winnow import kinds
from winnow.base import gates, hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.gates import Doubt
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.rows import edited, predictions, tables
from winnow.rows.ledger import Ledger
from winnow.rows.origins import trusted
from winnow.rows.text_column import TextColumn
from winnow.statistics import intervals

AUTOMATIC = ("rule", "model")
UNDECIDED = pa.schema([tables.ROW.field(name) for name in ("id", "label", "label_origin", "label_confidence")])
ByRow = Mapping[str, Mapping[str, Decision]]  # the decisions that count, by row and reviewer


class Params(params.Section):
    """Section `apply_decisions` of params.yaml."""

    acceptance: Acceptance
    min_rows_per_label: int = Field(10, ge=0)
    """A label with fewer rows can neither be learnt nor checked: it is in doubt."""


def join(rows: pa.Table, split: pa.Table, annotations: pa.Table) -> pa.Table:
    """Return the rows with their split and their label before decisions, also as `given_label`.

    Raises:
        UserError: a row has no split.
    """
    split_by_id = dict(zip(split["id"].to_pylist(), split["split"].to_pylist(), strict=True))
    rule_by_id = {row["id"]: row for row in annotations.to_pylist()}
    labels = {name: rows[name].to_pylist() for name in ("label", "label_origin", "label_confidence")}
    splits = []
    for index, id in enumerate(rows["id"].to_pylist()):
        if id not in split_by_id:
            raise UserError(f"row {id} has no split; run `dvc repro split`")
        splits.append(split_by_id[id])
        if labels["label"][index] is None and id in rule_by_id:
            for name, values in labels.items():
                values[index] = rule_by_id[id][name]
    for name, values in labels.items():
        rows = tables.set_column(rows, name, values, tables.ROW.field(name).type)
    rows = tables.set_column(rows, "split", splits, pa.string())
    return tables.set_column(rows, "given_label", labels["label"], pa.string())


def check_labels(joined: pa.Table, task: Task, where: Path) -> None:
    """Raise `UserError` at the first row of a joined table whose label is none of the task's."""
    sound: set[str | None] = {None}
    for id, label in zip(joined["id"].to_pylist(), joined["given_label"].to_pylist(), strict=True):
        if label not in sound:
            task.check(label, f"{where}: row {id}")
            sound.add(label)


def decided(joined: pa.Table, texts: TextColumn, ids: Collection[str]) -> dict[str, dict]:
    """Return text, given_label and label_origin of the rows on which people decided, by id.

    Args:
        texts: of all rows.
    """
    places = np.flatnonzero(pc.is_in(joined["id"], pa.array(sorted(ids), pa.string())).to_numpy())
    rows = joined.select(["id", "given_label", "label_origin"]).take(places).to_pylist()
    return {row["id"]: row | {"text": text} for row, text in zip(rows, texts.take(places), strict=True)}


def with_columns(schema: pa.Schema, of_stage: pa.Schema) -> pa.Schema:
    """Return a schema with the columns that the stage adds at its end."""
    for name in of_stage.names:
        if name not in schema.names:
            schema = schema.append(of_stage.field(name))
    return schema


def on_today(decision: Decision, row: Mapping, task: Task) -> Decision:
    """Return a decision as one on the automatic label that a row has today, or on none.

    A person said what the row is. Where its label was never given by the source, that stays true whatever a rule said
    then or says now; so a mended rule makes no decision stale.

    Args:
        row: its label_origin and given_label, from `join`.
    """
    label = row["given_label"] or ""
    today = task.told_given(label)
    if row["label_origin"] not in (*AUTOMATIC, None) or decision.given_label == today:
        return decision
    seen = task.meant(decision.given_label)
    if seen and not task.is_label(seen):
        return decision
    if decision.verdict not in ("keep", "relabel"):
        return replace(decision, given_label=today)
    outcome = settling.outcome(decision)
    said = task.meant(outcome.label)
    if not said:  # `keep` of no label, or of one that is no longer known, which the check tells
        return decision
    same = said == label
    verdict = "keep" if same and not outcome.text else "relabel"
    return replace(decision, given_label=today, verdict=verdict, new_label="" if same else task.told_new(said))


def apply(
    rows: pa.Table, by_row: ByRow, judgements: Mapping[Stratum, Judgement], task: Task, ledger: Ledger
) -> pa.Table:
    """Return the joined rows with automatic labels accepted or not, decisions applied, and `verdict` and `conflict`.

    Args:
        judgements: by origin and class, of all automatic labels.
    """
    names = ("label", "label_origin", "label_confidence")
    columns = {name: rows[name].to_pylist() for name in names}
    verdicts: list[str | None] = [None] * rows.num_rows
    conflicts = [False] * rows.num_rows
    for index, id in enumerate(rows["id"].to_pylist()):
        before, origin = columns["label"][index], columns["label_origin"][index]
        made = by_row.get(id, {})
        settled = settling.settled(made)
        if origin in AUTOMATIC and settled is None:
            judged = [judgements[stratum] for stratum in acceptance.strata(origin, before, task)]
            _accept(columns, index, judged, (id, task.told_given(before)), ledger)
        if not made:
            continue
        if settled is None:
            conflicts[index] = True
            said = ", ".join(f"{who}: {' '.join(filter(None, _told(d, task)))}" for who, d in made.items())
            ledger.add(id, "note", "conflict", f"reviewers disagree ({said}); the label stays as before")
            continue
        verdicts[index] = verdict = _verdict(made)
        who, told = ", ".join(made), task.told_given(before or "")
        if verdict == "out_of_scope":
            ledger.add(id, "drop", "out_of_scope", f"out of scope, decided by {who}")
        elif verdict == "ambiguous":
            _set(columns, index, None, None)
            ledger.add(id, "change", "ambiguous", f"label {told or 'none'} -> none, ambiguous, decided by {who}")
        elif verdict == "relabel":
            label = task.meant(settled.label, before or "")
            _set(columns, index, label, "human")
            became = f"label {told or 'none'} -> {task.told_given(label)}"
            if label != before or not settled.text:
                ledger.add(id, "change", "relabel", f"{became}, decided by {who}")
            if settled.text:
                texts.told(made, task.meant_text(settled.text), ledger)
        else:
            _set(columns, index, before, "human")
            ledger.add(id, "note", "keep", f"label {told} confirmed by {who}")
    for name in names:
        rows = tables.set_column(rows, name, columns[name], tables.ROW.field(name).type)
    rows = tables.set_column(rows, "verdict", verdicts, pa.string())
    rows = tables.set_column(rows, "conflict", conflicts, pa.bool_())
    return rows.filter(pc.not_equal(pc.fill_null(rows["verdict"], ""), "out_of_scope"))


def settled_ids(by_row: ByRow) -> list[str]:
    """Return the rows on which people decided and agree, sorted."""
    return sorted(id for id, made in by_row.items() if settling.settled(made) is not None)


def _told(decision: Decision, task: Task) -> tuple[str, str, str]:
    """Return what the ledger calls a decision's verdict, its new label and its new text."""
    text = f"text {hashing.text_sha(task.meant_text(decision.new_text))}" if decision.new_text else ""
    return decision.verdict, task.told_given(task.meant(decision.new_label)), text


def _verdict(made: Mapping[str, Decision]) -> str:
    """Return the verdict of a row on which all agree: with one label before decisions, it is the same for all."""
    return next(iter(made.values())).verdict


def _accept(
    columns: dict[str, list], index: int, judged: Sequence[Judgement], named: tuple[str, str], ledger: Ledger
) -> None:
    """Give an automatic label the precision that people found, or take it away.

    Args:
        judged: of each class that the label counts for; it stands if all do, with the precision of the worst.
        named: the row's id, and what the ledger calls the label.
    """
    id, told = named
    what = f"label {told} of origin {columns['label_origin'][index]}"
    if refusals := [judgement.refusal for judgement in judged if judgement.refusal is not None]:
        _set(columns, index, None, None)
        ledger.add(id, "change", "not_accepted", f"{what} not accepted: {'; '.join(refusals)}")
    else:
        worst = min(judged, key=lambda judgement: judgement.precision)
        columns["label_confidence"][index] = worst.precision
        said = f"{worst.told(worst.decided)}, precision at least {worst.lower:.2f}"
        ledger.add(id, "note", "accepted", f"{what} accepted: {said}")


def audit(annotations: pa.Table, by_row: ByRow, task: Task) -> dict | None:
    """Return the precision of automatic labels, as people found it in the audit sample; None before they did.

    The sample is even over origins and classes, so each counts by its number of rows, not of sampled rows; the lower
    end of the 95 % interval is Wilson's at Kish's effective sample size (Kish 1965). Classes of which nobody has yet
    decided a sampled row, and rows on which reviewers disagree, are not in the estimate.
    """
    population, sampled, correct, shares = Counter(), Counter(), Counter(), Counter()
    for row in annotations.select(["id", "label", "label_origin", "audit"]).to_pylist():
        stratum = tuple(acceptance.strata(row["label_origin"], row["label"], task))
        made = by_row.get(row["id"], {})
        population[stratum] += 1
        if row["audit"] and settling.settled(made) is not None:
            sampled[stratum] += 1
            correct[stratum] += _verdict(made) == "keep"
            shares[stratum] += _share(row["label"], made, task)
    if not sampled:
        return None
    total = sum(population[stratum] for stratum in sampled)
    precision = sum(population[stratum] / total * shares[stratum] / sampled[stratum] for stratum in sampled)
    effective = int(total**2 / sum(population[stratum] ** 2 / sampled[stratum] for stratum in sampled))
    return {
        "rows": sampled.total(),
        "correct": correct.total(),
        "precision": precision,
        "lower": intervals.wilson(int(precision * effective), effective)[0],
    }


def _share(label: str, made: Mapping[str, Decision], task: Task) -> float:
    """Return the share of a label that is right by a settled decision; none, if its text had to be another."""
    said = settling.settled(made)
    truth = None if said.text else label if _verdict(made) == "keep" else task.meant(said.label) or None
    found = [task.judged(label, truth, name) for name in task.names(label) or [acceptance.NO_CLASS]]
    return sum(right for right, _ in found) / sum(of for _, of in found)


def accepted(judgements: Mapping[Stratum, Judgement]) -> dict[str, dict[str, dict]]:
    """Return what the audit found of each origin and class, for the stage's metrics."""
    result: dict[str, dict[str, dict]] = {}
    for (origin, name), judgement in judgements.items():
        result.setdefault(origin, {})[name] = {
            "rows": judgement.rows,
            "drawn": judgement.drawn,
            "audited": judgement.decided,
            "correct": judgement.correct,
            "precision": judgement.precision,
            "lower": judgement.lower,
            "accepted": judgement.refusal is None,
            "refusal": judgement.refusal or "",
        } | ({} if judgement.winning_rate is None else {"winning_rate": judgement.winning_rate})
    return result


def metrics(rows_in: int, out: pa.Table, by_row: ByRow, lines: int) -> dict:
    """Return counts of decisions, verdicts and labels, and the reviewers' agreement where two looked at one row."""
    settled = Counter(_verdict(made) for made in by_row.values() if settling.settled(made) is not None)
    agreed = [settling.settled(made) is not None for made in by_row.values() if len(made) > 1]
    origins = Counter(origin or "none" for origin in out["label_origin"].to_pylist())
    result = {
        "rows_in": rows_in,
        "rows": out.num_rows,
        "decisions": lines,
        "settled": {verdict: settled[verdict] for verdict in decisions.VERDICTS},
        "conflicts": agreed.count(False),
        "unlabelled": origins.pop("none", 0),
        "labelled": dict(origins),
    }
    return result | ({"agreement": sum(agreed) / len(agreed)} if agreed else {})


def too_few(rare: Mapping[str, int], at_least: int) -> Doubt:
    """Return the doubt in labels with few rows, which are given with their number of rows."""
    return Doubt(
        "apply_decisions.min_rows_per_label",
        f"{len(rare)} label(s) have fewer than {at_least} rows (apply_decisions.min_rows_per_label), too few to learn "
        f"or to check: {gates.listed(rare)}",
        f"apply_decisions.min_rows_per_label: {min(rare.values())}",
        "add rows, map them to another label (label_map of the source), or take them out of params.yaml: task",
    )


def _set(columns: dict[str, list], index: int, label: str | None, origin: str | None) -> None:
    columns["label"][index] = label
    columns["label_origin"][index] = origin
    columns["label_confidence"][index] = None


def main(argv: Sequence[str] | None = None) -> None:
    inputs, outputs = (
        ("rows", "split", "annotations", "audit", "decisions"),
        ("out", "edited", "evaluated", "undecided"),
    )
    args = arguments(__doc__, argv, *inputs, *outputs, "ledger", "metrics")
    settings, task = params.load("apply_decisions", Params), kinds.read_task()
    rows = tables.read(args.rows, tables.without_texts(args.rows))
    of_task = pc.equal(rows["purpose"], "task")
    rows, column = rows.filter(of_task), TextColumn(args.rows, of_task.to_numpy())
    annotations = tables.read(args.annotations)
    sample = pc.is_in(annotations["id"], tables.read(args.audit, ["id"])["id"].combine_chunks())
    annotations = tables.set_column(annotations, "audit", sample.to_pylist(), pa.bool_())
    joined = join(rows, tables.read(args.split, ["id", "split"]), annotations)
    check_labels(joined, task, args.rows)

    made = decisions.read(args.decisions)
    known = decided(joined, column, {decision.id for decision in made})
    all_decisions = [
        on_today(decision, known[decision.id], task) if decision.id in known else decision for decision in made
    ]
    versions = {
        id: decisions.version(hashing.text_sha(row["text"]), row["given_label"], task) for id, row in known.items()
    }
    settling.check(all_decisions, versions, task, args.decisions)
    by_row = settling.latest(all_decisions)
    counting = [decision for by_reviewer in by_row.values() for decision in by_reviewer.values()]
    given_texts = {id: row["text"] for id, row in known.items()}
    decisions.raise_problems(decisions.misfits(counting, given_texts, task), args.decisions)

    judgements = acceptance.judge(annotations, by_row, task, settings.acceptance)
    ledger = Ledger("apply_decisions")
    out = apply(joined, by_row, judgements, task, ledger)
    ledger.check(rows.num_rows, out.num_rows)
    edits = texts.settled(by_row, task)
    if task.edits_text:
        before = [given_texts[id] if id in edits else None for id in out["id"].to_pylist()]
        out = tables.set_column(out, edited.GIVEN_TEXT, before, pa.string())
        line = {id: max(decision.line for decision in by_row[id].values()) for id in edits}
        copied = texts.copies(args.rows, out, edits, task, ledger)
        decisions.raise_problems([f"line {line[id]}: {said}" for id, said in copied], args.decisions)
    labelled = out["label"].filter(trusted(out)).to_pylist()
    rare = task.rare(task.check_counts(labelled, str(args.rows)), settings.min_rows_per_label)
    doubts = [too_few(rare, settings.min_rows_per_label)] if rare else []

    result = metrics(rows.num_rows, out, by_row, len(all_decisions)) | {"acceptance": accepted(judgements)}
    result |= {"edited_texts": len(edits)} if task.edits_text else {}
    audited = audit(annotations, by_row, task)
    edited.write(args.rows, args.edited, edits)
    tables.write_with(out, with_columns(tables.schema(args.rows), out.schema), args.edited, args.out)
    measuring = predictions.evaluated(out).select(predictions.EVALUATED)
    with_text = measuring.schema.append(tables.ROW.field("text"))
    tables.write_with(measuring, with_text, args.edited, args.evaluated)
    settled = joined.filter(pc.is_in(joined["id"], pa.array(settled_ids(by_row), pa.string())))
    before = apply(settled, {}, judgements, task, Ledger("apply_decisions"))
    tables.write(before.select(UNDECIDED.names).cast(UNDECIDED), args.undecided)
    ledger.write(args.ledger)
    write_json(args.metrics, result | ({"audit": audited} if audited else {}) | {gates.KEY: gates.told(doubts)})
    gates.settle("apply_decisions", doubts, args.metrics)


if __name__ == "__main__":
    run(main)
