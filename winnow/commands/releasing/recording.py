"""A release in Git: the changelog's commit, then the tag. What broke off between the two goes on later."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands.releasing import changelog
from winnow.commands.status.standing import git


def committed(root: Path, path: Path) -> str | None:
    """Return a file's text as HEAD has it; None where HEAD has none."""
    return git(root, "show", f"HEAD:./{path.as_posix()}")


def pending(root: Path, written: set[Path]) -> str | None:
    """Return the tag of a release that broke off after its commit, which is HEAD.

    Args:
        written: the files that a release may commit.

    Raises:
        UserError: the changelog tells of a release that has no tag, and other commits followed it.
    """
    told = changelog.headings(committed(root, changelog.FILE) or "")
    if not told or "@v" not in told[0] or git(root, "tag", "--list", told[0]):
        return None
    names = (git(root, "diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", "HEAD") or "").split("\0")
    changed = {Path(name) for name in names if name}  # none of a merge
    if changelog.FILE in changed and changed <= written:
        return told[0]
    raise UserError(
        f"{changelog.FILE}: tells of {told[0]}, which has no tag here; `git fetch --tags`, or tag the commit that "
        f"wrote it, or take the section out"
    )


def commit(root: Path, texts: Mapping[Path, str], message: str) -> None:
    """Write files and commit them alone; where Git refuses, they are as they were.

    Raises:
        UserError: Git refuses, by a hook or for want of a name.
    """
    before = {path: committed(root, path) for path in texts}
    for path, text in texts.items():
        files.write_text(root / path, text)
    names = [path.as_posix() for path in texts]
    why = _run(root, "add", "--", *names) or _run(root, "commit", "--quiet", "--message", message, "--", *names)
    if why is None:
        return
    git(root, "reset", "--quiet", "--", *names)
    for path, text in before.items():
        if text is None:
            (root / path).unlink()
        else:
            files.write_text(root / path, text)
    raise UserError(f"git commit: {why}; nothing was released, and {', '.join(names)} stand as before")


def tag(root: Path, name: str, message: str) -> None:
    """Make an annotated tag of HEAD, signed where Git is set to sign.

    Raises:
        UserError: Git refuses.
    """
    why = _run(root, "tag", "--annotate", "--message", message, name, "HEAD")
    if why is not None:
        raise UserError(f"git tag: {why}; the changelog is committed: mend this, and the same command sets the tag")


def _run(root: Path, *words: str) -> str | None:
    """Run a Git command; return in one line why it failed, if it did."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode == 0:
        return None
    return " ".join((done.stderr or done.stdout).split()) or f"exit status {done.returncode}"
