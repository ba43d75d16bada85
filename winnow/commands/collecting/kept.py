"""Which commits keep their data: more than `dvc gc --all-branches --all-tags --all-experiments` knows of.

DVC looks at local branches, tags and experiments. A clone also has branches of others (`origin/…`), Git's stashes,
experiments that wait in the queue or failed there, and heads that are detached or of another worktree.
"""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.commands.status import standing
from winnow.commands.status.standing import git

if TYPE_CHECKING:
    from dvc.repo import Repo

QUEUES = ("refs/exps/celery/stash", "refs/exps/celery/failed", "refs/exps/stash")  # each a reflog
APPLIED = "refs/exps/apply"  # from where `dvc exp apply` goes back
NO_EXPERIMENTS = (APPLIED, "refs/exps/celery", "refs/exps/exec", "refs/exps/stash", "refs/exps/temp")
REFS = ("refs/heads", "refs/remotes", "refs/tags")
AGE = re.compile(r"(\d{1,5})([dwmy])")
DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True)
class Kept:
    """What keeps its data beside the workspace, local branches and tags.

    Attributes:
        revisions: commits that DVC's options do not name.
        experiments: commits of each experiment by its name; those that are kept, and those that are too old.
        old: the latter.
        commits: of each branch, how many from its end.
        words: what is kept, for people.
    """

    revisions: list[str]
    experiments: dict[str, str]
    old: dict[str, str]
    commits: int
    words: str

    @property
    def settings(self) -> dict:
        """Return DVC's options, of `Repo.gc` and `Repo.used_objs`."""
        return {
            "all_branches": True,
            "all_tags": True,
            "all_experiments": not self.old,
            "num": self.commits,
        }


def since(text: str, now: datetime.datetime) -> datetime.datetime:
    """Return the moment that an age (`90d`, `12w`, `6m`, `1y`) or a date (`2026-01-31`) names.

    Raises:
        UserError: it is neither.
    """
    if match := AGE.fullmatch(text):
        return now - datetime.timedelta(days=int(match[1]) * DAYS[match[2]])
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
    except ValueError:
        raise UserError(f"--older-than {text}: must be an age such as 90d, 12w, 6m or 1y, or a date") from None


def find(root: Path, commits: int, oldest: datetime.datetime | None) -> Kept:
    """Return what is kept.

    Args:
        oldest: with it, experiments from before are not kept, and each commit of a branch from then on is.
    """
    branches, others, tags = (_lines(root, "for-each-ref", "--format=%(objectname)", ref) for ref in REFS)
    stashes = _lines(root, "log", "--walk-reflogs", "--format=%H", "refs/stash")
    queued = [line for ref in QUEUES for line in _lines(root, "log", "--walk-reflogs", "--format=%H", ref)]
    heads = [line.partition(" ")[2] for line in _lines(root, "worktree", "list", "--porcelain") if line[:5] == "HEAD "]
    applied = _lines(root, "for-each-ref", "--format=%(objectname)", APPLIED)
    experiments, old = _experiments(root, oldest)
    younger = []
    if oldest is not None:
        moment = oldest.strftime("--since=%Y-%m-%dT%H:%M:%SZ")
        younger = _lines(root, "rev-list", moment, "--branches", "--remotes", "HEAD")
    of_old = set(old.values())
    chosen = [sha for sha in experiments.values() if old]  # one by one, since DVC keeps all of them or none
    revisions = [*others, *stashes, *queued, *heads, *applied, *younger, *chosen]
    found = list(dict.fromkeys(sha for sha in revisions if set(sha) != {"0"} and sha not in of_old))
    words = [
        "the workspace",
        _count(len(branches), "branch", "branches"),
        _count(len(others), "branch of others", "branches of others"),
        _count(len(tags), "tag", "tags"),
        _count(len(experiments), "experiment", "experiments"),
        _count(len(stashes), "stash", "stashes"),
        _count(len(queued), "queued or failed task", "queued or failed tasks"),
    ]
    depth = f", the last {commits} commits of each branch" if commits > 1 else ""
    young = f", each commit since {oldest:%Y-%m-%d}" if oldest else ""
    return Kept(found, experiments, old, commits, f"{', '.join(filter(None, words))}{depth}{young}")


def _lines(root: Path, *words: str) -> list[str]:
    return [line for line in (git(root, *words) or "").splitlines() if line]


def _experiments(root: Path, oldest: datetime.datetime | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the commit of each experiment by name, of those that are kept and of those that are older."""
    young, old = {}, {}
    for line in _lines(root, "for-each-ref", "--format=%(refname) %(objectname) %(committerdate:unix)", "refs/exps"):
        name, sha, moment = line.rsplit(" ", 2)
        if name.startswith(NO_EXPERIMENTS):
            continue
        is_old = oldest is not None and int(moment) < oldest.timestamp()
        (old if is_old else young)[name.rpartition("/")[2]] = sha
    return young, old


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""


def opened(root: Path, kept: Kept) -> "Repo":
    """Return the DVC repository, which takes the further commits for such that were asked for; a context.

    Its `gc` and `used_objs` are DVC's: only the list of revisions that they go through is longer.

    Raises:
        UserError: there is none.
    """
    from dvc.repo import Repo

    class Keeping(Repo):
        def brancher(self, *arguments, revs=None, **settings):
            return super().brancher(*arguments, revs=[*(revs or []), *kept.revisions], **settings)

    return standing.opened(root, Keeping)
