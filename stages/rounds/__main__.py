"""rounds: what each round of review did, how many labels are wrong, what edits are worth, and whether to go on.

python -m stages.rounds --rows data/deduplicated.parquet --split data/split.parquet --labelled data/labelled.parquet
    --annotations data/annotations.parquet --clean data/clean.parquet --duplicates data/ledger/deduplicate.parquet
    --embeddings data/embeddings --scores data/scores.parquet --queue data/queue.parquet
    --curve reports/plots/learning_curve.csv --decisions data/decisions.csv --rounds data/rounds
    --out data/round_queue.parquet --queue-csv reports/review/round-audit.csv --metrics reports/metrics/rounds.json
    --plots reports/plots/rounds

A round begins with `winnow round --start`, which draws its random sample (`--rounds`), and ends where the next begins.
The decisions are replayed up to each round's end. Models are fast ones, the mean of two logistic regressions on
embeddings and on words, trained on all training rows; held-out rows are judged by given and by corrected labels.

Out: the rows of the last sample that nobody has settled, as a queue, without what the models say, so that people judge
the text alone; metrics; plots: evolution.csv, noise.csv, edits.csv, planted.csv.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.rounds import outcome, stopping, worth
from stages.rounds.replay import NONE, Rows, Settled, settle
from winnow import kinds
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, progress, run
from winnow.encoder import embeddings
from winnow.kinds.task import Task
from winnow.people import decisions, queue
from winnow.people.decisions import Decision
from winnow.people.rounds import sample
from winnow.people.rounds.sample import Round
from winnow.people.rounds.settings import Params
from winnow.rows import tables
from winnow.rows.origins import TRUSTED

HELD_OUT = ("dev", "test")


@dataclass(frozen=True)
class Copies:
    """Duplicates of training rows that were dropped, with a label of their source."""

    texts: list[str]
    labels: np.ndarray  # (copies,) int
    keepers: np.ndarray  # (copies,) int, positions of the rows that stayed in their place


@dataclass(frozen=True)
class Period:
    """The decisions [first, last) of a round; number 0, without a sample: those before the first round."""

    number: int
    first: int
    last: int
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
    table = tables.read(rows, ["id", "purpose", "group", "text", "label", "label_origin"])
    table = table.filter(pc.equal(table["purpose"], "task")).sort_by("id")
    given = {decision.id: decision.given_label for decision in made if decision.verdict == "out_of_scope"}
    given |= {row["id"]: row["given_label"] for row in tables.read(labelled, ["id", "given_label"]).to_pylist()}
    splits = {row["id"]: row["split"] for row in tables.read(split, ["id", "split"]).to_pylist()}
    class_of = {label: index for index, label in enumerate(task.labels)} | {None: NONE, "": NONE}
    ids = table["id"].to_pylist()
    for where, known in ((labelled, given), (split, splits)):
        if missing := [id for id in ids if id not in known]:
            raise UserError(f"{where}: {len(missing)} row(s) of {rows} are missing, first {missing[0]}; `dvc repro`")
    trusted = [
        label is not None and origin in TRUSTED
        for label, origin in zip(table["label"].to_pylist(), table["label_origin"].to_pylist(), strict=True)
    ]
    return Rows(
        ids=np.array(ids, dtype=object),
        groups=np.array(table["group"].to_pylist(), dtype=object),
        splits=np.array([splits[id] for id in ids], dtype=object),
        texts=np.array(table["text"].to_pylist(), dtype=object),
        given=np.array([class_of[given[id]] for id in ids], dtype=int),
        trusted=np.array(trusted, dtype=bool),
    )


def read_copies(clean: Path, ledger: Path, rows: Rows, task: Task) -> Copies:
    """Return the dropped duplicates whose keeper is a training row.

    Without deduplication, they would stand in the split of their cluster; those of dev and test rows would add no label
    to train on.
    """
    dropped = tables.read(ledger, ["id", "action", "other_id"])
    dropped = dropped.filter(pc.equal(dropped["action"], "drop")).to_pylist()
    keepers = {row["id"]: rows.place.get(row["other_id"]) for row in dropped}
    keepers = {id: row for id, row in keepers.items() if row is not None and rows.splits[row] == "train"}
    wanted = pa.array(sorted(keepers), pa.string())
    class_of = {label: index for index, label in enumerate(task.labels)}
    found = [
        row
        for batch in tables.batches(clean, ["id", "purpose", "text", "label", "label_origin"])
        for row in batch.filter(pc.is_in(batch["id"], wanted)).to_pylist()
        if row["purpose"] == "task" and row["label_origin"] in TRUSTED and row["label"] in class_of
    ]
    return Copies(
        texts=[row["text"] for row in found],
        labels=np.array([class_of[row["label"]] for row in found], dtype=int),
        keepers=np.array([keepers[row["id"]] for row in found], dtype=int),
    )


def read_curve(path: Path) -> list[tuple[str, int, int, float]]:
    """Return the learning curve: arm, labels, seed, macro-F1.

    Raises:
        UserError: the file is missing or is none.
    """
    try:
        return [
            (line["arm"], int(line["labels"]), int(line["seed"]), float(line["macro_f1"]))
            for line in csv.DictReader(io.StringIO(files.read_text(path)))
        ]
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: no learning curve; run `dvc repro learning_curve`") from None


def read_probabilities(path: Path, rows: Rows, now: Settled, task: Task) -> np.ndarray:
    """Return the out-of-fold probabilities of the rows that models train on, (rows, labels) float; 0 for others.

    Raises:
        UserError: a row has none.
    """
    scored = tables.read(path, ["id", *(f"p_{label}" for label in task.labels)])
    columns = np.stack([scored[f"p_{label}"].to_numpy() for label in task.labels], axis=1).astype(float)
    trained = np.flatnonzero((now.training(rows) != NONE) & (rows.splits == "train"))
    place = {id: number for number, id in enumerate(scored["id"].to_pylist())}
    if missing := [id for id in rows.ids[trained] if id not in place]:
        raise UserError(f"{path}: {len(missing)} row(s) are missing, first {missing[0]}; run `dvc repro score`")
    found = np.zeros((len(rows.ids), len(task.labels)))
    found[trained] = columns[[place[id] for id in rows.ids[trained]]]
    return found


def read_automatic(path: Path, rows: Rows, task: Task) -> np.ndarray:
    """Return the labels that rules and models proposed, (rows,) int, `NONE` where they did not."""
    labels = np.full(len(rows.ids), NONE)
    for row in tables.read(path, ["id", "label"]).to_pylist():
        if row["id"] in rows.place:
            labels[rows.place[row["id"]]] = task.labels.index(row["label"])
    return labels


def periods(rounds: Sequence[Round], made: int) -> list[Period]:
    """Return the rounds' shares of the decisions, preceded by those that were made before any round."""
    starts = [round_.decisions for round_ in rounds]
    before = [Period(0, 0, starts[0] if starts else made, None)]
    ends = [*starts[1:], made]
    return [period for period in before if period.last] + [
        Period(round_.number, start, end, round_) for round_, start, end in zip(rounds, starts, ends, strict=False)
    ]


