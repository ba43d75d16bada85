"""The confusion matrix of one approach before and after: a grid each, of few classes. Equal values are equal bytes."""

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from winnow.commands.diff import escaping, evidence
from winnow.commands.diff.document import Block, Foreign, Paragraph, Plot

MOST = 12  # classes; a cell of more would not hold its number on a phone
WIDTH, CELLS = 360, 240  # pixels of the grid and, at most, of its cells: a phone shows both as they are
LARGEST = 38  # pixels of a cell
TOP = 22  # pixels of the heading and of the numbers of the columns
COLUMN, NUMBER = 9, 28  # pixels of a capital letter of a name, and of the number behind it
DARKEST = 0.6  # opacity of a whole class: text over it can be read in light and in dark
SIDES = (("base", "before"), ("head", "after"))


def of(approach: str, names: Sequence[str], cells: Sequence[Mapping]) -> Iterator[Block]:
    """Yield the two grids, with how to read them.

    Args:
        names: the classes, at most `MOST`.
        cells: what `evidence.compared` says of the confusion.
    """
    yield Paragraph(
        [
            "What ",
            Foreign(approach),
            " takes each class of dev for, in percent of the rows of the class. A row is a label, a column the class "
            f"of the same number that is predicted. Framed: changed by {evidence.LEAST:.0%} of the class or more.",
        ]
    )
    yield Plot([_grid(names, cells, *side) for side in SIDES])


def _grid(names: Sequence[str], cells: Sequence[Mapping], key: str, words: str) -> str:
    size = min(LARGEST, CELLS // len(names))
    left, height = WIDTH - 2 - size * len(names), TOP + size * len(names) + 2
    columns = (left - NUMBER) // COLUMN
    svg = Element("svg", {"viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH), "role": "img", "class": "grid"})
    SubElement(svg, "title").text = f"Confusion matrix {words}"
    SubElement(svg, "text", {"x": str(left - 6), "y": str(TOP - 6), "class": "name"}).text = words.capitalize()
    place = {name: number for number, name in enumerate(names)}
    for name, number in place.items():
        middle = size * number + size // 2
        _text(svg, left + middle, TOP - 6, str(number + 1))
        own = {"x": str(left - 6), "y": str(TOP + middle + 4), "class": "name"}
        SubElement(svg, "text", own).text = f"{escaping.isolated(escaping.fitting(name, columns))} {number + 1}"
    shares = {(cell["actual"], cell["predicted"]): cell for cell in cells}
    for actual in names:
        for predicted in names:
            cell = shares.get((actual, predicted), {"base": 0.0, "head": 0.0})
            x, y = left + size * place[predicted], TOP + size * place[actual]
            _cell(svg, (x, y, size), cell[key], evidence.is_changed(cell))
    return tostring(svg, encoding="unicode")


def _cell(svg: Element, at: tuple[int, int, int], share: float, is_changed: bool) -> None:
    x, y, size = at
    box = {"x": str(x + 1), "y": str(y + 1), "width": str(size - 1), "height": str(size - 1)}
    SubElement(svg, "rect", box | {"class": "share", "fill-opacity": f"{DARKEST * share:.3f}"})
    SubElement(svg, "rect", box | {"class": "framed" if is_changed else "cell"})
    if share:
        _text(svg, x + size // 2, y + size // 2 + 4, f"{100 * share:.0f}")


def _text(svg: Element, x: int, y: int, text: str) -> None:
    SubElement(svg, "text", {"x": str(x), "y": str(y), "text-anchor": "middle", "class": "number"}).text = text
