"""accept: take the outputs of stages for those of code that has changed, where the change alters no output.

winnow accept adapt finetune   after a refactoring, a new version of a package: stages that need not train again

Runs the stage `code`, then writes the new fingerprints into dvc.lock, and runs nothing else. Refuses where data, a
parameter or a command has changed too, or an output is not the one of dvc.lock. Nobody checks that the change alters
nothing: see first that tests, or a run of the stage on a small corpus, give the same bytes. docs/reruns.md tells more.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.status import standing
from winnow.commands.status.reruns import CODE
from winnow.commands.terminal import printable

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

NAME = "accept"
SHOWN = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("stages", nargs="+", metavar="STAGE", help="of dvc.yaml; `finetune` stands for all its runs")


def execute(arguments: argparse.Namespace) -> None:
    """Accept the stages' outputs, all or none, and print what changed of their code.

    Raises:
        UserError: there is no such stage, more than its code has changed, or DVC refuses.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import lock_repo

    root = Path()
    refuse_unknown(arguments.stages, root)
    try:
        with standing.opened(root) as repo:
            repo.reproduce(targets=[CODE], single_item=True)
        # No other command of DVC comes between what is looked at and what is written.
        with standing.opened(root) as repo, lock_repo(repo):
            accepted = {}
            for stage in _collected(repo, arguments.stages):
                accepted[stage.addressing] = told = changed(repo, stage, root)
                if told is None:
                    raise UserError(f"{stage.addressing}: its code is that of dvc.lock: there is nothing to accept")
            for name in accepted:
                repo.commit(name, force=True)
    except DvcException as error:
        raise UserError(f"dvc: {' '.join(str(error).split())}") from None
    for name, told in accepted.items():
        print(printable(f"{name}: {told}"))
    print("next: dvc repro, then commit dvc.lock")


def refuse_unknown(names: Iterable[str], root: Path) -> None:
    """Raise `UserError` if the pipeline has no stage of a name, or it has no code that is told by a fingerprint."""
    known = pipeline.stages(root).keys() - {CODE}
    for name in names:
        if name.partition("@")[0] not in known:
            raise UserError(f"{name}: no stage that can be accepted; they are {', '.join(sorted(known))}")


def _collected(repo: "Repo", names: Iterable[str]) -> Iterator["Stage"]:
    for name in dict.fromkeys(names):
        yield from repo.stage.collect(name)


def changed(repo: "Repo", stage: "Stage", root: Path) -> str | None:
    """Return in words what of a stage's code has changed since it ran; None: nothing.

    Raises:
        UserError: something else has.
    """
    folder = pipeline.path(CODE, "out", root).as_posix()
    entries = stage.status(check_updates=False).get(stage.addressing, [])
    other = [f"{what} {how}" for what, how in _changes(entries) if not (how == "modified" and _is_code(what, folder))]
    if other:
        name = stage.addressing
        raise UserError(f"{name}: {', '.join(other[:SHOWN])}: more than its code; `dvc repro {name}` runs it")
    if not entries:
        return None
    names: set[str] = set()
    for dep in stage.deps:
        if _is_code(dep.def_path, folder) and (root / dep.def_path).is_file():
            names |= _differing(repo, dep.hash_info.value, root / dep.def_path)
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return f"accepted with other {', '.join(listed[:SHOWN])}{more}" if listed else "accepted with other code"


def _is_code(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _changes(entries: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Yield what of a stage has changed, and how, of what DVC says of it."""
    for entry in entries:
        if not isinstance(entry, dict):
            yield "dvc.yaml", str(entry)
            continue
        for told in entry.values():
            for path, word in told.items():
                changes = {path: word} if isinstance(word, str) else {f"{path} {key}": how for key, how in word.items()}
                yield from changes.items()


def _differing(repo: "Repo", md5: str | None, file: Path) -> set[str]:
    """Return the files and packages of which a fingerprint says another thing than one of the cache."""
    old = Path(repo.cache.local.oid_to_path(md5)) if md5 else None
    if old is None or not old.is_file():
        return set()
    before, after = (set(path.read_text(encoding="utf-8").splitlines()) for path in (old, file))
    return {line.split(" ")[0].partition("==")[0] for line in before ^ after}
