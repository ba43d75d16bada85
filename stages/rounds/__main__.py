"""rounds: what each round of review did, how many labels are wrong, what edits are worth, and whether to go on.

python -m stages.rounds --rows data/deduplicated.parquet --split data/split.parquet --labelled data/labelled.parquet
    --annotations data/annotations.parquet --clean data/clean.parquet --duplicates data/ledger/deduplicate.parquet
    --embeddings data/embeddings --scores data/scores.parquet --queue data/queue.parquet
    --curve reports/plots/learning_curve.csv --decisions data/decisions.csv --rounds data/rounds
    --out data/round_queue.parquet --queue-csv reports/review/round-audit.csv --metrics reports/metrics/rounds.json
    --plots reports/plots/rounds

A round begins with `winnow round --start`, which draws its random sample (`--rounds`), and ends when the next begins.
Its decisions are those made in this time, wherever they stand in the file. They are replayed up to each round's end.
The models are the fast ones of the kind of task, on embeddings and on words, trained on all training rows; given and
corrected labels judge them on dev. Of test the labels are looked at, never what a model says.

Out: the rows of the last sample that nobody has settled, as a queue, without what the models say, so that people judge
the text alone; metrics; plots: evolution.csv, noise.csv, edits.csv, planted.csv.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.rounds import outcome, stopping, worth
from stages.rounds.audit import Certainty
from stages.rounds.outcome import Course
from stages.rounds.replay import NONE, Rows, Settled, settle
from stages.rounds.worth import Models
from winnow import kinds
from winnow.base import files, params, progress
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.kinds.evidence import Evidence
from winnow.kinds.task import Task
from winnow.people import decisions, queue
from winnow.people.decisions import Decision
from winnow.people.rounds import sample
from winnow.people.rounds.sample import Round
from winnow.people.rounds.settings import Params
from winnow.rows import tables
from winnow.rows.origins import trusted
from winnow.rows.text_column import TextColumn, take


@dataclass(frozen=True)
class Copies:
    """Duplicates of training rows that were dropped, with a label of their source; then, without a label, training rows
    with the text that they had before people edited it.
    """

    texts: list[str]
    labels: np.ndarray  # (copies,) labels
    keepers: np.ndarray  # (copies,) int, positions of the rows that stayed in their place

    def with_edited(self, rows: Rows, now: Settled) -> "Copies":
        """Return these, and the training rows whose text people have edited."""
        edited = np.flatnonzero((now.texts != "") & (rows.splits == "train"))
        return Copies(
            [*self.texts, *take(rows.texts, edited)],
            np.concatenate([self.labels, np.full(len(edited), NONE)]),
            np.concatenate([self.keepers, edited]),
        )


@dataclass(frozen=True)
class Today:
    """The dataset as it is: its rows, what people settled on them, and the copies that were dropped."""

    rows: Rows
    now: Settled
    copies: Copies

    @property
    def training(self) -> np.ndarray:
        """The labels that models train on, (rows + copies,) object, none of a copy."""
        return self.learnt(self.now)

    def learnt(self, settled: Settled) -> np.ndarray:
        """Return the labels that models train on by some decisions, as `training`.

        A row whose text these did not yet edit is learnt from with the text that it had: in the place of its copy.
        """
        labels, copies = settled.training(self.rows), np.full(len(self.copies.texts), NONE)
        for place in np.flatnonzero(self.copies.labels == NONE):  # `==` of each: None is no label
            row = self.copies.keepers[place]
            if settled.texts[row] != self.now.texts[row]:
                copies[place], labels[row] = labels[row], NONE
        return worth.on_train(self.rows, labels, copies)


@dataclass(frozen=True)
class Ahead:
    """What tells the worth of the next decisions.

    Attributes:
        evidence: what models say, out of fold, of the rows of train that have a label.
        entries: the review queue, the row to be read first first.
        curve: (arm, labels, seed, headline) of the stage learning_curve.
    """

    evidence: Evidence
    entries: Sequence[dict]
    curve: Sequence[tuple[str, int, int, float]]


@dataclass(frozen=True)
class Period:
    """A round's decisions, and all up to its end; number 0, without a sample: those before the first round."""

    number: int
    made: list[Decision]
    until: list[Decision]
    round: Round | None

    @property
    def rows(self) -> tuple[sample.Drawn, ...]:
        """Return the round's sample."""
        return self.round.rows if self.round else ()


