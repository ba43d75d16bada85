"""Was `dvc.lock` made by this tree: its code, parameters, inputs and commands?"""

from pathlib import Path

from winnow.commands.status import reruns, standing

FILE = "dvc.lock"
SHOWN = 3  # reasons of a stage


def problems(root: Path) -> tuple[list[str], str]:
    """Return one line for each stage that `dvc.lock` was made otherwise of, and what mends them all.

    Data that is not here counts as what dvc.lock says of it, so that the answer needs no `dvc pull`.

    Raises:
        UserError: another DVC command runs, or a file of DVC's is broken.
    """
    with standing.opened(root) as repo:
        found = reruns.would_run(repo, by_lock=True)
    lines = [f"{stage}: {_told(reasons)}" for stage, reasons in found.changed.items()]
    if list(found.changed) == found.stages == [reruns.CODE]:
        return lines, f"`dvc repro {reruns.CODE}`, which takes seconds, and commit {FILE}: no other stage runs"
    follow = sum(stage not in found.changed for stage in found.stages)
    more = f"; at most {follow} follow" if follow else ""
    return lines, f"`dvc repro` and `dvc push`, and commit {FILE} and reports{more}"


def _told(reasons: list[str]) -> str:
    more = f" and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    return ", ".join(reasons[:SHOWN]) + more
