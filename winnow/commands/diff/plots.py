"""Plots of before and after as SVG: a dot each, and a line between them. Equal values are equal bytes."""

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from winnow.commands.diff import escaping, evidence, grid
from winnow.commands.diff.document import Block, Paragraph, Plot

WIDTH, EDGE, LINE, TOP = 360, 8, 40, 16  # pixels: a phone shows them as they are
SQUARE, LEFT, BELOW = 300, 40, 36  # of the reliability plot
MOST = 24  # lines of a plot
NAME = 34  # columns of a name, which stands above its line


def of(found: Mapping) -> Iterator[Block]:
    """Yield the plots: the headline by arm, right rows by class, what is taken for what, calibration, rows by class."""
    metrics, headline, data = found["metrics"], found["headline"], found["data"]
    if "reason" not in metrics:
        name, where = headline["name"], found["split"]
        arms = [(arm, told["base"][name], told["head"][name]) for arm, told in metrics["arms"].items()]
        yield from _plot(f"{headline['words'][name]} on {where}", arms)
        classes = [(line["name"], line["base"], line["head"]) for line in metrics["slices"]]
        yield from _plot(f"Share of right rows on {where}, {metrics['judged']}", classes)
        yield from _of_evidence(found["evidence"])
    if "reason" not in data:
        before, after = data["by_class"]
        names = sorted(before.keys() | after.keys())
        yield from _plot("Rows by class", [(name, before.get(name, 0), after.get(name, 0)) for name in names])


def _of_evidence(told: Mapping) -> Iterator[Block]:
    confusion = told.get("confusion", [])
    if cells := evidence.changed(confusion):
        names = evidence.classes(confusion)
        if len(names) <= grid.MOST:
            yield from grid.of(told["approach"], names, confusion)
        else:
            lines = [(f"{cell['actual']} → {cell['predicted']}", cell["base"], cell["head"]) for cell in cells]
            yield from _plot(f"Share of a class on dev that {told['approach']} takes for a class", lines)
    if any(each["base"] != each["head"] for each in told.get("calibration", [])):
        title = f"How often {told['approach']} is right on dev, by its confidence"
        yield Paragraph([f"{title}: grey before, coloured after; dashed: as often as it says"])
        yield Plot([_reliability(title, told["calibration"])])


def _plot(title: str, lines: Sequence[tuple[str, float, float]]) -> Iterator[Block]:
    if lines:
        yield Paragraph([f"{title}: grey before, coloured after"])
        yield Plot([_svg(title, lines[:MOST])])


def _svg(title: str, lines: Sequence[tuple[str, float, float]]) -> str:
    low = min(0.0, *(min(pair) for _, *pair in lines))
    high = max(max(pair) for _, *pair in lines) or 1.0
    height = TOP + LINE * len(lines)
    svg = Element("svg", {"viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH), "role": "img"})
    SubElement(svg, "title").text = escaping.visible(title)

    def at(value: float) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * (value - low) / ((high - low) or 1.0), 1)

    for place, (name, before, after) in enumerate(lines):
        y = TOP + LINE * place
        SubElement(svg, "text", {"x": "0", "y": str(y)}).text = escaping.fitting(name, NAME)
        value = SubElement(svg, "text", {"x": str(WIDTH), "y": str(y), "text-anchor": "end"})
        value.text = f"{before:.3g} → {after:.3g}"
        SubElement(svg, "line", {"x1": str(EDGE), "x2": str(WIDTH - EDGE), "y1": str(y + 14), "y2": str(y + 14)})
        for value_, kind, radius in ((before, "before", "5"), (after, "after", "4")):
            SubElement(svg, "circle", {"cx": str(at(value_)), "cy": str(y + 14), "r": radius, "class": kind})
    return tostring(svg, encoding="unicode")


def _reliability(title: str, bins: Sequence[Mapping]) -> str:
    """Return the reliability diagram: the share that is right over the confidence, and where both agree."""
    svg = Element("svg", {"viewBox": f"0 0 {WIDTH} {SQUARE + TOP + BELOW}", "width": str(WIDTH), "role": "img"})
    SubElement(svg, "title").text = escaping.visible(title)

    def x(value: float) -> str:
        return f"{LEFT + (SQUARE - EDGE) * value:.1f}"

    def y(value: float) -> str:
        return f"{TOP + SQUARE * (1 - value):.1f}"

    SubElement(svg, "line", {"x1": x(0), "y1": y(0), "x2": x(1), "y2": y(1), "stroke-dasharray": "4"})
    for at in (0.0, 0.5, 1.0):
        SubElement(svg, "line", {"x1": x(at), "x2": x(at), "y1": y(0), "y2": y(1)})
        SubElement(svg, "line", {"x1": x(0), "x2": x(1), "y1": y(at), "y2": y(at)})
        tick = {"x": x(at), "y": str(TOP + SQUARE + 14), "text-anchor": "middle"}
        SubElement(svg, "text", tick).text = f"{at:.0%}"
        SubElement(
            svg, "text", {"x": str(LEFT - 4), "y": f"{float(y(at)) + 4:.1f}", "text-anchor": "end"}
        ).text = f"{at:.0%}"
    label = {"x": x(0.5), "y": str(TOP + SQUARE + 30), "text-anchor": "middle"}
    SubElement(svg, "text", label).text = "confidence; upward: share right"
    for key, kind in (("base", "before"), ("head", "after")):
        points = [(each[key]["confidence"], each[key]["accuracy"]) for each in bins if each[key]]
        path = " ".join(f"{x(confidence)},{y(right)}" for confidence, right in points)
        SubElement(svg, "polyline", {"points": path, "class": f"{kind} curve"})
        for confidence, right in points:
            SubElement(svg, "circle", {"cx": x(confidence), "cy": y(right), "r": "4", "class": kind})
    return tostring(svg, encoding="unicode")