def read_rows(rows: Path, split: Path, labelled: Path, made: Sequence[Decision], task: Task) -> Rows:
    """Return all rows of the task; those that people found out of scope have the label that these saw.

    Raises:
        UserError: the tables are not of one run.
    """
    table = tables.read(rows, ["id", "purpose", "group", "label", "label_origin"])
    of_task = pc.equal(table["purpose"], "task")
    table, texts = table.filter(of_task), TextColumn(rows, of_task.to_numpy())
    seen = dict(zip(table["id"].to_pylist(), table["label"].to_pylist(), strict=True))
    left_out = {decision.id: decision.given_label for decision in made if decision.verdict == "out_of_scope"}
    given = {id: task.meant(cell, seen.get(id) or "") for id, cell in left_out.items()}
    given |= {row["id"]: row["given_label"] for row in tables.read(labelled, ["id", "given_label"]).to_pylist()}
    splits = {row["id"]: row["split"] for row in tables.read(split, ["id", "split"]).to_pylist()}
    ids = table["id"].to_pylist()
    for where, known in ((labelled, given), (split, splits)):
        if missing := [id for id in ids if id not in known]:
            raise UserError(f"{where}: {len(missing)} row(s) of {rows} are missing, first {missing[0]}; `dvc repro`")
    return Rows(
        ids=np.array(ids, dtype=object),
        groups=np.array(table["group"].to_pylist(), dtype=object),
        splits=np.array([splits[id] for id in ids], dtype=object),
        texts=texts,
        given=np.array([given[id] or NONE for id in ids], dtype=object),
        trusted=trusted(table).to_numpy(),
    )


def read_copies(clean: Path, ledger: Path, rows: Rows) -> Copies:
    """Return the dropped duplicates whose keeper is a training row.

    Without deduplication, they would stand in the split of their cluster; those of dev and test rows would add no label
    to train on.
    """
    dropped = tables.read(ledger, ["id", "action", "other_id"])
    dropped = dropped.filter(pc.equal(dropped["action"], "drop")).to_pylist()
    keepers = {row["id"]: rows.place.get(row["other_id"]) for row in dropped}
    keepers = {id: row for id, row in keepers.items() if row is not None and rows.splits[row] == "train"}
    wanted = pa.array(sorted(keepers), pa.string())
    copies = [
        row
        for batch in tables.batches(clean, ["id", "purpose", "text", "label", "label_origin"])
        for row in batch.filter(pc.and_(pc.is_in(batch["id"], wanted), trusted(batch))).to_pylist()
        if row["purpose"] == "task"
    ]
    return Copies(
        texts=[row["text"] for row in copies],
        labels=np.array([row["label"] for row in copies], dtype=object),
        keepers=np.array([keepers[row["id"]] for row in copies], dtype=int),
    )


def read_curve(path: Path, task: Task) -> list[tuple[str, int, int, float]]:
    """Return the learning curve: arm, labels, seed, headline.

    Raises:
        UserError: the file is missing or is none.
    """
    headline = kinds.load(task, "metrics").HEADLINE.name
    try:
        return [
            (line["arm"], int(line["labels"]), int(line["seed"]), float(line[headline]))
            for line in csv.DictReader(io.StringIO(files.read_text(path)))
        ]
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: no learning curve; run `dvc repro learning_curve`") from None


def read_evidence(path: Path, today: Today, task: Task) -> Evidence:
    """Return what models say, out of fold, of the rows of train that have a label, in their order.

    Raises:
        UserError: of one they say nothing.
    """
    scored = tables.read(path)
    place = {id: number for number, id in enumerate(scored["id"].to_pylist())}
    ids = today.rows.ids[np.flatnonzero(today.training != NONE)].tolist()
    if missing := [id for id in ids if id not in place]:
        raise UserError(f"{path}: {len(missing)} row(s) are missing, first {missing[0]}; run `dvc repro score`")
    return kinds.load(task, "scores").read(task, scored, path).take(np.array([place[id] for id in ids], dtype=int))


def read_automatic(path: Path, rows: Rows) -> np.ndarray:
    """Return the labels that rules and models proposed, (rows,) object, `NONE` where they did not."""
    labels = np.full(len(rows.ids), NONE)
    for row in tables.read(path, ["id", "label"]).to_pylist():
        if row["id"] in rows.place:
            labels[rows.place[row["id"]]] = row["label"]
    return labels


