"""The layout of params.yaml: DVC's own, so that `dvc exp run -S key=value` changes the line of the key and no other.

DVC loads the file with its comments, makes every list anew and dumps all of it. So a list stands one item a line, and a
comment or an empty line in a list or after it is lost: the last key of a section is none.
"""

import difflib
import io
from pathlib import Path

from ruamel.yaml import YAML

from winnow.base import files, params


def problems(root: Path) -> list[str]:
    """Return one line for each part of params.yaml that DVC would write otherwise."""
    text = files.read_text(root / params.FILE)
    ours, theirs = text.splitlines(), rewritten(text).splitlines()
    found = []
    for tag, start, end, first, last in difflib.SequenceMatcher(None, ours, theirs, False).get_opcodes():
        if tag != "equal":
            here, there = (" / ".join(lines) or "nothing" for lines in (ours[start:end], theirs[first:last]))
            found.append(
                f"{params.FILE}: line {start + 1}: `dvc exp run -S` would write {there!r} in place of {here!r}"
            )
    return found


def rewritten(text: str) -> str:
    """Return params.yaml as DVC (3.67, `dvc.utils.hydra.apply_overrides`) writes it when no value changes."""
    yaml = YAML()
    yaml.default_flow_style = False
    document = yaml.load(text)
    _renew(document)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _renew(mapping: dict) -> None:
    for key, value in mapping.items():
        if isinstance(value, dict):
            _renew(value)
        elif isinstance(value, list):
            mapping[key] = _plain(value)


def _plain(value: object) -> object:
    """Return a value in which no mapping and no list holds comments; numbers and texts keep how they are written."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(map(_plain, value)) if isinstance(value, list) else value
