"""dvc.lock, merged stage by stage: each entry is the whole record of a run that was.

An entry that one side alone changed is that side's. One that both changed stays as ours: `dvc repro` compares it with
the merged inputs, finds others, and runs the stage, or takes the run from its cache. One that a side took out is out:
its stage is not of the merged pipeline, or runs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base.errors import UserError
from winnow.commands.merge import keys
from winnow.commands.merge.keys import Merger
from winnow.commands.merge.trees import Version

FILE = "dvc.lock"
STAGES, OUTS = "stages", "outs"
OURS, THEIRS, BOTH, GONE = "ours", "theirs", "both", "gone"


@dataclass
class Merged:
    """A merged dvc.lock.

    Attributes:
        text: of the file.
        sides: by stage, whose entry it is: `OURS`, `THEIRS`, `BOTH` (ours, to be run again) or `GONE`; those that are
            the same on both sides are left out.
        outs: by stage, the paths that its entry, or that of the other side, says it writes.
        objects: names of what the entries that are theirs have in DVC's cache.
    """

    text: str
    sides: dict[str, str] = field(default_factory=dict)
    outs: dict[str, set[str]] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)

    def of(self, side: str) -> list[str]:
        """Return the stages whose entry is of a side."""
        return [stage for stage, own in self.sides.items() if own == side]


def merge(version: Version) -> Merged:
    """Merge a lock that both sides have.

    Raises:
        UserError: a side's file is not what DVC writes.
    """
    from dvc.utils.serialize import dumps_yaml

    texts = {"base": version.base or "", "ours": version.ours or "", "theirs": version.theirs or ""}
    locks = [_read(text, side) for side, text in texts.items()]
    base, ours, theirs = (lock.get(STAGES, {}) for lock in locks)
    merged, entries = Merged(""), {}
    for name in keys.order(list(base), list(ours), list(theirs)):
        before, mine, yours = (side.get(name) for side in (base, ours, theirs))
        if not keys.same(mine, yours):
            merged.sides[name] = _side(before, mine, yours)
            merged.outs[name] = {out["path"] for entry in (mine, yours) for out in _outs(entry)}
        entry = yours if merged.sides.get(name) == THEIRS else mine
        if merged.sides.get(name) != GONE:
            entries[name] = entry
        if merged.sides.get(name) == THEIRS:
            merged.objects |= {out["md5"] for out in _outs(entry) if "md5" in out}
    rest = [{name: value for name, value in lock.items() if name != STAGES} for lock in locks]
    merged.text = dumps_yaml(Merger().merge(*rest) | {STAGES: entries})
    return merged


def _side(before: object, mine: object, yours: object) -> str:
    """Return whose entry a stage gets, where the two sides differ."""
    if mine is None or yours is None:  # a new stage of one side, or one that a side took out
        return GONE if before is not None else OURS if yours is None else THEIRS
    if keys.same(mine, before):
        return THEIRS
    return OURS if keys.same(yours, before) else BOTH


def _outs(entry: Mapping | None) -> Iterator[dict]:
    yield from (entry or {}).get(OUTS, [])


def _read(text: str, side: str) -> dict:
    """Return a lock's values; an empty file has none."""
    try:
        lock = YAML(typ="safe").load(text) or {}
        entries = lock.get(STAGES, {}).values()
        if not all(isinstance(out["path"], str) for entry in entries for out in _outs(entry)):
            raise TypeError("a path that is no text")
    except (YAMLError, AttributeError, KeyError, TypeError, ValueError):
        raise UserError(
            f"{FILE} of {side}: not what DVC writes; mend it on that side: `dvc repro` there writes it anew"
        ) from None
    return lock
