"""The report's plots."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from stages.report import curation, labels, plots, rounds
from stages.report.inputs import Inputs
from winnow.rows.splits import SPLITS

ENDS = ("", "_low", "_high")
HALF, WIDE = 5.2, 10.6  # inches: half and full width of the page at one size of text


def figures(inputs: Inputs) -> dict[str, str]:
    """Return the plots as SVG."""
    approaches = inputs.by_score()
    names = [name for name, _ in approaches]
    colour = plots.colours(sorted(names), inputs.params["compare"]["baseline"])
    classes, best = inputs.classes, inputs.metrics["compare"]["best"]
    headline, told = inputs.headline.name, inputs.told
    scores = [(name, *(values[f"{headline}{end}"] for end in ENDS)) for name, values in approaches]
    shades = [colour[name] for name in names]
    forest_height = 0.9 + 0.4 * max(len(approaches), len(inputs.pairs()))
    drawn = {
        "learning": (_learning_curve(inputs.plots["learning_curve"], headline, told), WIDE, 4.0),
        "training": (_training(inputs.training, colour), HALF, 3.2),
        "adapt": (_adapt(inputs.plots["adapt"]), HALF, 3.2),
        "forest": (plots.intervals(scores, shades, f"{told} on test", zero=False), HALF, forest_height),
        "differences": (_differences(inputs, colour), HALF, forest_height),
    }
    if classes:
        drawn["labels"] = _label_shares(inputs, classes), HALF, 3.0
    if rows := inputs.plots["evaluate/per_class"]:
        drawn["per_class"] = _per_class(rows, names, colour), WIDE, 3.4
    if rows := inputs.plots["evaluate/confusion"]:
        drawn["confusion"] = _confusion(rows, best, classes), HALF, 4.4
    if rows := inputs.plots["evaluate/calibration"]:
        drawn["calibration"] = _calibration(rows, colour), HALF, 4.4
    drawn |= curation.figures(inputs, HALF, WIDE) | labels.figures(inputs, HALF) | rounds.figures(inputs, HALF)
    return {name: plots.svg(name, *drawing) for name, drawing in drawn.items()}


def _label_shares(inputs: Inputs, labels: list[str]) -> Callable:
    shares = {split: inputs.metrics["split"][split]["label_shares"] for split in SPLITS}
    series = {split: [shares[split].get(label, 0) for label in labels] for split in SPLITS}
    return plots.bars(labels, series, dict(zip(SPLITS, plots.COLOURS, strict=False)), "share of the split's labels")


def _learning_curve(rows: list[dict], headline: str, told: str) -> Callable:
    series = {
        arm: _columns([row for row in rows if row["arm"] == arm], "labels", headline)
        for arm in sorted({row["arm"] for row in rows})
    }
    curve = plots.curves(series, plots.colours(list(series), "tfidf"), "labels (log scale)", f"{told} on dev")

    def draw(axes) -> None:
        curve(axes)
        budgets = sorted({int(row["labels"]) for row in rows})
        axes.set_xscale("log")
        axes.set_xticks(budgets, [str(budget) for budget in budgets])
        axes.minorticks_off()

    return draw


def _training(by_arm: dict[str, list[dict]], colour: dict[str, str]) -> Callable:
    series: dict[str, tuple[list, list]] = {}
    for arm, rows in by_arm.items():
        approach = arm.rsplit("-", 1)[0]
        if approach in colour:  # a folder may hold curves of arms that are no longer run
            for values, more in zip(series.setdefault(approach, ([], [])), _columns(rows, "step", "loss"), strict=True):
                values.extend(more)
    return plots.curves(series, colour, "step", "training loss", faint=True)


def _adapt(rows: list[dict]) -> Callable:
    series: dict[str, list[dict]] = {}
    for row in rows:
        series.setdefault(row["objective"] + (", head alone" if row["phase"] == "head" else ""), []).append(row)
    curves = {name: _columns(points, "tokens", "loss") for name, points in series.items()}
    colour = dict(zip(curves, plots.COLOURS, strict=False))
    return plots.curves(curves, colour, "word pieces seen", "training loss", faint=True)


def _columns(rows: list[dict], x: str, y: str) -> tuple[list[int], list[float]]:
    return [int(row[x]) for row in rows], [float(row[y]) for row in rows]


def _differences(inputs: Inputs, colour: dict[str, str]) -> Callable:
    headline = inputs.headline.name
    rows = [
        (f"{first} − {second}", *(100 * values["test"][f"{headline}{end}"] for end in ENDS))
        for (first, second), values in inputs.pairs().items()
    ]
    shades = [colour[first] for first, _ in inputs.pairs()]
    return plots.intervals(rows, shades, f"difference in {inputs.told} on test, points", zero=True)


def _per_class(rows: list[dict], approaches: list[str], colour: dict[str, str]) -> Callable:
    labels = list(dict.fromkeys(row["label"] for row in rows))
    f1 = {(row["approach"], row["label"]): float(row["f1"]) for row in rows}
    series = {approach: [f1[approach, label] for label in labels] for approach in approaches}
    return plots.bars(labels, series, colour, "F1 on test")


def _confusion(rows: list[dict], best: str, classes: list[str]) -> Callable:
    pairs = Counter((row["actual"], row["predicted"]) for row in rows if row["approach"] == best)
    labels = [*classes, *sorted({name for pair in pairs for name in pair} - set(classes))]
    return plots.confusion(np.array([[pairs[a, p] for p in labels] for a in labels]), labels)


def _calibration(rows: list[dict], colour: dict[str, str]) -> Callable:
    first = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        first.setdefault(arm.rsplit("-", 1)[0], arm)
    series = {
        approach: tuple([float(row[key]) for row in rows if row["arm"] == arm] for key in ("confidence", "accuracy"))
        for approach, arm in first.items()
    }
    return plots.calibration(series, colour)