@dataclass(frozen=True)
class Models:
    """What trainings and their comparison need."""

    learner: worth.Learner
    exams: worth.Exams
    classes: int
    confidence: float

    def scores(self, labels: np.ndarray) -> worth.Scores:
        """Return the scores of models trained on labels, (rows + copies,) int."""
        return worth.grade(self.learner.predict(labels), self.exams, self.classes)


def models(rows: Rows, copies: Copies, vectors: np.ndarray, today: np.ndarray, task: Task, settings: Params) -> Models:
    """Return what trainings need.

    A copy has its keeper's embedding: nothing else embeds it, and texts that are nearly equal have nearly equal ones.

    Args:
        vectors: (rows, dimensions) float32.
        today: (rows,) int, labels after all decisions.

    Raises:
        UserError: there is no labelled training row, or no dev row.
    """
    held_out = np.flatnonzero(rows.splits != "train")
    train = (rows.splits == "train") & ((rows.before != NONE) | (today != NONE))
    exams = worth.exams(rows, held_out, today, settings.resamples, settings.seed)
    for split, there in (("train", train.any()), ("dev", ("dev", "corrected") in exams)):
        if not there:
            raise UserError(f"rounds: no {split} row has a given or human label; mend params.yaml: split or add rows")
    try:
        learner = worth.Learner(
            [*rows.texts.tolist(), *copies.texts],
            np.concatenate([vectors, vectors[copies.keepers]]),
            np.concatenate([train, np.zeros(len(copies.texts), dtype=bool)]),
            held_out,
            len(task.labels),
            settings.regularization,
        )
    except ValueError as error:
        raise UserError(f"rounds: the training texts hold no words ({error})") from None
    return Models(learner, exams, len(task.labels), settings.confidence)


