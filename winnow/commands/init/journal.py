"""What `winnow init` has begun: so that one which is killed in the middle is carried on, and two do not work at once.

The order is: data in its place, this file, params.yaml, then what the example left, last the file again. While
params.yaml is not written nothing is lost, and the file is worth nothing. Once it is, the next `init` removes the rest
of what was agreed to, and nothing that has changed since.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from winnow.base import files, params, scratch
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.init import clear, lockfile
from winnow.commands.init.clear import Leftovers

NAME = "init.json"
CUT_OFF = "`winnow init` was cut off: of what the example left, some is still there; run it again"


@contextmanager
def alone() -> Iterator[None]:
    """Hold the project against another `winnow init`; the kernel frees it when a process dies.

    Raises:
        UserError: another one works here.
    """
    with pipeline.FILE.open("rb") as file:  # which no `init` replaces
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError("another `winnow init` works in this project; wait for its end, then run again") from None
        except OSError:
            pass  # a disk without locks
        yield


def carry_out(made: str, left: Leftovers) -> None:
    """Write params.yaml and remove what is left, such that a later `finish` ends what a kill has cut off."""
    begun = {
        "people": {str(path): files.sha256(path) for path in (*left.example, *left.own)},
        "results": list(map(str, left.results)),
        "runs": list(left.runs),
        "lock": files.sha256(lockfile.FILE) if left.runs else None,
        "params": made,
    }
    files.write_json(_file(Path()), begun)
    files.write_text(params.FILE, made)
    _remove(begun)


def unfinished(root: Path) -> bool:
    """Return whether an `init` wrote params.yaml and did not come to its end."""
    begun = _begun(root)
    return (
        begun is not None and (root / params.FILE).exists() and files.read_text(root / params.FILE) == begun["params"]
    )


def finish() -> None:
    """Remove what an `init` that was cut off would have; forget one that had not written params.yaml yet."""
    begun = _begun(Path())
    if begun is None:
        return
    if unfinished(Path()):
        _remove(begun)
        print("An earlier `winnow init` was cut off; what it was to remove is removed.")
    _forget()


def _remove(begun: dict) -> None:
    same = [Path(path) for path, sha256 in begun["people"].items() if _is_same(Path(path), sha256)]
    if _is_same(lockfile.FILE, begun.get("lock")):  # first: what it names is there as long as it names it
        lockfile.drop(begun["runs"], Path())
    clear.remove(Leftovers(tuple(same), (), tuple(map(Path, begun["results"])), ()), Path())
    _forget()


def _is_same(path: Path, sha256: str | None) -> bool:
    return sha256 is not None and path.exists() and files.sha256(path) == sha256


def _forget() -> None:
    file = _file(Path())
    file.unlink(missing_ok=True)
    if file.parent.name == scratch.BESIDE:
        with suppress(OSError):
            file.parent.rmdir()  # while nobody else has something in it


def _begun(root: Path) -> dict | None:
    try:
        return json.loads(files.read_text(_file(root)))
    except UserError:
        return None


def _file(root: Path) -> Path:
    return root / (".dvc/tmp/winnow" if (root / ".dvc").is_dir() else scratch.BESIDE) / NAME
