"""find_issues: suspected label errors, how probable each is and why, and the review queue: a table, a CSV file, a page.

python -m stages.find_issues --rows data/labelled.parquet --scores data/scores.parquet --embeddings data/embeddings
    --calibration data/calibration.parquet --votes data/votes.parquet --duplicates data/conflicts.parquet
    --consensus data/consensus.parquet --decisions data/decisions.csv --out data/issues.parquet
    --queue data/queue.parquet --queue-csv reports/review/queue.csv --queue-html reports/review/queue.html
    --plot reports/plots/calibration.csv --metrics reports/metrics/find_issues.json

Out: every row with a label that people have not settled, every row on which reviewers disagree, and every row whose
duplicates (`--duplicates`) had other labels; these two kinds are all in the queue, at its top. The others follow by
expected gain per minute of review: the probability of an error, times what a right label is worth in the row's split,
by the time that it takes to read the row.

`p_error` is the calibrated probability that the label is wrong, learnt from planted errors (`--calibration`) and from
the decisions made so far, of which each but `keep` says that the label was wrong; null where a row has no label.
Decisions that a row is out of scope teach nothing: the row has left the table, and its signals with it. `score` is
cleanlab's label quality in 0..1, low where another class is much likelier. The models' probabilities are those of the
stack of all models (`winnow.detect.signals`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.find_issues import datalab, reasons
from stages.find_issues.datalab import Kinds
from stages.find_issues.pace import Pace
from stages.find_issues.reasons import Evidence
from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import write_csv, write_json, write_text
from winnow.base.stage import arguments, run
from winnow.detect import calibration, detectors, inputs, signals, tiered
from winnow.detect.neighbours import Neighbours
from winnow.detect.signals import NONE, Rows, Signals
from winnow.encoder import embeddings
from winnow.kinds.classification import scores
from winnow.kinds.task import Task
from winnow.people import decisions, queue
from winnow.people.decisions import Decision
from winnow.review import page
from winnow.rows import tables

ISSUE = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("given_label", pa.string()),
        pa.field("suggested_label", pa.string()),  # null: reviewers who disagree hold together that it has none
        pa.field("score", pa.float64()),
        pa.field("is_issue", pa.bool_(), nullable=False),  # by params.yaml: find_issues.filter_by
        pa.field("reasons", pa.string(), nullable=False),
        pa.field("p_error", pa.float64()),
        pa.field("tier", pa.string()),
        pa.field("kinds", pa.list_(pa.string()), nullable=False),
        pa.field("detectors", pa.list_(pa.string()), nullable=False),  # those that hold the label to be wrong
        pa.field("gain_per_minute", pa.float64()),
    ]
)
FIXED = ("planting", "id", "label", "is_error", "weight")  # columns of the calibration's table that are no signal
NEAREST = max(signals.NEAREST, datalab.NEAREST)
TITLE = "Suspected label errors"
UNJUDGED: dict = {"score": None, "is_issue": False, "p_error": None, "tier": None, "detectors": []}
TIERS = ("almost certain", "likely", "possible", "unlikely")


class Tiers(params.Section):
    """Lowest probability of an error of each tier; what is below them all is unlikely."""

    almost_certain: float = Field(ge=0, le=1)
    likely: float = Field(ge=0, le=1)
    possible: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _descend(self) -> "Tiers":
        if not self.almost_certain >= self.likely >= self.possible:
            raise ValueError("almost_certain must be the highest bound, possible the lowest")
        return self

    def of(self, p_error: float) -> str:
        """Return the tier of a probability."""
        bounds = (self.almost_certain, self.likely, self.possible, 0.0)
        return next(tier for tier, bound in zip(TIERS, bounds, strict=True) if p_error >= bound)


class Value(params.Section):
    """What a right label is worth, by split."""

    train: float = Field(ge=0)
    dev: float = Field(ge=0)
    test: float = Field(ge=0)


class Params(params.Section):
    filter_by: scores.Filter
    queue_rows: int = Field(gt=0)  # as many as people can read in one round; conflicts of labels go beyond it
    neighbours: int = Field(ge=0, le=NEAREST)
    tiers: Tiers
    planted_worth: float = Field(gt=0)
    calibration_bins: int = Field(ge=2)
    value: Value
    pace: Pace
    poor_slice: float = Field(gt=0, le=1)


@dataclass(frozen=True)
class Table:
    """The labelled table and what the detectors found in it; all arrays in its order.

    Attributes:
        rows: the labelled table.
        labels: (rows,) int, index into the task's, `NONE` where there is none.
        judged: (rows,) int, the label that is or was in question: before people decided, if they did.
        known: (rows,) bool, labels that people stand for.
        open: (rows,) bool, what nobody has settled.
        found: signals of the labels `judged`.
        described: folds, groups, neighbours and the rules' majority.
        votes: what the rules say of a row, by its id.
    """

    rows: pa.Table
    labels: np.ndarray
    judged: np.ndarray
    known: np.ndarray
    open: np.ndarray
    found: Signals
    described: Rows
    votes: Mapping[str, list[dict]]


def detect(rows: pa.Table, scored: pa.Table, votes: pa.Table, array: np.ndarray, task: Task, where: Path) -> Table:
    """Return what the detectors say of a labelled table.

    Args:
        scored: the stage score's table, read from `where`.
        array: (rows, dimensions) float32, embeddings in the order of `rows`.

    Raises:
        UserError: the scores are of other rows.
    """
    members, folds = inputs.members(rows, scored, task, where)
    known = inputs.known_labels(rows)
    labels = inputs.label_index(rows["label"].to_pylist(), task)
    settled = np.array([verdict is not None for verdict in rows["verdict"].to_pylist()], dtype=bool)
    before = inputs.label_index(rows["given_label"].to_pylist(), task)
    judged = np.where(settled, before, labels)
    said, majority = inputs.votes_of(rows["id"].to_pylist(), votes, task)
    described = inputs.describe(rows, folds, array, majority, known, NEAREST)
    found = signals.signals(labels, known, members, described, judged)
    return Table(rows, labels, judged, known, ~settled, found, described, said)


def calibrate(table: Table, planted: pa.Table, settings: Params, where: Path) -> tuple[np.ndarray, dict, list[tuple]]:
    """Return each row's probability that the label in question is wrong, how good it is, and the reliability table.

    Args:
        planted: the stage calibrate's table, read from `where`.

    Raises:
        UserError: it has other signals than the labelled table.
    """
    found = table.found
    if [name for name in planted.column_names if name not in FIXED] != found.names:
        raise UserError(f"{where}: its signals are not those of the scores; run `dvc repro calibrate`")
    values = np.stack([planted[name].to_numpy() for name in found.names], axis=1)
    wrong, weights = planted["is_error"].to_numpy(zero_copy_only=False), planted["weight"].to_numpy()
    waiting = table.known & table.open
    noise = tiered.estimated_noise(table.labels, waiting if waiting.any() else table.known, found)
    prior, chance = calibration.fit(found.names, values, wrong, weights, noise, settings.planted_worth)

    decided = ~table.open & (table.judged != NONE)
    verdicts = np.array(table.rows["verdict"].to_pylist(), dtype=object)
    taught, errors = found.values[decided], verdicts[decided] != "keep"
    model = calibration.update(prior, taught, errors)
    measured: dict = {"noise": noise, "weights": dict(zip(model.names, model.weights.tolist(), strict=True))}
    observed = [("planted", chance, wrong, weights)]
    if len(errors):
        observed.append(("decisions", calibration.crossfit(prior, taught, errors), errors, np.ones(len(errors))))
        before = calibration.predict(prior, taught)
        measured["planted_errors_alone"] = calibration.quality(
            before, errors, np.ones(len(errors)), settings.calibration_bins
        )
    curve = []
    for source, predicted, actual, weight in observed:
        bins = calibration.reliability(predicted, actual, weight, settings.calibration_bins)
        curve += [(*row, source) for row in bins]
        quality = calibration.quality(predicted, actual, weight, settings.calibration_bins)
        measured[source] = {"rows": len(actual), "errors": int(actual.sum())} | quality
    return calibration.predict(model, found.values), measured, curve


def further_kinds(table: Table, array: np.ndarray, task: Task, settings: Params) -> Kinds:
    """Return what Datalab finds, rows by their place in the labelled table."""
    at = np.flatnonzero(table.known)
    place = np.full(len(table.known), NONE)
    place[at] = np.arange(len(at))
    near = table.described.near
    inside = Neighbours(np.where(near.index < 0, NONE, place[near.index])[at], near.similarity[at])
    found = datalab.find(
        table.labels[at], table.found.probabilities[at], array[at], inside, task.labels, settings.poor_slice
    )
    outlier, poor = np.zeros(len(place), dtype=bool), np.zeros(len(place), dtype=bool)
    outlier[at], poor[at] = found.outlier, found.slice
    duplicates = {int(at[row]): [int(at[other]) for other in others] for row, others in found.duplicates.items()}
    ordered = np.argsort(table.described.places)
    _, first = np.unique(table.described.groups[ordered], return_index=True)
    dataset = found.dataset | {"non_iid": datalab.order(array[ordered[np.sort(first)]]), "null": nulls(table.rows)}
    ids = table.rows["id"]
    if "underperforming_group" in dataset:
        examples = dataset["underperforming_group"]["examples"]
        dataset["underperforming_group"] |= {"examples": [ids[int(at[row])].as_py() for row in examples]}
    return Kinds(outlier, poor, duplicates, dataset)


def nulls(rows: pa.Table) -> dict:
    """Return which values of the data contract the rows lack, label and confidence apart."""
    names = [name for name in rows.column_names if name == "published" or name.startswith("aux_")]
    return datalab.nulls({name: rows[name].to_pylist() for name in names})


def find(
    table: Table,
    p_error: np.ndarray,
    more: Kinds,
    copies: Mapping[str, str],
    disputes: Mapping[str, tuple[str | None, str]],
    pace: Pace,
    task: Task,
    settings: Params,
) -> tuple[list[dict], int | None]:
    """Return the unsettled rows in the order in which to read them, and cleanlab's number of wrong labels among them.

    Each row's dict has the columns of `ISSUE`, those of the labelled table that they need, and `copies`, `words`,
    `seconds` and `said` (the reasons).

    Args:
        p_error: (rows,) float.
        copies: for the ids of rows whose duplicates had other labels, these in words.
        disputes: for the ids of rows on which reviewers disagree, the label of their consensus and what they said.
    """
    columns = ["id", "split", "text", "label", "label_origin", "given_label", "conflict"]
    everything = table.rows.select(columns).to_pylist()
    places = [
        place
        for place, row in enumerate(everything)
        if table.open[place] and (row["label"] is not None or row["conflict"] or row["id"] in copies)
    ]
    judged, noise = _judge(table, places, p_error, settings)
    issues = []
    for place in places:
        row = everything[place] | judged.get(place, UNJUDGED) | {"place": place}
        suggested, disagree = disputes.get(row["id"], (None, None))
        evidence = _evidence(table, place, row, more, copies.get(row["id"]), disagree, task)
        said = reasons.in_words(evidence)
        row |= {"suggested_label": suggested if disagree else evidence.suggested}
        row |= {"said": said, "reasons": "; ".join(said)}
        row |= {"copies": evidence.copies, "kinds": _kinds(row, evidence), "seconds": pace.of(len(row["text"].split()))}
        gain = None if row["p_error"] is None else row["p_error"] * getattr(settings.value, row["split"])
        row["gain_per_minute"] = None if gain is None else 60 * gain / row["seconds"]
        issues.append(row)
    return sorted(issues, key=_rank), noise


def _judge(
    table: Table, places: list[int], p_error: np.ndarray, settings: Params
) -> tuple[dict[int, dict], int | None]:
    """Return what the detectors say of each row that has a label, by its place, and cleanlab's number of wrong ones."""
    labelled = np.array([place for place in places if table.labels[place] != NONE], dtype=np.int64)
    given, chances, near = table.labels[labelled], table.found.probabilities[labelled], table.described.near
    suspects = scores.suspects(given, chances, settings.filter_by)
    members = {name: found[labelled] for name, found in table.found.members.items()}
    inside = Neighbours(near.index[labelled], near.similarity[labelled])
    flags = detectors.flags(given, chances, members, inside, table.labels) if len(labelled) else {}
    judged = {}
    for at, place in enumerate(labelled.tolist()):
        judged[place] = {
            "score": float(suspects.quality[at]),
            "is_issue": bool(suspects.is_issue[at]),
            "p_error": float(p_error[place]),
            "tier": settings.tiers.of(p_error[place]),
            "detectors": [name for name, flagged in flags.items() if flagged[at]],
        }
    return judged, suspects.noise


