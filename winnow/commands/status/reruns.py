"""What `dvc repro` would run now, and why."""

import contextlib
import errno
import hashlib
import importlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow.compute as pc

from winnow import kinds
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.processes import holders, is_alive
from winnow.people import decisions, settling
from winnow.rows import edited, tables

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

Answer = TypeVar("Answer")

TRIES, WAIT = 4, 0.5  # seconds
NOT_IN_CACHE = " not in cache"  # DVC's word of an output, be it here or not
UNFINISHED = "not finished yet"
OTHER_COMMAND = "changed command"  # DVC's word
RWLOCK = "rwlock"  # where DVC tells which stage runs
CODE = "code"  # the stage that writes the fingerprints
# Of a stage's `meta` in dvc.yaml: outputs that say the same whatever the stage reads, so that nothing follows them.
CONSTANT = "constant"
# The same: outputs that change with the inputs named here alone, and with the texts that people edit.
FOLLOWS = "follows"


class Busy(UserError):
    """Another DVC command holds the repository."""


@dataclass(frozen=True)
class Reruns:
    """What would run.

    Attributes:
        total: stages of the pipeline.
        changed: what changed of each stage whose inputs, parameters, command or outputs did, such as
            `data/decisions.csv modified`.
        stages: those that would run, in order. What follows a changed stage runs only where its outputs change, so
            that these are the most.
    """

    total: int = 0
    changed: dict[str, list[str]] = field(default_factory=dict)
    stages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """What DVC says of a repository at one time.

    Attributes:
        root: of the project.
        stages: all of them.
        plan: all of them, in the order in which they run.
        changed: what DVC says has changed, by stage.
    """

    root: Path
    stages: list["Stage"]
    plan: list["Stage"]
    changed: dict[str, list]


def would_run(repo: "Repo", by_lock: bool = False) -> Reruns:
    """Return what would run.

    Args:
        by_lock: take data that is not here for what `dvc.lock` says of it, as before a `dvc pull`: what would run is
            then what `dvc.lock` was not made with.

    Raises:
        Busy: DVC cannot say, since another of its commands runs.
        UserError: it cannot, since a file of its own is broken, or the project must not be written.
    """
    return planned(ask(repo), by_lock)


def ask(repo: "Repo") -> Told:
    """Return what DVC says; it reads dvc.yaml, dvc.lock and params.yaml once for all that is asked here.

    Raises:
        Busy: it cannot say, since another of its commands runs.
        UserError: it cannot, since a file of its own is broken, or the project must not be written.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError, LockNoop
    from dvc.repo import lock_repo
    from dvc.repo.reproduce import plan_repro

    from winnow.commands.status.shared_parameters import share_parameters  # imports DVC, which takes a second

    if any(is_alive(number) for number, _ in holders(Path(repo.tmp_dir) / RWLOCK)):
        # `dvc repro` lets the lock go while a stage's command runs, and fails if it does not get it back in three
        # seconds, which may be too short on a busy machine. Who only reads does without.
        repo.lock = LockNoop()
    try:
        with contextlib.ExitStack() as held:  # DVC forgets what it read whenever it lets the repository go
            _waiting(lambda: held.enter_context(lock_repo(repo)))
            stages = repo.index.stages
            share_parameters(repo, stages)
            return Told(Path(repo.root_dir), stages, plan_repro(repo.index.graph), _waiting(repo.status))
    except LockError:
        raise Busy("another DVC command runs") from None
    except OSError as error:  # it says what would run by writing: a lock, an index
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        raise UserError(
            f"{error.filename}: {error.strerror}: what would run is known only where DVC may write; mend the rights"
        ) from None
    except DvcException as error:
        raise UserError(f"dvc: {' '.join(str(error).split())}") from None


def planned(seen: Told, by_lock: bool = False) -> Reruns:
    """Return what would run, by what DVC says; for `by_lock` see `would_run`.

    Raises:
        UserError: a file of the project that the fingerprints are made of is broken.
    """
    changed = {name: list(_words(entries)) for name, entries in seen.changed.items()}
    if by_lock:
        changed = _but_for_lacking(seen, changed)
    else:  # of a stage that dvc.lock does not know, DVC calls all modified
        changed |= {name: [UNFINISHED] for name in changed.keys() & set(_unlocked(seen))}
    meta = {name: stage.get("meta", {}) for name, stage in pipeline.stages(seen.root).items()}
    renewed: set[str] = set()
    running = []
    for stage in seen.plan:
        if stage.frozen or not (stage.addressing in changed or _follows(stage, renewed)):
            continue
        running.append(stage.addressing)
        outs = {out.def_path for out in stage.outs}
        own = meta.get(stage.addressing.partition("@")[0], {})
        if stage.addressing == CODE:
            renewed |= _other_code(seen)
        else:
            still = {
                out
                for out, inputs in own.get(FOLLOWS, {}).items()
                if _stands(out, inputs, changed.get(stage.addressing, ()), renewed) and not _edits_texts(seen)
            }
            renewed |= outs - set(own.get(CONSTANT, [])) - still
    return Reruns(len(seen.plan), changed, running)


def _waiting(call: Callable[[], Answer]) -> Answer:
    """Return DVC's answer; the end of a short command that holds the repository is waited for."""
    from dvc.lock import LockError

    for _ in range(TRIES):
        try:
            return call()
        except LockError:
            time.sleep(WAIT)
    return call()


