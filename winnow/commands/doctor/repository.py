"""Git and DVC: what merges need, where data is kept and how it gets into the workspace."""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.doctor.finding import Finding
from winnow.commands.status.standing import git
from winnow.people import decisions

if TYPE_CHECKING:
    from dvc.repo import Repo

LINKS = ("reflink", "hardlink", "symlink")
DEFAULT_LINKS = ["reflink", "copy"]  # of DVC
COPY = "copy"


def merging(root: Path) -> Iterator[Finding]:
    """Yield whether Git merges decisions line by line, keeps what it must, and knows who commits."""
    if git(root, "rev-parse", "--is-inside-work-tree") is None:
        yield Finding("git", "warn", "no Git repository: decisions and dvc.lock have no history", "git init")
        return
    made = pipeline.path("apply_decisions", "decisions", root).as_posix()
    wrong = [
        f"{name} merge={driver}"
        for name, driver in ((made, "union"), ("dvc.lock", "binary"))
        if (git(root, "check-attr", "merge", "--", name) or "").strip() != f"{name}: merge: {driver}"
    ]
    if wrong:
        mend = f"add to .gitattributes: {'; '.join(wrong)}"
        yield Finding("merges", "warn", "a merge of two branches may lose decisions or mix two runs", mend)
    else:
        yield Finding("merges", "ok", f"{made} keeps the lines of both branches, dvc.lock is never mixed")
    if (root / made).exists() and git(root, "ls-files", "--error-unmatch", made) is None:
        yield Finding("decisions", "warn", f"{made} is not in Git", f"git add --force {made} && git commit")
    if not (git(root, "config", "user.name") or "").strip():
        yield Finding("git", "warn", "nobody is named: commits and reviews need it", 'git config user.name "Your Name"')
    yield Finding("hooks", "ok", _hooks(root))


def _hooks(root: Path) -> str:
    folder = root / (git(root, "rev-parse", "--git-path", "hooks") or "").strip()
    hook = folder / "post-checkout"
    if hook.is_file() and "dvc" in hook.read_text(encoding="utf-8", errors="replace"):
        return "`git checkout` brings the data of a commit along"
    return "none of DVC: after `git checkout`, `dvc checkout` brings the data along (`dvc install` does it by itself)"


def link_type(repo: "Repo") -> str:
    """Return how outputs get from the cache into the workspace: the first configured way that works here."""
    from dvc.fs import generic

    local = repo.cache.local
    there = next(path for path in (Path(local.path), *Path(local.path).parents) if path.is_dir())
    works = generic.test_links(list(LINKS), local.fs, str(there), repo.fs, str(Path(repo.tmp_dir) / "link"))
    configured = repo.config["cache"].get("type") or DEFAULT_LINKS
    return next((kind for kind in configured if kind in (*works, COPY)), COPY)


def cache(repo: "Repo", kind: str) -> Iterator[Finding]:
    """Yield where DVC keeps data, and how it gets into the workspace."""
    path = Path(repo.cache.local.path)
    there = next(folder for folder in (path, *path.parents) if folder.is_dir())
    if not os.access(there, os.W_OK):
        yield Finding("cache", "fail", f"{path} cannot be written", f"chmod u+w {there}, or `dvc cache dir FOLDER`")
        return
    ways = {
        "reflink": "outputs share its blocks: no data is twice on the disk",
        "hardlink": "outputs are hard links into it: never edit one in place",
        "symlink": "outputs are links into it: never edit one in place",
        COPY: "outputs are copies: all data is twice on the disk (`dvc config cache.type hardlink,copy` spares that)",
    }
    yield Finding("cache", "ok", f"{path}; {ways[kind]}")


def output_bytes(root: Path) -> int | None:
    """Return the bytes of all outputs of the last run that dvc.lock tells; None where there is none.

    Raises:
        UserError: dvc.lock cannot be read.
    """
    path = root / "dvc.lock"
    if not path.exists():
        return None
    try:
        locked = YAML(typ="safe").load(path.read_text(encoding="utf-8"))["stages"].values()
        return sum({out["path"]: out.get("size", 0) for stage in locked for out in stage.get("outs", [])}.values())
    except (YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{path.name}: not what DVC writes ({type(error).__name__}); git checkout dvc.lock") from None


def latest(root: Path) -> list[tuple[str, float]]:
    """Return the last commit and the last decision, each with its time in seconds since the epoch."""
    found = []
    if (committed := (git(root, "log", "-1", "--format=%ct") or "").strip()).isdigit():
        found.append(("the last commit", float(committed)))
    path = root / pipeline.path("apply_decisions", "decisions", root)
    dates = [line.decided_on for line in decisions.read(path)] if path.exists() else []
    moments = [datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() for date in dates if _is_date(date)]
    return found + ([("the last decision", max(moments))] if moments else [])


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def secrets(config: Mapping[str, object], environment: Mapping[str, str]) -> list[str]:
    """Return what no message may repeat: the values of a remote's settings and of variables that hold a credential.

    An address holds one before its host, and often after its question mark.
    """
    telling = ("key", "secret", "token", "pass", "credential", "connection_string", "sas")
    both = [(str(name).lower(), str(value)) for name, value in [*config.items(), *environment.items()]]
    found = [value for name, value in both if any(word in name for word in telling)]
    for _, value in both:
        if "://" in value:
            user, is_user, _ = value.partition("://")[2].partition("/")[0].rpartition("@")
            password = user.partition(":")[2] or user if is_user else ""
            found += [user, password, unquote(password), value.partition("?")[2].partition("#")[0]]
    return sorted({value for value in found if len(value) > 3}, key=len, reverse=True)
