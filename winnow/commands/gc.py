"""gc: remove data that nothing needs any more from DVC's cache; it shows first, and keeps what branches need.

winnow gc                      what would go, and what it was; removes nothing
winnow gc --yes                removes it from the cache
winnow gc --older-than 90d     also of experiments from before; keeps every commit of a branch since then
winnow gc --cloud --yes        also from the default remote, once you repeat its name and the number of objects

It keeps what the workspace, branches (those of others that were fetched, too), tags, experiments, stashes and the queue
need. `dvc gc` removes the rest, by its own rules: `dvc gc --workspace` would take experiments, tags and branches along.
"""

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.commands.collecting import garbage, guards, kept
from winnow.commands.collecting.garbage import Garbage
from winnow.commands.collecting.kept import Kept
from winnow.commands.terminal import printable

if TYPE_CHECKING:
    from dvc.repo import Repo

NAME = "gc"
ROOT = Path()
SHOWN = 4  # names of a part
UNITS = ("B", "kB", "MB", "GB", "TB")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--yes", action="store_true", help="remove; default: only show what would go")
    parser.add_argument("--older-than", metavar="AGE", help="90d, 12w, 6m, 1y or a date: what is younger is kept whole")
    parser.add_argument("--commits", type=int, default=1, metavar="N", help="keep the last N of each branch (1)")
    parser.add_argument("--cloud", action="store_true", help="remove from the remote too")
    parser.add_argument("--remote", metavar="NAME", help="with --cloud: another remote than the default")
    parser.add_argument("--confirm", metavar="NAME:COUNT", help="of --cloud --yes, where nobody can be asked")


def execute(arguments: argparse.Namespace) -> None:
    """Show what would go, and remove it if told so.

    Raises:
        UserError: something runs, a commit that is kept cannot be read, or the confirmation is not given.
    """
    if arguments.commits < 1:
        raise UserError(f"--commits {arguments.commits}: must be at least 1")
    if (arguments.remote or arguments.confirm) and not arguments.cloud:
        raise UserError("--remote and --confirm are of --cloud")
    now = datetime.datetime.now(datetime.UTC)
    oldest = kept.since(arguments.older_than, now) if arguments.older_than else None
    keeping = kept.find(ROOT, arguments.commits, oldest)
    with kept.opened(ROOT, keeping) as repo, guards.held(repo):
        remote = _remote(repo.config, arguments)
        found = garbage.find(repo, keeping, remote)
        _show(found, keeping)
        doubts = list(guards.unknown(ROOT))
        for doubt in doubts:
            print(f"⚠ {printable(doubt)}")
        if not sum(each.removed for each in found):
            print("There is nothing to remove.")
            return
        if not arguments.yes:
            print("Nothing was removed; `--yes` does it.")
            return
        if guards.is_shared(repo):
            raise UserError(
                f"{repo.cache.local.path}: the cache is outside of this repository, and other projects may need what "
                f"it holds; `dvc gc --projects` takes them into account"
            )
        if remote is not None:
            _confirm([each for each in found if each.store == remote], doubts, arguments.confirm)
        _remove(repo, keeping, remote)
    print(f"Removed {sum(each.removed for each in found):,} objects, {_bytes(sum(each.size for each in found))}.")


def _remote(config: dict, arguments: argparse.Namespace) -> str | None:
    """Return the remote of which objects would go; None: of none."""
    if not arguments.cloud:
        return None
    name = arguments.remote or config["core"].get("remote")
    if name not in config["remote"]:
        raise UserError(f"--cloud: there is no remote {name or 'by default'}; `dvc remote list` lists them")
    return name


def _show(found: Sequence[Garbage], keeping: Kept) -> None:
    print(f"Kept: {keeping.words}.")
    for each in found:
        if not each.objects and each is not found[0]:
            continue  # of an older version of DVC
        print(
            f"{each.store} ({printable(each.place)}): {each.removed:,} of {each.objects:,} objects would go, "
            f"{_bytes(each.size)}"
        )
        for kind, part in each.parts.items():
            names = list(part.names)
            some = f"  {', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}" if names else ""
            print(f"  {kind:<16} {part.objects:>9,}  {_bytes(part.size):>9}{printable(some)}")


def _bytes(size: float) -> str:
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            return f"{size:.3g} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    raise AssertionError


def _confirm(found: Sequence[Garbage], doubts: Sequence[str], given: str | None) -> None:
    """Have the remote's name and the number of its objects repeated.

    Raises:
        UserError: they are not, or this clone may not know all that others need.
    """
    if doubts:
        raise UserError("a remote is for others too: mend what ⚠ tells above first; nothing was removed")
    count = sum(each.removed for each in found)
    asked = f"{found[0].store}:{count}"
    if given is None and sys.stdin.isatty():
        print(f"Objects of the remote are gone for everybody. To remove {count:,} of {found[0].store}, type {asked}")
        given = sys.stdin.readline().strip()
    if given != asked:
        raise UserError(f"nothing was removed: `--confirm {asked}` removes {count:,} objects of {found[0].store}")


def _remove(repo: "Repo", keeping: Kept, remote: str | None) -> None:
    from dvc.exceptions import DvcException

    try:
        repo.gc(**keeping.settings, workspace=True, force=True, cloud=remote is not None, remote=remote)
    except DvcException as error:
        raise UserError(f"dvc gc: {' '.join(str(error).split())}") from None
