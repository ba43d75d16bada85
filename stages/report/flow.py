"""What happened to the rows: how many each stage took in, left out and why, as the ledgers tell, and a figure of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

import pyarrow.compute as pc

from stages.report.inputs import Inputs
from stages.report.tables import Table
from stages.report.words import capital
from winnow.rows.ledger import REMOVING
from winnow.rows.splits import SPLITS

WIDTH, HEIGHT = 400, 150  # pixels: of the figure on a narrow page, and of its first column's rows
BAR, LINE, GAP = 6, 26, 8  # pixels: width of a column, height of its name and number, distance of two parts
THINNEST = 1.5  # pixels: of a part that would not be seen
NAMES = {  # of parts, where there is room for them
    "Read": "Read from the sources",
    "Distinct": "Without duplicates",
    "Task": "For the task",
    "Labelled": "With a label",
    "Train": "With a label, in train",
}
ELSEWHERE = ("ambiguous", "not_train", "unlabelled")  # rules of balance whose rows the figure tells apart already


@dataclass(frozen=True)
class Part:
    """Rows of one column of the figure.

    Attributes:
        kind: `kept` goes on, `left` leaves the dataset or the training table, `aside` stays in it for another use.
        why: rows by the rule that left them out.
    """

    name: str
    rows: int
    kind: str
    why: Mapping[str, int]


Column = Sequence[Part]  # the first part is what the next column is made of


@dataclass(frozen=True)
class Flow:
    """One figure: what it shows, its columns, and its SVG."""

    caption: str
    columns: Sequence[Column]
    svg: str

    @property
    def told(self) -> str:
        """What the figure shows, in a sentence for who cannot see it."""
        columns = (", ".join(f"{part.rows:,} {part.name.lower()}" for part in column) for column in self.columns)
        return f"{self.caption}: {'; then '.join(columns)}"

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Where rows left, and by which rule, the most first."""
        return [
            (f"{self.columns[place - 1][0].name} to {column[0].name.lower()}", _listed(part))
            for place, column in enumerate(self.columns)
            for part in column
            if part.kind == "left" and part.rows
        ]


def flows(inputs: Inputs) -> list[Flow]:
    """Return the way of all rows up to the task's, and that of the task's rows up to the training table."""
    ways = [("All rows", list(_collected(inputs))), ("Rows for the task", list(_labelled(inputs)))]
    return [Flow(caption, columns, _svg(columns)) for caption, columns in ways]


def _collected(inputs: Inputs) -> Iterator[Column]:
    metrics, sources = inputs.metrics, [source["rows"] for source in inputs.manifest.values()]
    read, kept = (sum(rows[key] for rows in sources) for key in ("read", "kept"))
    distinct = metrics["deduplicate"]["rows_out"]
    yield [_kept("Read", read)]
    yield [_kept("Collected", kept), _left(inputs, read - kept, "collect")]
    yield [_kept("Cleaned", metrics["clean"]["rows_out"]), _left(inputs, kept - metrics["clean"]["rows_out"], "clean")]
    yield [_kept("Distinct", distinct), _left(inputs, metrics["clean"]["rows_out"] - distinct, "deduplicate")]
    task, text = (sum(metrics["split"][split][key] for split in SPLITS) for key in ("rows", "text_rows"))
    if text:
        yield [_kept("Task", task), Part("Adapt only", text, "aside", {})]


def _labelled(inputs: Inputs) -> Iterator[Column]:
    decided, balance = inputs.metrics["apply_decisions"], inputs.metrics["balance"]
    rows, labelled, ambiguous = inputs.rows.num_rows, sum(decided["labelled"].values()), decided["settled"]["ambiguous"]
    of_split = Counter(inputs.rows.filter(pc.is_valid(inputs.rows["label"]))["split"].to_pylist())
    why = {rule: count for rule, count in balance["left_out"].items() if rule not in ELSEWHERE}
    yield [_kept("Task", decided["rows_in"])]
    yield [
        _kept("Labelled", labelled),
        Part("No label", max(rows - labelled - ambiguous, 0), "aside", {}),
        Part("Ambiguous", ambiguous, "aside", {}),
        _left(inputs, decided["rows_in"] - rows, "apply_decisions"),
    ]
    held = [Part(split.capitalize(), of_split[split], "aside", {}) for split in SPLITS if split != "train"]
    yield [_kept("Train", of_split["train"]), *held]
    left = Part("Left out", max(of_split["train"] - balance["rows"], 0), "left", why)
    yield [_kept("Trained on", balance["rows"]), left]


