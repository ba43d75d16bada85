"""params.yaml, merged key by key; what clashes is marked in the file and named."""

import io
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base.errors import UserError
from winnow.commands.merge import keys, weave
from winnow.commands.merge.keys import Conflict, Merger
from winnow.commands.merge.trees import Version

LONGEST = 60  # characters of a value that a line shows
# What a key in conflict has in the base while the sides are laid side by side, so that no part of it merges.
NEITHER = "\ufffc in conflict"


class Merged(NamedTuple):
    """A merged file.

    Attributes:
        text: with Git's marks where there is a conflict.
        conflicts: in words, one a line.
        taken: keys that are theirs.
        moved: whether comments may be lost or have moved, as the file had to be laid out anew.
    """

    text: str
    conflicts: list[str]
    taken: list[str]
    moved: bool


def merge(path: str, version: Version, name: str) -> Merged:
    """Merge a file of parameters, of which each side has one.

    Args:
        name: of their branch.

    Raises:
        UserError: a side's file is no mapping in YAML.
    """
    texts = [version.base or "", version.ours or "", version.theirs or ""]
    sides = [_plain(text, f"{path} of {side}") for text, side in zip(texts, ("base", "ours", "theirs"), strict=True)]
    ours, theirs = Merger(), Merger(lambda conflict: conflict.theirs)
    wanted = [merger.merge(*sides) for merger in (ours, theirs)]
    told = [describe(conflict) for conflict in ours.conflicts]
    woven = weave.weave(*texts)
    said = [_said(weave.resolved(woven, side)) for side in ("ours", "theirs")]
    # Of items with names, the text keeps each side's places, which is as good an order as that of the keys.
    if all(keys.same(keys.by_name(one), keys.by_name(other)) for one, other in zip(said, wanted, strict=True)):
        clashes = [part for part in woven if not isinstance(part, str)]
        told += [f"comments: {len(clashes)} clash"] if clashes and not told else []
        return Merged(weave.marked(woven, name), told, ours.taken, False)
    laid = [_laid(texts[1], values) for values in wanted]
    if told:
        neither = Merger(lambda conflict: NEITHER)
        base = _laid(texts[1], neither.merge(*sides))
        # They differ from one another in what is in conflict alone.
        woven = weave.weave(base, *laid)
        if [weave.resolved(woven, side) for side in ("ours", "theirs")] != laid:
            woven = weave.apart(*laid)  # of a null and a mapping, one is more lines than the other, and no line clashes
        laid[0] = weave.marked(woven, name)
    return Merged(laid[0], told, ours.taken, True)


def describe(conflict: Conflict) -> str:
    """Return a conflict in one line."""
    values = {name: _short(getattr(conflict, name)) for name in ("ours", "theirs", "base")}
    return f"{conflict.key}: " + ", ".join(f"{name} {value}" for name, value in values.items())


def _short(value: object) -> str:
    text = " ".join(str(value).split()) if value is not None else "null"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _plain(text: str, where: str) -> dict:
    try:
        document = YAML(typ="safe").load(text)
    except (YAMLError, ValueError) as error:
        raise UserError(f"{where}: not valid YAML: {' '.join(str(error).split())}; mend it on that side") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UserError(f"{where}: not sections with keys; mend it on that side")
    return document


def _said(text: str) -> object:
    try:
        return YAML(typ="safe").load(text)
    except (YAMLError, ValueError):
        return None


def _laid(text: str, wanted: dict) -> str:
    """Return a text's document with other values, and the comments that still have a place, as DVC lays it out."""
    yaml = YAML()
    yaml.default_flow_style = False
    document = yaml.load(text)
    if document is None:
        document = yaml.map()
    _put(document, wanted)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _put(document: dict, wanted: dict) -> None:
    for key in [key for key in document if key not in wanted]:
        del document[key]
    for place, (key, value) in enumerate(wanted.items()):
        if key in document and isinstance(document[key], dict) and isinstance(value, dict):
            _put(document[key], value)
        elif key not in document:
            document.insert(place, key, value)
        elif not keys.same(_bare(document[key]), value):
            document[key] = value
    if list(document) != list(wanted):
        for key in wanted:
            document.move_to_end(key)


def _bare(value: object) -> object:
    """Return a value as `YAML(typ="safe")` gives it."""
    out = io.StringIO()
    YAML().dump({"value": value}, out)
    return YAML(typ="safe").load(out.getvalue())["value"]
