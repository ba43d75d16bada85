"""The report's plots."""

from stages.report import classes, curation, labels, plots, rounds
from stages.report.inputs import Inputs
from stages.report.plots import Drawing, Plot
from winnow.rows.splits import SPLITS


def figures(inputs: Inputs) -> dict[str, Plot]:
    """Return the plots by name."""
    names = [name for name, _ in inputs.compared["dev"].by_score()]
    colour = plots.colours(sorted(names), inputs.params["compare"]["baseline"])
    drawn = {
        "learning": _learning_curve(inputs.plots["learning_curve"], inputs.headline.name, inputs.told),
        "training": _training(inputs.training, colour),
        "adapt": _adapt(inputs.plots["adapt"]),
    }
    if inputs.classes:
        drawn["labels"] = _label_shares(inputs)
    if rows := inputs.plots["evaluate/per_class"]:
        drawn["per_class"] = _per_class(inputs, rows, names[::-1], colour)
    if rows := inputs.plots["evaluate/calibration"]:
        drawn["calibration"] = _calibration(rows, colour)
    drawn |= curation.figures(inputs) | labels.figures(inputs) | rounds.figures(inputs)
    return {name: plots.plot(name, drawing) for name, drawing in drawn.items()}


def _label_shares(inputs: Inputs) -> Drawing:
    """Draw the classes' shares of each split; of many classes, their sizes from the largest to the smallest."""
    colour = dict(zip(SPLITS, plots.COLOURS, strict=False))
    if len(inputs.classes) > classes.FEW:
        counts = inputs.label_counts
        sizes = {split: [counts[name, split] for name in inputs.classes] for split in SPLITS}
        return plots.sizes(sizes, colour, "class, by size", "labelled rows")
    shares = {split: inputs.metrics["split"][split]["label_shares"] for split in SPLITS}
    series = {split: [shares[split].get(label, 0) for label in inputs.classes] for split in SPLITS}
    return plots.marks(inputs.classes, series, colour, "share of the split's labels")


def _learning_curve(rows: list[dict], headline: str, told: str) -> Drawing:
    series = {
        arm: _columns([row for row in rows if row["arm"] == arm], "labels", headline)
        for arm in sorted({row["arm"] for row in rows})
    }
    curve = plots.curves(series, plots.colours(list(series), "tfidf"), "labels (log scale)", f"{told} on dev")

    def draw(axes) -> None:
        axes.set_xscale("log")
        curve.draw(axes)
        budgets = sorted({int(row["labels"]) for row in rows})
        axes.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
        axes.minorticks_off()

    return Drawing(draw, curve.height, curve.told)


def _training(by_arm: dict[str, list[dict]], colour: dict[str, str]) -> Drawing:
    series: dict[str, tuple[list, list]] = {}
    for arm, rows in by_arm.items():
        approach = arm.rsplit("-", 1)[0]
        if approach in colour:  # a folder may hold curves of arms that are no longer run
            for values, more in zip(series.setdefault(approach, ([], [])), _columns(rows, "step", "loss"), strict=True):
                values.extend(more)
    return plots.curves(series, colour, "step", "training loss", faint=True)


def _adapt(rows: list[dict]) -> Drawing:
    series: dict[str, list[dict]] = {}
    for row in rows:
        series.setdefault(row["objective"] + (", head alone" if row["phase"] == "head" else ""), []).append(row)
    curves = {name: _columns(points, "tokens", "loss") for name, points in series.items()}
    colour = dict(zip(curves, plots.COLOURS, strict=False))
    return plots.curves(curves, colour, "word pieces seen", "training loss", faint=True)


def _columns(rows: list[dict], x: str, y: str) -> tuple[list[int], list[float]]:
    return [int(row[x]) for row in rows], [float(row[y]) for row in rows]


def _per_class(inputs: Inputs, rows: list[dict], approaches: list[str], colour: dict[str, str]) -> Drawing:
    """Draw F1 of the classes that the best approach does worst on; of a few classes, all of them."""
    f1 = {(row["approach"], row["label"]): float(row["f1"]) for row in rows}
    best = inputs.metrics["compare"]["best"]
    names = sorted({label for _, label in f1}, key=lambda label: (f1[best, label], label))[: classes.FEW]
    first = [best, *(name for name in approaches if name != best)]
    series = {approach: [f1[approach, name] for name in names] for approach in first}
    return plots.marks(names, series, colour, "F1 on dev")


def _calibration(rows: list[dict], colour: dict[str, str]) -> Drawing:
    first = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        first.setdefault(arm.rsplit("-", 1)[0], arm)
    series = {
        approach: tuple([float(row[key]) for row in rows if row["arm"] == arm] for key in ("confidence", "accuracy"))
        for approach, arm in first.items()
    }
    return plots.calibration(series, colour)
