"""status: where things stand, and the one next thing worth doing.

winnow status          after a run, in the middle of a broken one, or before the first
winnow status --json   the same for scripts

Tells what `dvc repro` would run and how long that took here the last time, which decisions are not committed, how many
rows wait for people, how many labels are probably wrong, what the stages doubt, how often test was looked at. Changes
nothing. docs/status.md tells what each line means.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from winnow.commands.status import advice, standing
from winnow.commands.status.standing import Queue, Standing
from winnow.commands.terminal import printable

NAME = "status"
SHOWN = 3  # stages, doubts or files that a line names
WIDTH = 14  # of the first column


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def execute(arguments: argparse.Namespace) -> None:
    """Print how things stand.

    Raises:
        UserError: there is no pipeline here, or no DVC repository.
    """
    found = standing.find(Path())
    next_ = advice.next_thing(found)
    if arguments.json:
        print(json.dumps(asdict(found) | {"next": next_._asdict()}, indent=2, ensure_ascii=False))
        return
    for heading, text in lines(found):
        print(f"{heading:<{WIDTH}}{printable(text)}")
    command = "`" not in next_.do and not next_.do.startswith(("wait", "mend", "read"))
    print(f"{'next':<{WIDTH}}{printable(next_.do if command else next_.do[:1].upper() + next_.do[1:])}")
    print(f"{'':<{WIDTH}}{printable(next_.why)}")


def lines(found: Standing) -> Iterator[tuple[str, str]]:
    """Yield a heading and what there is to say, for all that is known."""
    if found.title:
        yield "dataset", found.title
    for name, seconds in found.running.items():
        yield "running", f"{name}, for {advice.duration(seconds)}"
    for name, error in found.stopped.items():
        since = f"; {found.mended[name]} has changed since" if name in found.mended else ""
        yield "stopped", f"{name}: {error}{since}"
    if found.reruns is not None:
        yield "to run", _to_run(found)
    if found.uncommitted:
        decided = f"{found.new_decisions} decisions, " if found.new_decisions else ""
        yield "not in Git", f"{decided}{_first(found.uncommitted)}"
    waiting = [_waiting(name, queue) for name, queue in found.queues.items() if queue.rows]
    if waiting:
        yield "to review", f"{', '.join(waiting)}; {found.decisions:,} decisions are made"
    if wrong := "; ".join(_wrong_labels(found)):
        yield "wrong labels", wrong
    yield from (("in doubt", f"{stage}: {what}") for stage, what in found.doubts[:SHOWN])
    if len(found.doubts) > SHOWN:
        yield "in doubt", f"and {len(found.doubts) - SHOWN} more: reports/report.html"
    if found.test_looks is not None:
        times = {0: "not looked at", 1: "looked at once"}.get(found.test_looks, f"looked at {found.test_looks} times")
        yield "test", f"these rows were {times}"
    if found.remote is None:
        yield "remote", "none: this machine alone has the data"
    else:
        alone = ", a folder of this repository: this machine alone has the data" if found.remote.is_inside else ""
        yield "remote", f"{found.remote.name}{alone or f' ({found.remote.url})'}"
    yield from (("not readable", problem) for problem in found.problems)


def _to_run(found: Standing) -> str:
    runs = found.reruns
    if not runs.stages:
        return f"nothing: {runs.total} stages are up to date"
    if not found.has_run:
        return f"all {runs.total} stages"
    told = [f"{name} ({_first(reasons, 1)})" for name, reasons in runs.changed.items()]
    return f"at most {len(runs.stages)} of {runs.total} stages{advice.cost(found)}: {_first(told)}"


def _waiting(name: str, queue: Queue) -> str:
    wrong = "" if queue.wrong is None else f" (about {queue.wrong:,.0f} wrong)"
    return f"{queue.waiting:,} of {queue.rows:,} rows of the queue {name} are open{wrong}"


def _wrong_labels(found: Standing) -> Iterator[str]:
    wrong = found.wrong_labels
    if wrong.expected is not None:
        guess = ", a guess until people have decided on some" if wrong.is_guess else ""
        yield f"about {wrong.expected:,.0f} expected in all{guess}"
    if wrong.share is not None:
        low, high = 100 * wrong.share_low, 100 * wrong.share_high
        yield f"{100 * wrong.share:.1f} % ({low:.1f} to {high:.1f}) by the random sample of round {wrong.round}"


def _first(names: list[str], shown: int = SHOWN) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