def evolution(rows: Rows, states: Sequence[tuple[str, int, Settled]], of: Models, copies: int) -> dict:
    """Return macro-F1 after each state's decisions, and its change by the last round and by all.

    Args:
        states: name, number of decisions and what they settle; the first has none.
    """
    scores = [
        of.scores(worth.on_train(rows, settled.training(rows), copies)) for _, _, settled in progress(states, "rounds")
    ]
    return {
        "macro_f1": {
            name: {"decisions": made} | worth.scored(found, of.confidence)
            for (name, made, _), found in zip(states, scores, strict=True)
        },
        "change": {
            "last_round": worth.difference(scores[-1], scores[-2:][0], of.confidence),
            "all": worth.difference(scores[-1], scores[0], of.confidence),
        },
    }


def edits(rows: Rows, now: Settled, copies: Copies, automatic: np.ndarray, of: Models) -> dict:
    """Return, for each kind of edit, how many training rows it touches and what it adds to macro-F1."""
    base = of.scores(worth.on_train(rows, now.training(rows), len(copies.texts)))
    result = {}
    for kind, (touched, labels) in progress(worth.arms(rows, now, copies.labels, automatic).items(), "edits"):
        result[kind] = {"rows": touched}
        if touched:
            result[kind] |= worth.gain(kind, base, of.scores(labels), of.confidence)
    return result


def stop_or_go(
    rows: Rows,
    now: Settled,
    copies: int,
    probabilities: np.ndarray,
    entries: Sequence[dict],
    curve: Sequence[tuple[str, int, int, float]],
    of: Models,
    settings: Params,
) -> tuple[dict, stopping.Planted]:
    """Return the advice, and what planted errors cost.

    Args:
        probabilities: (rows, labels) float, out of fold.
        entries: the review queue, the row to be read first first.
    """
    training = worth.on_train(rows, now.training(rows), copies)
    behind = np.zeros((copies, of.classes))
    planted = stopping.plant(
        of.learner,
        training,
        np.concatenate([probabilities, behind]),
        of.exams["dev", "corrected"],
        of.classes,
        settings,
    )
    labels = int((training != NONE).sum())
    new_label = stopping.label_value(curve, labels)
    wrong = now.errors & rows.trusted
    relabelled = float((now.verdicts[wrong] == "relabel").mean()) if wrong.any() else 1.0
    next_ = stopping.Next(
        [entry["split"] for entry in entries[: settings.next_decisions]],
        [entry["p_error"] for entry in entries[: settings.next_decisions]],
    )
    gained = stopping.gain(next_, planted, new_label, relabelled, settings)
    tested = int(((rows.splits == "test") & (now.training(rows) != NONE)).sum())
    result = stopping.verdict(next_, gained, tested, settings)
    result |= {"training_labels": labels, "relabelled_share": relabelled, "next_decisions": settings.next_decisions}
    if new_label is not None:
        result["new_labels_points"] = new_label * settings.next_decisions * stopping.POINTS
    return result | planted.estimate(settings.confidence).named("wrong_label_points", stopping.POINTS), planted


