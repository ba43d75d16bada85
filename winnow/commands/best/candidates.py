"""What may be chosen: a commit's own result and those of its experiments, each with its figures and its cost.

An experiment is a commit of Git, so that its figures and parameters come from Git and its predictions from DVC's cache
or remote: the workspace has no part in it, but for a result that stands there alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands.diff import cost, revision
from winnow.commands.diff.revision import WORKSPACE, Revision, Store
from winnow.commands.experiments import queue

if TYPE_CHECKING:
    from dvc.repo import Repo

NO_FIGURES = "it has no figures of dev: the stages evaluate and compare have not run"
OTHER_TASK = "it is of another task: section task of params.yaml differs"


@dataclass(frozen=True)
class Candidate:
    """A result that may be chosen.

    Attributes:
        revision: its files.
        approach: the arm that its stage `compare` found best on dev.
        value: what that arm reaches on dev: the headline of the kind of task, the mean over its seeds.
        tokens: that adaptation and fine-tuning read, all runs together; None where files do not tell.
        changes: parameters whose values differ from the commit's, by their keys; None: the key is gone.
    """

    revision: Revision
    approach: str
    value: float
    tokens: int | None
    changes: dict[str, object]

    @property
    def name(self) -> str:
        """Return its name."""
        return self.revision.name


@dataclass(frozen=True)
class Found:
    """What a commit has.

    Attributes:
        base: the commit itself.
        candidates: results that may be compared; the commit's own first, where it has one.
        left_out: names of the others, and why each cannot be compared.
    """

    base: Revision
    candidates: list[Candidate]
    left_out: dict[str, str]


def found(base: Revision, headline: str, store: Store, folder: Path, among: str | None = None) -> Found:
    """Return the results of a commit and of its experiments; of HEAD, the workspace's too.

    Args:
        base: the commit. `base.name` is what people call it.
        headline: name of the metric that decides.
        folder: empty; for the files of the others.
        among: pattern of the names of experiments, of which alone there is a choice; None: of all, and of the commit.

    Raises:
        UserError: dvc.lock or params.yaml of a revision cannot be read.
    """
    document = _document(base)
    known = queue.known(store.repo, base.commit)
    waiting = {name: how for name, how in known.items() if how != queue.HAS_RUN and fnmatchcase(name, among or "*")}
    result = Found(base, [], waiting)
    if among is None:
        _take(result, base, headline, document)
    for name, commit in _experiments(store.repo, base.commit):
        if among is None or fnmatchcase(name, among):
            _take(result, revision.read(name, commit, folder / commit), headline, document)
    if among is None and base.commit == revision.commit("HEAD"):
        own = revision.read(WORKSPACE, "", folder / "workspace")
        seen = [None, *(_hash(each.revision) for each in result.candidates)]
        if revision.compared(own) and _hash(own) not in seen:
            _take(result, own, headline, document)
    return result


def _take(result: Found, one: Revision, headline: str, document: Mapping) -> None:
    compared = revision.compared(one)
    approach = compared.get("best")
    try:
        value = float(compared["dev"]["approaches"][approach][headline])
    except (KeyError, TypeError, ValueError):
        value = None
    own = _document(one)
    if own.get("task") != document.get("task"):
        result.left_out[one.name] = OTHER_TASK
    elif value is None or _hash(one) is None:
        result.left_out[one.name] = NO_FIGURES
    else:
        result.candidates.append(Candidate(one, approach, value, cost.tokens(one, own), _changes(document, own)))


def _hash(one: Revision) -> str | None:
    """Return the hash of all predictions."""
    return one.hash(one.named("evaluate", "out"))


def _document(one: Revision) -> dict:
    file = one.file(params.FILE.as_posix())
    if file is None:
        raise UserError(f"{one.name}: has no {params.FILE}; `winnow best` compares results of a Winnow project")
    return params.read(file)


def _experiments(repo: "Repo", commit: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the commit of each experiment of a commit, sorted by name."""
    yield from sorted((name, made) for name, made in repo.experiments.ls(rev=commit).get(commit, []) if made)


def _changes(document: Mapping, own: Mapping) -> dict[str, object]:
    before, after = (dict(revision.flattened(each)) for each in (document, own))
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return {key: after.get(key) for key in keys}
