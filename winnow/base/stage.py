"""How a stage starts: its paths from the command line, and one-line errors."""

import argparse
import importlib
import io
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence

from winnow.base import ending, progress, storage, timing
from winnow.base.errors import UserError


def arguments(
    doc: str, argv: Sequence[str] | None, *paths: str, optional: str | None = None, **others: type
) -> argparse.Namespace:
    """Return a stage's command line: one required `--name` for each path, and for each of `others` with its type.

    A path may be a URL of an object store (`winnow.base.storage`). `optional` is one that may be left out, then None.
    """
    program = f"python -m stages.{doc.partition(':')[0]}"
    parser = argparse.ArgumentParser(program, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, type_ in {**dict.fromkeys(paths, storage.path), **others}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type_, required=True)
    if optional:
        parser.add_argument(f"--{optional}", type=storage.path)
    return parser.parse_args(argv)


def run(main: Callable[[], None], asks_hub: bool = False) -> None:
    """Call `main`, show that it runs and record its time; turn a `UserError` into one line and exit status 1.

    SIGTERM and SIGHUP unwind `main`, so that it cleans up, and end its processes; the exit status is 143 or 129. Ctrl-C
    is one line and 130; who reads stdout and has read enough, as `head`, ends it without a word, by 141.

    Args:
        asks_hub: `main` may fetch from a model hub. Elsewhere every model comes from a DVC output.
    """
    _open_streams()
    ending.unwind_on_signals()
    if not asks_hub:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        with timing.recorded(), progress.running():
            _under_its_name(main)()
            sys.stdout.flush()
    except KeyboardInterrupt:
        progress.tell("interrupted")
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        if not _is_unread():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes out what it holds at the end
        sys.exit(128 + signal.SIGPIPE)
    except UserError as error:
        progress.tell(" ".join(str(error).split()))
        sys.exit(1)


def _open_streams() -> None:
    """Give a process without standard streams, as a service starts one, such that hold nothing.

    Else the next file that is opened is number 2, and a library that warns writes into it; and what is printed to the
    stderr that Python has not, goes to stdout. What a stream's encoding lacks is written as its number.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (open while the process runs)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _is_unread() -> bool:
    """Return whether stdout is a pipe that nobody reads any more."""
    try:
        pipe = select.poll()
        pipe.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in pipe.poll(0))
    except (OSError, ValueError):
        return False


def _under_its_name(main: Callable[[], None]) -> Callable[[], None]:
    """Return the same function of `stages.<name>`, where `main` is of `__main__`.

    A worker process finds functions and classes by their module's name, and its `__main__` is another one.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if main.__module__ != "__main__" or spec is None:
        return main
    return getattr(importlib.import_module(spec.name), main.__name__)
