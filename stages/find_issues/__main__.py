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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.find_issues import reasons
from stages.find_issues.datalab import Kinds
from stages.find_issues.found import Labelled, Table, detect, further_kinds
from stages.find_issues.pace import Pace, lengths
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
from winnow.kinds.evidence import CLEANLAB, NEAREST, Filter, Suspects
from winnow.kinds.task import Task
from winnow.people import decisions, queue
from winnow.people.decisions import Decision
from winnow.review import page, queues
from winnow.rows import tables
from winnow.rows.text_column import TextColumn

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
BLOCK = 4096  # rows that are told of at once
UNJUDGED: dict = {"score": None, "is_issue": False, "p_error": None, "tier": None, "detectors": [], "ways": (0, 0)}
TIERS = ("almost certain", "likely", "possible", "unlikely")


class Tiers(params.Section):
    """Section `find_issues.tiers`: the lowest probability of an error of each tier; what is below is unlikely."""

    almost_certain: float = Field(ge=0, le=1)
    """From this `p_error` on a label is almost certainly wrong."""

    likely: float = Field(ge=0, le=1)
    """From this `p_error` on an error is likely."""

    possible: float = Field(ge=0, le=1)
    """From this `p_error` on an error is possible; below it, unlikely."""

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
    """What a right label is worth in train."""

    dev: float = Field(1.0, ge=0)
    """What a right label is worth in dev."""

    test: float = Field(2.0, ge=0)
    """What a right label is worth in test."""


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
    """Bins of the figure that compares probabilities with decisions."""

    poor_slice: float = Field(0.5, gt=0, le=1)
    """A cluster is told if its mean label quality is below this share of all rows' (cleanlab.Datalab)."""


@dataclass(frozen=True)
class Judged:
    """What the detectors say of the rows that have a label.

    Attributes:
        place: (rows of the table,) int, of each row in the other arrays; -1 where it has no label.
        p_error: (rows of the table,) float, how probable its label is wrong.
        suspects: by confident learning.
        flags: (rows,) bool of each detector, by name.
    """

    place: np.ndarray
    p_error: np.ndarray
    suspects: Suspects
    flags: dict[str, np.ndarray]

    @classmethod
    def of(cls, table: Table, places: np.ndarray, p_error: np.ndarray, filter_by: Filter) -> Self:
        """Return what is said of some rows, (some,) int."""
        labelled = places[[label is not None for label in table.labels[places]]]
        place = np.full(len(table.labels), -1)
        place[labelled] = np.arange(len(labelled))
        if not len(labelled):
            return cls(place, p_error, Suspects(np.zeros(0), np.zeros(0, dtype=bool), None), {})
        given, evidence = table.labels[labelled], table.evidence.take(labelled)
        inside = Neighbours(table.near.index[labelled], table.near.similarity[labelled])
        flags = evidence.flags(given, inside, table.labels)
        return cls(place, p_error, evidence.suspects(given, filter_by), flags)

    def told(self, row: int, tiers: Tiers) -> dict:
        """Return what is said of a row, as columns of `ISSUE` and `ways`."""
        at = self.place[row]
        if at < 0:
            return {}
        ways = [name for name in self.flags if name.startswith(CLEANLAB)]
        quality = float(self.suspects.quality[at])
        return {
            "score": None if np.isnan(quality) else quality,
            "is_issue": bool(self.suspects.is_issue[at]),
            "p_error": float(self.p_error[row]),
            "tier": tiers.of(self.p_error[row]),
            "detectors": [name for name, flagged in self.flags.items() if flagged[at]],
            "ways": (sum(bool(self.flags[name][at]) for name in ways), len(ways)),
        }


def unsettled(table: Table, questions: Questions) -> np.ndarray:
    """Return the places of the rows that nobody has settled and that have a label or a question, (rows,) int."""
    labelled = np.array([label is not None for label in table.labels], dtype=bool)
    asked = pc.is_in(table.rows["id"], pa.array(sorted(questions.copies), pa.string())).to_numpy()
    return np.flatnonzero(table.open & (labelled | table.rows["conflict"].to_numpy() | asked))


