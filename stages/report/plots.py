"""Plots as SVG text, for a page: equal data are equal bytes, and no plot's ids meet another's."""

import io
import re
from collections.abc import Callable, Sequence

import numpy as np

# Okabe and Ito's palette, which people with any colour vision can tell apart; grey is for what is to be beaten.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GREY, INK, SOFT = "#7d848c", "#1d1f21", "#d9d9d4"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "winnow",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "axes.axisbelow": True,
    "grid.color": SOFT,
    "grid.linewidth": 0.7,
}


def svg(name: str, draw: Callable, width: float, height: float) -> str:
    """Return what `draw(axes)` draws as an SVG element; `name` keeps its ids apart from other plots'.

    Width and height are in inches of 72 points.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot())
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = re.sub(r"<metadata>.*?</metadata>", "", out.getvalue(), flags=re.DOTALL)
    text = text[text.index("<svg") :]
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)


def colours(names: Sequence[str], baseline: str) -> dict[str, str]:
    """Return a colour for each name; the baseline's is grey."""
    others = [name for name in names if name != baseline]
    return {baseline: GREY} | {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(others)}


def curves(
    series: dict[str, tuple[Sequence, Sequence]], colour: dict[str, str], x: str, y: str, faint: bool = False
) -> Callable:
    """Draw lines. A series may have several y values for one x (seeds): the line is their mean, the band their range.

    Args:
        series: name -> (x values, y values).
        faint: thin lines, for curves of single steps.
    """

    def draw(axes) -> None:
        for name, (xs, ys) in series.items():
            places = np.unique(xs)
            values = [np.asarray(ys, dtype=float)[np.asarray(xs) == place] for place in places]
            mean, low, high = ([f(v) for v in values] for f in (np.mean, np.min, np.max))
            axes.plot(
                places,
                mean,
                color=colour[name],
                label=name,
                lw=1.2 if faint else 2,
                marker=None if faint else "o",
                ms=4,
            )
            axes.fill_between(places, low, high, color=colour[name], alpha=0.16, lw=0)
        axes.set(xlabel=x, ylabel=y)
        axes.locator_params(axis="x", nbins=6)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="y")
        axes.legend()

    return draw


def bands(
    series: dict[str, tuple[Sequence, Sequence, Sequence, Sequence]], colour: dict[str, str], x: str, y: str
) -> Callable:
    """Draw lines with the intervals of their points, from (x values, y values, lows, highs)."""

    def draw(axes) -> None:
        for name, (places, values, lows, highs) in series.items():
            axes.plot(places, values, "o-", color=colour[name], label=name, lw=2, ms=4)
            axes.fill_between(places, lows, highs, color=colour[name], alpha=0.16, lw=0)
        axes.set(xlabel=x, ylabel=y)
        axes.locator_params(axis="x", nbins=6, integer=True)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="y")
        axes.legend()

    return draw


def dots(points: Sequence[tuple[float, float]], slope: float, x: str, y: str) -> Callable:
    """Draw points, the first of which is where the line of the slope begins."""

    def draw(axes) -> None:
        places, values = zip(*points, strict=True)
        end = max(places)
        axes.plot([places[0], end], [values[0], values[0] + slope * (end - places[0])], color=GREY, lw=1.6)
        axes.plot(places, values, "o", color=COLOURS[0], ms=5)
        axes.set(xlabel=x, ylabel=y)
        axes.locator_params(axis="x", nbins=6)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="y")

    return draw


def intervals(rows: Sequence[tuple[str, float, float, float]], colour: Sequence[str], x: str, zero: bool) -> Callable:
    """Draw a forest plot: one row each of (name, value, low, high), from the top; `zero` draws the line of no gain."""

    def draw(axes) -> None:
        for place, ((_, value, low, high), shade) in enumerate(zip(rows, colour, strict=True)):
            axes.plot([low, high], [-place, -place], color=shade, lw=2.5, solid_capstyle="round")
            axes.plot([value], [-place], "o", color=shade, ms=7)
        axes.set_yticks([-place for place in range(len(rows))], [row[0] for row in rows])
        axes.set_ylim(-len(rows) + 0.4, 0.6)
        if zero:
            axes.axvline(0, color=INK, lw=1, ls="--")
        axes.set(xlabel=x)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)

    return draw


def bars(groups: Sequence[str], series: dict[str, Sequence[float]], colour: dict[str, str], y: str) -> Callable:
    """Draw groups of bars side by side, one bar a series in each group."""

    def draw(axes) -> None:
        width = 0.8 / len(series)
        for index, (name, values) in enumerate(series.items()):
            places = np.arange(len(groups)) + (index - (len(series) - 1) / 2) * width
            axes.bar(places, values, width * 0.92, color=colour[name], label=name)
        crowded = sum(map(len, groups)) > 7 * axes.figure.get_figwidth()
        axes.set_xticks(range(len(groups)), groups, **({"rotation": 25, "ha": "right"} if crowded else {}))
        axes.set(ylabel=y)
        axes.grid(axis="y")
        axes.legend(ncols=len(series), loc="lower center", bbox_to_anchor=(0.5, 1))

    return draw


def histogram(
    series: dict[str, tuple[Sequence[int], Sequence[float]]], colour: dict[str, str], x: str, y: str
) -> Callable:
    """Draw a line of steps for each series, from (places, heights); a place that is not told has none."""

    def draw(axes) -> None:
        for name, (places, heights) in series.items():
            every = np.arange(min(places, default=0) - 1, max(places, default=0) + 2)
            known = dict(zip(places, heights, strict=True))
            axes.step(every, [known.get(int(place), 0) for place in every], where="mid", color=colour[name], label=name)
        axes.set(xlabel=x, ylabel=y)
        axes.locator_params(axis="x", nbins=7, integer=True)
        axes.grid(axis="y")
        axes.legend()

    return draw


def heat(rows: dict[str, Sequence[float]], x: str) -> Callable:
    """Draw a row of shades for each series of shares; nothing is white."""

    def draw(axes) -> None:
        values = np.array(list(rows.values()), dtype=float)
        axes.pcolormesh(values, cmap="Blues", vmin=0, edgecolors="white", linewidth=1)
        axes.set_yticks(np.arange(len(rows)) + 0.5, list(rows))
        axes.set_xticks([])
        axes.invert_yaxis()
        axes.set(xlabel=x)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    return draw


def confusion(counts: np.ndarray, labels: Sequence[str]) -> Callable:
    """Draw confusion counts (classes, classes), rows the truth; shade is the share of the row."""

    def draw(axes) -> None:
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.pcolormesh(share, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1)
        for (row, column), count in np.ndenumerate(counts):
            shade = "white" if share[row, column] > 0.55 else INK
            axes.text(column + 0.5, row + 0.5, f"{count}", ha="center", va="center", color=shade)
        middles = np.arange(len(labels)) + 0.5
        axes.set_xticks(middles, labels, rotation=30, ha="right")
        axes.set_yticks(middles, labels)
        axes.invert_yaxis()
        axes.set(xlabel="predicted", ylabel="actual", aspect="equal")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    return draw


def calibration(
    series: dict[str, tuple[Sequence[float], Sequence[float]]],
    colour: dict[str, str],
    x: str = "confidence",
    y: str = "accuracy",
) -> Callable:
    """Draw what came true against what was told; on the diagonal a probability means what it says."""

    def draw(axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, lw=1, ls="--")
        for name, (told, true) in series.items():
            axes.plot(told, true, "o-", ms=4, lw=1.4, color=colour[name], label=name)
        axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1))
        axes.set_aspect("equal")
        axes.grid()
        axes.legend(loc="upper left")

    return draw
