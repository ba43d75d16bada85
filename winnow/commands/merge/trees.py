"""The three versions of a merge, as Git has them: their base, ours and theirs; and Git itself."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from winnow.base.errors import UserError

# A path is no pattern, whatever characters it has.
VARIABLES = {"GIT_LITERAL_PATHSPECS": "1", "GIT_EDITOR": "true"}
LINK = "120000"  # the mode of a symbolic link


@dataclass(frozen=True)
class Version:
    """A file's content on each side; None where there is no such file."""

    base: str | None
    ours: str | None
    theirs: str | None


@dataclass(frozen=True)
class Trees:
    """The files of three commits below a folder, which is the project's root.

    Attributes:
        root: the folder.
        base, ours, theirs: commits; an empty base where the branches share none.
        name: of their branch, as the user wrote it.
    """

    root: Path
    base: str
    ours: str
    theirs: str
    name: str

    @cached_property
    def files(self) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """The object of each file by its path: of the base, of ours and of theirs."""
        return tuple(_listed(self.root, commit) for commit in (self.base, self.ours, self.theirs))

    def changed_by_both(self) -> list[str]:
        """Return the paths that both sides have changed, in two ways, in order."""
        paths = sorted(set().union(*self.files))
        return [path for path in paths if len({side.get(path) for side in self.files}) == len(self.files)]

    def read(self, path: str) -> Version:
        """Return a file's three contents.

        Raises:
            UserError: one of them is not UTF-8.
        """
        texts = []
        for side, files in zip(("base", "ours", "theirs"), self.files, strict=True):
            content = git_bytes(self.root, "cat-file", "blob", files[path]) if path in files else None
            try:
                texts.append(None if content is None else content.decode())
            except UnicodeDecodeError as error:
                raise UserError(f"{path}: byte {error.start} of {side} is not UTF-8; convert the file there") from None
        return Version(*texts)

    def touched_at(self, commit: str, path: str) -> int:
        """Return when a commit or one before it last changed a file, in seconds since the epoch."""
        return int(git(self.root, "log", "-1", "--format=%ct", commit, "--", path) or 0)


def _listed(root: Path, commit: str) -> dict[str, str]:
    if not commit:
        return {}
    entries = git(root, "ls-tree", "-r", "-z", commit).split("\0")
    told = (entry.partition("\t") for entry in entries if entry)
    return {path: info.split()[2] for info, _, path in told if info.split()[0] != LINK}


def attributes(root: Path, paths: Sequence[str]) -> dict[str, str]:
    """Return how `.gitattributes` has each path merged: `union`, `binary`, `unspecified`."""
    words = git(root, "check-attr", "-z", "--stdin", "merge", given="".join(f"{path}\0" for path in paths)).split("\0")
    return dict(zip(words[::3], words[2::3], strict=False))


def unmerged(root: Path) -> list[str]:
    """Return the paths that Git holds for conflicts, below the repository's root."""
    return [name for name in git(root, "diff", "--name-only", "--diff-filter=U", "-z").split("\0") if name]


def stage(root: Path, paths: Iterable[str]) -> None:
    """Put files as they are in the workspace, or their absence, into the index, and take them for resolved."""
    git(root, "update-index", "--add", "--remove", "-z", "--stdin", given="".join(f"{path}\0" for path in paths))


def take(root: Path, commit: str, paths: Sequence[str]) -> None:
    """Put a commit's version of files into workspace and index."""
    if paths:
        given = "".join(f"{path}\0" for path in paths)
        git(root, "checkout", "-q", commit, "--pathspec-from-file=-", "--pathspec-file-nul", given=given)


def git(root: Path, *words: str, given: str = "") -> str:
    """Return what a Git command prints.

    Raises:
        UserError: it failed.
    """
    return os.fsdecode(git_bytes(root, *words, given=given))


def git_bytes(root: Path, *words: str, given: str = "") -> bytes:
    """Return what a Git command prints, byte for byte; see `git`."""
    status, out, told = run(root, *words, given=given)
    if status:
        raise UserError(f"git {words[0]}: {told}")
    return out


def run(root: Path, *words: str, given: str = "") -> tuple[int, bytes, str]:
    """Return a Git command's exit status, what it printed, and what it told on stderr, in one line.

    Raises:
        UserError: there is no Git.
    """
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, env=os.environ | VARIABLES, input=os.fsencode(given), capture_output=True
        )
    except FileNotFoundError:
        raise UserError("git: not found; install it") from None
    return done.returncode, done.stdout, " ".join(done.stderr.decode(errors="replace").split())
