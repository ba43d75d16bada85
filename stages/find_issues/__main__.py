"""find_issues: suspected label errors, how probable each is and why, and the review queue: a table, a CSV file, a page.

python -m stages.find_issues --rows data/labelled.parquet --scores data/scores.parquet --embeddings data/embeddings
    --calibration data/calibration.parquet --votes data/votes.parquet --duplicates data/conflicts.parquet
    --consensus data/consensus.parquet --decisions data/decisions.csv --out data/issues.parquet
    --queue data/queue.parquet --queue-csv reports/review/queue.csv --queue-html reports/review/queue.html
    --plot reports/plots/calibration.csv --metrics reports/metrics/find_issues.json

Out: every row with a label that people have not settled, every row on which reviewers disagree, and every row whose
duplicates (`--duplicates`) had other labels; these two kinds are all in the queue, at its top. The others follow by
expected gain per minute of review: the probability of an error, times what a right label is worth in the row's split,
divided by the time that it takes to read the row.

`p_error` is the calibrated probability that the label is wrong, learnt from planted errors (`--calibration`) and from
the decisions made so far, of which each but `keep` says that the label was wrong; null where a row has no label.
Decisions that a row is out of scope teach nothing: the row has left the table, and its signals with it. `score` is
cleanlab's label quality in 0..1, low where another label is much likelier; null where there is none. What the models
say is what they say together, weighed against each other (`winnow.kinds.evidence`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.find_issues import reasons
from stages.find_issues.datalab import Kinds
from stages.find_issues.found import Table, detect, further_kinds
from stages.find_issues.pace import Pace
from stages.find_issues.probabilities import learn, read_planted
from stages.find_issues.questions import Questions, copies_in_words, disputes_in_words
from stages.find_issues.reasons import Findings
from winnow import kinds
from winnow.base import params
from winnow.base.files import write_csv, write_json, write_text
from winnow.base.stage import arguments, run
from winnow.detect import inputs
from winnow.encoder import embeddings
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.evidence import CLEANLAB, NEAREST, Filter
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
TITLE = "Suspected label errors"
UNJUDGED: dict = {"score": None, "is_issue": False, "p_error": None, "tier": None, "detectors": [], "ways": (0, 0)}
TIERS = ("almost certain", "likely", "possible", "unlikely")


class Tiers(params.Section):
    """Section `find_issues.tiers`: the lowest probability of an error of each tier; what is below is unlikely."""

    almost_certain: float = Field(ge=0, le=1)
    """From this probability on."""

    likely: float = Field(ge=0, le=1)
    """The same."""

    possible: float = Field(ge=0, le=1)
    """The same."""

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
    """Section `find_issues.value` of params.yaml: what a right label is worth, by split."""

    train: float = Field(1.0, ge=0)
    """Of a row of train."""

    dev: float = Field(1.0, ge=0)
    """Of a row of dev."""

    test: float = Field(2.0, ge=0)
    """Of a row of test."""


class Params(params.Section):
    """Section `find_issues` of params.yaml."""

    queue_rows: int = Field(gt=0)
    """As many as people can read in one round. Conflicts of labels and open questions go beyond it."""

    tiers: Tiers
    value: Value = Value()
    """The queue's order is probability times value by minute. A wrong test label misleads every comparison, and dev and
    test have few rows."""

    pace: Pace
    neighbours: int = Field(5, ge=0, le=NEAREST)
    """The nearest rows with a label, shown beside each row."""

    filter_by: Filter = "prune_by_noise_rate"
    """How suspects are cut (cleanlab.filter.find_label_issues)."""

    planted_worth: float = Field(30, gt=0)
    """Decisions that the planted errors count for. Fewer let people's decisions rule sooner."""

    calibration_bins: int = Field(10, ge=2)
    """Of the figure that compares probabilities with decisions."""

    poor_slice: float = Field(0.5, gt=0, le=1)
    """A cluster is told if its mean label quality is below this share of all rows' (cleanlab.Datalab)."""