def _evidence(
    table: Table, place: int, row: dict, more: Kinds, copies: str | None, disagree: str | None, task: Task
) -> Evidence:
    chances = table.found.probabilities[place].tolist()
    near = table.described.near.index[place, : signals.NEAREST]
    ways = [name for name in row["detectors"] if name.startswith(detectors.CLEANLAB)]
    ids = table.rows["id"]
    return Evidence(
        label=row["label"],
        origin=row["label_origin"],
        suggested=task.labels[int(np.argmax(chances))],
        chances=dict(zip(task.labels, chances, strict=True)),
        members={name: task.labels[int(found[place].argmax())] for name, found in table.found.members.items()},
        nearest=[task.labels[label] for label in table.labels[near[near >= 0]]],
        flagged=len(ways),
        ways=len(scores.Filter.__args__),
        votes=[(vote["rule"], vote["label"]) for vote in table.votes.get(row["id"], ())],
        duplicates=[(ids[other].as_py(), task.labels[table.labels[other]]) for other in more.duplicates.get(place, ())],
        copies=copies,
        conflict=disagree,
        outlier=bool(more.outlier[place]),
        poor_slice=bool(more.slice[place]),
    )


def _kinds(row: dict, evidence: Evidence) -> list[str]:
    """Return the kinds of issues of a row, by name."""
    there = {
        "conflict": row["conflict"],
        "duplicates_with_other_labels": evidence.copies is not None,
        "label_error": row["is_issue"],
        "near_duplicates_with_other_labels": bool(evidence.duplicates),
        "outlier": evidence.outlier,
        "rules_disagree": any(label != evidence.label for _, label in evidence.votes),
        "underperforming_group": evidence.poor_slice,
    }
    return [name for name, is_there in there.items() if is_there]


