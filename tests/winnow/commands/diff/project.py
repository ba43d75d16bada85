"""A small project of two revisions, as DVC leaves it: Git, dvc.lock and objects in the cache; no stage runs."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
from ruamel.yaml import YAML

from tests.conftest import ROOT, make_rows
from winnow.base.hashing import digest, unit
from winnow.people import decisions
from winnow.rows import ledger, tables

LABELS = ["FRUIT", "STONE", "WATER"]
PARAMS = {
    "task": {"kind": "classification", "labels": LABELS},
    "compare": {"baseline": "tfidf", "pairs": [], "resamples": 300, "confidence": 0.95},
    "evaluate": {"calibration_bins": 10},
}
SPLITS = ("train", "train", "dev", "dev", "test")
METRICS = (
    ("adapt", "adapt.json"),
    ("compare", "compare.json"),
    ("finetune@transfer-adapted-1", "finetune/transfer-adapted-1.json"),
)
LEDGERS = ("collect", "clean", "deduplicate", "annotate", "apply_decisions", "balance")


@dataclass(frozen=True)
class Row:
    """A labelled row."""

    id: str
    text: str
    label: str | None
    given: str | None
    split: str
    group: str
    source: str = "notes"
    origin: str | None = "given"


def rows(count: int = 900) -> list[Row]:
    """Return rows of three classes, two a group, two fifths of them in dev."""
    found = []
    for n in range(count):
        label = LABELS[n % 3]
        text = f"row {n} tells of {label.lower()}, at some length"
        found.append(Row(digest(n)[:16], text, label, label, SPLITS[n // 2 % 5], f"g{n // 2}"))
    return found


@dataclass
class State:
    """What a revision holds.

    Attributes:
        right: how often the model dapt is right.
        anew: share of the rows that are drawn anew, with `salt`.
        wrong: ids of rows that every model gets wrong.
        training: further rows that models train on: id and text.
        entries: of ledgers: id, stage, action, rule.
        decided: lines of decisions.csv.
    """

    rows: list[Row]
    right: float = 0.8
    anew: float = 0.0
    salt: str = ""
    wrong: frozenset[str] = frozenset()
    training: list[tuple[str, str]] = field(default_factory=list)
    entries: list[tuple[str, str, str, str]] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    params: dict = field(default_factory=lambda: PARAMS)
    seeds: Sequence[int] = (1, 2, 3)
    device: str = "a processor"
    best: str = "dapt"
    other: float | None = None  # how often a further arm, transfer, is right
    dev: dict = field(default_factory=dict)  # what `compare` says of dev
    tokens: int | None = None  # that adaptation read
    code: dict[str, str] = field(default_factory=lambda: {"stages/clean/__main__.py": "a" * 64})
    packages: str = "numpy==2.0\n"  # requirements.lock
    profile: dict | None = None  # of the stage `validate`
    steps: int | None = None  # of each run of fine-tuning

    def predicted(self, row: Row, arm: str, right: float) -> str:
        """Return what a model says of a row: the label that its text tells, or the next one."""
        salt = self.salt if unit("anew", row.id) < self.anew else ""
        true = next(label for label in LABELS if label.lower() in row.text)
        hit = unit(salt, arm, row.id) < right and row.id not in self.wrong
        return true if hit else LABELS[(LABELS.index(true) + 1) % 3]


class Project:
    """A Git repository with a remote of DVC, that is a folder; the current folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".dvc").mkdir(parents=True)
        (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
        (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")  # as DVC has it
        shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ana")
        self.git("config", "user.email", "ana@example.org")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, state: State, name: str) -> None:
        """Write a revision and give it a tag."""
        outs: dict[str, list[dict]] = {}
        for stage, path, file in tables_of(state):
            outs.setdefault(stage, []).append(self._stored(path, file))
        for stage, path, files in folders_of(state):
            outs.setdefault(stage, []).append(self._folder(path, files))
        computed = {"computed_on": {"device": state.device}, "steps": 1}
        computed |= {} if state.tokens is None else {"tokens": state.tokens}
        self._text("reports/metrics/adapt.json", json.dumps(computed))
        self._text("reports/metrics/compare.json", json.dumps({"best": state.best, "dev": state.dev}))
        if state.profile is not None:
            self._text("reports/metrics/profile.json", json.dumps(state.profile))
        if state.steps is not None:
            self._text("reports/metrics/finetune/transfer-adapted-1.json", json.dumps({"steps": state.steps}))
        for stage, path in METRICS:
            if (self.folder / "reports/metrics" / path).exists():
                outs.setdefault(stage, []).append({"path": f"reports/metrics/{path}", "hash": "md5", "md5": "0" * 32})
        with (self.folder / "params.yaml").open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(state.params, file)
        self._text("requirements.lock", state.packages)
        self._text("data/decisions.csv", decisions.EMPTY + "".join(f"{line}\n" for line in state.decided))
        locked = {stage: {"cmd": stage, "outs": each} for stage, each in outs.items()}
        with (self.folder / "dvc.lock").open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump({"schema": "2.0", "stages": locked}, file)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", name)
        self.git("tag", "-f", name)

    def object(self, path: str) -> Path:
        """Return where the cache has an output of the revision that is checked out."""
        lock = YAML(typ="safe").load((self.folder / "dvc.lock").read_text())
        md5 = next(out["md5"] for stage in lock["stages"].values() for out in stage["outs"] if out["path"] == path)
        return self._place(md5)

    def _text(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def _place(self, md5: str) -> Path:
        return self.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]

    def _put(self, content: bytes, suffix: str = "") -> str:
        md5 = hashlib.md5(content).hexdigest() + suffix
        place = self._place(md5)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return md5

    def _stored(self, path: str, table: pa.Table | bytes) -> dict:
        return {"path": path, "hash": "md5", "md5": self._put(self._bytes(table))}

    def _folder(self, path: str, files: dict[str, pa.Table | bytes]) -> dict:
        listed = [{"md5": self._put(self._bytes(file)), "relpath": name} for name, file in sorted(files.items())]
        return {"path": path, "hash": "md5", "md5": self._put(json.dumps(listed).encode(), ".dir")}

    def _bytes(self, table: pa.Table | bytes) -> bytes:
        if isinstance(table, bytes):
            return table
        scratch = self.folder / ".dvc/tmp/scratch.parquet"
        scratch.parent.mkdir(parents=True, exist_ok=True)
        tables.write_sorted(table, scratch)
        return scratch.read_bytes()


def tables_of(state: State) -> Iterable[tuple[str, str, pa.Table]]:
    """Yield the stage, the path and the content of each table of a state."""
    ordered = sorted(state.rows, key=lambda row: row.id)
    yield "apply_decisions", "data/labelled.parquet", labelled(ordered)
    yield (
        "split",
        "data/split.parquet",
        _columns(ordered, "id", "group", "split").append_column("cluster", pa.array([row.id for row in ordered])),
    )
    trained = [(row.id, row.text) for row in ordered if row.split == "train"] + state.training
    columns = {name: [row[place] for row in trained] for place, name in enumerate(("id", "text"))}
    yield "balance", "data/training.parquet", pa.table(columns)
    evaluated = [row for row in ordered if row.split != "train" and row.label]
    yield "apply_decisions", "data/evaluated.parquet", make_labelled(evaluated)
    for stage in LEDGERS:
        book = ledger.Ledger(stage)
        for id, own, action, rule in state.entries:
            if own == stage:
                book.add(id, action, rule, "as the rule says")
        yield stage, f"data/ledger/{stage}.parquet", book.table()


def folders_of(state: State) -> Iterable[tuple[str, str, dict[str, pa.Table | bytes]]]:
    """Yield the stage, the path and the files of each folder of a state."""
    evaluated = sorted((row for row in state.rows if row.split != "train" and row.label), key=lambda row: row.id)
    arms = {f"dapt-{seed}": state.right for seed in state.seeds} | {"tfidf-0": 0.6}
    if state.other is not None:
        arms |= {f"transfer-{seed}": state.other for seed in state.seeds}
    files = {}
    for name, right in arms.items():
        table = _columns(evaluated, "id", "group", "split", "label")
        said = [state.predicted(row, name, right) for row in evaluated]
        files[f"{name}.parquet"] = table.append_column("predicted", pa.array(said, pa.string()))
    yield "evaluate", "data/predictions", files
    text = "".join(f"{path} {hash_}\n" for path, hash_ in state.code.items())
    yield "code", "data/code", {"clean.txt": text.encode()}


def labelled(ordered: Sequence[Row]) -> pa.Table:
    """Return the labelled table of some rows."""
    table = make_labelled(ordered)
    return tables.set_column(table, "given_label", [row.given for row in ordered], pa.string())


def make_labelled(ordered: Sequence[Row]) -> pa.Table:
    """Return rows as the data contract has them."""
    facts = [
        {"label": row.label, "label_origin": row.origin, "text": row.text, "group": row.group, "source": row.source}
        for row in ordered
    ]
    table = make_rows(facts)
    table = tables.set_column(table, "id", [row.id for row in ordered], pa.string())
    return tables.set_column(table, "split", [row.split for row in ordered], pa.string())


def _columns(ordered: Sequence[Row], *names: str) -> pa.Table:
    return pa.table({name: pa.array([getattr(row, name) for row in ordered], pa.string()) for name in names})


def changed(state: State, ids: Iterable[str], **values: object) -> list[Row]:
    """Return a state's rows, those of some ids with other values."""
    wanted = set(ids)
    return [replace(row, **values) if row.id in wanted else row for row in state.rows]
