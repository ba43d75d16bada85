"""A small project as `dvc repro` leaves it before the stage `rounds`: every file that rounds read."""

import itertools

import numpy as np
import pyarrow as pa

from stages.rounds import __main__ as rounds
from tests.conftest import make_rows
from winnow.base import files, hashing
from winnow.encoder import embeddings
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, queue
from winnow.people.queue import ENTRY
from winnow.rows import tables
from winnow.rows.ledger import Details, Ledger

TASK = {"kind": "classification", "labels": ["A", "B", "C"]}
PARAMS = {
    "sample": {"flagged": 6, "unflagged": 10, "test": 12},
    "flagged_from": 0.5,
    "regularization": {"probe": 1.0, "tfidf": 10.0},
    "planted": [0.2],
    "plant_seeds": 2,
    "next_decisions": 10,
    "min_gain": 0.1,
    "min_precision": 0.2,
    "resamples": 100,
    "confidence": 0.95,
    "seed": 1,
}
WRONG = 20  # rows 0, 6, 12, … have a wrong label, as many of them
UNLABELLED = 12  # the last rows; a rule says A of each
COPIES = 3  # of rows 1, 2, 3
SPLITS = ("train", "train", "train", "dev", "test")
WORDS = {label: [f"{label.lower()}{n}" for n in range(8)] for label in TASK["labels"]}
COMMAND = (
    "--rows data/deduplicated.parquet --split data/split.parquet --labelled data/labelled.parquet "
    "--annotations data/annotations.parquet --clean data/clean.parquet --duplicates data/ledger/deduplicate.parquet "
    "--embeddings data/embeddings --scores data/scores.parquet --queue data/queue.parquet "
    "--curve reports/plots/learning_curve.csv --decisions data/decisions.csv --rounds data/rounds "
    "--out data/round_queue.parquet --queue-csv reports/review/round-audit.csv --metrics reports/metrics/rounds.json "
    "--plots reports/plots/rounds"
).split()


def tick(monkeypatch) -> None:
    """Let a minute pass between any two looks at the clock."""
    minutes = itertools.count()
    monkeypatch.setattr(decisions, "now", lambda: "2026-01-31T{:02}:{:02}:00Z".format(*divmod(next(minutes), 60)))


