"""Which part of the version a release raises, and why, by what differs from the release before.

major: who reads it must change something, or a figure of before no longer compares. Labels or columns are others, or a
row stands in another split: a model of before may have learnt what now tests it.
minor: there is more of the same. Rows were added; a model was trained otherwise.
patch: what was there is more right. Decisions, cleaning, removals; a model that learnt from these.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from winnow.commands.diff.data import UNLABELLED
from winnow.commands.diff.verdict import rows
from winnow.commands.releasing.artifacts import MODEL, Artifact
from winnow.commands.releasing.versions import LEVELS

# Sections of params.yaml by which a model is trained otherwise.
TRAINING = ("adapt", "approaches", "arms", "balance", "encoder", "fetch_model", "finetune")
SHOWN = 3  # names of a reason


@dataclass(frozen=True)
class Proposal:
    """The part of the version to raise, and the reasons for it; of lower parts, nothing is told."""

    level: str
    reasons: list[str]


def of(artifact: Artifact, path_before: str, found: Mapping, schemas: tuple[pa.Schema, pa.Schema]) -> Proposal:
    """Return the proposal.

    Args:
        artifact: as it is now; `path_before` is what the release before names.
        found: what `winnow diff` finds since the release before.
        schemas: of the labelled table, before and now.
    """
    told: dict[str, list[str]] = {level: [] for level in LEVELS}
    told["major"] += _labels(found)
    if artifact.type == MODEL:
        if artifact.path != path_before:
            told["minor"].append(f"the model is another, {artifact.path} and not {path_before}")
        told["minor"] += _parameters(found, TRAINING, "trained with other")
    else:
        told["major"] += [*_columns(*schemas), *_moved(found)]
    data = found["data"]
    if data["added"]["rows"]:
        told["minor"].append(f"{rows(data['added']['rows'])} added")
    for key, words in (("relabelled", "relabelled"), ("changed", "with another text"), ("removed", "removed")):
        if data[key]["rows"]:
            told["patch"].append(f"{rows(data[key]['rows'])} {words}")
    level = next((level for level in LEVELS if told[level]), "patch")
    return Proposal(level, told[level] or ["the bytes are others, and no row is"])


def _labels(found: Mapping) -> Iterator[str]:
    yield from _parameters(found, ("task",), "the task has other")
    before, after = (set(classes) - {UNLABELLED} for classes in found["data"]["by_class"])
    for names, words in ((after - before, "new"), (before - after, "gone")):
        if names:
            yield f"{_some(sorted(names), 'class', 'classes')} {words}"


def _parameters(found: Mapping, sections: tuple[str, ...], words: str) -> Iterator[str]:
    names = [name for name in found["setup"]["params"] if name.partition(".")[0] in sections]
    if names:
        yield f"{words} parameters: {', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"


def _columns(before: pa.Schema, after: pa.Schema) -> Iterator[str]:
    old, new = ({field.name: str(field.type) for field in schema} for schema in (before, after))
    others = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    if others:
        yield f"{_some(others, 'column', 'columns')} added, removed or of another type"


def _moved(found: Mapping) -> Iterator[str]:
    moved = found["data"]["moved"]
    if moved:
        yield f"{rows(sum(moved.values()))} in another split ({', '.join(list(moved)[:SHOWN])})"


def _some(names: list[str], one: str, many: str) -> str:
    word = one if len(names) == 1 else many
    return f"{word} {', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"
