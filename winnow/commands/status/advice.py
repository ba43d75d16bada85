"""The one next thing worth doing, from how things stand: what is broken, then what is not run, not kept, not read."""

from collections.abc import Callable
from typing import NamedTuple

from winnow.base.progress import duration
from winnow.base.timing import INTERRUPTED
from winnow.commands import pipeline
from winnow.commands.status.standing import KILLED, Standing

RESULTS = ("dvc.lock", "reports/")  # what a run changes in Git


class Advice(NamedTuple):
    """What to do: a command, or words where no command does it; and why."""

    do: str
    why: str


def next_thing(found: Standing) -> Advice:
    """Return what is worth doing next."""
    return next(advice for rule in RULES if (advice := rule(found)) is not None)


def _conflicts(found: Standing) -> Advice | None:
    if not found.conflicts:
        return None
    first = found.conflicts[0]
    mend = "`git checkout --ours dvc.lock`" if first == "dvc.lock" else f"edit {first}"
    return Advice(f"{mend}, then `git add` it and `dvc repro`", f"{', '.join(found.conflicts)} holds marks of a merge")


def _running(found: Standing) -> Advice | None:
    for name, seconds in found.running.items():
        return Advice(f"wait for {name}", f"it has run for {duration(seconds)}")
    return Advice("wait for the DVC command that runs", "it holds the repository") if found.is_busy else None


def _problems(found: Standing) -> Advice | None:
    for problem in found.problems:
        return Advice("mend this", problem)
    return None


def _stopped(found: Standing) -> Advice | None:
    for name, error in found.stopped.items():
        if error in (KILLED, INTERRUPTED):
            return Advice("make repro", f"{name} did not end: {error}; what ran before it does not run again")
        if name in found.mended:
            return Advice("make repro", f"{found.mended[name]} has changed since {name} stopped")
        return Advice("mend this, then `make repro`", f"{name} stopped: {error}")
    return None


def _first_run(found: Standing) -> Advice | None:
    if found.has_run or found.reruns is None:
        return None
    if found.remote is not None and not found.remote.is_inside and found.is_locked:
        return Advice("dvc pull", f"nothing has run here; the remote {found.remote.name} may have what others ran")
    return Advice("make repro", "nothing has run here yet")


def _rerun(found: Standing) -> Advice | None:
    if found.reruns is None or not found.reruns.stages:
        return None
    what = f"at most {_stages(len(found.reruns.stages))} of {found.reruns.total} would run{cost(found)}"
    if found.new_decisions:
        made = pipeline.path("apply_decisions", "decisions")
        return Advice(f'git commit -m "Decisions" {made} && make repro', f"{_decisions(found)} not committed; {what}")
    return Advice("make repro", what)


def _commit(found: Standing) -> Advice | None:
    if found.new_decisions:
        made = pipeline.path("apply_decisions", "decisions")
        return Advice(f'git commit -m "Decisions" {made}', f"{_decisions(found)} not committed")
    results = [name for name in found.uncommitted if name.startswith(RESULTS)]
    if results:
        return Advice('git add -A dvc.lock reports && git commit -m "Run"', "what the last run made is not committed")
    return None


def _round(found: Standing) -> Advice | None:
    sample = found.queues.get("round")
    if sample is None or not sample.waiting:
        return None
    what = f"{sample.waiting} of {sample.rows} rows of the round's random sample are open"
    return Advice("winnow review --queue round", f"{what}; it tells how many labels are wrong")


def _doubt(found: Standing) -> Advice | None:
    if not found.doubts or found.decisions:
        return None
    stage, what = found.doubts[0]
    more = f", and {len(found.doubts) - 1} more" if len(found.doubts) > 1 else ""
    return Advice("read reports/report.html on what is in doubt", f"{stage}: {what}{more}")


def _issues(found: Standing) -> Advice | None:
    queue = found.queues.get("issues")
    if queue is None or not queue.waiting or found.advice.get("verdict") == "stop":
        return None
    if found.decisions and not found.rounds:
        return Advice("winnow round --start", "a random sample tells how many labels are wrong, before and after")
    told = f", of whose labels about {queue.wrong:,.0f} are wrong" if queue.wrong is not None else ""
    says = f"; {found.advice['says']}" if found.advice.get("says") else ""
    return Advice("winnow review", f"{queue.waiting:,} rows of the queue are open{told}{says}")


def _unlabelled(found: Standing) -> Advice | None:
    for name, what in (("audit", "automatic labels wait for their audit"), ("unlabelled", "rows without a label wait")):
        queue = found.queues.get(name)
        if queue is not None and queue.waiting:
            return Advice(f"winnow review --queue {name}", f"{queue.waiting:,} {what}")
    return None


def _share(found: Standing) -> Advice | None:
    if found.remote is None:
        return Advice(
            "dvc remote add --default NAME URL, then `dvc push`", "no remote: this machine alone has the data"
        )
    return Advice("dvc push", "nothing waits; a release is `winnow freeze`")


RULES: tuple[Callable[[Standing], Advice | None], ...] = (
    _conflicts,
    _running,
    _problems,
    _stopped,
    _first_run,
    _rerun,
    _commit,
    _round,
    _doubt,
    _issues,
    _unlabelled,
    _share,
)


def cost(found: Standing) -> str:
    """Return what the stages that would run took the last time, in words that follow their number."""
    if not found.seconds:
        return ""
    untimed = f" and {_stages(len(found.untimed))} without a time" if found.untimed else ""
    return f", {duration(found.seconds)} by the last run{untimed}"


def _stages(count: int) -> str:
    return f"{count} stage{'s' if count != 1 else ''}"


def _decisions(found: Standing) -> str:
    return f"{found.new_decisions} decision{'s are' if found.new_decisions != 1 else ' is'}"
