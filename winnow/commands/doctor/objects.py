"""What this commit needs of the cache and of the default remote, hashed: which objects are not what their name says."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winnow.commands.doctor.finding import Finding

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB

PIECE = 1 << 20  # bytes read at a time
SHOWN = 4  # files that a finding names


@dataclass(frozen=True)
class Damaged:
    """An object whose bytes are not those that its name tells.

    Attributes:
        oid: its name.
        file: of the workspace, that holds it.
        path: in its store.
    """

    oid: str
    file: str
    path: str


def objects(repo: "Repo", mend: bool) -> Iterator[Finding]:
    """Yield what is damaged in the cache and in the default remote, and mend what can be.

    A push would not: it looks at names only, and of a folder only whether its list of files is there.
    """
    wanted = {info.value: info.obj_name or "" for infos in repo.used_objs().values() for info in infos}
    stores = {"cache": repo.cache.local}
    if repo.config["core"].get("remote"):
        stores["remote"] = repo.cloud.get_remote_odb()
    damaged = {name: list(_damaged(store, wanted)) for name, store in stores.items()}
    for name, found in damaged.items():
        if not found:
            yield Finding(name, "ok", f"each object of this commit that is there has the hash of its name ({name})")
            continue
        other = next((store for key, store in stores.items() if key != name), None)
        mendable = [item for item in found if other is not None and _hash(other, item.oid) == _md5(item.oid)]
        lost = [item for item in found if item not in mendable]
        if mend and mendable:
            _mend(repo, stores[name], other, mendable)
            then = "dvc checkout" if name == "cache" else ""
            yield Finding(name, "ok", f"copied anew: {_named(mendable)}", then)
        elif mendable:
            yield Finding(name, "fail", f"damaged: {_named(mendable)}", "winnow doctor --objects --mend")
        if lost:
            how = "run it in a clone that has them whole; or make them anew: dvc repro --force STAGE, then here again"
            yield Finding(name, "fail", f"damaged, and here is no whole copy: {_named(lost)}", how)


def _damaged(store: "HashFileDB", wanted: dict[str, str]) -> Iterator[Damaged]:
    def look(oid: str) -> bool:
        return _hash(store, oid) not in (None, _md5(oid))

    with ThreadPoolExecutor(max_workers=min(16, store.fs.jobs)) as pool:
        for oid, is_damaged in zip(wanted, pool.map(look, wanted), strict=True):
            if is_damaged:
                yield Damaged(oid, wanted[oid], store.oid_to_path(oid))


def _md5(oid: str) -> str:
    return oid.partition(".")[0]  # a folder's list of files is HASH.dir


def _hash(store: "HashFileDB", oid: str) -> str | None:
    """Return the MD5 of an object, read anew; None where it is not there."""
    found = hashlib.md5(usedforsecurity=False)
    try:
        with store.fs.open(store.oid_to_path(oid), "rb") as file:
            while piece := file.read(PIECE):
                found.update(piece)
    except FileNotFoundError:
        return None
    return found.hexdigest()


def _mend(repo: "Repo", store: "HashFileDB", whole: "HashFileDB", found: list[Damaged]) -> None:
    """Copy objects from a store that has them whole; of the cache, remove files that were linked or copied from it."""
    from dvc_objects.fs import generic

    for item in found:
        if store.fs.protocol == "local":
            store.fs.remove(item.path)  # it may not be written to
        generic.copy(whole.fs, whole.oid_to_path(item.oid), store.fs, item.path)
        store.protect(item.path)
        if store is repo.cache.local and repo.fs.isfile(path := repo.fs.join(repo.root_dir, item.file)):
            repo.fs.remove(path)


def _named(found: list[Damaged]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(f"{item.file} ({item.path})" for item in found[:SHOWN]) + more
