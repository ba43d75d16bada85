"""Plots of before and after as SVG: a dot each, and a line between them. Equal values are equal bytes."""

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from winnow.commands.diff import escaping
from winnow.commands.diff.document import Block, Paragraph, Plot

WIDTH, NAMES, RIGHT, LINE, TOP = 720, 220, 60, 26, 30  # pixels
MOST = 24  # lines of a plot
NAME = 28  # characters of a name


def of(found: Mapping) -> Iterator[Block]:
    """Yield the plots of a report: the headline by arm, right rows by class, rows by class."""
    metrics, headline, data = found["metrics"], found["headline"], found["data"]
    if "reason" not in metrics:
        name, where = headline["name"], found["split"]
        arms = [(arm, told["base"][name], told["head"][name]) for arm, told in metrics["arms"].items()]
        yield from _plot(f"{headline['words'][name]} on {where}", arms)
        classes = [(line["name"], line["base"], line["head"]) for line in metrics["slices"]]
        yield from _plot(f"Share of right rows on {where}, {metrics['judged']}", classes)
    if "reason" not in data:
        before, after = data["by_class"]
        names = sorted(before.keys() | after.keys())
        yield from _plot("Rows by class", [(name, before.get(name, 0), after.get(name, 0)) for name in names])


def _plot(title: str, lines: Sequence[tuple[str, float, float]]) -> Iterator[Block]:
    if lines:
        yield Paragraph([f"{title}: grey before, coloured after"])
        yield Plot(_svg(title, lines[:MOST]))


def _svg(title: str, lines: Sequence[tuple[str, float, float]]) -> str:
    low = min(0.0, *(min(pair) for _, *pair in lines))
    high = max(max(pair) for _, *pair in lines) or 1.0
    height = TOP + LINE * len(lines)
    svg = Element("svg", {"viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH), "role": "img"})
    SubElement(svg, "title").text = escaping.visible(title)

    def at(value: float) -> float:
        return round(NAMES + (WIDTH - NAMES - RIGHT) * (value - low) / ((high - low) or 1.0), 1)

    for place, (name, before, after) in enumerate(lines):
        y = TOP + LINE * place
        SubElement(svg, "text", {"x": "0", "y": str(y + 4)}).text = escaping.visible(name, NAME)
        SubElement(svg, "line", {"x1": str(NAMES), "x2": str(WIDTH - RIGHT), "y1": str(y), "y2": str(y)})
        for value, kind, radius in ((before, "before", "5"), (after, "after", "4")):
            SubElement(svg, "circle", {"cx": str(at(value)), "cy": str(y), "r": radius, "class": kind})
        SubElement(svg, "text", {"x": str(WIDTH - RIGHT + 8), "y": str(y + 4)}).text = f"{after:.4g}"
    return tostring(svg, encoding="unicode")
