"""One sentence that a person can act on, and what it rests on.

A leak comes first: no figure holds under it. Then alarms of the data (a rule that takes one class, labels that moved
and nobody decided it), then the headline on the paired rows: better, worse, or no measurable difference.
"""

from collections.abc import Iterator, Mapping

LEAK, LOSS = "leak", "significant-loss"
FAILURES = (LEAK, LOSS)
NONE = "no measurable difference"


def of(found: Mapping) -> dict:
    """Return `word`, `sentence`, `alarms`, and which of `FAILURES` there are.

    Args:
        found: all but the verdict.
    """
    leaks = [leak for leak in found["leaks"] if leak["is_new"]]
    alarms = list(_alarms(found))
    direction, told = metric(found)
    failures = [LEAK] * bool(leaks) + [LOSS] * (direction == "worse")
    if leaks:
        first = leaks[0]
        what = f"{rows(first['rows'])} {first['what']}"
        advice = "figures of dev and test prove nothing until they are back in one split"
        return _made("Do not merge", f"{what}: {advice}", failures, alarms)
    if direction == "worse":
        advice = "do not merge before the rows newly wrong are understood"
        return _made("Worse", f"{told}: {advice}{_but(alarms)}", failures, alarms)
    if alarms:
        return _made("Look before you merge", f"{'; '.join(alarms[:2])}; {told}", failures, alarms)
    if direction == "better":
        return _made("Better", f"{told}: merge, if the rows newly wrong are a fair price", failures, alarms)
    if direction == "same":
        return _made("No measurable difference", f"{told}: judge by the data, the cost and the code", failures, alarms)
    return _made("No verdict on the model", told, failures, alarms)


def _made(word: str, rest: str, failures: list[str], alarms: list[str]) -> dict:
    return {"word": word, "sentence": rest, "alarms": alarms, "failures": failures}


def _but(alarms: list[str]) -> str:
    return f"; besides, {alarms[0]}" if alarms else ""


def metric(found: Mapping) -> tuple[str, str]:
    """Return better, worse, same or unknown, and in words how the headline of the judged approach changed."""
    metrics = found["metrics"]
    if "reason" in metrics:
        return "unknown", f"{metrics['reason']}, so that nothing is said of how good it is"
    arm, headline, judged = metrics["arms"][metrics["judged"]], found["headline"], metrics["judged"]
    words = headline["words"][headline["name"]]
    where = f"{words} of {judged} on {found['split']}"
    if arm["unchanged"]:
        return "same", f"every prediction of {judged} is the same, byte for byte"
    part = arm["model"][headline["name"]]
    change = f"{shown(part, headline['is_share'])}, {flips(arm)}"
    if not arm["is_judged"]:
        return "unknown", f"{where} changed by {change}; one run each, so that it may be the seed's: add arms.seeds"
    low, high = sorted(headline["sign"] * part[end] for end in ("low", "high"))
    if low > 0:
        return "better", f"{where} gained: {change}"
    if high < 0:
        return "worse", f"{where} lost: {change}"
    return "same", f"{where} changed by {change}, no more than chance explains"


def flips(arm: Mapping) -> str:
    """Return in words how many rows turned."""
    return f"{number(arm['broken'])} rows newly wrong and {number(arm['fixed'])} newly right"


def _alarms(found: Mapping) -> Iterator[str]:
    told = found["data"]
    if stale := found["setup"]["stale"]:
        some = f"{', '.join(stale[:3])}{', …' if len(stale) > 3 else ''}"
        yield f"results are older than their inputs (stages {some}), so run dvc repro and commit what it makes"
    if "reason" in told:
        return
    for line in told["removed"]["skewed"]:
        share = line["rows"] / line["of"]
        yield (
            f"rule {line['rule']} removed {rows(line['rows'])} of class {line['class']}, {share:.0%} of them, out of "
            f"proportion to the other classes"
        )
    for line in told["changed"]["shortened"]:
        yield (
            f"class {line['class']} lost {line['lost']:.0%} of its text, other classes {line['usual']:.0%} "
            f"({rows(line['rows'])} changed)"
        )
    if unexplained := told["relabelled"]["unexplained"]:
        yield f"the label of {rows(unexplained)} changed without a decision of anybody"
    if between := sum(count for way, count in told["moved"].items() if "test" in way and "dev" in way):
        yield f"{rows(between)} moved between dev and test"


def shown(part: Mapping[str, float], is_share: bool) -> str:
    """Return a difference with its interval: `+1.2 points (+0.4 to +2.0)`."""
    scale, unit = (100, " points") if is_share else (1, "")
    value, low, high = (_signed(scale * part[end]) for end in ("value", "low", "high"))
    return f"{value}{unit} ({low} to {high})"


def _signed(value: float) -> str:
    if value == 0:
        return "0"
    return (f"{value:+.1f}" if abs(value) >= 0.05 else f"{value:+.2g}").replace("-", "\u2212")


def number(value: float) -> str:
    """Return a mean of counts: whole numbers without a fraction."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def rows(count: int) -> str:
    """Return a number of rows in words."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
