"""What the differences between approaches say, in words: on dev, and on test where that was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.report import tables, trained
from stages.report.inputs import Compared, Inputs
from stages.report.rounds import edits_in_words
from stages.report.tables import Bar
from stages.report.words import capital, change, listed
from winnow.kinds.headline import Headline
from winnow.rows import predictions
from winnow.validation import comparison
from winnow.validation.looks import Standing

ENDS = ("", "_low", "_high")
WORDS = {"better": "better", "worse": "worse", "open": "no measurable difference"}
UNJUDGED = "cannot be judged"
CONTROLS = {  # what stands between an arm and one that learns from rows without people's decisions
    "given": "People's decisions in training",
    "thinned": "People's decisions, beside leaving out as many rows at random",
}
MOST_STEPS, MOST_EDITS = 8, 4  # told in the open part


@dataclass(frozen=True)
class Step:
    """What one step is worth.

    Attributes:
        name: what was done, in words.
        compared: what is held against what.
        sign: better, worse or open.
        verdict: the same in words.
        gain: the difference with its interval.
        bar: the interval as the page draws it.
    """

    name: str
    compared: str
    sign: str
    verdict: str
    gain: str
    bar: Bar | None


def verdict(difference: dict, pair: tuple[str, str], headline: Headline, words: str) -> dict:
    """Return what a difference says: `sign` is better, worse or open, and a sentence; with one seed it is open.

    Args:
        difference: the metrics of the first of the pair minus those of the second.
        words: what people are told of the headline.
    """
    (first, second), name = pair, headline.name
    estimate = tuple(difference[f"{name}{end}"] for end in ENDS)
    judged = comparison.is_judged(difference)
    sign = sign_of(*estimate[1:], headline.larger_is_better) if judged else "open"
    undecided = "does not differ measurably from" if judged else "cannot be judged against"
    told = {"better": "is better than", "worse": "is worse than", "open": undecided}[sign]
    value, low, high = (change(end, headline) for end in estimate)
    over = "" if judged else f" over {difference['interval']}"
    gain = f"{value} {'points of' if headline.is_share else 'in'} {words} ({low} to {high}{over})"
    return {
        "sign": sign,
        "judged": judged,
        "sentence": f"{first} {told} {second}: {gain}",
        "first": first,
        "second": second,
        "compared": f"{first} − {second}",
        "gain": gain,
        "short": _in_short(estimate, headline),
        "verdict": WORDS[sign] if judged else UNJUDGED,
        "estimate": estimate,
    }


def sign_of(low: float, high: float, larger_is_better: bool = True) -> str:
    """Return whether a whole interval is better or worse than no difference; else open."""
    higher, lower = ("better", "worse") if larger_is_better else ("worse", "better")
    return higher if low > 0 else lower if high < 0 else "open"


def verdicts(inputs: Inputs) -> dict:
    """Return the headline on dev: the best approach against the baseline, and what each step is worth.

    `test` is empty where `winnow test` was not asked about these predictions.
    """
    dev, baseline = inputs.compared["dev"], inputs.params["compare"]["baseline"]
    best = inputs.metrics["compare"]["best"]
    told = of_pairs(inputs, dev)
    score, head = dev.found["approaches"][best], told[best, baseline]
    asked = [told[pair] for pair in dict.fromkeys(map(tuple, dev.asked)) if pair in told and pair != (best, baseline)]
    return {
        "tone": tone(head, asked),
        "helped": helped(asked),
        "steps": steps(inputs, told, (best, baseline)),
        "best": best,
        "is_adapted": trained.is_adapted(inputs, best),
        "adapted": [name for name, _ in dev.by_score() if trained.is_adapted(inputs, name)],
        "baseline": baseline,
        "head": head,
        "score": score,
        "reaches": listed([f"{words} {score[name]:.3f}" for name, words in inputs.words.items()]),
        "order": ("lowest", "highest") if inputs.headline.larger_is_better else ("highest", "lowest"),
        "measured": measured(inputs),
        "approaches": [name for name, _ in dev.by_score()],
        "repair": [each for pair, each in told.items() if _is_repair(*pair)],
        "test": of_test(inputs, (best, baseline)),
        "looks": looks_at_test(inputs.test),
    }


def tone(head: dict, asked: Sequence[dict]) -> str:
    """Return good where the best beats the baseline and all that was to help did, bad where it does not, else mixed."""
    if head["judged"] and head["sign"] != "better":
        return "bad"
    return "good" if head["judged"] and all(step["sign"] == "better" for step in asked) else "mixed"


def helped(asked: Sequence[dict]) -> str:
    """Return how many of the steps that were to help did, in a sentence; empty where params.yaml asks for none."""
    if not asked:
        return ""
    counts = {verdict: sum(step["verdict"] == verdict for step in asked) for verdict in (*WORDS.values(), UNJUDGED)}
    words = {
        "better": "helped",
        "worse": "did harm",
        "no measurable difference": "made no measurable difference",
        UNJUDGED: "cannot be judged, for want of runs (params.yaml: arms.seeds)",
    }
    told = [f"{count} {words[verdict]}" for verdict, count in counts.items() if count]
    steps = "the one step that was" if len(asked) == 1 else f"the {len(asked)} steps that were"
    return f"Of {steps} to help, {' and '.join([', '.join(told[:-1]), told[-1]] if told[1:] else told)}."


def steps(inputs: Inputs, told: Mapping[tuple[str, str], dict], head: tuple[str, str]) -> list[Step]:
    """Return what steps are worth: the pairs that params.yaml asks for, people's edits, then other pairs.

    Args:
        told: what each pair's difference says, in the order of the tables.
        head: the pair of the headline, which is not told twice.
    """
    asked = set(map(tuple, inputs.compared["dev"].asked))
    pairs = [
        (named(inputs, *pair), each, (*each["estimate"], each["sign"])) for pair, each in told.items() if pair != head
    ]
    first = [step for step in pairs if (step[1]["first"], step[1]["second"]) in asked]
    edits = of_edits(inputs)
    chosen = [*first, *edits, *(step for step in pairs if step not in first)][:MOST_STEPS]
    drawn = tables.bars([estimate for *_, estimate in chosen], zero=True)
    return [
        Step(name, each["compared"], each["sign"], each["verdict"], each["short"], bar)
        for (name, each, _), bar in zip(chosen, drawn, strict=True)
    ]


def named(inputs: Inputs, first: str, second: str) -> str:
    """Return what stands between two approaches, in words."""
    if second in trained.members(inputs, first) and first != second:
        return "The mean of several runs"
    if _is_repair(first, second):
        return CONTROLS[second.rpartition("_")[2]]
    if trained.is_adapted(inputs, first) and not trained.is_adapted(inputs, second) and second != _baseline(inputs):
        return "Adapting the encoder"
    return "Instead of the baseline" if second == _baseline(inputs) else f"{first} instead of {second}"


def _is_repair(first: str, second: str) -> bool:
    """Return whether two arms differ in that the second learns from rows without people's decisions."""
    return predictions.is_control(second) and predictions.of_repaired(second) == first


