"""overlay: a file of values as arguments of `dvc exp run`, which puts them into params.yaml.

dvc exp run $(winnow overlay params/gpu.yaml)                          the full-size run on a GPU, in one word
dvc exp run $(winnow overlay params/gpu.yaml) -S adapt.tokens=5000000  the same with another value for a key of the file

A line of the file is a key of params.yaml with dots, and its value: `adapt.tokens: 20000000`. Keys and values are
checked first, as the stages would check them hours later.
"""

import argparse
import json
import re
from pathlib import Path

from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import parameters

NAME = "overlay"
# A text that neither the shell nor DVC reads as anything else.
PLAIN = re.compile(r"(?!(?i:true|false|null|nan|inf)$)[A-Za-z_][\w./-]*")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="such as params/gpu.yaml")


def execute(arguments: argparse.Namespace) -> None:
    """Print the arguments.

    Raises:
        UserError: the file or one of its keys or values is wrong.
    """
    changes = params.read(arguments.file)
    words = [f"-S ++{key}={word(value, f'{arguments.file}: {key}')}" for key, value in changes.items()]
    check(Path(), changes, str(arguments.file))
    print(" ".join(words))


def check(root: Path, changes: dict[str, object], where: str) -> None:
    """Check that the stages accept params.yaml with some values changed.

    Raises:
        UserError: they do not.
    """
    document = params.read(root / params.FILE)
    for key, value in changes.items():
        _put(document, key, value, f"{where}: {key}")
    models = parameters.models(root)
    for section in dict.fromkeys(key.partition(".")[0] for key in changes):
        params.parse(document[section], parameters.reader(models[section]), f"{where}: {section}")


def _put(document: dict, key: str, value: object, where: str) -> None:
    """Set the value of a key with dots, in which a number is a place in a list."""
    *parents, last = (int(part) if part.isdecimal() else part for part in key.split("."))
    inner: object = document
    try:
        for part in parents:
            inner = inner[part]
        if isinstance(inner, list):
            inner[last]  # a place that is there
        inner[last] = value
    except (KeyError, IndexError, TypeError):
        raise UserError(f"{where}: params.yaml has no place for it; mend the key") from None


def word(value: object, where: str) -> str:
    """Return a value as DVC reads it from a command line, in one word of the shell.

    Args:
        where: what an error begins with.

    Raises:
        UserError: it is more than a word, or holds keys.
    """
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        raise UserError(f"{where}: {value!r} is more than a plain word; write it into params.yaml")
    if isinstance(value, list):
        return f"[{','.join(word(item, where) for item in value)}]"
    if isinstance(value, dict):
        raise UserError(f"{where}: holds keys; give each a line of its own, with dots")
    return value if isinstance(value, str) else json.dumps(value)