def copies_in_words(conflicts: pa.Table) -> dict[str, str]:
    """Return what to say of each kept row whose duplicates had other labels, by its id."""
    said = {}
    for row in conflicts.to_pylist():
        if row["kept"]:
            others = [
                f"{other['id']} {other['label']}{'' if other['kept'] else ' (dropped)'}" for other in row["others"]
            ]
            more = row["others_total"] - len(others)
            said[row["id"]] = f"duplicates have other labels: {', '.join(others)}{f' and {more} more' if more else ''}"
    return said


def disputes_in_words(rows: pa.Table, consensus: pa.Table, where: Path) -> dict[str, tuple[str | None, str]]:
    """Return the label of the consensus and what reviewers said of each row on which they disagree, by its id.

    Raises:
        UserError: the consensus, read from `where`, is of other decisions.
    """
    found = {row["id"]: (row["suggested_label"], row["reason"]) for row in consensus.to_pylist() if row["conflict"]}
    for id, disagree in zip(rows["id"].to_pylist(), rows["conflict"].to_pylist(), strict=True):
        if disagree != (id in found):
            raise UserError(f"{where}: row {id} is not as decisions.csv has it; run `dvc repro agreement`")
    return found


def timed(made: Sequence[Decision], texts: Mapping[str, str]) -> tuple[list[int], list[float]]:
    """Return length in words, and seconds, of the decisions that tell their time, on texts that are known by id."""
    told = [of for of in made if of.seconds and of.id in texts]
    return [len(texts[of.id].split()) for of in told], [of.seconds for of in told]