def audit_entries(waiting: Sequence[sample.Drawn], rows: Rows, number: int, task: Task) -> list[dict]:
    """Return the sample's open rows as entries of a queue, without what the models say."""
    entries = []
    for drawn in waiting:
        row = rows.place[drawn.id]
        given = rows.given[row]
        entries.append(
            {
                "id": drawn.id,
                "text": rows.texts[row],
                "split": rows.splits[row],
                "given_label": None if given == NONE else task.labels[given],
                "reasons": [f"random sample of round {number}"],
            }
        )
    return entries


def write_plots(folder: Path, metrics: dict, points: Sequence[tuple[int, int, float]]) -> None:
    """Write macro-F1 over decisions, wrong labels over rounds, what edits are worth, and what planted errors cost."""
    nested = (
        (name, by["decisions"], split, kind, *found.values())
        for name, by in metrics["models"]["macro_f1"].items()
        for split in HELD_OUT
        for kind, found in by.get(split, {}).items()
    )
    shares = (
        (name, when, split, found["share"], found["share_low"], found["share_high"])
        for name, of in metrics["noise"].items()
        for when in ("before", "after")
        for split, found in of.get(when, {}).items()
    )
    gains = (
        (kind, of["rows"], split, labels, *found.values())
        for kind, of in metrics["edits"].items()
        for split in HELD_OUT
        for labels, found in of.get(split, {}).items()
    )
    bounds = ("low", "high")
    with files.replacing(folder) as new:
        new.mkdir()
        files.write_csv(new / "evolution.csv", ("round", "decisions", "split", "labels", "macro_f1", *bounds), nested)
        files.write_csv(new / "noise.csv", ("round", "when", "split", "share", *bounds), shares)
        files.write_csv(new / "edits.csv", ("edit", "rows", "split", "labels", "gain", *bounds), gains)
        files.write_csv(new / "planted.csv", ("wrong_labels", "seed", "macro_f1"), sorted(points))


def main(argv: Sequence[str] | None = None) -> None:
    inputs = "rows split labelled annotations clean duplicates embeddings scores queue curve decisions rounds".split()
    args = arguments(__doc__, argv, *inputs, "out", "queue_csv", "metrics", "plots")
    settings, task = params.load("rounds", Params), kinds.read_task()
    made = decisions.read(args.decisions)
    rounds = sample.read_all(args.rounds, len(made))
    rows = read_rows(args.rows, args.split, args.labelled, made, task)
    shares = periods(rounds, len(made))
    states = [("before", 0, settle(rows, [], task.labels))]
    states += [(f"{of.number:03d}", of.last, settle(rows, made[: of.last], task.labels)) for of in shares]
    now = states[-1][2]

    copies = read_copies(args.clean, args.duplicates, rows, task)
    vectors = embeddings.of(rows.ids.tolist(), args.embeddings)
    fast = models(rows, copies, vectors, now.training(rows), task, settings)
    advice, planted = stop_or_go(
        rows,
        now,
        len(copies.texts),
        read_probabilities(args.scores, rows, now, task),
        queue.read(args.queue),
        read_curve(args.curve),
        fast,
        settings,
    )
    metrics = {
        "rounds": len(rounds),
        "decisions": len(made),
        "done": {
            name: outcome.deeds(rows, settled, made[of.first : of.last], {row.id for row in of.rows}, task.labels)
            for of, (name, _, settled) in zip(shares, states[1:], strict=True)
        },
        "noise": {
            name: outcome.noise(of.round, rows, before, after, now, settings.confidence, settings.seed)
            for of, (_, _, before), (name, _, after) in zip(shares, states[:-1], states[1:], strict=True)
            if of.round
        },
        "models": evolution(rows, states, fast, len(copies.texts)),
        "edits": edits(rows, now, copies, read_automatic(args.annotations, rows, task), fast),
        "stopping": advice,
    }
    last = rounds[-1] if rounds else None
    waiting = outcome.waiting(last, rows, now) if last else []
    queue.write(queue.table(audit_entries(waiting, rows, last.number if last else 0, task)), args.out, args.queue_csv)
    files.write_json(args.metrics, metrics)
    write_plots(args.plots, metrics, planted.points)


if __name__ == "__main__":
    run(main)
