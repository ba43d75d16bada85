"""What the last run of each stage took and how it ended: beside the pipeline, in a folder that Git ignores.

No output may hold a time, or equal runs would not be equal bytes. `winnow status` reads these files.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from winnow.base import files
from winnow.base.errors import UserError

FOLDER = Path(".dvc/tmp/winnow/stages")
INTERRUPTED = "it was interrupted"
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of what getrusage says


@dataclass(frozen=True)
class Last:
    """The last run of a stage.

    Attributes:
        process: what ran it, or runs it.
        began: seconds since the epoch.
        ended: whether the run came to an end, by an error too; a killed one did not.
        error: what stopped it, in one line.
        seconds, peak_bytes: of the last run that was whole: time, and resident memory of its largest process.
    """

    process: int
    began: float
    ended: bool = False
    error: str | None = None
    seconds: float | None = None
    peak_bytes: int | None = None


@contextmanager
def recorded() -> Iterator[None]:
    """Record the block as a run of the stage that DVC has called; without DVC, do nothing.

    A record that cannot be written stops no stage.
    """
    stage = os.environ.get("DVC_STAGE")
    if stage is None or "LOCAL_RANK" in os.environ or not FOLDER.parents[2].is_dir():
        yield
        return
    before = read().get(stage)
    run = Last(os.getpid(), time.time(), **({} if before is None else _whole(before)))
    _write(stage, run)
    start = time.monotonic()
    try:
        yield
    except BaseException as error:
        _write(stage, replace(run, ended=True, error=_told(error)))
        raise
    _write(stage, replace(run, ended=True, seconds=time.monotonic() - start, peak_bytes=_peak_bytes()))


def read(root: Path = Path()) -> dict[str, Last]:
    """Return the last run of each stage that was run here; what cannot be read is left out."""
    found = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            found[unquote(path.stem)] = Last(**json.loads(path.read_text(encoding="utf-8")))
    return found


def written_at(stage: str, root: Path = Path()) -> float:
    """Return when the last run of a stage that has one began or ended, in seconds since the epoch."""
    return (root / _file(stage)).stat().st_mtime


def _file(stage: str) -> Path:
    return FOLDER / f"{quote(stage, safe='@')}.json"


def _whole(run: Last) -> dict:
    return {"seconds": run.seconds, "peak_bytes": run.peak_bytes}


def _write(stage: str, run: Last) -> None:
    with suppress(OSError, UserError):
        files.write_json(_file(stage), asdict(run))


def _peak_bytes() -> int | None:
    try:
        import resource  # which some systems lack
    except ImportError:
        return None
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return max(resource.getrusage(who).ru_maxrss for who in whose) * RSS_UNIT


def _told(error: BaseException) -> str:
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return INTERRUPTED
    return f"a defect: {type(error).__name__}: {' '.join(str(error).split())}"