class Project:
    """The files of a project, in the folder in which the test runs."""

    def __init__(self, folder, count: int = 240):
        self.folder = folder
        self.count = count
        rng = np.random.default_rng(3)
        labels = TASK["labels"]
        right = [labels[n % 3] for n in range(count)]
        texts = [" ".join([*rng.choice(WORDS[label], 4), f"w{n}"]) for n, label in enumerate(right)]
        given: list[str | None] = list(right)
        for n in range(0, 6 * WRONG, 6):
            given[n] = labels[(n + 1) % 3]
        given[count - UNLABELLED :] = [None] * UNLABELLED
        rows = [
            {"text": text, "label": label, "group": f"g{n // 2}", "cluster": "c", "split": SPLITS[n // 2 % 5]}
            for n, (text, label) in enumerate(zip(texts, given, strict=True))
        ]
        self.table = make_rows(rows)
        self.ids = self.table["id"].to_pylist()
        self.right = dict(zip(self.ids, right, strict=True))
        self.given = dict(zip(self.ids, given, strict=True))
        self.automatic = dict.fromkeys(self.ids[count - UNLABELLED :], "A")
        self.vectors = (np.eye(3)[[n % 3 for n in range(count)]] + rng.normal(0, 0.7, (count, 3))).astype(np.float32)
        self.wrong = [self.ids[n] for n in range(0, 6 * WRONG, 6)]
        self._write()

    def _write(self) -> None:
        data = self.folder / "data"
        tables.write(self.table.drop_columns("split"), data / "deduplicated.parquet")
        tables.write(self.table.select(["id", "group", "split"]), data / "split.parquet")
        automatic = [{"id": id, "label": label} for id, label in self.automatic.items()]
        tables.write(pa.Table.from_pylist(automatic), data / "annotations.parquet")
        ledger = Ledger("deduplicate")
        copies = make_rows(
            [
                {"source_key": f"copy-{n}", "text": self.table["text"][n].as_py().upper(), "label": "A"}
                for n in range(1, COPIES + 1)
            ]
        )
        for n, id in enumerate(copies["id"].to_pylist(), 1):
            ledger.add(id, "drop", "exact_duplicate", "a duplicate", Details("sha", other_id=self.ids[n]))
        ledger.write(data / "ledger/deduplicate.parquet")
        kept = self.table.select(copies.schema.names)
        tables.write(pa.concat_tables([kept, copies]), data / "clean.parquet")
        embeddings.write(data / "embeddings", self.ids, self.vectors)
        chances = np.full((self.count, 3), 0.1, dtype=np.float32)
        chances[np.arange(self.count), [n % 3 for n in range(self.count)]] = 0.8
        columns = {f"p_{label}": pa.array(chances[:, n]) for n, label in enumerate(TASK["labels"])}
        tables.write(pa.table({"id": self.table["id"]} | columns), data / "scores.parquet")
        curve = "".join(f"{arm},{n},1,{0.5 + n / 1000}\n" for arm in ("probe", "tfidf") for n in (50, 100))
        files.write_text(self.folder / "reports/plots/learning_curve.csv", "arm,labels,seed,macro_f1\n" + curve)
        files.write_text(data / "decisions.csv", ",".join([*decisions.COLUMNS, "seconds"]) + "\n")
        (data / "rounds").mkdir()
        self.repro()

    def repro(self) -> None:
        """Make what depends on decisions: labels, issues and queue; wrong labels are flagged, and some others."""
        last = {decision.id: decision for decision in decisions.read(self.folder / "data/decisions.csv")}
        labelled, issues, entries = [], [], []
        for n, row in enumerate(self.table.to_pylist()):
            id = row["id"]
            decision = last.get(id)
            given = self.given[id] or self.automatic.get(id)
            verdict = decision.verdict if decision else None
            label = {"keep": given, "relabel": decision.new_label}.get(verdict) if decision else self.given[id]
            if verdict != "out_of_scope":
                labelled.append(
                    {name: row[name] for name in ("id", "text", "split")}
                    | {"given_label": given, "label": label, "verdict": verdict, "conflict": False}
                    | {"label_origin": None if label is None else "human" if decision else "given"}
                )
            if decision is None and label is not None:
                suspicious = id in self.wrong
                issues.append({"id": id, "is_issue": suspicious or n % 20 == 1, "p_error": 0.7 if suspicious else 0.02})
                entries.append(row | {"given_label": label, "p_error": issues[-1]["p_error"]})
        schema = pa.schema(
            [(name, pa.string()) for name in labelled[0] if name != "conflict"] + [("conflict", pa.bool_())]
        )
        tables.write(pa.Table.from_pylist(labelled, schema), self.folder / "data/labelled.parquet")
        schema = pa.schema([("id", pa.string()), ("is_issue", pa.bool_()), ("p_error", pa.float64())])
        tables.write(pa.Table.from_pylist(issues, schema), self.folder / "data/issues.parquet")
        entries.sort(key=lambda entry: (-entry["p_error"], entry["id"]))
        entries = [{name: entry[name] for name in ENTRY.names if name in entry} for entry in entries]
        files = self.folder / "data/queue.parquet", self.folder / "reports/review/queue.csv"
        queue.write(queue.table(entries), *files, Task(**TASK))

    def decide(self, ids: list[str], verdict: str | None = None, seconds: float | None = None) -> None:
        """Append decisions by the truth, or with one verdict for all."""
        texts = dict(zip(self.ids, self.table["text"].to_pylist(), strict=True))
        with (self.folder / "data/decisions.csv").open("a") as file:
            for id in ids:
                given = self.given[id] or self.automatic.get(id) or ""
                said = verdict or ("keep" if given == self.right[id] else "relabel")
                new = self.right[id] if said == "relabel" else ""
                cells = [id, hashing.text_sha(texts[id]), given, said, new, "ana", decisions.now(), ""]
                file.write(",".join([*cells, "" if seconds is None else str(seconds)]) + "\n")
        self.repro()

    def run(self) -> dict:
        """Run the stage and return its metrics."""
        rounds.main(COMMAND)
        return self.metrics()

    def metrics(self) -> dict:
        """Return the stage's metrics."""
        import json

        return json.loads((self.folder / "reports/metrics/rounds.json").read_text())

    def audit(self) -> list[dict]:
        """Return the queue of the last round's sample."""
        return queue.read(self.folder / "data/round_queue.parquet")
