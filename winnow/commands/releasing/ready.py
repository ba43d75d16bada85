"""Whether a commit may be released: nothing uncommitted, nothing stale, nothing that leaks, everything pushed."""

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.commands import lint, origin
from winnow.commands.doctor.remote import told
from winnow.commands.doctor.repository import secrets
from winnow.commands.status import reruns, standing

if TYPE_CHECKING:
    from dvc.repo import Repo

SHOWN = 3  # names of a list


def problems(root: Path, tag: str, own: Collection[str]) -> Iterator[str]:
    """Yield what keeps this commit from being released as a tag, one line each, with its mend.

    Args:
        own: paths that a release which broke off has already written as this one would; they count as committed.
    """
    if standing.git(root, "symbolic-ref", "--quiet", "HEAD") is None:
        yield "Git: HEAD is on no branch, so that a commit would be lost; `git switch BRANCH`"
    changed = [name for name in _changed(root) if name not in own]
    if changed:
        yield f"Git: {_some(changed)} not committed; commit, or `git stash`"
    yield from _known(root, tag)
    with standing.opened(root) as repo:
        stale = reruns.would_run(repo).stages
        if stale:
            yield f"DVC: not up to date: {_some(stale)}; `dvc repro` or `dvc pull`, and commit"
        yield from _failure(lambda: lint.check(with_lock=True), "winnow lint --lock")
        if not stale:
            yield from _unpushed(repo)


def _changed(root: Path) -> list[str]:
    listed = standing.git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal") or ""
    return [line[3:] for line in listed.split("\0") if line]


def _known(root: Path, tag: str) -> Iterator[str]:
    known = origin.refs(root)
    if known is None:
        yield f"Git: {origin.NAME} does not answer, so it may have {tag}; try `git ls-remote {origin.NAME}`"
    elif f"refs/tags/{tag}" in known and not standing.git(root, "tag", "--list", tag):
        yield f"Git: {origin.NAME} has {tag}, and this clone has not; `git fetch --tags`"


def _failure(check: Callable[[], None], name: str) -> Iterator[str]:
    try:
        check()
    except UserError as error:
        yield f"{name}: {error}"


def _unpushed(repo: "Repo") -> Iterator[str]:
    """Yield which objects of this commit the remote lacks; of a folder, each of its files is asked for."""
    remote = standing.remote_of(repo)
    if remote is None:
        yield "DVC: there is no default remote from which others could get it; docs/remotes.md"
        return
    hidden = secrets(repo.config["remote"].get(remote.name, {}), os.environ)
    missing: set[str] = set()
    try:
        for store, infos in repo.used_objs().items():
            where = store if store is not None else repo.cloud.get_remote_odb()
            names = {info.value: str(info.obj_name or info.value) for info in infos if info.value}
            there = set(where.list_oids_exists(list(names)))
            missing |= {name for value, name in names.items() if value not in there}
    except Exception as error:  # of DVC, and each kind of store has errors of its own
        yield f"DVC: remote {remote.name} does not say what it has: {told(error, hidden)}; `winnow doctor` tells more"
        return
    if missing:
        yield f"DVC: remote {remote.name} lacks {len(missing)} objects ({_some(sorted(missing))}); `dvc push`"


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"
