"""What is known of each class, in one table, and which classes are worth a look: the hardest and the most confused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from stages.report import labels
from stages.report.inputs import Inputs
from stages.report.tables import Table
from stages.report.words import number, percent
from winnow.rows.splits import SPLITS

FEW = 12  # classes of which figures and a matrix show all
SHOWN = 5  # of the hardest and of the most confused, in the open part
SHADES = 10  # of the matrix


@dataclass(frozen=True)
class Confusion:
    """Rows of dev with one class that the best approach took for another."""

    actual: str
    predicted: str
    rows: int
    share: float  # of the rows with the actual class


def facts(inputs: Inputs) -> dict:
    """Return what the page tells of classes: the table, the hardest, the most confused, and the matrix of a few."""
    f1 = {(row["approach"], row["label"]): float(row["f1"]) for row in inputs.plots["evaluate/per_class"]}
    best, classes = inputs.metrics["compare"]["best"], inputs.classes
    counts, pairs = inputs.label_counts, pairs_of(inputs)
    judged = [name for name in classes if (best, name) in f1]
    hardest = sorted(judged, key=lambda name: (f1[best, name], name))
    confused = confusions(pairs)
    return {
        "count": len(classes),
        "table": table(inputs, f1, confused),
        "hardest": [(name, f1[best, name], counts[name, "dev"]) for name in hardest[:SHOWN]],
        "worst": hardest[:FEW],
        "confused": confused[:SHOWN],
        "pairs": Table(
            ["Class", "Taken for", "Rows of dev", "Of the class"],
            [[each.actual, each.predicted, each.rows, percent(each.share)] for each in confused[:FEW]],
            "llrr",
        ),
        "matrix": matrix(pairs, classes),
    }


def pairs_of(inputs: Inputs) -> Counter:
    """Return how many rows of dev have a class and were given another or the same by the best approach's first seed."""
    best = inputs.metrics["compare"]["best"]
    rows = inputs.plots["evaluate/confusion"]
    return Counter((row["actual"], row["predicted"]) for row in rows if row["approach"] == best)


def confusions(pairs: Counter) -> list[Confusion]:
    """Return the mistakes, the most frequent first."""
    of_class: Counter = Counter()
    for (actual, _), rows in pairs.items():
        of_class[actual] += rows
    found = [
        Confusion(actual, predicted, rows, rows / of_class[actual])
        for (actual, predicted), rows in pairs.items()
        if actual != predicted
    ]
    return sorted(found, key=lambda each: (-each.rows, -each.share, each.actual, each.predicted))


def matrix(pairs: Counter, classes: Sequence[str]) -> tuple[list[str], list[tuple[str, list]]] | None:
    """Return the classes and the lines (class, (rows, shade) for each) of a confusion matrix; None for many classes."""
    names = [*classes, *sorted({name for pair in pairs for name in pair} - set(classes))]
    if not pairs or len(names) > FEW:
        return None
    lines = []
    for actual in names:
        of_class = sum(pairs[actual, predicted] for predicted in names) or 1
        counts = (pairs[actual, predicted] for predicted in names)
        lines.append((actual, [(rows, round(SHADES * rows / of_class)) for rows in counts]))
    return names, lines


@dataclass(frozen=True)
class Column:
    """One column of the table of classes: what it tells of each class, and of one that it says nothing of."""

    head: str
    align: str
    values: Mapping[str, object]
    missing: object = 0


def table(inputs: Inputs, f1: Mapping[tuple[str, str], float], confused: Sequence[Confusion]) -> Table:
    """Return a line for each class: how well it is told apart, what it is taken for, its rows, its suspected labels.

    Args:
        f1: by (approach, class).
    """
    metrics, expected = inputs.metrics, labels.expected_errors(inputs)
    issues = metrics["find_issues"]["per_class"]
    taken = {each.actual: f"{each.predicted}, {each.rows}" for each in reversed(confused)}
    best = metrics["compare"]["best"]
    approaches = [name for name, _ in inputs.compared["dev"].by_score() if any(key[0] == name for key in f1)][::-1]
    of_f1 = {
        approach: Column(
            f"F1, {approach}", "r", {name: number(f1.get((approach, name))) for name in inputs.classes}, "–"
        )
        for approach in approaches
    }
    columns = [of_f1.pop(best)] if best in of_f1 else []
    columns += [Column("Mostly taken for", "l", taken, "")] if confused else []
    columns += [
        Column(split.capitalize(), "r", {name: inputs.label_counts[name, split] for name in inputs.classes})
        for split in SPLITS
    ]
    columns += [
        Column("Trained on", "r", metrics["balance"]["labels"]),
        Column("Suspected", "r", {name: found["suspected"] for name, found in issues.items()}),
        Column("Expected errors", "r", {name: f"{fsum(expected['class', name]):,.1f}" for name in issues}, "0.0"),
        Column("In the queue", "r", {name: found["queue_rows"] for name, found in issues.items()}),
    ]
    if "suggested" in metrics["choose_rows"]:
        columns.append(Column("Suggested for unlabelled", "r", metrics["choose_rows"]["suggested"]))
    columns += of_f1.values()
    rows = [
        [name, *(column.values.get(name, column.missing) for column in columns)]
        for name in dict.fromkeys([*inputs.classes, *issues])
    ]
    head, align = ["Class", *(column.head for column in columns)], "l" + "".join(column.align for column in columns)
    return Table(head, rows, align)
