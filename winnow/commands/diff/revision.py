"""A revision of the project as files: what Git has, and what dvc.lock names in DVC's cache or on its remote.

Nothing of the workspace is touched: a folder of its own holds the files that were asked for, those of DVC's cache as
links. An object that the cache lacks is fetched into it, from the remote that `dvc pull` would ask.
"""

import hashlib
import json
import logging
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base.errors import UserError
from winnow.commands import pipeline

if TYPE_CHECKING:
    from dvc.repo import Repo

LOCK = "dvc.lock"
FOLDER = ".dir"  # ends the hash of a folder, whose object lists what it holds
WORKSPACE = "the workspace"
BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
EXPERIMENT = re.compile(r"(?P<commit>[0-9a-f]+) refs/exps/(?P<base>[0-9a-f]{2})/(?P<rest>[0-9a-f]{38,})/(?P<name>.+)")
SHORT = 12  # hex digits of a commit that people are shown


def git(*words: str) -> str | None:
    """Return what a Git command prints; None where it fails."""
    done = _git(*words)
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def _git(*words: str) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(["git", "--no-optional-locks", *words], capture_output=True)
    except FileNotFoundError:
        raise UserError("git: not found; `winnow diff` compares revisions of a Git repository") from None


def commit(name: str) -> str:
    """Return the commit that a revision or an experiment of DVC's names, 40 hex digits; Git's names go before.

    Raises:
        UserError: there is none, or several experiments have the name and none of them began at HEAD.
    """
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found:
        return found
    named = _experiments(name)
    if not named:
        is_shallow = git("rev-parse", "--is-shallow-repository") == "true"
        fetch = "this clone is shallow: `git fetch --unshallow`" if is_shallow else "`git fetch origin`"
        raise UserError(
            f"revision '{name}': neither Git nor `dvc exp list --all-commits` has one of this name; fetch it "
            f"({fetch}, or `dvc exp pull origin {name}`), or mend it"
        )
    head = git("rev-parse", "HEAD")
    if len(named) > 1 and head not in named:
        told = ", ".join(f"{one[:SHORT]} (from {base[:SHORT]})" for base, one in named.items())
        raise UserError(f"revision '{name}': several experiments have this name; name the commit: {told}")
    return named[head] if head in named else next(iter(named.values()))


def _experiments(name: str) -> dict[str, str]:
    """Return the commits of the experiments of a name, by the commit at which each began."""
    listed = git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps") or ""
    found = (EXPERIMENT.fullmatch(line) for line in listed.splitlines())
    return {each["base"] + each["rest"]: each["commit"] for each in found if each and each["name"] == name}


