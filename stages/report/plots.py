"""Plots as SVG for a page: colours are the page's own, equal data are equal bytes, and no plot's ids meet another's."""

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# What is drawn in these colours is shown in the page's variables of these names, which follow its colour scheme: Okabe
# and Ito's palette, which people with any colour vision can tell apart; grey is for what is to be beaten.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GREY, INK, SOFT, CARD = "#7d848c", "#1d1f21", "#d9d9d4", "#fffffe"
VARIABLES = {colour: f"var(--c{number})" for number, colour in enumerate(COLOURS, 1)}
VARIABLES |= {GREY: "var(--grey)", INK: "currentColor", SOFT: "var(--line)", CARD: "var(--card)"}
WIDTH = 5.2  # inches of 72 points: what a page of 400 pixels shows at one size of text
MOST_SERIES = 12  # in a legend; more would hide the plot
LONGEST = 24  # characters of a name beside an axis
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "winnow",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # by which texts are measured: a wide one; the page shows them in its own
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "axes.axisbelow": True,
    "grid.color": SOFT,
    "grid.linewidth": 0.7,
}


@dataclass(frozen=True)
class Drawing:
    """A plot to be drawn.

    Attributes:
        draw: draws it on Matplotlib's axes.
        height: in inches.
        told: what it shows, in a sentence for who cannot see it.
    """

    draw: Callable
    height: float
    told: str


@dataclass(frozen=True)
class Plot:
    """A plot of the page: its SVG, and what it shows in words."""

    svg: str
    told: str


def plot(name: str, drawing: Drawing) -> Plot:
    """Return a plot; `name` keeps its ids apart from other plots'."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the page shows each in a font that has it
        figure = Figure(figsize=(WIDTH, drawing.height), layout="constrained")
        drawing.draw(figure.add_subplot())
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Plot(_themed(out.getvalue(), name), drawing.told)


def _themed(svg: str, name: str) -> str:
    """Return an SVG as a page with a strict policy takes it: attributes for styles, variables for colours."""
    root = ET.fromstring(svg)
    used = set(re.findall(r"(?:url\(|href=\")#([^\")]+)", svg))
    for parent in root.iter():
        parent.tag = parent.tag.partition("}")[2]
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
        if parent.tag != "text":
            parent.text = parent.tail = None
        parent.tail = None
        parent.attrib = dict(_attributes(parent, name, used))
    root.attrib = {"viewBox": root.attrib["viewBox"], "aria-hidden": "true"}
    return ET.tostring(root, encoding="unicode")


def _attributes(element: ET.Element, name: str, used: set[str]) -> list[tuple[str, str]]:
    found = []
    for key, value in element.attrib.items():
        match key.rpartition("}")[2]:
            case "style":
                styles = [part.partition(":") for part in value.split(";") if ":" in part]
                found += [
                    (style.strip(), VARIABLES.get(told.strip(), told.strip()))
                    for style, _, told in styles
                    if style.strip() != "font-family"
                ]
            case "id":
                found += [("id", f"{name}-{value}")] if value in used else []
            case "href":
                found.append(("href", f"#{name}-{value[1:]}"))
            case "clip-path":
                found.append(("clip-path", value.replace("url(#", f"url(#{name}-")))
            case other:
                found.append((other, re.sub(r"\d+\.\d+", lambda digits: f"{float(digits[0]):.2f}", value)))
    return found


def colours(names: Sequence[str], baseline: str) -> dict[str, str]:
    """Return a colour for each name; the baseline's is grey."""
    others = [name for name in names if name != baseline]
    return {baseline: GREY} | {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(others)}


def short(name: str) -> str:
    """Return a name as an axis or a legend has room for it, with nothing in it that Matplotlib or XML reads otherwise.

    Matplotlib sets text between dollars as a formula, and hides a series whose name begins with an underscore.
    """
    shown = "".join(character if character.isprintable() else " " for character in name)
    shown = shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
    return ("\u200b" if shown.startswith("_") else "") + shown.replace("\\", "\u2216").replace("$", r"\$")