def find(
    table: Table, places: np.ndarray, judged: Judged, context: tuple[Kinds, Questions], settings: Params
) -> Iterator[list[dict]]:
    """Yield what is to be told of some rows, in their order, a block at a time.

    Each row's dict has the columns of `ISSUE`, those of the labelled table that they need, and `copies`, `words`,
    `seconds`, `said` (the reasons) and `chances` (labels with their probabilities).

    Args:
        places: of the rows, (rows,) int.
        context: what Datalab finds, and open questions.
    """
    columns = ["id", "split", "label", "label_origin", "given_label", "conflict"]
    more, questions = context
    for start in range(0, len(places), BLOCK):
        some = places[start : start + BLOCK]
        rows, texts = table.rows.select(columns).take(some).to_pylist(), table.texts.take(some)
        issues, alike = [], _alike(table, some, more)
        shown = zip(table.chances(some), table.evidence.take(some).why() or [None] * len(some), strict=True)
        seconds = map(settings.pace.of, lengths(texts))
        for place, row, text, (chances, why), took in zip(some.tolist(), rows, texts, shown, seconds, strict=True):
            row |= UNJUDGED | judged.told(place, settings.tiers) | {"place": place, "text": text}
            row |= {"alike": alike.get(place, [])}
            row |= {"chances": chances, "why": why}
            findings = _findings(table, row, more, questions)
            said = reasons.in_words(findings)
            row |= {"suggested_label": findings.suggested}
            if findings.conflict:
                row |= {"suggested_label": questions.disputes[row["id"]][0]}
            row |= {"said": said, "reasons": "; ".join(said), "copies": findings.copies}
            votes = [vote["label"] for vote in table.votes.get(row["id"], ())]
            row |= {"kinds": _kinds(row, findings, votes), "seconds": took}
            gain = None if row["p_error"] is None else row["p_error"] * getattr(settings.value, row["split"])
            row["gain_per_minute"] = None if gain is None else 60 * gain / row["seconds"]
            issues.append(row)
        yield issues


def _alike(table: Table, some: np.ndarray, more: Kinds) -> dict[int, list[tuple[str, str]]]:
    """Return id and label, in words, of the rows that say nearly the same as some rows under another label."""
    near = {place: more.duplicates[place] for place in some.tolist() if more.duplicates.get(place)}
    others = sorted({other for own in near.values() for other in own})
    # A label that marks no place of its text says itself.
    texts = table.texts.take(np.array(others, dtype=np.int64)) if table.task.marks_text and others else []
    text = dict(zip(others, texts, strict=False))
    return {
        place: [(table.ids[other], table.task.brief(table.labels[other], text.get(other, ""))) for other in own]
        for place, own in near.items()
    }


def _findings(table: Table, row: dict, more: Kinds, questions: Questions) -> Findings:
    place = row["place"]
    near = table.near.index[place, :NEAREST]
    flagged, ways = row["ways"]
    shown, brief = table.task.shown, table.task.brief
    return Findings(
        label=row["label"],
        origin=row["label_origin"],
        suggested=table.likeliest[place],
        chances=dict(row["chances"]),
        members=table.said_by(place),
        nearest=table.labels[near[near >= 0]].tolist(),
        flagged=flagged,
        ways=ways,
        votes=[(vote["rule"], brief(vote["label"], row["text"])) for vote in table.votes.get(row["id"], ())],
        duplicates=row["alike"],
        copies=questions.copies.get(row["id"]),
        conflict=questions.disputes[row["id"]][1] if row["id"] in questions.disputes else None,
        outlier=bool(more.outlier[place]),
        poor_slice=bool(more.slice[place]),
        shown=partial(shown, text=row["text"]),
        why=row["why"],
    )