def _baseline(inputs: Inputs) -> str:
    return inputs.params["compare"]["baseline"]


def of_edits(inputs: Inputs) -> list[tuple[str, dict, tuple]]:
    """Return what people's decisions are worth by corrected labels of dev, all of them and then the kinds that do most.

    Returns:
        A name, what `verdict` says of it, and the difference in the headline with its interval and sign.
    """
    made = inputs.metrics["rounds"].get("models", {}).get("change", {}).get("all", {})
    kinds = [(capital(name), measured) for name, measured in edits_in_words(inputs) if measured.get("rows")]
    gains = [
        (name, gain)
        for name, measured in [("People's decisions", made), *kinds]
        if (gain := measured.get("dev", {}).get("corrected"))
    ]
    told = [(name, *_of_gain(gain, inputs.headline)) for name, gain in gains]
    told = told[:1] + sorted(told[1:], key=lambda each: (each[1]["sign"] == "open", -abs(each[2][0])))
    return told[:MOST_EDITS]


def _of_gain(gain: dict, headline: Headline) -> tuple[dict, tuple]:
    """Return what a gain says, which is above zero where it is for the better, as a difference in the headline."""
    ends = [headline.sign * gain[f"gain{end}"] for end in ENDS]
    value, low, high = ends[0], *sorted(ends[1:])
    sign = sign_of(low, high, headline.larger_is_better)
    said = {
        "compared": "fast models with and without",
        "sign": sign,
        "verdict": WORDS[sign],
        "short": _in_short((value, low, high), headline),
    }
    return said, (value, low, high, sign)


def _in_short(estimate: Sequence[float], headline: Headline) -> str:
    value, low, high = (change(end, headline) for end in estimate)
    return f"{value}{' points' if headline.is_share else ''} ({low} to {high})"


def of_pairs(inputs: Inputs, compared: Compared) -> dict[tuple[str, str], dict]:
    """Return what each pair's difference says."""
    return {
        pair: verdict(difference, pair, inputs.headline, inputs.told) for pair, difference in compared.pairs().items()
    }


def of_test(inputs: Inputs, head: tuple[str, str]) -> list[dict]:
    """Return what each pair's difference says on test, that of the headline first; none where test was not asked."""
    if "test" not in inputs.compared:
        return []
    told = of_pairs(inputs, inputs.compared["test"])
    return [*([told[head]] if head in told else []), *(each for pair, each in told.items() if pair != head)]


def looks_at_test(test: Standing) -> str:
    """Return how often these test rows were looked at, in a sentence."""
    if not test.looks:
        return "Nobody has looked at these test rows yet."
    count, last = len(test.looks), test.looks[-1]
    times = "once" if count == 1 else f"{count} times, each time at other predictions"
    other = "" if test.results else " These predictions were not among them."
    said = f"By the log in data/test these rows were looked at {times}"
    return f"{said}, last on {last.looked_on} by {last.by}: {last.reason}.{other}"


def measured(inputs: Inputs) -> str:
    """Return what approaches are compared by, in a sentence's words: the headline and its meaning, the others."""
    headline, *others = inputs.words.values()
    if not others:
        return f"{headline}, {inputs.headline.meaning}" if inputs.headline.meaning else headline
    meaning = f", {inputs.headline.meaning}," if inputs.headline.meaning else ""
    return f"{headline}{meaning} and {', '.join(others)}, {'both' if len(others) == 1 else 'all'}"