def curves(
    series: dict[str, tuple[Sequence, Sequence]], colour: dict[str, str], x: str, y: str, faint: bool = False
) -> Drawing:
    """Draw lines. A series may have several y values for one x (seeds): the line is their mean, the band their range.

    Args:
        series: name -> (x values, y values).
        faint: thin lines, for curves of single steps.
    """

    def draw(axes) -> None:
        for name, (xs, ys) in series.items():
            places, mean, low, high = _over_seeds(xs, ys)
            style = {"lw": 1.2} if faint else {"lw": 2, "marker": "o", "ms": 4}
            axes.plot(places, mean, color=colour[name], label=short(name), **style)
            axes.fill_between(places, low, high, color=colour[name], alpha=0.16, lw=0)
        _finish(axes, x, y)

    told = []
    for name, (xs, ys) in series.items():
        places, mean, *_ = _over_seeds(xs, ys)
        if len(places):
            told.append(f"{name} {mean[0]:.3g} at {places[0]:,}, {mean[-1]:.3g} at {places[-1]:,}")
    return Drawing(draw, 3.4, f"{y} against {x}: {_listed(told)}")


def _over_seeds(xs: Sequence, ys: Sequence) -> tuple[np.ndarray, list, list, list]:
    """Return the different x values, and the mean, least and largest y of each."""
    places = np.unique(xs)
    values = [np.asarray(ys, dtype=float)[np.asarray(xs) == place] for place in places]
    return places, *([f(v) for v in values] for f in (np.mean, np.min, np.max))


def bands(
    series: dict[str, tuple[Sequence, Sequence, Sequence, Sequence]], colour: dict[str, str], x: str, y: str
) -> Drawing:
    """Draw lines with the intervals of their points, from (x values, y values, lows, highs)."""

    def draw(axes) -> None:
        for name, (places, values, lows, highs) in series.items():
            axes.plot(places, values, "o-", color=colour[name], label=short(name), lw=2, ms=4)
            axes.fill_between(places, lows, highs, color=colour[name], alpha=0.16, lw=0)
        _finish(axes, x, y)
        axes.locator_params(axis="x", nbins=6, integer=True)

    told = [f"{name} {values[0]:.3f} at first, {values[-1]:.3f} at last" for name, (_, values, *_) in series.items()]
    return Drawing(draw, 3.4, f"{y} against {x}: {_listed(told)}")


def dots(points: Sequence[tuple[float, float]], slope: float, x: str, y: str) -> Drawing:
    """Draw points, the first of which is where the line of the slope begins."""

    def draw(axes) -> None:
        places, values = zip(*points, strict=True)
        end = max(places)
        axes.plot([places[0], end], [values[0], values[0] + slope * (end - places[0])], color=GREY, lw=1.6)
        axes.plot(places, values, "o", color=COLOURS[0], ms=5)
        _finish(axes, x, y)

    ends = " and ".join(f"{value:.3f} with {place:,}" for place, value in (points[0], points[-1]))
    return Drawing(draw, 3.4, f"{y} against {x}: {ends}")


def marks(groups: Sequence[str], series: dict[str, Sequence[float]], colour: dict[str, str], x: str) -> Drawing:
    """Draw a line of marks for each group from the top, one mark a series."""

    def draw(axes) -> None:
        for name, values in series.items():
            axes.plot(values, range(len(groups)), "o", color=colour[name], label=short(name), ms=7, alpha=0.85)
        axes.set_yticks(range(len(groups)), [short(group) for group in groups])
        axes.set_ylim(len(groups) - 0.4, -0.6)
        axes.set(xlabel=x)
        axes.grid(axis="both")
        axes.tick_params(axis="y", length=0)
        _legend(axes, series)

    told = [f"{group} {values[0]:.2f}" for group, *values in zip(groups, *series.values(), strict=True)]
    return Drawing(draw, 1.2 + 0.3 * len(groups), f"{x}; {next(iter(series), '')}: {_listed(told)}")


