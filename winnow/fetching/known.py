"""The hashes of what came from hubs, a file in Git: like ssh's known_hosts, it takes a first answer and no other one.

It changes no output: it says which bytes a commit has, for other machines and later days. So DVC need not know it.
"""

import re
from pathlib import Path

from winnow.base import files, locks
from winnow.base.errors import UserError

LINE = re.compile(r"([0-9a-f]{64})  (\S+@[0-9a-f]{40})/(\S+)")


def read(file: Path) -> dict[str, dict[str, str]]:
    """Return the SHA-256 of each file, by the model and its commit, `owner/name@commit`.

    Raises:
        UserError: a line is none of a hash and a file, or two lines of a file differ.
    """
    found: dict[str, dict[str, str]] = {}
    for number, line in enumerate(files.read_text(file).splitlines() if file.exists() else [], 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise UserError(f"{file}: line {number}: not `<sha256>  <model>@<commit>/<file>`; mend or remove it")
        sha256, model, name = match.groups()
        if found.setdefault(model, {}).setdefault(name, sha256) != sha256:
            raise UserError(f"{file}: line {number}: another hash of {name} than above; remove the wrong line")
    return found


def add(file: Path, model: str, hashes: dict[str, str]) -> None:
    """Write down what a model's files are, unless another process just did."""
    lines = [f"{sha256}  {model}/{name}\n" for name, sha256 in sorted(hashes.items())]
    with locks.locked(file, b""):
        if model not in read(file):
            files.write_text(file, files.read_text(file) + "".join(lines))
            print(f"{file}: now knows {len(lines)} files of {model}; commit it")
