"""test: look at the test split: what every approach reaches on it, once there is nothing left to choose.

winnow test --why "release 1.2"   after `dvc repro`; then commit data/test and run `dvc repro report`

Reads the predictions that `evaluate` keeps and writes data/test/results.json: metrics of every approach on test, their
differences and intervals. Each look is a line of data/test/looks.csv, in Git: whoever chooses by what a look showed has
fitted the choice to the test rows, so the log tells how often this version of them was looked at. A second look at the
same predictions shows nothing new and is not counted.
"""

import argparse
from collections.abc import Iterator, Sequence

import pyarrow as pa

from winnow import kinds
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.rows import predictions, tables
from winnow.validation import comparison, looks, measuring
from winnow.validation.looks import SPLIT, Look

NAME = "test"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--why", required=True, metavar="REASON", help="what the look is for, such as a release")
    parser.add_argument("--by", metavar="NAME", help="who looks; default: git config user.name")


def execute(arguments: argparse.Namespace) -> None:
    """Measure the test split, log the look and print both.

    Raises:
        UserError: predictions are missing or older than the labels, or nobody or nothing is named.
    """
    labelled, made = pipeline.path("evaluate", "rows"), pipeline.path("evaluate", "out")
    folder = pipeline.path("report", "test")
    arms = predictions.read_all(made)
    _check_fresh(tables.read(labelled, predictions.EVALUATED), arms)
    look = looks.today(arguments.by, looks.fingerprint(labelled), looks.fingerprint_of_files(made), arguments.why)
    results = measured(arms)
    so_far = looks.record(folder, look)  # before a figure is shown
    results |= {"dataset": look.dataset, "predictions": look.predictions, "looks": len(so_far)}
    files.write_json(folder / looks.RESULTS, results)
    for line in (*told(results), "", *counted(so_far, look)):
        print(line)
    print(f"Commit {folder}, then `dvc repro report` shows it.")


def measured(arms: dict[str, pa.Table]) -> dict:
    """Return the figures on test; `best` is the approach that is best on dev."""
    task, settings = kinds.read_task(), params.load("compare", comparison.Params)
    bins = params.load("evaluate", measuring.Params).calibration_bins
    on_dev = comparison.compare(arms, "dev", task, settings)
    best = comparison.best(on_dev, kinds.load(task, "metrics").HEADLINE, settings.baseline)
    figures = comparison.compare(arms, SPLIT, task, settings)
    return {SPLIT: figures | {"arms": measuring.measure(arms, SPLIT, task, bins)}, "best": best}


def told(results: dict) -> Iterator[str]:
    """Yield the figures as lines for people."""
    metrics = kinds.load(kinds.read_task(), "metrics")
    headline, figures = metrics.HEADLINE.name, results[SPLIT]
    shown = {headline: metrics.WORDS[headline]} | metrics.WORDS
    groups = next(iter(figures["approaches"].values()))["groups"]
    yield f"Test rows {results['dataset']}, {groups} groups. Best on dev: {results['best']}"
    for of, digits in (("approaches", "{:.3f}"), ("difference", "{:+.3f}")):
        for name, values in figures[of].items():
            cells = [f"{words} {_interval(values, metric, digits)}" for metric, words in shown.items()]
            yield f"  {name:<24} {'   '.join(cells)}"


def _interval(values: dict, metric: str, digits: str) -> str:
    value, low, high = (values.get(f"{metric}{end}") for end in ("", "_low", "_high"))
    shown = digits.format(value)
    return shown if low is None or high is None else f"{shown} ({digits.format(low)} to {digits.format(high)})"


def counted(so_far: Sequence[Look], look: Look) -> Iterator[str]:
    """Yield how often this version of the test rows was looked at, and what that means."""
    count = len(so_far)
    known = next(each for each in so_far if each.predictions == look.predictions)
    if known != look:
        yield f"These predictions were looked at on {known.looked_on} by {known.by} ({known.reason}): no new look."
    if count == 1:
        yield "It is the only look at these test rows in the log."
        return
    yield f"These test rows were looked at {count} times, each time at other predictions:"
    yield from (f"  {each.looked_on} {each.by}: {each.reason}" for each in so_far)
    yield "Each further look makes it likelier that a choice fits these rows by chance. Choose on dev."


def _check_fresh(rows: pa.Table, arms: dict[str, pa.Table]) -> None:
    """Raise `UserError` unless the predictions are of the rows and labels of today."""
    columns = ["id", "group", "split", "label"]
    today = predictions.evaluated(rows).sort_by("id").select(columns)
    name, arm = next(iter(arms.items()))
    if not all(today[column].to_pylist() == arm[column].to_pylist() for column in columns):
        raise UserError(f"{name}: its predictions are not of today's rows and labels; run `dvc repro evaluate`")
