"""The objects that would go, how large they are, and what they were."""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.commands.collecting.kept import Kept
from winnow.commands.doctor.remote import told
from winnow.commands.doctor.repository import secrets
from winnow.commands.status.standing import git

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB

OLD_EXPERIMENTS, OLD_COMMITS, NO_COMMIT = "old experiments", "old commits", "no commit"
KINDS = (OLD_EXPERIMENTS, OLD_COMMITS, NO_COMMIT)
FOLDER = ".dir"
HASHES = ("md5", "md5-dos2unix")  # the second is of DVC before 3.0
# An entry of a list in dvc.lock or a .dvc file.
ENTRY = re.compile(r"^ *- (?:[^\n]+\n)(?: +(?![ -])[^\n]*(?:\n|$))*", re.MULTILINE)
PATH = re.compile(r"^[ -]*path: +(.+)$", re.MULTILINE)
MD5 = re.compile(r"^[ -]*md5: +([0-9a-f]{32}(?:\.dir)?) *$", re.MULTILINE)


@dataclass
class Part:
    """Objects that were of one kind: how many, their bytes, and what outputs or experiments they were of."""

    objects: int = 0
    size: int = 0
    names: dict[str, None] = field(default_factory=dict)


@dataclass
class Garbage:
    """What would go of a store.

    Attributes:
        store: `cache`, or the remote's name.
        place: where it is, without a password.
        objects: in it.
        parts: what would go, by kind.
    """

    store: str
    place: str
    objects: int
    parts: dict[str, Part]

    @property
    def removed(self) -> int:
        """Return how many objects would go."""
        return sum(part.objects for part in self.parts.values())

    @property
    def size(self) -> int:
        """Return their bytes."""
        return sum(part.size for part in self.parts.values())


def find(repo: "Repo", kept: Kept, remote: str | None) -> list[Garbage]:
    """Return what would go of the cache, and of a remote.

    Args:
        remote: its name; None: of the cache alone.

    Raises:
        UserError: a commit that is kept cannot be read, or the remote does not answer.
    """
    from dvc.exceptions import DvcException

    root = Path(repo.root_dir)
    hidden = secrets(repo.config["remote"].get(remote or "", {}), os.environ)
    try:
        used = repo.used_objs(**kept.settings, remote=remote, force=True)
        known = _known(root, kept)
        every = set().union(*used.values()) if used else set()
        found = [_garbage(repo.cache.local, every, known, ("cache", repo.cache.local.path))]
        if remote is not None:
            place = str(repo.config["remote"][remote].get("url", "")).rpartition("@")[2]
            stores = {store: ids for store, ids in used.items() if store is not None}
            for name in HASHES:
                store = repo.cloud.get_remote_odb(remote, "gc", hash_name=name)
                stores[store] = stores.get(store, set()) | used.get(None, set())
            found += [_garbage(store, ids, known, (remote, place)) for store, ids in stores.items()]
    except (DvcException, OSError) as error:
        raise UserError(f"dvc: {told(error, hidden)}; nothing was removed") from None
    except Exception as error:  # each kind of store has errors of its own
        raise UserError(f"remote {remote}: {told(error, hidden)}; nothing was removed") from None
    return found


def _garbage(
    store: "HashFileDB", used: Iterable, known: Mapping[str, tuple[str, str]], where: tuple[str, str]
) -> Garbage:
    needed = {info.value for info in used if info.name == store.hash_name}
    every = list(store.all()) if store.fs.exists(store.path) else []
    gone = [oid for oid in every if oid not in needed]
    told_of = {**known, **_inside(store, [oid for oid in gone if oid.endswith(FOLDER)], known)}
    sizes = _sizes(store, gone)
    parts: dict[str, Part] = {}
    for oid in gone:
        kind, name = told_of.get(oid, (NO_COMMIT, ""))
        part = parts.setdefault(kind, Part())
        part.objects += 1
        part.size += sizes.get(oid, 0)
        if name:
            part.names[name] = None
    return Garbage(*where, len(every), {kind: parts[kind] for kind in KINDS if kind in parts})


def _inside(store: "HashFileDB", folders: Iterable[str], known: Mapping) -> Iterator[tuple[str, tuple[str, str]]]:
    """Return what the files of folders were of: what their folder was."""
    found = {}
    for oid in folders:
        if oid not in known:
            continue
        try:
            with store.fs.open(store.oid_to_path(oid), "r", encoding="utf-8") as file:
                found |= {entry["md5"]: known[oid] for entry in json.load(file)}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a damaged list tells nothing; its object goes all the same
    return found


def _sizes(store: "HashFileDB", oids: Iterable[str]) -> dict[str, int]:
    if store.fs.protocol == "local":
        return {oid: Path(store.oid_to_path(oid)).stat().st_size for oid in oids}
    listed = store.fs.fs.find(store.path, detail=True)  # one listing, where a question for each would take long
    return {oid: int((listed.get(store.oid_to_path(oid)) or {}).get("size") or 0) for oid in oids}


def _known(root: Path, kept: Kept) -> dict[str, tuple[str, str]]:
    """Return what each object was of that a commit tells of: its kind, and an output or an experiment."""
    found: dict[str, tuple[str, str]] = {}
    changing = ("rev-list", "--branches", "--remotes", "--tags", "HEAD", "--", "dvc.lock", "*.dvc", "**/dvc.lock")
    for commit in (git(root, *changing) or "").split():
        for path, md5 in _outputs(root, commit):
            found.setdefault(md5, (OLD_COMMITS, path))
    for name, commit in kept.old.items():
        for _, md5 in _outputs(root, commit):
            found.setdefault(md5, (OLD_EXPERIMENTS, name))
    return found


def _outputs(root: Path, commit: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the hash of what a commit's files of DVC tell of."""
    listed = (git(root, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit) or "").split("\0")
    for name in listed:
        if name.endswith(".dvc") or name.rpartition("/")[2] == "dvc.lock":
            text = _text(root, commit, name)
            for entry in ENTRY.findall(text):
                path, md5 = PATH.search(entry), MD5.search(entry)
                if path and md5:
                    yield path[1].strip("\"'"), md5[1]


def _text(root: Path, commit: str, name: str) -> str:
    done = subprocess.run(["git", "show", f"{commit}:{name}"], cwd=root, capture_output=True)
    return done.stdout.decode("utf-8", "replace")