def find(
    table: Table, p_error: np.ndarray, more: Kinds, questions: Questions, settings: Params
) -> tuple[list[dict], int | None]:
    """Return the unsettled rows in the order in which to read them, and cleanlab's number of wrong labels among them.

    Each row's dict has the columns of `ISSUE`, those of the labelled table that they need, and `copies`, `words`,
    `seconds` and `said` (the reasons).

    Args:
        p_error: (rows,) float.
    """
    columns = ["id", "split", "text", "label", "label_origin", "given_label", "conflict"]
    everything = table.rows.select(columns).to_pylist()
    places = [
        place
        for place, row in enumerate(everything)
        if table.open[place] and (row["label"] is not None or row["conflict"] or row["id"] in questions.copies)
    ]
    judged, noise = _judge(table, places, p_error, settings)
    issues = []
    for place in places:
        row = everything[place] | UNJUDGED | judged.get(place, {}) | {"place": place}
        findings = _findings(table, row, more, questions)
        said = reasons.in_words(findings)
        row |= {"suggested_label": findings.suggested}
        if findings.conflict:
            row |= {"suggested_label": questions.disputes[row["id"]][0]}
        row |= {"said": said, "reasons": "; ".join(said), "copies": findings.copies, "kinds": _kinds(row, findings)}
        row["seconds"] = settings.pace.of(len(row["text"].split()))
        gain = None if row["p_error"] is None else row["p_error"] * getattr(settings.value, row["split"])
        row["gain_per_minute"] = None if gain is None else 60 * gain / row["seconds"]
        issues.append(row)
    return sorted(issues, key=_rank), noise


def _judge(
    table: Table, places: list[int], p_error: np.ndarray, settings: Params
) -> tuple[dict[int, dict], int | None]:
    """Return what the detectors say of each row that has a label, by its place, and cleanlab's number of wrong ones."""
    labelled = np.array([place for place in places if table.labels[place] is not None], dtype=np.int64)
    if not len(labelled):
        return {}, None
    given, evidence = table.labels[labelled], table.evidence.take(labelled)
    suspects = evidence.suspects(given, settings.filter_by)
    inside = Neighbours(table.near.index[labelled], table.near.similarity[labelled])
    flags = evidence.flags(given, inside, table.labels)
    ways = [name for name in flags if name.startswith(CLEANLAB)]
    judged = {}
    for at, place in enumerate(labelled.tolist()):
        judged[place] = {
            "score": None if np.isnan(suspects.quality[at]) else float(suspects.quality[at]),
            "is_issue": bool(suspects.is_issue[at]),
            "p_error": float(p_error[place]),
            "tier": settings.tiers.of(p_error[place]),
            "detectors": [name for name, flagged in flags.items() if flagged[at]],
            "ways": (sum(bool(flags[name][at]) for name in ways), len(ways)),
        }
    return judged, suspects.count


def _findings(table: Table, row: dict, more: Kinds, questions: Questions) -> Findings:
    place = row["place"]
    near = table.near.index[place, :NEAREST]
    flagged, ways = row["ways"]
    return Findings(
        label=row["label"],
        origin=row["label_origin"],
        suggested=table.likeliest[place],
        chances=dict(table.chances[place]),
        members={name: likeliest[place] for name, likeliest in table.members.items()},
        nearest=table.labels[near[near >= 0]].tolist(),
        flagged=flagged,
        ways=ways,
        votes=[(vote["rule"], vote["label"]) for vote in table.votes.get(row["id"], ())],
        duplicates=[(table.ids[other], table.labels[other]) for other in more.duplicates.get(place, ())],
        copies=questions.copies.get(row["id"]),
        conflict=questions.disputes[row["id"]][1] if row["id"] in questions.disputes else None,
        outlier=bool(more.outlier[place]),
        poor_slice=bool(more.slice[place]),
    )


def _kinds(row: dict, findings: Findings) -> list[str]:
    """Return the kinds of issues of a row, by name."""
    there = {
        "conflict": row["conflict"],
        "duplicates_with_other_labels": findings.copies is not None,
        "label_error": row["is_issue"],
        "near_duplicates_with_other_labels": bool(findings.duplicates),
        "outlier": findings.outlier,
        "rules_disagree": any(label != findings.label for _, label in findings.votes),
        "underperforming_group": findings.poor_slice,
    }
    return [name for name, is_there in there.items() if is_there]