def histogram(
    series: dict[str, tuple[Sequence[int], Sequence[float]]], colour: dict[str, str], x: str, y: str
) -> Drawing:
    """Draw a line of steps for each series, from (places, heights); a place that is not told has none."""

    def draw(axes) -> None:
        for name, (places, heights) in series.items():
            every = np.arange(min(places, default=0) - 1, max(places, default=0) + 2)
            known = dict(zip(places, heights, strict=True))
            steps = [known.get(int(place), 0) for place in every]
            axes.step(every, steps, where="mid", color=colour[name], label=short(name))
        axes.set(xlabel=x, ylabel=y)
        axes.locator_params(axis="x", nbins=7, integer=True)
        axes.grid(axis="y")
        _legend(axes, series)

    told = [f"{name} from {min(places)} to {max(places)}" for name, (places, _) in series.items() if places]
    return Drawing(draw, 3.4, f"{y} by {x}: {_listed(told)}")


def sizes(series: dict[str, Sequence[int]], colour: dict[str, str], x: str, y: str) -> Drawing:
    """Draw counts from the largest to the smallest, a line each series, on a scale of powers of ten."""

    def draw(axes) -> None:
        for name, counts in series.items():
            ordered = np.sort(np.asarray(counts))[::-1]
            axes.step(range(1, len(ordered) + 1), ordered, where="mid", color=colour[name], label=short(name), lw=2)
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        _finish(axes, x, y)

    told = [f"{name} from {max(counts):,} to {min(counts):,}" for name, counts in series.items() if len(counts)]
    return Drawing(draw, 3.4, f"{y} by {x}: {_listed(told)}")


def heat(rows: dict[str, Sequence[float]], x: str) -> Drawing:
    """Draw a row of shades for each series of shares; nothing is the page's own colour."""

    def draw(axes) -> None:
        from matplotlib.colors import to_rgb

        values = np.array(list(rows.values()), dtype=float)
        shades = np.empty((*values.shape, 4))
        shades[..., :3] = to_rgb(COLOURS[0])
        shades[..., 3] = values / max(values.max(initial=0), 1e-9)
        axes.pcolormesh(shades, edgecolors=CARD, linewidth=1)
        axes.set_yticks(np.arange(len(rows)) + 0.5, [short(name) for name in rows])
        axes.set_xticks([])
        axes.invert_yaxis()
        axes.set(xlabel=x)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    told = [f"{name} up to {max(shares, default=0):.0%}" for name, shares in rows.items()]
    return Drawing(draw, 0.9 + 0.35 * len(rows), f"Shares of rows in each {x}: {_listed(told)}")


def calibration(
    series: dict[str, tuple[Sequence[float], Sequence[float]]],
    colour: dict[str, str],
    x: str = "confidence",
    y: str = "accuracy",
) -> Drawing:
    """Draw what came true against what was told; on the diagonal a probability means what it says."""

    def draw(axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
        for name, (told, true) in series.items():
            axes.plot(told, true, "o-", ms=4, lw=1.4, color=colour[name], label=short(name))
        axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1))
        axes.set_aspect("equal")
        axes.grid()
        _legend(axes, series)

    gaps = [
        f"{name} {np.mean(np.abs(np.subtract(told, true))):.2f} off on average"
        for name, (told, true) in series.items()
        if len(told)
    ]
    return Drawing(draw, 4.6, f"{y} against {x}: {_listed(gaps)}")


def _finish(axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y)
    if axes.get_xscale() == "linear":
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y")
    _legend(axes, axes.get_legend_handles_labels()[1])


def _legend(axes, series: Sequence | dict) -> None:
    """Name the series above the plot, where they hide nothing; one alone needs no name beside its caption's."""
    if series:
        handles, labels = (told[:MOST_SERIES] for told in axes.get_legend_handles_labels())
        columns = 3 if max(map(len, labels), default=0) < 12 else 2
        axes.figure.legend(handles, labels, loc="outside upper left", ncols=columns, handlelength=1.4)


def _listed(told: list[str]) -> str:
    """Return the first of some statements."""
    more = len(told) - MOST_SERIES
    return "; ".join(told[:MOST_SERIES]) + (f"; and {more} more" if more > 0 else "")