def merge_base(head: str) -> str:
    """Return the commit at which a revision left the default branch.

    Raises:
        UserError: there is no default branch, or Git has too little of the history to tell.
    """
    branch = next((name for name in BRANCHES if git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")), None)
    if branch is None:
        raise UserError(f"no default branch ({', '.join(BRANCHES)}) to compare with; name one: `winnow diff BASE`")
    if found := git("merge-base", branch, head):
        return found
    raise UserError(
        f"{branch} and {head} have no commit in common here; in a shallow clone, `git fetch --unshallow` first "
        f"(in GitHub Actions: `fetch-depth: 0`), or name what to compare with: `winnow diff BASE`"
    )


@dataclass(frozen=True)
class Object:
    """What dvc.lock says of an output: the hash of its bytes, or of the list of what a folder holds."""

    md5: str
    path: str


@dataclass
class Revision:
    """Files of one revision.

    Attributes:
        name: as people call it.
        commit: 40 hex digits; empty: the workspace.
        folder: where its files are put, by their paths in the repository.
        stages: what dvc.lock says of each.
        objects: what dvc.lock says of each output, by path.
    """

    name: str
    commit: str
    folder: Path
    stages: dict[str, dict] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)

    def find(self, stage: str, option: str) -> Path | None:
        """Return the file or folder that the stage's command names; None where the revision has none."""
        named = self.named(stage, option)
        return self.file(named) if named else None

    def named(self, stage: str, option: str) -> str | None:
        """Return the path that the stage's command names, in the repository."""
        found = pipeline.find(stage, option, self.folder) if (self.folder / pipeline.FILE).exists() else None
        return found.as_posix() if found else None

    def file(self, path: str) -> Path | None:
        """Return where a file or folder of the revision stands, or None if it has none of this path."""
        place = self.folder / path
        if not place.exists():
            self._from_git(path, place)
        return place if place.exists() else None

    def hash(self, path: str | None) -> str | None:
        """Return the hash of an output by dvc.lock: equal hashes are equal bytes."""
        known = self.objects.get(path or "")
        return known.md5 if known else None

    def _from_git(self, path: str, place: Path) -> None:
        if not self.commit:
            own = Path(path)
            if path not in self.objects and own.is_file():
                _write(place, own.read_bytes())
            return
        kind = git("cat-file", "-t", f"{self.commit}:./{path}")
        if kind == "blob":
            _write(place, _git("cat-file", "blob", f"{self.commit}:./{path}").stdout)


def read(name: str, commit_: str, folder: Path) -> Revision:
    """Return a revision: its small files from Git, and what its dvc.lock says.

    Args:
        folder: empty; holds what is read.

    Raises:
        UserError: dvc.lock cannot be read.
    """
    revision = Revision(name, commit_, folder)
    for path in (pipeline.FILE.as_posix(), "params.yaml", "requirements.lock"):
        revision.file(path)
    lock = revision.file(LOCK)
    if lock is None:
        return revision
    try:
        locked = (YAML(typ="safe").load(lock.read_text(encoding="utf-8")) or {}).get("stages") or {}
        revision.stages = _living(locked, revision)
    except (YAMLError, ValueError, AttributeError):
        raise UserError(f"{LOCK} of {name}: cannot be read; does it hold Git's conflict markers?") from None
    tracked = _tracked(commit_)
    for stage in revision.stages.values():
        for out in stage.get("outs", []):
            if out.get("md5") and out["path"] not in tracked:
                revision.objects[out["path"]] = Object(out["md5"], out["path"])
    return revision


def _living(locked: Mapping[str, dict], revision: Revision) -> dict[str, dict]:
    """Return what dvc.lock says of stages that dvc.yaml has: DVC never takes an entry out."""
    if revision.file(pipeline.FILE.as_posix()) is None:
        return dict(locked)
    names: set[str] = set()
    for name, stage in pipeline.stages(revision.folder).items():
        lists = [_resolved(values, revision) for values in stage.get("matrix", {}).values()]
        names.update({f"{name}@{'-'.join(map(str, items))}" for items in product(*lists)} if lists else {name})
    return {name: stage for name, stage in locked.items() if name in names}


def _resolved(values: object, revision: Revision) -> list:
    """Return the items of a matrix: a list, or `${arms.seeds}`, a list of params.yaml."""
    if isinstance(values, str) and (file := revision.file("params.yaml")):
        found: object = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        for key in values.removeprefix("${").removesuffix("}").split("."):
            found = found.get(key) if isinstance(found, dict) else None
        values = found
    return values if isinstance(values, list) else []


def _tracked(commit_: str) -> set[str]:
    """Return the paths that Git has: metrics and what else DVC does not cache."""
    words = ("ls-tree", "-r", "-z", "--name-only", commit_) if commit_ else ("ls-files", "-z")
    return set(_git(*words).stdout.decode("utf-8", "surrogateescape").split("\0"))


def metrics(revision: Revision) -> Iterator[tuple[str, dict]]:
    """Yield the path and the content of each JSON file of metrics that a stage wrote."""
    for stage in revision.stages.values():
        for out in stage.get("outs", []):
            path = PurePosixPath(out["path"])
            if path.suffix == ".json" and "metrics" in path.parts and (file := revision.file(path.as_posix())):
                try:
                    content = json.loads(file.read_text(encoding="utf-8"))
                except ValueError:
                    continue
                if isinstance(content, dict):
                    yield path.as_posix(), content


def compared(revision: Revision) -> dict:
    """Return what the stage `compare` of a revision says of dev; empty where it has not run."""
    file = revision.find("compare", "metrics")
    try:
        content = json.loads(file.read_text(encoding="utf-8")) if file else {}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def best_of(revision: Revision) -> str | None:
    """Return the approach that the stage `compare` of a revision found best on dev."""
    return compared(revision).get("best")


@contextmanager
def opened_store() -> Iterator["Store"]:
    """Yield DVC's cache and remote.

    Raises:
        UserError: this is no repository of DVC.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        repo = Repo()
    except DvcException as error:
        raise UserError(f"dvc: {' '.join(str(error).split())}") from None
    with repo:
        yield Store(repo)


@dataclass(frozen=True)
class Store:
    """Objects of DVC by their hash."""

    repo: "Repo"

    def place(self, md5: str) -> Path | None:
        """Return where an object stands in the cache; None where it does not."""
        cache = self.repo.cache.local
        if not cache.path:
            return None
        path = Path(cache.oid_to_path(md5))
        return path if path.is_file() else None

    def bring(self, revision: Revision, paths: Iterable[str]) -> None:
        """Put outputs of a revision into its folder; those that the cache lacks come from the remote first.

        Raises:
            UserError: an object is neither in the cache nor on the remote.
        """
        wanted = [revision.objects[path] for path in dict.fromkeys(paths) if path in revision.objects]
        self._fetch(revision, wanted)
        files = [each for known in wanted for each in self._files(known)]
        self._fetch(revision, files)
        for known in files:
            place = revision.folder / known.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.symlink_to(self.place(known.md5) or Path(known.path).resolve())

    def _files(self, known: Object) -> Iterator[Object]:
        """Yield the files of an output: itself, or what a folder holds."""
        if not known.md5.endswith(FOLDER):
            yield known
            return
        for entry in json.loads(self.place(known.md5).read_text(encoding="utf-8")):
            name = PurePosixPath(entry["relpath"])
            if not name.is_absolute() and ".." not in name.parts:
                yield Object(entry["md5"], f"{known.path}/{name}")

    def _fetch(self, revision: Revision, wanted: Iterable[Object]) -> None:
        missing = [known for known in wanted if self.place(known.md5) is None and not _in_workspace(revision, known)]
        if not missing:
            return
        why = self._pull({known.md5 for known in missing})
        missing = [known for known in missing if self.place(known.md5) is None]
        if missing:
            raise UserError(_absent(revision, missing, why))

    def _pull(self, hashes: set[str]) -> str:
        """Fetch objects from the remote into the cache; return in words why this is not possible, if it is not."""
        from dvc.exceptions import DvcException
        from dvc_data.hashfile.hash_info import HashInfo

        try:
            remote = self.repo.cloud.get_remote()
        except DvcException:
            return "no remote is set"
        try:
            with _silent():
                self.repo.cloud.pull([HashInfo("md5", md5) for md5 in sorted(hashes)])
        except Exception as error:  # each kind of remote has errors of its own
            return f"remote '{remote.name}' does not answer: {' '.join(str(error).split()) or type(error).__name__}"
        return f"remote '{remote.name}' has it not"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what DVC logs of a missing object from people: they are told in one line."""
    logger = logging.getLogger("dvc")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _in_workspace(revision: Revision, known: Object) -> bool:
    """Return whether the workspace, if it is what is compared, holds the object that the cache lacks."""
    own = Path(known.path)
    if revision.commit or not own.is_file():
        return False
    with own.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == known.md5


def _absent(revision: Revision, missing: list[Object], why: str) -> str:
    paths = list(dict.fromkeys(known.path for known in missing))
    shown = ", ".join(f"{known.path} ({known.md5})" for known in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    pull = f"dvc pull {' '.join(paths[:3])}"
    if revision.commit:
        pull = f"git switch --detach {revision.commit[:SHORT]} && {pull}"
    return (
        f"{revision.name}: the cache lacks {shown}{more}, and {why}; whoever made it runs `dvc push`, then `{pull}` "
        f"brings it"
    )


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def flattened(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the keys and values of nested mappings, `adapt.tokens` and 300000."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flattened(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
