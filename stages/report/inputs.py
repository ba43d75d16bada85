"""What the report is made of: metrics and plots of the stages, the manifest, rows, issues, packages, parameters."""

import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
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

T = TypeVar("T")

STAGES = tuple("adapt annotate apply_decisions balance clean compare deduplicate find_issues split".split())
PLOTS = ("adapt", "learning_curve")
EVALUATE_PLOTS = ("evaluate/calibration", "evaluate/confusion", "evaluate/per_class")  # a kind of task may lack them
# What curation and the rounds of review measure; a pipeline may leave these stages out.
CURATION = tuple("drift removals represent semantic_duplicates validate".split())
CURATION_PLOTS = (
    "removals",
    *(f"represent/{name}" for name in "characteristic clusters dates distances examples vocabulary".split()),
)
REVIEW = tuple("agreement calibrate choose_rows rounds score".split())
REVIEW_PLOTS = ("calibration", "rounds/evolution", "rounds/planted")
TRAINING = "training"


@dataclass(frozen=True)
class Inputs:
    """What the documents are made of; metrics by stage, plots by file, training curves by arm.

    Metrics and plots of curation and review that no stage made are empty, as are plots that the kind of task lacks.
    """

    metrics: dict[str, dict]
    plots: dict[str, list[dict[str, str]]]
    training: dict[str, list[dict[str, str]]]
    manifest: dict[str, dict]
    rows: pa.Table
    issues: pa.Table
    packages: list[str]
    params: dict
    task: Task

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

    @property
    def classes(self) -> list[str]:
        """The classes of the labels, in the order in which tables and plots show them."""
        return self.task.classes(label for label in self.rows["label"].to_pylist() if label is not None)

    def pairs(self) -> dict[tuple[str, str], dict]:
        """Return the measured differences by pair; the best against the baseline is among them, asked for or not."""
        compared, asked = self.metrics["compare"], self.params["compare"]
        pairs = [*map(tuple, asked["pairs"]), (compared["best"], asked["baseline"])]
        return {(first, second): compared["difference"][f"{first}-{second}"] for first, second in pairs}

    def by_score(self) -> list[tuple[str, dict]]:
        """Return the approaches and what was measured of them on test, from the worst to the best."""
        name, sign = self.headline.name, self.headline.sign
        of_approach = self.metrics["compare"]["test"]
        return sorted(of_approach.items(), key=lambda item: (sign * item[1][name], item[0]))


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
    curves = {arm: path for path in (args.plots / TRAINING).glob("*.csv") if (arm := predictions.of_run(path.stem))}
    training = {arm: read_plot(path) for arm, path in sorted(curves.items())}
    rows, issues = tables.read(args.rows), tables.read(args.issues)
    manifest, task = read_json(args.manifest), kinds.read_task()
    return Inputs(metrics, drawn, training, manifest, rows, issues, packages, params.read(), task)


def _optional(path: Path, read: Callable[[Path], T], missing: T) -> T:
    return read(path) if path.exists() else missing


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
