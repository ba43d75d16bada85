"""The default remote: each permission is tried on a small object of its own, and no message repeats a credential."""

import os
import queue
import secrets as random
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.commands.doctor.faults import code_of, meaning, trusted
from winnow.commands.doctor.finding import Finding
from winnow.commands.doctor.repository import secrets
from winnow.commands.status.standing import remote_of

if TYPE_CHECKING:
    from dvc.fs import FileSystem
    from dvc.repo import Repo

SECONDS = 30.0  # for all that is asked of the remote
LONGEST = 200  # characters of what a store answers
CONTENT = b"winnow doctor tries what it may do here; this may be deleted\n"
MENDS = {
    "write": "`dvc push` needs it: s3:PutObject, or the right to write into the folder",
    "read": "`dvc pull` needs it: s3:GetObject, or the right to read the folder",
    "list": "`dvc push` and `dvc gc` need it: s3:ListBucket, or the right to read the folder",
    "delete": "`dvc gc --cloud` needs it: s3:DeleteObject, or the right to write into the folder",
}


class Late(Exception):
    """The remote has not answered in time."""


def remote(repo: "Repo") -> Iterator[Finding]:
    """Yield whether the default remote is there, and what may be done with it."""
    from dvc.fs import RemoteMissingDepsError

    known = remote_of(repo)
    if known is None:
        mend = "dvc remote add --default NAME URL && dvc remote modify NAME verify true"
        yield Finding("remote", "warn", "none: this machine alone has the data", mend)
        return
    yield from trusted(repo.config["remote"], repo.config.load_one("repo").get("remote", {}))
    hidden = secrets(repo.config["remote"].get(known.name, {}), os.environ)
    where = f"{known.name} ({known.url})"
    try:
        store = repo.cloud.get_remote(known.name)
        asked = within(lambda: list(tried(store.fs, store.path)), SECONDS)
    except (RemoteMissingDepsError, ImportError) as error:
        yield Finding("remote", "warn", f"{where}: {told(error, hidden)}", "pip install the extra that it names")
        return
    except Late:
        mend = "check the network and `dvc remote list`; docs/remotes.md"
        yield Finding("remote", "warn", f"{where} does not answer within {SECONDS:.0f} s", mend)
        return
    except Exception as error:  # of DVC, of the system, and each kind of store has errors of its own
        yield Finding("remote", "warn", f"{where}: {told(error, hidden)}", "docs/remotes.md; dvc remote modify")
        return
    refused = [(what, error) for what, error in asked if error is not None]
    for what, error in refused:
        if code := code_of(error):
            means, mend = meaning(code, known.name, known.url)
            yield Finding("remote", "warn", f"{where}: {means} ({told(error, hidden)})", mend)
        else:
            yield Finding("remote", "warn", f"{where}: cannot {what}: {told(error, hidden)}", MENDS[what])
    if not refused:
        alone = "; a folder of this repository: nobody else has the data" if known.is_inside else ""
        yield Finding("remote", "ok", f"{where}: {', '.join(what for what, _ in asked)} work{alone}")


def tried(fs: "FileSystem", root: str) -> Iterator[tuple[str, Exception | None]]:
    """Yield what was tried, and the error where it failed; what the kind of store does not offer is left out.

    The probe is deleted; where that is refused, its name begins with `winnow-doctor-`.
    """
    # Only folders of a disk are made; a store may refuse those who must not list to ask what is there.
    made = [root] if fs.protocol == "local" and not fs.exists(root) else []
    probe = fs.join(root, f"winnow-doctor-{random.token_hex(8)}")
    written = _error(lambda: _write(fs, probe))
    yield "write", written
    if written is None:
        yield "read", _error(lambda: _read(fs, probe))
    elif code_of(written):
        return  # so would all else end
    listed = _error(lambda: _list(fs, root, probe if written is None else None))
    if isinstance(listed, FileNotFoundError) and written is not None:
        listed = None  # nobody has written yet
    is_told = listed is not None and str(listed) == str(written)  # one fault of the whole store
    if not is_told and not isinstance(listed, NotImplementedError):
        yield "list", listed
    if written is None:
        deleted = _error(lambda: fs.rm_file(probe))
        if not isinstance(deleted, NotImplementedError):
            yield "delete", deleted
    if fs.protocol == "local":
        for folder in made:
            Path(folder).rmdir()


def _write(fs: "FileSystem", probe: str) -> None:
    fs.makedirs(fs.parent(probe), exist_ok=True)
    fs.pipe_file(probe, CONTENT)


def _read(fs: "FileSystem", probe: str) -> None:
    if fs.cat_file(probe) != CONTENT:
        raise OSError("it gives back other bytes than were written")


def _list(fs: "FileSystem", root: str, probe: str | None) -> None:
    fs.fs.invalidate_cache()
    names = {fs.name(path) for path in fs.ls(root, detail=False)}
    if probe is not None and fs.name(probe) not in names:
        raise OSError("it does not list what was written")


def _error(act: Callable[[], None]) -> Exception | None:
    try:
        act()
    except Exception as error:  # each kind of store has errors of its own
        return error
    return None


def within(act: Callable[[], list], seconds: float) -> list:
    """Return what a function returns.

    Raises:
        Late: it takes longer; then it is left to itself.
    """
    answers: queue.Queue = queue.Queue()

    def run() -> None:
        try:
            answers.put((act(), None))
        except Exception as error:  # raised where the answer is wanted
            answers.put(([], error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise Late from None
    if error is not None:
        raise error
    return answer


def told(error: Exception, hidden: Sequence[str]) -> str:
    """Return an error in one line, without what is hidden."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    for secret in hidden:
        text = text.replace(secret, "***")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
