"""How the report writes numbers, texts and changes."""

from collections.abc import Callable, Mapping, Sequence

from winnow.kinds.headline import Headline

EXCERPT = 240  # characters of a text on the page


def number(value: float | None) -> str:
    """Return a number with three digits after the point, or a dash where it is not known."""
    return "–" if value is None else f"{round(value, 3) + 0.0:.3f}".replace("-", "−")  # + 0.0: no minus before zero


def points(share: float, digits: int = 1) -> str:
    """Return a difference of shares in points, with its sign: +6.1."""
    return f"{round(100 * share, digits) + 0.0:+.{digits}f}".replace("-", "−")


def percent(share: float) -> str:
    """Return a share in per cent: 83.5 %."""
    return f"{100 * share:.1f}\u202f%"


def per_cent(share: float) -> str:
    """Return a share in per cent without the sign, for columns that have it in their head."""
    return f"{100 * share:.1f}"


def share(value: float | None) -> str:
    """Return a share in per cent, or a dash where it is not known."""
    return "–" if value is None else percent(value)


def ranged(metrics: Mapping | None, name: str, show: Callable[[float], str]) -> str:
    """Return a metric and its interval, `name_low` and `name_high`, as far as they are known; a dash where it is not.

    Args:
        metrics: the metrics; None or empty where nothing was measured.
        show: writes a number.
    """
    value, low, high = ((metrics or {}).get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return "–"
    return show(value) if low is None or high is None else f"{show(value)} ({show(low)} to {show(high)})"


def shorten(text: str) -> str:
    """Return the start of a text, cut at a space if one is near: some scripts have none."""
    if len(text) <= EXCERPT:
        return text
    end = text.rfind(" ", EXCERPT * 3 // 4, EXCERPT)
    return text[: end if end >= 0 else EXCERPT] + " …"


def markdown(value: object) -> str:
    """Return a value as text that no Markdown reader takes for markup or for a new table cell."""
    text = " ".join(str(value).split())
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return text


def capital(words: str) -> str:
    """Return words with a capital letter at their beginning."""
    return words[:1].upper() + words[1:]


def change(value: float, headline: Headline) -> str:
    """Return a change of a metric with its sign, in points where the metric is a share."""
    return points(value) if headline.is_share else f"{round(value, 3) + 0.0:+.3f}".replace("-", "−")


def listed(parts: Sequence[str]) -> str:
    """Return parts as a sentence lists them: commas between, and before the last one `and`."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
