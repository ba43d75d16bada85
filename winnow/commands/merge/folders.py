"""`.dvc` files of folders, merged file by file, as DVC's own merge driver does it."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands.merge.trees import Version

if TYPE_CHECKING:
    from dvc.repo import Repo

SUFFIX = ".dvc"
CHANGES = ["add", "remove", "change"]  # of a file of the folder, by one side


def merge(repo: "Repo", path: str, version: Version) -> str:
    """Return the merged `.dvc` file of a folder; its list of files goes into the cache.

    Raises:
        UserError: it is of a single file, both sides changed one file of it, or its lists are not in the cache.
    """
    from dvc.dvcfile import load_file
    from dvc.exceptions import DvcException

    # Beside the file, where its paths hold; DVC reads no file that it or Git ignores.
    folder = Path(repo.root_dir) / Path(path).parent
    with tempfile.TemporaryDirectory(prefix="winnow-merge-", dir=folder) as own:
        loaded = []
        for name in ("base", "ours", "theirs"):
            file = Path(own) / f"{name}{SUFFIX}"
            files.write_text(file, getattr(version, name) or "{}\n")
            loaded.append(load_file(repo, os.fspath(file), verify=False))
        base, ours, theirs = loaded
        try:
            ours.merge(base, theirs, allowed=CHANGES)
        except (DvcException, FileNotFoundError) as error:
            raise UserError(" ".join(str(error).split())) from None
        return files.read_text(Path(own) / f"ours{SUFFIX}")


def objects(text: str) -> set[str]:
    """Return the names of what a `.dvc` file has in DVC's cache."""
    try:
        return {out["md5"] for out in YAML(typ="safe").load(text)["outs"] if "md5" in out}
    except (YAMLError, KeyError, TypeError, ValueError):
        return set()