def _words(entries: Iterable[object]) -> Iterator[str]:
    """Yield what DVC says of one stage: `data/decisions.csv modified`, `changed command`."""
    for entry in entries:
        if not isinstance(entry, dict):
            yield str(entry)
            continue
        for told in entry.values():
            for path, word in told.items():  # of a parameter, the file and its keys
                changed = [word] if isinstance(word, str) else [f"{key} {how}" for key, how in word.items()]
                yield from (f"{path} {how}" for how in changed)


def _unlocked(seen: Told) -> Iterator[str]:
    """Yield the stages that dvc.lock does not know, which never ran to their end."""
    for stage in seen.stages:
        if stage.outs and not any(out.hash_info for out in stage.outs):
            yield stage.addressing


def _follows(stage: "Stage", renewed: Iterable[str]) -> bool:
    deps = [f"{dep.def_path}/" for dep in stage.deps]
    return any(dep.startswith(f"{out}/") or f"{out}/".startswith(dep) for out in renewed for dep in deps)


def _stands(out: str, inputs: Iterable[str], reasons: Iterable[str], renewed: Iterable[str]) -> bool:
    """Return whether an output that follows some inputs alone says the same, whatever else changed.

    Args:
        reasons: what changed of its stage.
        renewed: what other stages write anew.
    """
    of_all = (UNFINISHED, OTHER_COMMAND)
    told = any(reason in of_all or reason.startswith(f"{name} ") for reason in reasons for name in (out, *inputs))
    return not told and not any(f"{name}/".startswith(f"{one}/") for name in inputs for one in renewed)


def _edits_texts(seen: Told) -> bool:
    """Return whether people's decisions give rows other texts than the labelled table has."""
    task = kinds.read_task(seen.root / params.FILE)
    if not task.edits_text:
        return False
    made, labelled = (pipeline.made("apply_decisions", option, seen.root) for option in ("decisions", "out"))
    if made is None or labelled is None or edited.GIVEN_TEXT not in tables.schema(seen.root / labelled).names:
        return True
    found = {id: settling.settled(by) for id, by in settling.latest(decisions.read(seen.root / made)).items()}
    wanted = {id: task.meant_text(said.text) for id, said in found.items() if said is not None and said.text}
    table = tables.read(seen.root / labelled, ["id", "text", edited.GIVEN_TEXT])
    there = table.filter(pc.is_valid(table[edited.GIVEN_TEXT]))
    return wanted != dict(zip(there["id"].to_pylist(), there["text"].to_pylist(), strict=True))


def _other_code(seen: Told) -> set[str]:
    """Return the fingerprints that the stage `code` would write otherwise than they are here, or else are locked."""
    root = seen.root
    out = pipeline.path(CODE, "out", root)
    made = _fingerprints(root)
    if (root / out).is_dir():
        here = {name: files.read_text(root / name) for name in made if (root / name).exists()}
        return {name for name, text in made.items() if here.get(name) != text}
    locked = {dep.def_path: dep.hash_info.value for stage in seen.stages for dep in stage.deps}
    return {name for name in made.keys() & locked.keys() if locked[name] != _md5(made[name])}


def _fingerprints(root: Path) -> dict[str, str]:
    """Return the text of each file that the stage `code` would write, by its path."""
    lock, out = (pipeline.path(CODE, option, root) for option in ("lock", "out"))
    code = importlib.import_module("stages.code.__main__")
    task = kinds.read_task(root / params.FILE)
    made = code.fingerprints(root, task.kind, code.pins(files.read_text(root / lock), str(lock)))
    return {(out / name).as_posix(): text for name, text in made.items()}


def _md5(text: str) -> str:
    """Return DVC's hash of a file."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _but_for_lacking(seen: Told, changed: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what changed without the data that is not here, and with what `dvc.lock` says of it in two ways.

    DVC hashes what is here. Of the rest, dvc.lock holds two hashes, of the output and of each dependency on it, and a
    lock that Git or a person mixed has two that differ.
    """
    root = seen.root
    outs = {out.def_path: out for stage in seen.stages for out in stage.outs if out.use_cache}
    lacking = {name for name in outs if not (root / name).exists()}
    known = {name: out.hash_info.value for name, out in outs.items()}
    if CODE in pipeline.stages(root) and pipeline.path(CODE, "out", root).as_posix() in lacking:
        known |= {name: _md5(text) for name, text in _fingerprints(root).items()}

    def is_lacking(path: str) -> bool:
        """Whether it is an output that is not here, in one, or a folder that would hold one."""
        return any(f"{path}/".startswith(f"{name}/") or name.startswith(f"{path}/") for name in lacking)

    told = {}
    for stage in seen.stages:
        reasons = [
            reason
            for reason in changed.get(stage.addressing, [])
            if not (
                reason.endswith(NOT_IN_CACHE) or is_lacking(reason.removesuffix(" deleted").removesuffix(" modified"))
            )
        ]
        reasons += [
            f"{dep.def_path} modified"
            for dep in stage.deps
            if is_lacking(dep.def_path) and known.get(dep.def_path, dep.hash_info.value) != dep.hash_info.value
        ]
        if reasons:
            told[stage.addressing] = reasons
    return told