def periods(rounds: Sequence[Round], made: Sequence[Decision]) -> list[Period]:
    """Return the rounds' shares of the decisions, preceded by those that were made before any round."""
    number = [sum(round_.has_begun(decision.decided_on) for round_ in rounds) for decision in made]
    shares = [
        Period(
            place,
            [decision for decision, own in zip(made, number, strict=True) if own == place],
            [decision for decision, own in zip(made, number, strict=True) if own <= place],
            round_,
        )
        for place, round_ in enumerate([None, *rounds])
    ]
    return [period for period in shares if period.round or period.made]


def models(today: Today, embedded: Path, task: Task, settings: Params) -> Models:
    """Return the models that trainings compare.

    A copy has its keeper's embedding: nothing else embeds it, and texts that are nearly equal have nearly equal ones.
    Rows of dev are asked with the texts that they have today.

    Args:
        embedded: the folder of the rows' embeddings.

    Raises:
        UserError: there is no labelled training row, or no dev row.
    """
    rows, copies, corrected = today.rows, today.copies, today.now.training(today.rows)
    texts = today.now.texts
    seen = worth.seen(rows, today.now, settings.max_rows)
    dev = np.flatnonzero((rows.splits == worth.SPLIT) & seen)
    train = (rows.splits == "train") & ((rows.before != NONE) | (corrected != NONE))
    exams = worth.exams(rows, dev, corrected, settings.resamples, settings.seed)
    for split, there in (("train", train.any()), ("dev", stopping.EXAM in exams)):
        if not there:
            raise UserError(f"rounds: no {split} row has a given or human label; mend params.yaml: split or add rows")
    kept = np.flatnonzero(seen[copies.keepers])  # copies whose keeper the models see
    vectors = embeddings.of(rows.ids[seen].tolist(), embedded)
    place = np.full(len(rows.ids) + len(copies.texts), -1)
    place[np.concatenate([np.flatnonzero(seen), len(rows.ids) + kept])] = np.arange(seen.sum() + len(kept))
    learner = kinds.load(task, "fast").Learner(
        task,
        [*map(_either, texts[seen], take(rows.texts, np.flatnonzero(seen))), *take(copies.texts, kept)],
        np.concatenate([vectors, vectors[place[copies.keepers[kept]]]]),
        np.concatenate([train[seen], np.zeros(len(kept), dtype=bool)]),
        settings.regularization.model_dump(),
    )
    return Models(task, learner, place, dev, exams, settings.confidence)


def _either(new: str, text: str) -> str:
    return new or text


def evolution(today: Today, states: Sequence[tuple[str, int, Settled]], fast: Models) -> dict:
    """Return the headline after each state's decisions, and its change by the last round and by all.

    Args:
        states: name, number of decisions and what they settle; the first has none.
    """
    scores = [fast.scores(today.learnt(settled)) for _, _, settled in progress.over(states, "rounds")]
    return {
        fast.headline.name: {
            name: {"decisions": made} | fast.told(score) for (name, made, _), score in zip(states, scores, strict=True)
        },
        "change": {
            "last_round": fast.difference(scores[-1], scores[-2:][0]),
            "all": fast.difference(scores[-1], scores[0]),
        },
    }


def edits(today: Today, automatic: np.ndarray, fast: Models, task: Task) -> dict:
    """Return, for each kind of edit, how many training rows it touches and what it adds to the headline.

    Args:
        automatic: (rows,) labels that rules and models proposed.
    """
    base, result = fast.scores(today.training), {}
    arms = worth.arms(today.rows, today.now, today.copies.labels, automatic)
    if task.edits_text:
        as_they_were = today.learnt(replace(today.now, texts=np.full_like(today.now.texts, "")))
        arms["edit_text"] = int((today.copies.labels == NONE).sum()), as_they_were
    for kind, (touched, labels) in progress.over(arms.items(), "edits"):
        result[kind] = {"rows": touched}
        if touched:
            result[kind] |= fast.gain(kind, base, fast.scores(labels))
    return result


def stop_or_go(today: Today, ahead: Ahead, fast: Models, settings: Params) -> tuple[dict, stopping.Planted]:
    """Return the advice, and what planted errors cost."""
    rows, now, training = today.rows, today.now, today.training
    planted = stopping.plant(training, ahead.evidence, fast, settings)
    labels = int((training != NONE).sum())
    new_label = stopping.label_value(ahead.curve, labels, fast.headline.sign)
    wrong = now.errors & rows.trusted
    relabelled = float((now.verdicts[wrong] == "relabel").mean()) if wrong.any() else 1.0
    entries = ahead.entries[: settings.next_decisions]
    next_ = stopping.Next([entry["split"] for entry in entries], [entry["p_error"] for entry in entries])
    gained = stopping.gain(next_, planted, new_label, relabelled, settings)
    tested = int(((rows.splits == "test") & (now.training(rows) != NONE)).sum())
    result = stopping.verdict(next_, gained, tested, fast.gain_in_words, settings)
    result |= {"training_labels": labels, "relabelled_share": relabelled, "next_decisions": settings.next_decisions}
    if new_label is not None:
        result["new_labels_points"] = new_label * settings.next_decisions * stopping.POINTS
    return result | planted.estimate(settings.confidence).named("wrong_label_points", stopping.POINTS), planted


