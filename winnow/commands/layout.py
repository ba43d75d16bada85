"""The layout of params.yaml: DVC's own, so that `dvc exp run -S key=value` changes the line of the key and no other.

DVC loads the file with its comments, puts every value anew and dumps all of it. So a list stands one item a line and
holds no comments, none follows it, and a number is written as Python writes it.
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
    for tag, start, end, other_start, other_end in difflib.SequenceMatcher(None, ours, theirs, False).get_opcodes():
        if tag != "equal":
            there, here = (" / ".join(lines) or "nothing" for lines in (theirs[other_start:other_end], ours[start:end]))
            found.append(
                f"{params.FILE}: line {start + 1}: `dvc exp run -S` would write {there!r} in place of {here!r}"
            )
    return found


def rewritten(text: str) -> str:
    """Return params.yaml as DVC (3.67, `dvc.utils.hydra.apply_overrides`) writes it when no value changes."""
    yaml = YAML()
    yaml.default_flow_style = False
    document = yaml.load(text)
    _put(document, YAML(typ="safe").load(text))
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _put(document: dict, values: dict) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(document[key], dict):
            _put(document[key], value)
        else:
            document[key] = value
