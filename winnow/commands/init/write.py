"""params.yaml for the data: sections of the example replaced, everything else as it stood, with its comments."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from winnow.base import params
from winnow.commands import layout, parameters

ONE_LINE = re.compile(r"^(?P<section>\w+): (?P<keys>\{.+\})(?P<comment> #.*)?\n", re.MULTILINE)
GONE = object()  # the value of a key that shall not be there
# ruamel mislays the comment of a list that becomes empty, and what follows: so it gets an item until it is text.
NO_ITEM = "no item"
NO_ITEMS = re.compile(rf"^( *\w+):( #.*)?\n *- {NO_ITEM}\n", re.MULTILINE)

FAR_COMMENT = re.compile(
    r"^( *\w+: .*\S) {2,}# ", re.MULTILINE
)  # ruamel keeps the place that it had after another value


def changed(text: str, changes: Mapping[str, Mapping[str, object]]) -> str:
    """Return params.yaml with other values, as DVC lays it out.

    Args:
        changes: by section, the values of its keys, `GONE` for one that goes; the other keys stay.
    """
    document = _yaml().load(_in_blocks(text, changes))
    for section, values in changes.items():
        _update(document.setdefault(section, CommentedMap()), values)
    made = _dumped(document)
    there = YAML(typ="safe").load(made)  # once, and without comments: a load with them takes a tenth of a second
    for section, values in changes.items():
        new = {key: value for key, value in values.items() if key not in there[section] and value is not GONE}
        made = _with_keys(made, section, new)
    made = FAR_COMMENT.sub(r"\1 # ", made)
    while (again := layout.rewritten(made)) != made:
        made = again
    return made


def _in_blocks(text: str, changes: Mapping[str, Mapping[str, object]]) -> str:
    """Return the text with a line for each key of sections that stand in one line and get further keys."""

    def block(found: re.Match) -> str:
        keys = YAML(typ="safe").load(found["keys"])
        values = changes.get(found["section"], {})
        if {key for key, value in values.items() if value is not GONE} <= set(keys):
            return found[0]
        lines = _dumped(keys).splitlines(keepends=True)
        return f"{found['section']}:{found['comment'] or ''}\n{''.join(f'  {line}' for line in lines)}"

    return ONE_LINE.sub(block, text)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.default_flow_style = False
    return yaml


def _dumped(document: Mapping) -> str:
    out = io.StringIO()
    _yaml().dump(document, out)
    return NO_ITEMS.sub(r"\1: []\2\n", out.getvalue())


def _update(mapping: CommentedMap, values: Mapping[str, object]) -> None:
    """Set the values of keys that are there."""
    for key in [key for key in values if key in mapping]:
        there, value = mapping[key], values[key]
        if value is GONE:
            del mapping[key]
            continue
        if there == value:  # it stays as it is written
            continue
        if isinstance(value, Mapping) and isinstance(there, CommentedMap):
            for name in [name for name in there if name not in value]:
                del there[name]
            there.update(value)  # in the style in which it is written
        else:
            mapping[key] = [NO_ITEM] if value == [] else value


def _with_keys(text: str, section: str, values: Mapping[str, object]) -> str:
    """Return the text with new keys at the head of a section.

    Written as text: where a key is put into a mapping, ruamel moves the comments around it.
    """
    if not values:
        return text
    lines = "".join(f"  {line}\n" for line in _dumped(dict(values)).splitlines())
    return re.sub(rf"^{section}:.*\n", lambda found: found[0] + lines, text, count=1, flags=re.MULTILINE)


def check(text: str, root: Path, where: str) -> None:
    """Raise `UserError` if the stages would refuse a section of this params.yaml."""
    document = YAML(typ="safe").load(text)
    for section, models in parameters.models(root).items():
        params.parse(document[section], parameters.reader(models), f"{where}: {section}")
