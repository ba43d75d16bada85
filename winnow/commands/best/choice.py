"""The choice among results: the best on dev, and among those within chance of it the cheapest.

Results are paired on the dev rows that both have, by the functions of `winnow diff`: groups of rows are resampled, the
same for both, and seeds have Student's t. The first is the best of many, so that the lead over each of the others has
a wider interval (Bonferroni, over all others): if another is truly the best, the chance that some interval says the
reverse is one in twenty at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType

from winnow.base.errors import UserError
from winnow.commands.best.candidates import Candidate
from winnow.commands.diff import pairs, scores
from winnow.commands.diff.scores import Judge
from winnow.rows import predictions
from winnow.validation import comparison

SPLIT = "dev"  # what selects does not see test
LARGER, CHANCE, NOT_JUDGED = "larger than chance", "within chance", "not judged"


@dataclass(frozen=True)
class Lead:
    """How far one result is ahead of another on the rows of dev that both have.

    Attributes:
        value, low, high: of the headline, with its interval; above zero where the first is better.
        rows: that both have.
        same_rows: whether neither has others.
        verdict: `LARGER`, `CHANCE`, or `NOT_JUDGED`: one run each, so that the interval holds no seeds.
    """

    value: float
    low: float
    high: float
    rows: int
    same_rows: bool
    verdict: str

    @property
    def holds_zero(self) -> bool:
        """Return whether the draw of rows alone, and of seeds where there are several, explains the difference."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes:
        best: the candidate to take.
        ranked: all candidates, by their figures.
        behind: how far the first of `ranked` is ahead of each of the others, by name; None: no row in common.
        runner_up: the first of the others; None where there is no other.
        over: how far the best is ahead of others, by name: of the runner-up, and of the commit's own result.
    """

    best: Candidate
    ranked: list[Candidate]
    behind: dict[str, Lead | None]
    runner_up: Candidate | None
    over: dict[str, Lead | None]


def made(candidates: Sequence[Candidate], judge: Judge, base: str) -> Choice:
    """Return the choice among one or more candidates.

    Args:
        judge: task and settings of the intervals, those of the commit.
        base: name of the commit's own result.
    """
    metrics: ModuleType = judge.metrics
    sign = metrics.HEADLINE.sign
    by_cost = _order(candidates)
    ranked = sorted(candidates, key=lambda each: (-sign * each.value, by_cost[each.name]))
    first, others = ranked[0], ranked[1:]
    wider = 1 - (1 - judge.settings.confidence) / max(len(others), 1)
    judge = replace(judge, settings=judge.settings.model_copy(update={"confidence": wider}))
    behind = {other.name: lead(first, other, judge) for other in others}
    near = [first, *(other for other in others if (told := behind[other.name]) and told.holds_zero)]
    by_cost = _order(near)
    best = min(near, key=lambda each: by_cost[each.name])
    runner_up = next((each for each in ranked if each is not best), None)
    against = [each for each in ranked if each is not best and (each is runner_up or each.name == base)]
    over = {each.name: behind[each.name] if best is first else lead(best, each, judge) for each in against}
    return Choice(best, ranked, behind, runner_up, over)


def _order(near: Sequence[Candidate]) -> dict[str, tuple]:
    """Return what the tie rule sorts by: training cost, parameters changed, name; a cost that one lacks has no part."""
    is_known = all(each.tokens is not None for each in near)
    return {each.name: (each.tokens if is_known else 0, len(each.changes), each.name) for each in near}


def lead(first: Candidate, second: Candidate, judge: Judge) -> Lead | None:
    """Return how far the first is ahead of the second; None where dev has no row in common.

    Raises:
        UserError: predictions lack the arm that the figures name.
    """
    old, new = (_side(each, judge) for each in (second, first))
    both = pairs.paired(old, new)
    if not len(both.at_head):
        return None
    told = scores.apart(both, second.approach, first.approach, judge)
    sign = judge.metrics.HEADLINE.sign
    low, high = sorted(sign * told[end] for end in ("low", "high"))
    runs = [predictions.by_approach(side.files)[each.approach] for side, each in ((new, first), (old, second))]
    is_judged = comparison.ALONE not in comparison.holds(runs)
    verdict = (LARGER if low > 0 else CHANCE) if is_judged else NOT_JUDGED
    return Lead(sign * told["value"], low, high, len(both.at_head), both.same_rows, verdict)


def _side(each: Candidate, judge: Judge) -> pairs.Side:
    side = pairs.side(each.revision, SPLIT, judge.task)
    if side is None or each.approach not in predictions.by_approach(side.files):
        raise UserError(
            f"{each.name}: its predictions hold no arm {each.approach}, which its figures name; run it again"
        )
    return side
