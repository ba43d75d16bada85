"""What dvc.yaml lists below `artifacts:`: names for outputs, by which `dvc artifacts get` finds a release."""

import re
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base.errors import UserError
from winnow.commands import pipeline

# GTO's rule of a name (gto/constants.py), without a slash: no tag of ours is a folder of tags.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-_]*[a-zA-Z0-9]")
MODEL = "model"  # the type of an artifact whose path is the model that is best on dev


@dataclass(frozen=True)
class Artifact:
    """An entry: its name, the output that it names, and its type."""

    name: str
    path: str
    type: str


def read(text: str) -> dict[str, Artifact]:
    """Return the artifacts of dvc.yaml by name.

    Args:
        text: of the file.

    Raises:
        UserError: an entry has no path, or a name that no tag of GTO may have.
    """
    try:
        listed = (YAML(typ="safe").load(text) or {}).get("artifacts") or {}
    except (YAMLError, ValueError):
        raise UserError(f"{pipeline.FILE}: not valid YAML; mend it") from None
    found = {}
    for name, entry in listed.items():
        if not NAME.fullmatch(str(name)):
            raise UserError(f"{pipeline.FILE}: artifacts: '{name}' must be letters, digits, - and _ alone")
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise UserError(f"{pipeline.FILE}: artifacts: {name}: has no path; name an output")
        found[name] = Artifact(name, entry["path"], str(entry.get("type", "")))
    return found


def named(text: str, name: str) -> Artifact:
    """Return one artifact.

    Raises:
        UserError: dvc.yaml lists none of this name.
    """
    found = read(text)
    if name not in found:
        there = f"has {', '.join(found)}" if found else "lists none"
        raise UserError(f"'{name}' is no artifact: {pipeline.FILE} {there}; docs/releases.md says how to add one")
    return found[name]


def pointed(text: str, artifact: Artifact, path: Path) -> str:
    """Return dvc.yaml's text in which an artifact names another output; no other line is another.

    Raises:
        UserError: its entry is written so that its path has no line of its own.
    """
    if artifact.path == path.as_posix():
        return text
    line = re.compile(
        rf"^(artifacts:[^\n]*\n(?:[ #][^\n]*\n|\n)*?( +){re.escape(artifact.name)}:[^\n]*\n"
        rf"(?:\2 +[^\n]*\n)*?\2 +path: +)([^\s#]+)",
        re.MULTILINE,
    )
    new = line.sub(lambda match: match[1] + path.as_posix(), text, count=1)
    if read(new) != read(text) | {artifact.name: Artifact(artifact.name, path.as_posix(), artifact.type)}:
        raise UserError(
            f"{pipeline.FILE}: artifacts: {artifact.name}: set its path to {path.as_posix()} yourself, and commit"
        )
    return new
