"""What the report is made of: metrics and plots of the stages, manifest, rows, texts, issues, packages, parameters."""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa

from winnow import kinds
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.kinds.headline import Headline
from winnow.kinds.task import Task
from winnow.rows import predictions, tables
from winnow.rows.text_column import TextColumn
from winnow.training.arms import Arms
from winnow.validation import looks
from winnow.validation.looks import Standing

T = TypeVar("T")

STAGES = tuple("adapt annotate apply_decisions audit balance clean compare deduplicate find_issues split".split())
PLOTS = ("adapt", "learning_curve")
EVALUATE_PLOTS = ("evaluate/calibration", "evaluate/confusion", "evaluate/per_class")  # a kind of task may lack them
# What curation and the rounds of review measure; a pipeline may leave these stages out.
CURATION = tuple("check_tables collect drift removals represent semantic_duplicates validate".split())
CURATION_PLOTS = (
    "removals",
    *(f"represent/{name}" for name in "characteristic clusters dates distances examples vocabulary".split()),
)
REVIEW = tuple("agreement calibrate choose_rows rounds score unrepaired".split())
REVIEW_PLOTS = ("calibration", "rounds/evolution", "rounds/planted")
TRAINING = "training"
LEDGERS = tuple("apply_decisions balance clean collect deduplicate".split())  # of the stages that take rows out
ROWS = ("id", "label", "split")  # columns of the labelled table, beside its texts
ISSUES = ("id", "given_label", "suggested_label", "p_error", "tier", "kinds", "gain_per_minute")


@dataclass(frozen=True)
class Compared:
    """What approaches reach on one split, and their differences.

    Attributes:
        found: as `winnow.validation.comparison.compare` returns it.
        asked: pairs that stand first in tables: those of params.yaml, and arms beside those of unrepaired rows.
        baseline: the approach to beat.
    """

    found: dict
    asked: list[list[str]]
    baseline: str
    headline: Headline

    def pairs(self) -> dict[tuple[str, str], dict]:
        """Return the measured differences by pair: those asked for, then each approach against the baseline."""
        others = [(name, self.baseline) for name in self.found["approaches"] if name != self.baseline]
        pairs = [(first, second) for first, second in dict.fromkeys([*map(tuple, self.asked), *others])]
        named = {pair: self.found["difference"].get("-".join(pair)) for pair in pairs}
        return {pair: difference for pair, difference in named.items() if difference is not None}

    def by_score(self) -> list[tuple[str, dict]]:
        """Return the approaches and what was measured of them, from the worst to the best."""
        name, sign = self.headline.name, self.headline.sign
        return sorted(self.found["approaches"].items(), key=lambda item: (sign * item[1][name], item[0]))


@dataclass(frozen=True)
class Inputs:
    """What the documents are made of; metrics by stage, plots by file, training curves by arm.

    `ledger` counts each stage's entries by (action, rule).

    Metrics and plots of curation and review that no stage made are empty, as are plots that the kind of task lacks.
    """

    metrics: dict[str, dict]
    plots: dict[str, list[dict[str, str]]]
    training: dict[str, list[dict[str, str]]]
    manifest: dict[str, dict]
    ledger: dict[str, Counter]
    rows: pa.Table
    texts: TextColumn
    issues: pa.Table
    packages: list[str]
    params: dict
    task: Task
    test: Standing

    @property
    def headline(self) -> Headline:
        """The metric by which the kind of task judges a model."""
        return kinds.load(self.task, "metrics").HEADLINE

    @property
    def words(self) -> dict[str, str]:
        """What people are told of each metric that approaches are compared by, the headline first."""
        words = kinds.load(self.task, "metrics").WORDS
        return {self.headline.name: words[self.headline.name]} | words

    @property
    def told(self) -> str:
        """What people are told of the headline."""
        return self.words[self.headline.name]

    @property
    def gained(self) -> str:
        """What people are told of a gain in the headline."""
        return self.headline.gain(self.told)

    @cached_property
    def classes(self) -> list[str]:
        """The classes of the labels, in the order in which tables and plots show them."""
        return self.task.classes(label for label in self.rows["label"].to_pylist() if label is not None)

    @cached_property
    def label_counts(self) -> Counter:
        """How many labelled rows count for each class in each split: (class, split) -> rows."""
        pairs = Counter(zip(*(self.rows[name].to_pylist() for name in ("label", "split")), strict=True))
        counts: Counter = Counter()
        for (label, split), rows in pairs.items():
            for name in self.task.names(label) if label is not None else ():
                counts[name, split] += rows
        return counts

    @cached_property
    def compared(self) -> dict[str, Compared]:
        """What approaches reach, by split: dev always, test where `winnow test` was asked about these predictions."""
        results = self.test.results or {}
        of_split = {"dev": self.metrics["compare"]["dev"]} | {name: results[name] for name in ("test",) if results}
        asked = self.params["compare"]
        controls = [
            [predictions.of_repaired(name), name]
            for name in of_split["dev"]["approaches"]
            if predictions.is_control(name)
        ]
        return {
            split: Compared(found, asked["pairs"] + controls, asked["baseline"], self.headline)
            for split, found in of_split.items()
        }


