"""One process that runs inputs; `python -m tests.fuzz` starts it, and again where an input killed it."""

import argparse
import faulthandler
import hashlib
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz import mutation
from tests.fuzz.targets import Target, commands, mails, people, rows

TARGETS = {**rows.TARGETS, **mails.TARGETS, **people.TARGETS, **commands.TARGETS}
OURS = tuple(str(Path(__file__).parents[2] / name) for name in ("winnow", "stages"))
HANG = 10  # seconds of CPU
LEAP = 2**19  # KiB that a process grows by with one input
ROUND = 100  # inputs of a target, before the next one's turn
MOST_SEEDS = 400


class HangError(BaseException):
    """An input took too long; no `except Exception` may hold it up."""


@dataclass
class State:
    """A target that is being fuzzed.

    Attributes:
        seeds: inputs of which others are made.
        lines: code that was reached.
        found: places at which something broke.
    """

    name: str
    target: Target
    random: Random
    seeds: list[bytes]
    lines: set = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    cases: int = 0

    def next(self) -> bytes:
        """Return the next input: first each seed as it is."""
        if self.cases < len(self.target.seeds):
            return self.target.seeds[self.cases]
        if self.target.packed and self.random.random() < 0.5:
            inner = self.random.choice(rows.TARGETS["csv"].seeds)
            return self.target.packed(mutation.mutated(inner, [inner], self.target.tokens, self.random))
        return mutation.mutated(self.random.choice(self.seeds), self.seeds, self.target.tokens, self.random)


def run(target: Target, data: bytes) -> tuple[BaseException | None, set]:
    """Return what an input breaks, if anything, and the lines of our code that it reached."""
    lines: set = set()
    error = _run(target, data, _traced(lines))
    # To be traced slows Python down: only what hangs without is a hang.
    return (_run(target, data, nullcontext()) if isinstance(error, HangError) else error), lines


def _run(target: Target, data: bytes, traced: AbstractContextManager) -> BaseException | None:
    with suppress(OSError):  # the peak of all before hides that of this input; where there is no such file it does
        Path("/proc/self/clear_refs").write_text("5")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        try:
            with _limited(), traced:
                target.run(data, Path(folder))
        except (Exception, HangError) as error:
            return error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > LEAP:
        return MemoryError(f"more than {LEAP // 1024} MiB for one input")
    return None


@contextmanager
def _limited() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise HangError(f"more than {HANG} seconds of CPU")

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, HANG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@contextmanager
def _traced(lines: set) -> Iterator[None]:
    def local(frame, event: str, _: object):
        if event == "line":
            lines.add((frame.f_code, frame.f_lineno))
        return local

    def enter(frame, event: str, _: object):
        return local if frame.f_code.co_filename.startswith(OURS) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


def place(error: BaseException) -> str:
    """Return where an error was raised: its kind, and the last line of our code, or else of the fuzzer."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames if frame.filename.startswith(OURS)]
    theirs = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in frames
        if "/fuzz/targets/" in frame.filename and not frame.filename.endswith("__init__.py")
    ]
    said = str(error)[:40] if isinstance(error, MemoryError | HangError) else ""
    return " ".join([type(error).__name__, *filter(None, [said]), (ours or theirs or ["?"])[-1]])


def fuzz(state: State, keep: Path, cases: int) -> None:
    """Run some inputs; keep and print those that break something at a new place."""
    for _ in range(cases):
        data = state.next()
        state.cases += 1
        (keep / "running").write_bytes(state.name.encode() + b" " + data)
        error, lines = run(state.target, data)
        if not lines <= state.lines and len(state.seeds) < MOST_SEEDS:
            state.seeds.append(data)
        state.lines |= lines
        if error is None or (where := place(error)) in state.found:
            continue
        state.found.add(where)
        file = keep / f"{state.name}-{hashlib.sha256(data).hexdigest()[:12]}"
        file.write_bytes(data)
        told = "".join(traceback.format_exception(error, limit=-12))
        file.with_suffix(".log").write_text(told, errors="backslashreplace")
        print(f"DEFECT {state.name}: {where}: {str(error)[:200]!r}\n  input: {file} ({len(data)} bytes)", flush=True)


def replay(file: Path) -> int:
    """Run an input that was kept; print its traceback."""
    name = next(name for name in TARGETS if f"{name}" in file.name.split("-"))
    error, _ = run(TARGETS[name], file.read_bytes())
    if error is not None:
        traceback.print_exception(error)
    return int(error is not None)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--cases", type=int, default=0)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--dead", type=float, required=True)
    parser.add_argument("--only", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    states = [
        State(name, TARGETS[name], Random(f"{given.seed} {name}"), list(TARGETS[name].seeds)) for name in given.only
    ]
    end = time.monotonic() + given.seconds if given.seconds else None
    done = 0
    while (end is None and done < given.cases) or (end is not None and time.monotonic() < end):
        size = min(ROUND, given.cases - done) if end is None else ROUND
        for state in states:
            faulthandler.dump_traceback_later(given.dead * size / 10 + given.dead, exit=True)
            fuzz(state, given.keep, size)
            if end is not None and time.monotonic() > end:
                break
        done += size
    faulthandler.cancel_dump_traceback_later()
    for state in states:
        print(f"{state.name}: {state.cases} inputs, {len(state.lines)} lines, {len(state.found)} defects")
    (given.keep / "running").unlink(missing_ok=True)
    return int(any(state.found for state in states))


if __name__ == "__main__":
    sys.exit(main())