def _kept(name: str, rows: int) -> Part:
    return Part(name, rows, "kept", {})


def _left(inputs: Inputs, rows: int, stage: str) -> Part:
    """Return the rows that a stage took out; `rows` by its metrics, the rules by its ledger."""
    return Part("Left out", max(rows, 0), "left", removed(inputs.ledger.get(stage, {})))


def removed(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Return how many rows each rule took out, from a ledger's entries by action and rule."""
    by_rule: Counter = Counter()
    for (action, rule), count in counts.items():
        if action in REMOVING:
            by_rule[rule] += count
    return dict(by_rule)


def _listed(part: Part) -> str:
    rules = sorted(part.why.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{count:,} {rule.replace('_', ' ')}" for rule, count in rules)
    return f"{part.rows:,} {part.name.lower()}" + (f" ({named})" if named else "")


def _svg(columns: Sequence[Column]) -> str:
    """Return the figure: a bar for each part, and bands from each column's first part to the parts of the next."""
    scale = HEIGHT / max(1, *(sum(part.rows for part in column) for column in columns))
    step = (WIDTH - 4) / len(columns)
    shown = [[part for number, part in enumerate(column) if part.rows or not number] for column in columns]
    places = [list(_places(column, scale)) for column in shown]
    height = max(top + max(tall, LINE) for column in places for top, tall in column) + 2
    svg = Element("svg", {"viewBox": f"0 0 {WIDTH} {height:.1f}", "aria-hidden": "true"})
    for number, column in enumerate(shown[1:], 1):
        start, x = places[number - 1][0][0], number * step
        for part, (top, tall) in zip(column, places[number], strict=True):
            band = {"class": f"band {part.kind}", "d": _band((x - step + BAR, start), (x, top), tall)}
            SubElement(svg, "path", band)
            start += part.rows * scale
    for number, column in enumerate(shown):
        x = number * step
        for part, (top, tall) in zip(column, places[number], strict=True):
            size = {"x": f"{x:.1f}", "y": f"{top:.1f}", "width": f"{BAR}", "height": f"{tall:.1f}"}
            SubElement(svg, "rect", {"class": part.kind} | size)
            for line, (told, style) in enumerate(((part.name, "name"), (f"{part.rows:,}", "rows"))):
                at = {"x": f"{x + BAR + 4:.1f}", "y": f"{top + 10 + 13 * line:.1f}", "class": style}
                SubElement(svg, "text", at).text = capital(told)
    return tostring(svg, encoding="unicode")


def _places(column: Column, scale: float) -> Iterator[tuple[float, float]]:
    """Yield top and height of each part; a small one takes as much room as its name."""
    top = 1.0
    for part in column:
        tall = max(part.rows * scale, THINNEST)
        yield top, tall
        top += max(tall, LINE) + GAP


def _band(start: tuple[float, float], end: tuple[float, float], tall: float) -> str:
    """Return the path of a band of one height from the right of a bar to the left of another."""
    (x, y), (to, down) = start, end
    middle = (x + to) / 2
    return (
        f"M{x:.1f} {y:.1f}C{middle:.1f} {y:.1f} {middle:.1f} {down:.1f} {to:.1f} {down:.1f}"
        f"V{down + tall:.1f}C{middle:.1f} {down + tall:.1f} {middle:.1f} {y + tall:.1f} {x:.1f} {y + tall:.1f}Z"
    )


def table(found: Sequence[Flow]) -> Table:
    """Return the ways as a table: each column's first part, and what else became of the rows before it."""
    lines = [
        [NAMES.get(first.name, first.name), first.rows, "; ".join(_listed(part) for part in others if part.rows)]
        for way in found
        for first, *others in way.columns[way is not found[0] :]
    ]
    return Table(["Step", "Rows", "Of the rows before it"], lines, "lrl")
