"""Which files of a model's folder go with the model to others: those that Winnow and transformers write, nothing else.

A folder holds what its owner laid there, too: notes, keys, a checkout's .git, links to anywhere. None of it is copied.
"""

import os
import re
import shutil
import stat
from collections.abc import Collection
from pathlib import Path

from winnow import kinds
from winnow.base.errors import UserError
from winnow.commands import graphs
from winnow.encoder import parts
from winnow.encoder.reader import FILE as READER
from winnow.kinds.task import Task
from winnow.text.cleaning import saved

OWN = (kinds.TASK_FILE, saved.FILE, READER)
TOKENIZER = (*parts.OPTIONAL, *parts.SOURCES, parts.TOKENIZER, "spiece.model", "tokenizer.model", "chat_template.jinja")
MODEL = (parts.CONFIG, "generation_config.json", parts.INDEX, graphs.FILE)
WEIGHTS = re.compile(r"model(?:-\d{5}-of-\d{5})?\.safetensors")
CARD = "README.md"  # each copy has one of its own
# Where DVC keeps a file's content, to which it may link: `files/md5/` and the hash, cut after two digits.
IN_CACHE = re.compile(r".*/files/md5/[0-9a-f]{2}/[0-9a-f]{30}")


def names(task: Task) -> Collection[str]:
    """Return the paths in a model's folder that its kind of task, Winnow or transformers may read, but for weights."""
    own = kinds.load(task, "served").FILES if kinds.has(task, "served") else ()
    return {*OWN, *TOKENIZER, *MODEL, *own}


def copy(folder: Path, wanted: Collection[str], into: Path) -> list[str]:
    """Copy all of `wanted` that is there; return the paths that are left out.

    Args:
        wanted: paths in the folder.
        into: an empty folder.

    Raises:
        UserError: a file that is wanted is a link to elsewhere, or none.
    """
    left_out = []
    for found in sorted(_below(folder)):
        path = folder / found
        if found not in wanted:
            if found != CARD:
                left_out.append(found)
            continue
        _check(path, folder)
        (into / found).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, into / found)
    return left_out


def weights(folder: Path) -> list[str]:
    """Return the names of the files of a model's weights, in a folder.

    Raises:
        UserError: there are none that run no code when they are loaded.
    """
    found = [name for name in os.listdir(folder) if WEIGHTS.fullmatch(name) or name == graphs.FILE]
    if not found:
        raise UserError(f"{folder}: no {parts.WEIGHTS}, so no model; `dvc repro finetune` or `dvc pull` makes it whole")
    return found


def _below(folder: Path) -> list[str]:
    """Return the paths in a folder; a folder that is a link, or holds nothing that could be wanted, as it is."""
    found = []
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            found += [f"{entry.name}/{inner.name}" for inner in os.scandir(entry.path)]
        else:
            found.append(entry.name)
    return found


def _check(path: Path, folder: Path) -> None:
    """Raise `UserError` unless a path leads to a file of the folder, or to one that DVC keeps for it."""
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(os.path.realpath(folder)) and not IN_CACHE.fullmatch(target.as_posix()):
        raise UserError(f"{path}: a link to {target}, outside of the model's folder; put the file itself there")
    if not target.exists() or not stat.S_ISREG(target.stat().st_mode):
        raise UserError(f"{path}: no file; `dvc repro finetune` or `dvc pull` makes the model whole")
