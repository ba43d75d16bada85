"""Long work shows itself: a bar on a terminal, and in a log, where no terminal watches, a line each half minute.

adapt: training: 37 % (434 of 1172), 2.1/s, 5 min 51 s left

Both go to stderr; a process that has none, a service's, shows nothing. A thread writes them, so that they come while a
single step takes its time too. What counts no steps shows by `running` that it runs.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
LINE_SECONDS, BAR_SECONDS = 30.0, 1.0  # from one line, or look of the bar, to the next
CLOCK = "{desc}: {elapsed}"  # of a bar that counts no steps
_silent_since = 0.0  # when this process wrote its last line
_waits = False  # whether this program waits for people
_name: str | None = None  # under which this process speaks, where the command line does not say it


def over(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items`, each of which is a step.

    Args:
        what: is done, in a word or two.
        total: how many there are; None: `len(items)`, if they have one.
    """
    if total is None and hasattr(items, "__len__"):
        total = len(items)
    with shown(what, total) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def shown(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show work until the block ends; yield what to call after each step, or with how many steps there were.

    Args:
        what: is done, in a word or two.
        total: how many steps there are; None: it is not known.
    """
    if on_terminal():
        bar = _bar(desc=what, total=total)
        with bar, _each(BAR_SECONDS, bar.refresh):
            yield bar.update
    else:
        lines = Lines(what, total)
        with _each(LINE_SECONDS, lambda: _write(str(lines))):
            yield lines.advance


@contextmanager
def running() -> Iterator[None]:
    """Show until the block ends that this program runs: by a clock, and in a log by a line where nothing else writes.

    Of several processes that compute together, the one that started the others shows it.
    """
    if "LOCAL_RANK" in os.environ:
        yield
    elif on_terminal():
        bar = _bar(desc=program(), bar_format=CLOCK)
        with bar, _each(BAR_SECONDS, lambda: bar.clear() if _waits else bar.update(0)):
            yield
    else:
        started = time.monotonic()

        def look() -> None:
            now = time.monotonic()
            if not _waits and now - max(started, _silent_since) > 1.1 * LINE_SECONDS:  # a line that is due goes first
                _write(f"{duration(now - started)} so far")

        with _each(LINE_SECONDS / 20, look):
            yield


@contextmanager
def waiting() -> Iterator[None]:
    """Let `running` show nothing until the block ends, in which this program waits for people."""
    global _silent_since, _waits
    _waits = True
    try:
        yield
    finally:
        _silent_since, _waits = time.monotonic(), False  # who waited was not silent for too long


class Lines:
    """What a log says of work: as text, how far it is at this moment."""

    def __init__(self, what: str, total: int | None, clock: Callable[[], float] = time.monotonic):
        """Begin now."""
        self._what, self._total, self._clock = what, total, clock
        self._started, self._done = clock(), 0

    def advance(self, steps: int = 1) -> None:
        """Count steps that are done."""
        self._done += steps

    def __str__(self) -> str:
        """Return share done, rate and time left, so far as they are known."""
        done, total, seconds = self._done, self._total, self._clock() - self._started
        if not done or not seconds:
            of = f"0 % (0 of {total}), " if total else ""
            return f"{self._what}: {of}{duration(seconds)} so far"
        pace = f"{done / seconds:.1f}/s" if done >= seconds else f"{seconds / done:.1f} s each"
        if not total or done > total:
            return f"{self._what}: {done} done, {pace}, {duration(seconds)} so far"
        left = seconds / done * (total - done)
        return f"{self._what}: {100 * done // total} % ({done} of {total}), {pace}, {duration(left)} left"


def duration(seconds: float) -> str:
    """Return a length of time as people say it: 45 s, 1 min 30 s, 12 min, 1 h 20 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def on_terminal() -> bool:
    """Return whether somebody watches stderr; a service or a windowed Python has none, or a closed one."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


@contextmanager
def speaking_as(name: str) -> Iterator[None]:
    """Let this process speak to people under a name until the block ends."""
    global _name
    before, _name = _name, name
    try:
        yield
    finally:
        _name = before


def tell(line: str) -> None:
    """Write a line to people, under the program's name; where nobody can read it, do nothing."""
    if sys.stderr is None:  # print would take stdout
        return
    with suppress(OSError, ValueError):  # nobody can read it: no reason to stop
        try:
            print(f"{program()}: {line}", file=sys.stderr, flush=True)
        except BrokenPipeError:
            # Python would try again at the end with what it still holds, and fail work that is done.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stderr.fileno())
            os.close(nowhere)


def program() -> str:
    """Return the name under which this process speaks to people: as was set, a stage's, or that of a script."""
    if _name is not None:
        return _name
    path = Path(sys.argv[0])
    return path.parent.name if path.stem == "__main__" else path.stem


def _write(line: str) -> None:
    global _silent_since
    _silent_since = time.monotonic()
    tell(line)


def _bar(**named) -> tqdm:
    """Return a bar that goes when it is closed; of work that ends at once nothing is seen."""
    return tqdm(leave=False, file=sys.stderr, delay=BAR_SECONDS, **named)


@contextmanager
def _each(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Call `act` every so many seconds until the block ends."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
