"""experiments: queue a named grid of experiments, a file of experiments/; see what there is; look at the results.

winnow experiments --list                  the grids, what each asks and costs
winnow experiments cleaning-ablation --dry-run   its experiments, as the commands that would queue them
winnow experiments cleaning-ablation       queues those that are not queued and have no result
winnow experiments --show                  `dvc exp show` with few columns; --show --md for a pull request

Nothing runs until `dvc queue start --jobs 1`. Keys and values are checked first, as the stages would check them.
"""

import argparse
import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

from winnow.base.errors import UserError
from winnow.commands.diff import revision
from winnow.commands.experiments import grid, queue, show
from winnow.commands.experiments.grid import Experiment

NAME = "experiments"
DVC = (sys.executable, "-m", "dvc")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a file of experiments/, without .yaml")
    parser.add_argument("--list", action="store_true", help="print the grids that there are")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, and queue nothing")
    parser.add_argument("--show", action="store_true", help="dvc exp show, with the columns that matter")
    parser.add_argument("--md", action="store_true", help="of --show: as a table of Markdown")


def execute(arguments: argparse.Namespace) -> None:
    """Queue a grid, print the grids, or show results.

    Raises:
        UserError: there is no such grid, it is wrong, or DVC refuses an experiment.
    """
    if arguments.show:
        if arguments.name:
            raise UserError("--show shows the experiments of every grid; leave NAME out")
        _dvc(show.arguments(["--md"] if arguments.md else []))
    elif arguments.list or not arguments.name:
        print("\n".join(_listed()))
    else:
        _queue(arguments.name, arguments.dry_run)


def _listed() -> Iterator[str]:
    for name in grid.names():
        read = grid.read(name)
        yield f"{name}: {' '.join(read.description.split())}"
        yield f"  axes: {'; '.join(f'{axis} ({len(labels)})' for axis, labels in read.axes.items())}"
        yield f"  cost: {' '.join(read.cost.split())}"


def _queue(name: str, is_dry: bool) -> None:
    read = grid.read(name)
    wanted = grid.experiments(name, read)
    commit = revision.commit("HEAD")
    with revision.opened_store() as store:
        known = queue.known(store.repo, commit)
    new = [one for one in wanted if one.name not in known]
    print(f"{name}: {len(wanted)} experiments. Expected cost: {' '.join(read.cost.split())}")
    for one in wanted:
        if one.name in known:
            print(f"  {one.name}: {known[one.name]}")
    if is_dry:
        print("\n".join(shlex.join(["dvc", *one.arguments]) for one in new))
        return
    if new and revision.git("status", "--porcelain", "--untracked-files=no"):
        print("  The workspace differs from HEAD: each experiment takes its changes along.")
    for one in new:
        _queue_one(one)
        print(f"  {one.name}: queued")
    if new:
        print("Start: dvc queue start --jobs 1. Then: winnow experiments --show, winnow best")


def _queue_one(one: Experiment) -> None:
    done = subprocess.run([*DVC, *one.arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr or done.stdout]
        raise UserError(f"{one.name}: DVC did not queue it: {' '.join(told[0].removeprefix('ERROR: ').split())}")


def _dvc(arguments: list[str]) -> None:
    """Run DVC in place of this process's end; its own words reach the terminal."""
    sys.stdout.flush()
    with contextlib.suppress(BrokenPipeError):
        code = subprocess.run([*DVC, *arguments], env=os.environ).returncode
        if code:
            raise UserError(f"dvc {' '.join(arguments[:2])}: ended with status {code}")