def audit_entries(waiting: Sequence[sample.Drawn], rows: Rows, number: int) -> list[dict]:
    """Return the sample's open rows as entries of a queue, without what the models say."""
    at = [rows.place[drawn.id] for drawn in waiting]
    return [
        {
            "id": rows.ids[row],
            "text": rows.texts[row],
            "split": rows.splits[row],
            "given_label": rows.given[row],
            "reasons": [f"random sample of round {number}"],
        }
        for row in at
    ]


def write_plots(folder: Path, metrics: dict, headline: str, points: Sequence[tuple[int, int, float]]) -> None:
    """Write the headline over decisions, wrong labels over rounds, the worth of edits, the cost of planted errors."""
    nested = (
        (name, by["decisions"], worth.SPLIT, kind, *estimate.values())
        for name, by in metrics["models"][headline].items()
        for kind, estimate in by[worth.SPLIT].items()
    )
    shares = (
        (name, when, split, estimate["share"], estimate["share_low"], estimate["share_high"])
        for name, entry in metrics["noise"].items()
        for when in ("before", "after")
        for split, estimate in entry.get(when, {}).items()
    )
    gains = (
        (kind, entry["rows"], worth.SPLIT, labels, *estimate.values())
        for kind, entry in metrics["edits"].items()
        for labels, estimate in entry.get(worth.SPLIT, {}).items()
    )
    bounds = ("low", "high")
    with files.replacing(folder) as new:
        new.mkdir()
        files.write_csv(new / "evolution.csv", ("round", "decisions", "split", "labels", headline, *bounds), nested)
        files.write_csv(new / "noise.csv", ("round", "when", "split", "share", *bounds), shares)
        files.write_csv(new / "edits.csv", ("edit", "rows", "split", "labels", "gain", *bounds), gains)
        files.write_csv(new / "planted.csv", ("wrong_labels", "seed", headline), sorted(points))


def main(argv: Sequence[str] | None = None) -> None:
    inputs = "rows split labelled annotations clean duplicates embeddings scores queue curve decisions rounds".split()
    args = arguments(__doc__, argv, *inputs, "out", "queue_csv", "metrics", "plots")
    settings, task = params.load("rounds", Params), kinds.read_task()
    made = decisions.read(args.decisions)
    rounds = sample.read_all(args.rounds)
    rows = read_rows(args.rows, args.split, args.labelled, made, task)
    shares = periods(rounds, made)
    states = [("before", 0, settle(rows, [], task))]
    states += [(f"{period.number:03d}", len(period.until), settle(rows, period.until, task)) for period in shares]
    now = states[-1][2]

    today = Today(rows, now, read_copies(args.clean, args.duplicates, rows).with_edited(rows, now))
    fast = models(today, args.embeddings, task, settings)
    ahead = Ahead(read_evidence(args.scores, today, task), queue.read(args.queue), read_curve(args.curve, task))
    advice, planted = stop_or_go(today, ahead, fast, settings)
    certainty = Certainty(settings.confidence, settings.seed)
    metrics = {
        "rounds": len(rounds),
        "decisions": len(made),
        "done": {
            name: outcome.deeds(rows, settled, period.made, {row.id for row in period.rows}, task)
            for period, (name, _, settled) in zip(shares, states[1:], strict=True)
        },
        "noise": {
            name: outcome.noise(period.round, rows, Course(before, after, now), certainty)
            for period, (_, _, before), (name, _, after) in zip(shares, states[:-1], states[1:], strict=True)
            if period.round
        },
        "models": evolution(today, states, fast),
        "edits": edits(today, read_automatic(args.annotations, rows), fast, task),
        "stopping": advice,
    }
    last = rounds[-1] if rounds else None
    waiting = outcome.waiting(last, rows, now) if last else []
    queue.write(queue.table(audit_entries(waiting, rows, last.number if last else 0)), args.out, args.queue_csv, task)
    files.write_json(args.metrics, metrics)
    write_plots(args.plots, metrics, fast.headline.name, planted.points)


if __name__ == "__main__":
    run(main)