def entries(issues: Sequence[dict], table: Table, shown: int, task: Task) -> list[dict]:
    """Return rows of `find` as entries of a queue."""
    ids, texts = table.rows["id"], table.rows["text"]
    made = []
    for row in issues:
        place, near = row["place"], table.described.near
        made.append(
            row
            | {
                "reasons": row["said"],
                "probabilities": [
                    {"label": label, "p": p}
                    for label, p in zip(task.labels, table.found.probabilities[place].tolist(), strict=True)
                ],
                "votes": table.votes.get(row["id"], []),
                "neighbours": [
                    {
                        "id": ids[other].as_py(),
                        "label": task.labels[table.labels[other]],
                        "similarity": similarity,
                        "text": texts[other].as_py(),
                    }
                    for other, similarity in zip(
                        near.index[place, :shown].tolist(), near.similarity[place, :shown].tolist(), strict=True
                    )
                    if other >= 0
                ],
            }
        )
    return made


def measure(issues: list[dict], noise: int | None, waiting: list[dict], task: Task) -> dict:
    """Return counts of suspects in all and per class, of kinds and tiers, and what is expected of the queue."""
    suspected = sum(row["is_issue"] for row in issues)
    labelled = [row for row in issues if row["label"] is not None]
    tiers, found, held = (Counter() for _ in range(3))
    for row in issues:
        tiers[row["tier"]] += 1
        found.update(row["kinds"])
        held.update(row["detectors"])
    result = {
        "rows": len(labelled),
        "suspected": suspected,
        "suspected_share": suspected / len(labelled) if labelled else 0.0,
        "expected_errors": float(sum(row["p_error"] for row in labelled)),
        "conflicts": sum(row["conflict"] for row in issues),
        "duplicates_with_other_labels": sum(row["copies"] is not None for row in issues),
        "tiers": {tier: tiers[tier] for tier in TIERS},
        "kinds": dict(found),
        "detectors": dict(held),
        "queue_rows": len(waiting),
        "queue_expected_errors": float(sum(row["p_error"] or 0 for row in waiting)),
        "queue_minutes": sum(row["seconds"] for row in waiting) / 60,
        "per_class": {
            label: {
                "rows": sum(row["label"] == label for row in issues),
                "suspected": sum(row["label"] == label and row["is_issue"] for row in issues),
                "queue_rows": sum(row["label"] == label for row in waiting),
            }
            for label in task.labels
        },
    }
    if noise is not None:
        result |= {"estimated_errors": noise, "estimated_noise": noise / len(labelled)}
    return result


