"""The choice in words, and as plain values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from winnow.commands.best import choice
from winnow.commands.best.candidates import Candidate, Found
from winnow.commands.best.choice import Choice, Lead
from winnow.commands.diff import verdict
from winnow.commands.diff.revision import WORKSPACE, commit
from winnow.kinds.headline import Headline

RULE = (
    "Rule: the best on dev; among those within chance of it the one whose training reads fewest tokens, then the one "
    "that changes fewest parameters, then the first by name."
)
COLUMNS = ("result", "arm", "on dev", "behind the first", "tokens of training", "parameters changed")
LONGEST = 60  # characters of a value that are shown
COMMIT = "git add -A params.yaml dvc.lock reports && git commit -m 'Take {} over' && dvc push"
VERDICTS = {
    choice.LARGER: "which is larger than chance",
    choice.CHANCE: "no more than chance explains",
    choice.NOT_JUDGED: "not judged: an arm has one run, so that the interval holds no seeds; add arms.seeds",
}


@dataclass(frozen=True)
class Metric:
    """The metric that decides, and what people are told of it."""

    headline: Headline
    words: str

    def figure(self, value: float) -> str:
        """Return a value of it."""
        return f"{value:.3f}"


def commands(best: Candidate, base: str) -> list[str]:
    """Return what applies the choice, and what to commit then.

    Args:
        base: hash of the commit whose experiments were compared.
    """
    if best.revision.commit == base:
        return []
    taking = COMMIT.format(best.name)
    if best.name == WORKSPACE:
        return [COMMIT.format("the variant")]
    if base == commit("HEAD"):
        return [f"dvc exp apply {best.name}", taking]
    return [f"dvc exp branch {best.name} {best.name}-branch", f"git switch {best.name}-branch && dvc checkout"]


def plain(found: Found, made: Choice, metric: Metric) -> dict:
    """Return the choice as plain values, for `--json`."""
    return {
        "baseline": {"name": found.base.name, "commit": found.base.commit},
        "metric": metric.headline.name,
        "split": choice.SPLIT,
        "compared": len(made.ranked),
        "best": made.best.name,
        "runner_up": made.runner_up.name if made.runner_up else None,
        "lead": {name: asdict(lead) if lead else None for name, lead in made.over.items()},
        "candidates": [_plain(each, made) for each in made.ranked],
        "left_out": found.left_out,
        "commands": commands(made.best, found.base.commit),
    }


def _plain(each: Candidate, made: Choice) -> dict:
    behind = made.behind.get(each.name)
    return {
        "name": each.name,
        "commit": each.revision.commit,
        "approach": each.approach,
        "value": each.value,
        "tokens": each.tokens,
        "changes": each.changes,
        "behind": asdict(behind) if behind else None,
    }


def lines(found: Found, made: Choice, metric: Metric) -> Iterator[str]:
    """Yield the choice line by line, for a terminal."""
    best = made.best
    yield f"Best: {best.name}, {metric.words} on dev {metric.figure(best.value)} ({best.approach})"
    for name, lead in made.over.items():
        what = "the runner-up" if made.runner_up and name == made.runner_up.name else "the commit's own result"
        yield f"  {_told(lead, metric)} {what}, {name}" + (f": {VERDICTS[lead.verdict]}" if lead else "")
    if best is not made.ranked[0]:
        yield f"  {made.ranked[0].name} has the higher figure; within chance of it, the rule takes {_because(made)}."
    yield from _caveats(found, made)
    yield RULE
    yield ""
    yield from _table(made, metric)
    if found.left_out:
        yield ""
        yield "Not compared:"
        yield from (f"  {name}: {why}" for name, why in found.left_out.items())
    yield ""
    asked = commands(best, found.base.commit)
    yield "Take it over:" if asked else f"{best.name} is what the commit holds: there is nothing to take over."
    yield from (f"  {command}" for command in asked)


def _told(lead: Lead | None, metric: Metric) -> str:
    if lead is None:
        return "no dev row in common with"
    told = {key: getattr(lead, key) for key in ("value", "low", "high")}
    on = "" if lead.same_rows else f" on the {lead.rows:,} dev rows that both have"
    word = "ahead of" if lead.value >= 0 else "against"
    return f"{verdict.shown(told, metric.headline.is_share)}{on} {word}"


def _because(made: Choice) -> str:
    first, best = made.ranked[0], made.best
    if None not in (first.tokens, best.tokens) and first.tokens != best.tokens:
        return f"the cheaper {best.name}: {best.tokens:,} tokens of training against {first.tokens:,}"
    if len(first.changes) != len(best.changes):
        return f"the simpler {best.name}: it changes {len(best.changes)} parameters, not {len(first.changes)}"
    return f"{best.name}, the first by name of equals"


def _caveats(found: Found, made: Choice) -> Iterator[str]:
    number = len(made.ranked)
    if number > 1:
        yield (
            f"Selection: this was chosen among {number} results on the same rows of dev, so that its figure and its "
            f"lead are optimistic; the more are compared, the more so. The intervals are wide enough for {number - 1} "
            f"comparison{'s' * (number > 2)}; the figures are as they are. `winnow test` measures the choice, once."
        )
    if found.base.name in found.left_out:
        yield f"{found.base.name} has no result of its own to compare with."


def _table(made: Choice, metric: Metric) -> Iterator[str]:
    rows = [COLUMNS]
    for each in made.ranked:
        behind = made.behind.get(each.name)
        rows.append(
            (
                each.name,
                each.approach,
                metric.figure(each.value),
                "" if each is made.ranked[0] else _interval(behind, metric),
                "" if each.tokens is None else f"{each.tokens:,}",
                _changes(each.changes),
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS) - 1)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()


def _interval(lead: Lead | None, metric: Metric) -> str:
    if lead is None:
        return "no row in common"
    told = {"value": -lead.value, "low": -lead.high, "high": -lead.low}
    return verdict.shown(told, metric.headline.is_share)


def _changes(changes: Mapping[str, object]) -> str:
    shown: Sequence[str] = [f"{key}={_short(value)}" for key, value in changes.items()]
    return " ".join(shown) or "none"


def _short(value: object) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
