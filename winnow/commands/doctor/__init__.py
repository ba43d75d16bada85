"""doctor: is this machine and this repository fit for a run? Each finding with its mend.

winnow doctor          exit status 1 if something would break a run
winnow doctor --json   the same for scripts
winnow doctor --mend   also forget tasks of DVC's queue whose worker was killed, so that they can be queued again
winnow doctor --objects         hash what this commit needs of the cache and of the remote: which objects are damaged?
winnow doctor --objects --mend  copy a damaged one anew from the other place, where that has it whole

Looks at Python and packages, params.yaml, disk, memory, processor and GPU, Git, DVC's cache, queue and remote, and the
clock. It writes a small object to the default remote and deletes it; no credential is printed. docs/doctor.md tells
more.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.doctor import experiments, installation, machine, objects, remote, repository
from winnow.commands.doctor.finding import Finding
from winnow.commands.status.standing import opened
from winnow.commands.terminal import printable

NAME = "doctor"
WORDS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--objects", action="store_true", help="hash the data of this commit, in the cache and remote")
    parser.add_argument("--mend", action="store_true", help="forget killed tasks; with --objects: copy anew")


def execute(arguments: argparse.Namespace) -> None:
    """Print the findings.

    Raises:
        UserError: one would break a run, there is no pipeline here, or no DVC repository.
    """
    look = damage if arguments.objects else findings
    found = []
    for finding in look(Path(), arguments.mend):
        found.append(finding)
        if not arguments.json:
            print(f"{WORDS[finding.level]:<6}{finding.area:<12}{printable(finding.says)}", flush=True)
            if finding.mend:
                print(f"{'':<18}mend: {printable(finding.mend)}")
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    if failed := [finding.area for finding in found if finding.level == "fail"]:
        broken = "data is damaged" if arguments.objects else "a run would break"
        raise UserError(f"{broken}: {', '.join(failed)}; each has its mend above")


def findings(root: Path, mend: bool = False) -> Iterator[Finding]:
    """Yield what is found at the repository's root, the cheap looks first; forget killed tasks if `mend`.

    Raises:
        UserError: there is no pipeline, or no DVC repository.
    """
    pipeline.stages(root)
    with opened(root) as repo:
        kind, cannot_link = _link_type(repo)
        yield from _looked("python", installation.python)
        yield from _looked("packages", lambda: installation.packages(root))
        yield from _looked("parameters", lambda: installation.parameters(root))
        yield from _looked("variables", machine.variables)
        yield from _looked("git", lambda: repository.merging(root))
        yield from cannot_link
        yield from _looked("cache", lambda: repository.cache(repo, kind))
        yield from _looked("disk", lambda: _disks(repo, kind, root))
        yield from _looked("memory", lambda: machine.memory(root))
        yield from _looked("processor", lambda: machine.processor(machine.settings(root)))
        yield from _looked("clock", lambda: machine.clocks(Path(repo.tmp_dir), repository.latest(root), time.time()))
        yield from _looked("queue", lambda: experiments.queue(repo, mend))
        yield from _looked("remote", lambda: remote.remote(repo))


def _link_type(repo) -> tuple[str, list[Finding]]:
    """Return how DVC puts files of its cache into the project; copies, and why, where it may not write."""
    try:
        return repository.link_type(repo), []
    except OSError as error:
        says = f"no run: {error.filename}: {error.strerror}"
        return repository.COPY, [
            Finding("project", "fail", says, "take the project where you may write, or mend the rights")
        ]


def damage(root: Path, mend: bool) -> Iterator[Finding]:
    """Yield which data of this commit is damaged, and copy it anew where it can be had whole.

    Raises:
        UserError: there is no DVC repository, or the remote cannot be read.
    """
    with opened(root) as repo:
        yield from _looked("objects", lambda: objects.objects(repo, mend))


def _looked(area: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what a look finds; a file that it cannot read is a finding too."""
    try:
        yield from look()
    except (UserError, OSError) as error:
        yield Finding(area, "warn", f"could not be looked at: {' '.join(str(error).split())}", "mend this, then again")


def _disks(repo, kind: str, root: Path) -> Iterator[Finding]:
    needed = repository.output_bytes(root)
    cache = next(path for path in (Path(repo.cache.local.path), *Path(repo.cache.local.path).parents) if path.is_dir())
    if cache.stat().st_dev == root.resolve().stat().st_dev:
        yield from machine.disk(root, needed, 2 if kind == repository.COPY else 1)
        return
    if kind != "symlink":
        yield from machine.disk(root, needed, 1)
    yield from machine.disk(cache, needed, 1)