def _kinds(row: dict, findings: Findings, votes: Sequence[str]) -> list[str]:
    """Return the kinds of issues of a row, by name; `votes` are the labels that rules give it."""
    there = {
        "conflict": row["conflict"],
        "duplicates_with_other_labels": findings.copies is not None,
        "label_error": row["is_issue"],
        "near_duplicates_with_other_labels": bool(findings.duplicates),
        "outlier": findings.outlier,
        "rules_disagree": any(label != findings.label for label in votes),
        "underperforming_group": findings.poor_slice,
    }
    return [name for name, is_there in there.items() if is_there]


def timed(made: Sequence[Decision], ids: Sequence[str], texts: TextColumn) -> tuple[list[float], list[float]]:
    """Return length in words, and seconds, of the decisions that tell their time, on rows that are there."""
    told = {of.id for of in made if of.seconds}
    places = [place for place, id in enumerate(ids) if id in told]
    words = dict(zip((ids[place] for place in places), lengths(texts.take(places)), strict=True))
    known = [of for of in made if of.seconds and of.id in words]
    return [words[of.id] for of in known], [of.seconds for of in known]


def entries(issues: Sequence[dict], table: Table, shown: int) -> list[dict]:
    """Return rows of `find` as entries of a queue, with their `shown` nearest rows."""
    near = table.near.index[[row["place"] for row in issues], :shown] if issues else np.zeros((0, 0), dtype=np.int64)
    others = np.unique(near[near >= 0])
    texts = dict(zip(others.tolist(), table.texts.take(others), strict=True))
    made = []
    for row, places in zip(issues, near.tolist(), strict=True):
        similarities = table.near.similarity[row["place"], :shown].tolist()
        neighbours = [
            {"id": table.ids[other], "label": table.labels[other], "similarity": similarity, "text": texts[other]}
            for other, similarity in zip(places, similarities, strict=True)
            if other >= 0
        ]
        chances = [{"label": label, "p": p} for label, p in row["chances"]]
        votes = table.votes.get(row["id"], [])
        made.append(row | {"reasons": row["said"], "probabilities": chances, "votes": votes, "neighbours": neighbours})
    return made


class Gathered:
    """What is kept of the rows of `find`, which come a block at a time: the table, the queue's rows and counts.

    Attributes:
        waiting: the rows to read first, in their order: `queue_rows`, or all with an open question if they are more.
    """

    def __init__(self, queue_rows: int) -> None:
        self.waiting: list[dict] = []
        self._queue_rows, self._tables = queue_rows, [ISSUE.empty_table()]
        self._counts: Counter = Counter()
        self._tiers, self._kinds, self._detectors = (Counter() for _ in range(3))
        self._labels, self._suspected = [], []
        self._expected = 0.0

    def add(self, issues: list[dict]) -> None:
        """Take rows in."""
        self._tables.append(
            pa.Table.from_pylist([{name: row[name] for name in ISSUE.names} for row in issues], schema=ISSUE)
        )
        first = sorted([*self.waiting, *issues], key=_rank)
        asked = sum(row["conflict"] or row["copies"] is not None for row in first)
        self.waiting = first[: max(self._queue_rows, asked)]
        for row in issues:
            self._tiers[row["tier"]] += 1
            self._kinds.update(row["kinds"])
            self._detectors.update(row["detectors"])
            self._counts["conflicts"] += row["conflict"]
            self._counts["duplicates_with_other_labels"] += row["copies"] is not None
            self._counts["suspected"] += row["is_issue"]
            if row["label"] is not None:
                self._labels.append(row["label"])
                self._expected += row["p_error"]
                self._suspected += [row["label"]] * row["is_issue"]

    def table(self) -> pa.Table:
        """Return what is told of each row (`ISSUE`)."""
        return pa.concat_tables(self._tables)

    def measure(self, noise: int | None, task: Task) -> dict:
        """Return counts of suspects in all and per class, of kinds and tiers, and what is expected of the queue.

        Args:
            noise: cleanlab's number of wrong labels.
        """
        rows, waiting = len(self._labels), self.waiting
        queued = [row["label"] for row in waiting if row["label"] is not None]
        result = {
            "rows": rows,
            "suspected": self._counts["suspected"],
            "suspected_share": self._counts["suspected"] / rows if rows else 0.0,
            "expected_errors": float(self._expected),
            "conflicts": self._counts["conflicts"],
            "duplicates_with_other_labels": self._counts["duplicates_with_other_labels"],
            "tiers": {tier: self._tiers[tier] for tier in TIERS},
            "kinds": dict(self._kinds),
            "detectors": dict(self._detectors),
            "queue_rows": len(waiting),
            "queue_expected_errors": float(sum(row["p_error"] or 0 for row in waiting)),
            "queue_minutes": sum(row["seconds"] for row in waiting) / 60,
            "per_class": per_class({"rows": self._labels, "suspected": self._suspected, "queue_rows": queued}, task),
        }
        if noise is not None:
            result |= {"estimated_errors": noise, "estimated_noise": noise / rows}
        return result