def timed(made: Sequence[Decision], texts: Mapping[str, str]) -> tuple[list[int], list[float]]:
    """Return length in words, and seconds, of the decisions that tell their time, on texts that are known by id."""
    told = [of for of in made if of.seconds and of.id in texts]
    return [len(texts[of.id].split()) for of in told], [of.seconds for of in told]


def entries(issues: Sequence[dict], table: Table, shown: int) -> list[dict]:
    """Return rows of `find` as entries of a queue, with their `shown` nearest rows."""
    texts = table.rows["text"]
    made = []
    for row in issues:
        place = row["place"]
        near = zip(table.near.index[place, :shown].tolist(), table.near.similarity[place, :shown].tolist(), strict=True)
        neighbours = [
            {
                "id": table.ids[other],
                "label": table.labels[other],
                "similarity": similarity,
                "text": texts[other].as_py(),
            }
            for other, similarity in near
            if other >= 0
        ]
        chances = [{"label": label, "p": p} for label, p in table.chances[place]]
        votes = table.votes.get(row["id"], [])
        made.append(row | {"reasons": row["said"], "probabilities": chances, "votes": votes, "neighbours": neighbours})
    return made


def measure(issues: list[dict], noise: int | None, waiting: list[dict], task: Task) -> dict:
    """Return counts of suspects in all and per class, of kinds and tiers, and what is expected of the queue.

    Args:
        noise: cleanlab's number of wrong labels.
        waiting: the rows of the queue.
    """
    classes = per_class(issues, waiting, task)
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
        "per_class": classes,
    }
    if noise is not None:
        result |= {"estimated_errors": noise, "estimated_noise": noise / len(labelled)}
    return result


def per_class(issues: list[dict], waiting: list[dict], task: Task) -> dict[str, dict[str, int]]:
    """Return how many rows count for each class: all, the suspected, those of the queue."""
    parts = {"rows": issues, "suspected": [row for row in issues if row["is_issue"]], "queue_rows": waiting}
    labels = {part: [row["label"] for row in rows if row["label"] is not None] for part, rows in parts.items()}
    counts = {part: Counter(name for label in own for name in task.names(label)) for part, own in labels.items()}
    return {name: {part: counts[part][name] for part in parts} for name in task.classes(labels["rows"])}


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
    columns = ["id", "conflict", "suggested_label", "reason"]
    questions = Questions(
        copies_in_words(tables.read(args.duplicates, ["id", "kept", "others", "others_total"])),
        disputes_in_words(rows, tables.read(args.consensus, columns), args.consensus),
    )
    made = decisions.read(args.decisions)

    scored = inputs.evidence_of_all(args.scores, ids, task)
    table = detect(rows, task, scored, tables.read(args.votes), array)
    planted = read_planted(tables.read(args.calibration), table.found.names, args.calibration)
    p_error, calibrated, curve = learn(table, planted, settings.planted_worth, settings.calibration_bins)
    more = further_kinds(table, array, settings.poor_slice)
    words, seconds = timed(made, dict(zip(ids, rows["text"].to_pylist(), strict=True)))
    pace = settings.pace.measured(words, seconds)
    issues, noise = find(table, p_error, more, questions, settings.model_copy(update={"pace": pace}))

    open_questions = sum(row["conflict"] or row["copies"] is not None for row in issues)
    waiting = issues[: max(settings.queue_rows, open_questions)]
    listed = queue.table(entries(waiting, table, settings.neighbours))
    left = {of.id for of in made if of.verdict == "out_of_scope"} - set(ids)
    summary = measure(issues, noise, waiting, task) | {
        "dataset": more.dataset,
        "calibration": calibrated | {"decisions_left_out": len(left)},
        "pace": {"decisions": len(seconds), "seconds": pace.seconds, "words_per_minute": pace.words_per_minute},
    }
    told = [{name: row[name] for name in ISSUE.names} for row in issues]
    tables.write(pa.Table.from_pylist(told, schema=ISSUE), args.out)
    queue.write(listed, args.queue, args.queue_csv)
    write_text(args.queue_html, page.offline(listed, task, TITLE))
    write_csv(args.plot, ("predicted", "observed", "rows", "source"), curve)
    write_json(args.metrics, summary)


if __name__ == "__main__":
    run(main)