def _rank(row: dict) -> tuple:
    gain = row["gain_per_minute"]
    return not row["conflict"], not row["copies"], 0.0 if gain is None else -gain, row["id"]


def main(argv: Sequence[str] | None = None) -> None:
    inputs_ = ("rows", "scores", "embeddings", "calibration", "votes", "duplicates", "consensus", "decisions")
    outputs = ("out", "queue", "queue_csv", "queue_html", "plot", "metrics")
    args = arguments(__doc__, argv, *inputs_, *outputs)
    settings, task = params.load("find_issues", Params), kinds.read_task()
    rows = tables.read(args.rows)
    ids = rows["id"].to_pylist()
    array = embeddings.of(ids, args.embeddings)
    votes = tables.read(args.votes, ["id", "rule", "label"])
    copies = copies_in_words(tables.read(args.duplicates, ["id", "kept", "others", "others_total"]))
    columns = ["id", "conflict", "suggested_label", "reason"]
    disputes = disputes_in_words(rows, tables.read(args.consensus, columns), args.consensus)
    made = decisions.read(args.decisions)

    table = detect(rows, tables.read(args.scores), votes, array, task, args.scores)
    p_error, calibrated, curve = calibrate(table, tables.read(args.calibration), settings, args.calibration)
    more = further_kinds(table, array, task, settings)
    words, seconds = timed(made, dict(zip(ids, rows["text"].to_pylist(), strict=True)))
    pace = settings.pace.measured(words, seconds)
    issues, noise = find(table, p_error, more, copies, disputes, pace, task, settings)

    open_questions = sum(row["conflict"] or row["copies"] is not None for row in issues)
    waiting = issues[: max(settings.queue_rows, open_questions)]
    listed = queue.table(entries(waiting, table, settings.neighbours, task))
    left = {of.id for of in made if of.verdict == "out_of_scope"} - set(ids)
    summary = measure(issues, noise, waiting, task) | {
        "dataset": more.dataset,
        "calibration": calibrated | {"decisions_left_out": len(left)},
        "pace": {"decisions": len(seconds), "seconds": pace.seconds, "words_per_minute": pace.words_per_minute},
    }
    told = [{name: row[name] for name in ISSUE.names} for row in issues]
    tables.write(pa.Table.from_pylist(told, schema=ISSUE), args.out)
    queue.write(listed, args.queue, args.queue_csv)
    write_text(args.queue_html, page.offline(listed, task.labels, TITLE))
    write_csv(args.plot, ("predicted", "observed", "rows", "source"), curve)
    write_json(args.metrics, summary)


if __name__ == "__main__":
    run(main)