def per_class(labels: dict[str, list[str]], task: Task) -> dict[str, dict[str, int]]:
    """Return how many labels of each part count for each class; the part `rows` has all."""
    counts = {part: Counter(name for label in own for name in task.names(label)) for part, own in labels.items()}
    return {name: {part: counts[part][name] for part in labels} for name in task.classes(labels["rows"])}


def _rank(row: dict) -> tuple:
    gain = row["gain_per_minute"]
    return not row["conflict"], not row["copies"], 0.0 if gain is None else -gain, row["id"]


def main(argv: Sequence[str] | None = None) -> None:
    inputs_ = ("rows", "scores", "embeddings", "calibration", "votes", "duplicates", "consensus", "decisions")
    outputs = ("out", "queue", "queue_csv", "queue_html", "plot", "metrics")
    args = arguments(__doc__, argv, *inputs_, *outputs)
    settings, task = params.load("find_issues", Params), kinds.read_task()
    rows, texts = tables.read(args.rows, tables.without_texts(args.rows)), TextColumn(args.rows)
    ids = rows["id"].to_pylist()
    array = embeddings.of(ids, args.embeddings)
    columns = ["id", "conflict", "suggested_label", "reason"]
    questions = Questions(
        copies_in_words(tables.read(args.duplicates, ["id", "kept", "others", "others_total"]), rows, texts, task),
        disputes_in_words(rows, tables.read(args.consensus, columns), args.consensus),
    )
    made = decisions.read(args.decisions)

    scored = inputs.evidence_of_all(args.scores, ids, task)
    table = detect(Labelled(rows, texts), task, scored, tables.read(args.votes), array)
    planted = read_planted(tables.read(args.calibration), table.found.names, args.calibration)
    p_error, calibrated, curve = learn(table, planted, settings.planted_worth, settings.calibration_bins)
    more = further_kinds(table, array, settings.poor_slice)
    words, seconds = timed(made, ids, texts)
    pace = settings.pace.measured(words, seconds)
    places = unsettled(table, questions)
    judged = Judged.of(table, places, p_error, settings.filter_by)
    found = Gathered(settings.queue_rows)
    for issues in find(table, places, judged, (more, questions), settings.model_copy(update={"pace": pace})):
        found.add(issues)
    listed = queue.table(entries(found.waiting, table, settings.neighbours))
    left = {of.id for of in made if of.verdict == "out_of_scope"} - set(ids)
    summary = found.measure(judged.suspects.count, task) | {
        "dataset": more.dataset,
        "calibration": calibrated | {"decisions_left_out": len(left)},
        "pace": {"decisions": len(seconds), "seconds": pace.seconds, "words_per_minute": pace.words_per_minute},
    }
    tables.write(found.table(), args.out)
    queue.write(listed, args.queue, args.queue_csv, task)
    queued, labels = (len(column) - column.null_count for column in (listed["given_label"], rows["label"]))
    write_text(args.queue_html, page.offline(listed, task, queues.of_issues(queued, labels)))
    write_csv(args.plot, ("predicted", "observed", "rows", "source"), curve)
    write_json(args.metrics, summary)


if __name__ == "__main__":
    run(main)
