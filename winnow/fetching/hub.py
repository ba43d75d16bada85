"""kind hub: a model of a Hugging Face hub at a commit, whose files stay what they were when they were first fetched."""

import hashlib
import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field

from winnow.base import files, hub
from winnow.base.errors import UserError
from winnow.base.hub import Digest
from winnow.encoder import parts
from winnow.fetching import known
from winnow.fetching.source import Form, Places, Source


class Hub(Source):
    """A model of a Hugging Face hub at a commit."""

    kind: Literal["hub"]
    """A model of a Hugging Face hub."""

    id: str = Field(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)?$")
    """The model, `owner/name`."""

    revision: str = Field(pattern=r"^\S+$")
    """The commit, all 40 digits of it: a branch or a tag may move. `winnow base owner/name` tells it."""

    def fetch(self, into: Path, places: Places, form: Form) -> None:
        """Put the model into an empty folder; see `Source.fetch`."""
        if not hub.COMMIT.fullmatch(self.revision):
            raise UserError(_moving(self.id, self.revision, places.section))
        before = known.read(places.known).get(f"{self.id}@{self.revision}", {})
        downloads = Downloads(self.id, self.revision, before)
        form.gather(downloads, into)
        if before and (changed := sorted(set(before) ^ set(downloads.hashes))):
            raise UserError(
                f"{downloads.where}: {', '.join(changed)}: not the files that {places.known} knows of this commit; a "
                f"commit never changes, so do not trust this hub, or mend {places.known} if you know better"
            )
        form.prove(into, downloads.where)
        if not before:
            known.add(places.known, f"{self.id}@{self.revision}", downloads.hashes)


def _moving(model: str, revision: str, section: str) -> str:
    try:
        commit = hub.look(model, revision).revision
    except hub.UnreachableError:
        commit = "a full commit hash"
    return (
        f"params.yaml: {section}.revision: '{revision}' is no full commit hash, and a branch or a tag may move; "
        f"write the commit that it is at now: {commit}"
    )


class Downloads:
    """The files of a model at a commit, each compared with what was known of it, or else with what the hub says."""

    def __init__(self, model: str, revision: str, before: dict[str, str]):
        self.model, self.revision, self.before = model, revision, before
        self.where = f"{model}@{revision[:8]}"
        self.hashes: dict[str, str] = {}  # of what was copied
        try:
            self.listed = hub.look(model, revision).files
        except hub.UnreachableError as error:
            self.listed = dict.fromkeys(before or hub.cached(model, revision), Digest(None, None))
            if not self.listed:
                raise UserError(
                    f"{self.where}: {error}, and {hub.cache_folder()} lacks this commit; where there is a network, "
                    f"run `hf download {model} --revision {revision}`, or set HF_HOME to a cache that has it"
                ) from None

    def names(self) -> list[str]:
        """Return the names of the files at the commit's top."""
        return [name for name in self.listed if "/" not in name]

    def copy(self, name: str, target: Path) -> None:
        """Write a file to `target`, or raise `UserError`."""
        if name not in self.listed:
            raise UserError(f"{self.where}: no {name}, which its index names; take another commit")
        path = self._fetched(name)
        if not self._is_right(path, name):  # a cache may be damaged
            path = self._fetched(name, again=True)
            if not self._is_right(path, name):
                raise UserError(
                    f"{self.where}: {name}: wrong hash: expected {self._expected(name)}, got sha256 "
                    f"{files.sha256(path)}; do not trust this download"
                )
        shutil.copyfile(path, target)
        self.hashes[name] = files.sha256(target)

    def _fetched(self, name: str, again: bool = False) -> Path:
        try:
            return hub.fetch(self.model, self.revision, name, again, parts.most_bytes(name))
        except hub.UnreachableError as error:
            raise UserError(
                f"{self.where}: {name}: {error}, and {hub.cache_folder()} lacks it or has it damaged; run again with a "
                f"network"
            ) from None

    def _is_right(self, path: Path, name: str) -> bool:
        if name in self.before or self.listed[name].sha256:
            return files.sha256(path) == (self.before.get(name) or self.listed[name].sha256)
        return self.listed[name].git in (None, _git_hash(path))

    def _expected(self, name: str) -> str:
        if name in self.before:
            return f"sha256 {self.before[name]} as when this commit was first fetched"
        digest = self.listed[name]
        return f"sha256 {digest.sha256}" if digest.sha256 else f"Git's {digest.git}"


def _git_hash(path: Path) -> str:
    """Return the name that Git gives to a file's content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
