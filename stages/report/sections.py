"""The report's verdict and tables, and how it writes numbers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stages.report.inputs import Inputs
from winnow.kinds.headline import Headline
from winnow.rows import predictions
from winnow.rows.splits import SPLITS

EXCERPT = 240  # characters of a text on the page


@dataclass(frozen=True)
class Table:
    """A table of the page; `align` has l or r for each column."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    align: str


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
    """Return the start of a text, cut at a word."""
    return text if len(text) <= EXCERPT else text[:EXCERPT].rsplit(" ", 1)[0] + " …"


def markdown(value: object) -> str:
    """Return a value as text that no Markdown reader takes for markup or for a new table cell."""
    text = " ".join(str(value).split())
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return text


def capital(words: str) -> str:
    """Return words with a capital letter at their beginning."""
    return words[:1].upper() + words[1:]


def verdict(difference: dict, pair: tuple[str, str], headline: Headline, words: str) -> dict:
    """Return what a difference on test says: `sign` is better, worse or open, and a sentence.

    Args:
        difference: the metrics of the first of the pair minus those of the second.
        words: what people are told of the headline.
    """
    (first, second), name = pair, headline.name
    low, high = difference[f"{name}_low"], difference[f"{name}_high"]
    higher, lower = ("better", "worse") if headline.larger_is_better else ("worse", "better")
    sign = higher if low > 0 else lower if high < 0 else "open"
    told = {"better": "is better than", "worse": "is worse than", "open": "is not proven different from"}[sign]
    gain = f"{points(difference[name])} points of {words} ({points(low)} to {points(high)})"
    return {
        "sign": sign,
        "sentence": f"{first} {told} {second}: {gain}",
        "first": first,
        "second": second,
        "gain": gain,
    }


def verdicts(inputs: Inputs) -> dict:
    """Return the headline: the best approach against the baseline, and every other pair."""
    compared, baseline = inputs.metrics["compare"], inputs.params["compare"]["baseline"]
    best = compared["best"]
    headline, per_class = inputs.headline, inputs.plots["evaluate/per_class"]
    told = {
        pair: verdict(difference["test"], pair, headline, inputs.told) for pair, difference in inputs.pairs().items()
    }
    return {
        "best": best,
        "is_adapted": predictions.is_adapted(best),
        "baseline": baseline,
        "beats": compared["best_beats_baseline"],
        "head": told.pop((best, baseline)),
        "others": list(told.values()),
        "score": compared["test"][best],
        "reaches": " and ".join(f"{words} {compared['test'][best][name]:.3f}" for name, words in inputs.words.items()),
        "order": ("lowest", "highest") if headline.larger_is_better else ("highest", "lowest"),
        "measured": measured(inputs),
        "approaches": [name for name, _ in inputs.by_score()],
        "f1": {(row["approach"], row["label"]): float(row["f1"]) for row in per_class},
        "classes": list(dict.fromkeys(row["label"] for row in per_class)),
    }


def measured(inputs: Inputs) -> str:
    """Return what approaches are compared by, in a sentence's words: the headline and its meaning, the others."""
    headline, *others = inputs.words.values()
    if not others:
        return f"{headline}, {inputs.headline.meaning}" if inputs.headline.meaning else headline
    meaning = f", {inputs.headline.meaning}," if inputs.headline.meaning else ""
    return f"{headline}{meaning} and {', '.join(others)}, {'both' if len(others) == 1 else 'all'}"


def tables(inputs: Inputs) -> dict[str, Table]:
    """Return the tables on data and comparison by name."""
    return data_tables(inputs) | comparison_tables(inputs)


def data_tables(inputs: Inputs) -> dict[str, Table]:
    """Return the tables on the way of the rows, cleaning and balance."""
    m = inputs.metrics
    read, kept, refused = (
        sum(source["rows"][key] for source in inputs.manifest.values()) for key in ("read", "kept", "refused")
    )
    task, text = (sum(m["split"][split][key] for split in SPLITS) for key in ("rows", "text_rows"))
    labelled = m["apply_decisions"]["labelled"]
    funnel = [
        ["Read from the sources", read, ""],
        ["Collected", kept, f"{refused:,} refused, {read - kept - refused:,} beyond the sources' limits"],
        ["Cleaned", m["clean"]["rows_out"], f"{m['clean']['rows_in'] - m['clean']['rows_out']:,} dropped"],
        [
            "Without duplicates",
            m["deduplicate"]["rows_out"],
            f"{m['deduplicate']['exact']:,} exact, {m['deduplicate']['near']:,} near",
        ],
        ["For the task", task, f"{text:,} more adapt the encoder only"],
        ["With a label", sum(labelled.values()), ", ".join(f"{count:,} {name}" for name, count in labelled.items())],
        ["Trained on", m["balance"]["rows"], _left_out(m["balance"]["left_out"])],
    ]
    cleaning = [[*rule.split(".", 1)[::-1], count] for rule, count in m["clean"]["entries"].items()]
    pairs = zip(inputs.rows["label"].to_pylist(), inputs.rows["split"].to_pylist(), strict=True)
    counts = Counter((name, split) for label, split in pairs if label is not None for name in inputs.task.names(label))
    balance = [
        [name, *(counts[name, split] for split in SPLITS), m["balance"]["labels"].get(name, 0)]
        for name in inputs.classes
    ]
    return {
        "funnel": Table(["Step", "Rows", "Of these, or left"], funnel, "lrl"),
        "cleaning": Table(["Rule", "Action", "Texts"], cleaning, "llr"),
        "balance": Table(["Label", *(name.capitalize() for name in SPLITS), "Trained on"], balance, "lrrrr"),
    }


def _left_out(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def comparison_tables(inputs: Inputs) -> dict[str, Table]:
    """Return approaches and their differences, on dev and test, with intervals."""
    compared = inputs.metrics["compare"]

    def value(values: dict, name: str) -> str:
        return f"{values[name]:.3f} ({values[f'{name}_low']:.3f}–{values[f'{name}_high']:.3f})"

    def gain(values: dict, name: str) -> str:
        return f"{points(values[name])} ({points(values[f'{name}_low'])} to {points(values[f'{name}_high'])})"

    columns = [("dev", inputs.headline.name), *(("test", metric) for metric in inputs.words)]
    approaches = [
        [name, values["seeds"], *(value(compared[split][name], metric) for split, metric in columns)]
        for name, values in inputs.by_score()
    ]
    differences = [
        [f"{first} − {second}", *(gain(values[split], metric) for split, metric in columns)]
        for (first, second), values in inputs.pairs().items()
    ]
    metrics, right = [f"{capital(inputs.words[metric])}, {split}" for split, metric in columns], "r" * len(columns)
    return {
        "approaches": Table(["Approach", "Seeds", *metrics], approaches, "lr" + right),
        "differences": Table(["Difference, points", *metrics], differences, "l" + right),
    }
