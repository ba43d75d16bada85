"""What the Git remote `origin` has, asked over the network: branches and tags that this clone may not know."""

import os
import subprocess
from pathlib import Path

NAME = "origin"
SECONDS = 30


def refs(root: Path) -> dict[str, str] | None:
    """Return the commit of each branch and tag of `origin`, by its full name; None where it does not answer.

    Without an `origin` there is nothing to know: the answer is empty.
    """
    listed = subprocess.run(["git", "remote"], cwd=root, capture_output=True, encoding="utf-8", errors="replace")
    if NAME not in listed.stdout.split():
        return {}
    try:
        done = subprocess.run(
            ["git", "ls-remote", "--heads", "--tags", "--refs", NAME],
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            # It asks for no password: nobody is there to answer in CI, and a question would hang.
            env=os.environ | {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": _ssh()},
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        return None
    return dict(reversed(line.split("\t", 1)) for line in done.stdout.splitlines())


def _ssh() -> str:
    return os.environ.get("GIT_SSH_COMMAND", "ssh") + " -o BatchMode=yes"