def read(args: Namespace) -> Inputs:
    """Return the inputs.

    Raises:
        UserError: one is missing or unreadable.
    """
    packages = files.read_text(args.packages).split()
    metrics = {stage: read_json(args.metrics / f"{stage}.json") for stage in STAGES}
    metrics |= {stage: _optional(args.metrics / f"{stage}.json", read_json, {}) for stage in (*CURATION, *REVIEW)}
    drawn = {name: read_plot(args.plots / f"{name}.csv") for name in PLOTS}
    drawn |= {
        name: _optional(args.plots / f"{name}.csv", read_plot, [])
        for name in (*EVALUATE_PLOTS, *CURATION_PLOTS, *REVIEW_PLOTS)
    }
    training = read_training(args.plots / TRAINING, params.read()["arms"])
    rows, texts, issues = tables.read(args.rows, ROWS), TextColumn(args.rows), tables.read(args.issues, ISSUES)
    manifest, task = read_json(args.manifest), kinds.read_task()
    test = looks.standing(args.test, looks.fingerprint(args.rows), looks.fingerprint_of_files(args.predictions))
    ledger = {stage: _optional(args.ledger / f"{stage}.parquet", read_ledger, Counter()) for stage in LEDGERS}
    return Inputs(metrics, drawn, training, manifest, ledger, rows, texts, issues, packages, params.read(), task, test)


def read_training(folder: Path, arms: dict) -> dict[str, list[dict[str, str]]]:
    """Return the training curves by arm and seed; a curve that an earlier run left, of none of `arms`, is no part.

    Args:
        arms: the section of params.yaml.

    Raises:
        UserError: a curve is unreadable.
    """
    paths = [folder / f"{run}.csv" for run in params.parse(arms, Arms, "arms").runs()]
    curves = {predictions.of_run(path.stem): path for path in paths if path.exists()}
    return {arm: read_plot(path) for arm, path in sorted(curves.items())}


def _optional(path: Path, read: Callable[[Path], T], missing: T) -> T:
    return read(path) if path.exists() else missing


def read_ledger(path: Path) -> Counter:
    """Return how many entries a ledger has of each action and rule, or raise `UserError`."""
    counts: Counter = Counter()
    for batch in tables.batches(path, ("action", "rule")):
        counts.update(zip(*(batch[name].to_pylist() for name in ("action", "rule")), strict=True))
    return counts


def read_json(path: Path) -> dict:
    """Return a JSON file's object, or raise `UserError`."""
    try:
        return json.loads(files.read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON: {error}; run `dvc repro`") from None


def read_plot(path: Path) -> list[dict[str, str]]:
    """Return a CSV file's rows, values as text, or raise `UserError`."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no readable CSV: {error}; run `dvc repro`") from None
