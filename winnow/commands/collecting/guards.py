"""What makes a removal unsafe: runs that go on, and branches that this clone does not know."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.commands import origin
from winnow.commands.processes import holders, is_alive
from winnow.commands.status.standing import git

if TYPE_CHECKING:
    from dvc.repo import Repo

# Where DVC tells what runs: in the workspace, in the queue, and in each copy in which an experiment runs.
LOCKS = ("rwlock", "exps/rwlock", "exps/*/.dvc/tmp/rwlock")
SHOWN = 3


@contextmanager
def held(repo: "Repo") -> Iterator[None]:
    """Hold the repository by DVC's lock, from what is shown to what is removed.

    Raises:
        UserError: another DVC command holds it, or a stage or an experiment runs.
    """
    from dvc.lock import LockError
    from dvc.repo import lock_repo

    with ExitStack() as stack:
        try:
            stack.enter_context(lock_repo(repo))
        except LockError:
            raise UserError("another DVC command holds the repository; wait for its end") from None
        _check_nothing_runs(repo)
        yield


def _check_nothing_runs(repo: "Repo") -> None:
    """Raise `UserError` if a stage or an experiment runs: DVC frees its lock while a stage's command runs."""
    for pattern in LOCKS:
        for file in sorted(Path(repo.tmp_dir).glob(pattern)):
            for number, command in holders(file):
                if is_alive(number):
                    raise UserError(f"process {number} runs `{command}` here; wait for its end, then remove")
    queue = repo.experiments.celery_queue
    if Path(queue.wdir).is_dir():
        for entry in queue.iter_active():
            process = queue.proc.get(entry.stash_rev)
            if process is None or (process.returncode is None and is_alive(process.pid)):
                name = entry.name or entry.stash_rev[:7]
                raise UserError(f"experiment {name} runs in DVC's queue; wait, or `dvc queue kill {name}`")


def unknown(root: Path) -> Iterator[str]:
    """Yield why this clone may not know all that others need, one line each."""
    if (git(root, "rev-parse", "--is-shallow-repository") or "").strip() == "true":
        yield "the clone is shallow: commits before its first are not known; `git fetch --unshallow`"
    there = origin.refs(root)
    if there is None:
        yield f"{origin.NAME} does not answer, and may have more branches; try `git ls-remote {origin.NAME}`"
        return
    lines = (git(root, "for-each-ref", "--format=%(refname) %(objectname)") or "").splitlines()
    here = dict(line.split(" ", 1) for line in lines)
    lacking = []
    for ref, sha in there.items():
        own = ref.replace("refs/heads/", f"refs/remotes/{origin.NAME}/", 1)
        if here.get(own) != sha:
            lacking.append(ref.split("/", 2)[2])
    if lacking:
        some = f"{', '.join(lacking[:SHOWN])}{', …' if len(lacking) > SHOWN else ''}"
        count = f"{len(lacking)} branches or tags that are not known here as they are there"
        yield f"{origin.NAME} has {count} ({some}); `git fetch --tags {origin.NAME}`"


def is_shared(repo: "Repo") -> bool:
    """Return whether the cache is outside of this repository, so that other projects may use it."""
    return Path(repo.root_dir).resolve() not in Path(repo.cache.local.path).resolve().parents
