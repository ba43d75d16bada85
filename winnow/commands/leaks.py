"""The part of `winnow lint` that looks at the data: has any row of dev or test a way into training?

It trusts no stage and reads the tables themselves; of a table that is not made yet it says nothing. `problems` looks
for leaks, `broken` holds the tables that are made after `validate` against their schemas.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.rows import splits, tables

SPLIT = Path("data/split.parquet")
FROZEN = Path("data/frozen/test_groups.txt")
DEDUPLICATED = Path("data/deduplicated.parquet")
TRAINING = Path("data/training.parquet")
AUXILIARY = Path("data/auxiliary.parquet")
ISSUES = Path("data/issues.parquet")
PREDICTED = "data/baseline", "data/predictions"
TRAIN, TEST = splits.SPLITS.index("train"), splits.SPLITS.index("test")
BATCH_ROWS = 16 * 1024


def problems(root: Path) -> list[str]:
    """Return one line for each way in which the tables below `root` leak."""
    if not (root / SPLIT).exists():
        return []
    ids, group, cluster, split = assigned(root / SPLIT)
    order = np.argsort(ids)
    frozen = splits.read_frozen(root / FROZEN) if (root / FROZEN).exists() else np.empty(0, np.uint64)
    found = [f"{SPLIT}: {len(rows)} row(s) {what}" for what, rows in splits.leaks(group, cluster, split, frozen)]

    def split_of(wanted: np.ndarray) -> np.ndarray:
        """Return the split of rows by id, -1 for a row that has none."""
        place = order[np.searchsorted(ids[order], wanted).clip(max=len(ids) - 1)]
        return np.where(ids[place] == wanted, split[place], -1)

    if (root / TRAINING).exists():
        trained, groups = _columns(root / TRAINING, "id", "group")
        found += _count(split_of(trained) != TRAIN, f"{TRAINING}: row(s) that are not of the train split")
        held_out = np.unique(group[split != TRAIN])
        found += _count(np.isin(groups, held_out), f"{TRAINING}: row(s) of a group that stands in dev or test")
    if (root / AUXILIARY).exists():
        (learnt,) = _columns(root / AUXILIARY, "id")
        found += _count(split_of(learnt) != TRAIN, f"{AUXILIARY}: row(s) that are not of the train split")
    for file in _predictions(root):
        (predicted,) = _columns(file, "id")
        found += _count(split_of(predicted) == TRAIN, f"{file.relative_to(root)}: row(s) of the train split")
    if (root / DEDUPLICATED).exists():
        rows, texts = _columns(root / DEDUPLICATED, "id", "text")
        trains = split_of(rows) == TRAIN
        same = np.isin(texts[~trains], texts[trains])
        found += _count(same, f"{DEDUPLICATED}: row(s) of dev or test whose text also stands in train")
    return found


def broken(root: Path) -> list[str]:
    """Return one line for each table made after `validate` that breaks its schema."""
    made = [("issues", ISSUES, "find_issues"), ("training", TRAINING, "balance")]
    made += [("predictions", file.relative_to(root), "evaluate") for file in _predictions(root)]
    made = [entry for entry in made if (root / entry[1]).exists()]
    if not made:
        return []
    from winnow.validation import schemas

    domain = schemas.Domain(kinds.read_task(root / params.FILE))
    found = []
    for name, path, stage in made:
        try:
            schemas.check_table(root / path, getattr(schemas, name)(domain), f"run `dvc repro --force {stage}`")
        except UserError as error:
            found.append(str(error))
    return found


def assigned(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, groups, clusters (uint64, `splits.codes`) and splits (int8) of data/split.parquet, (rows,) each."""
    batches = tables.batches(path, ["split"], BATCH_ROWS)
    split = [np.empty(0, np.int8), *(splits.indices(batch["split"]) for batch in batches)]
    return *_columns(path, "id", "group", "cluster"), np.concatenate(split)


def _columns(path: Path, *names: str) -> tuple[np.ndarray, ...]:
    """Return columns of a table as `splits.codes`, (rows,) uint64 each."""
    parts = [[splits.codes(batch[name]) for name in names] for batch in tables.batches(path, names, BATCH_ROWS)]
    return tuple(map(np.concatenate, zip(*parts, strict=True))) if parts else (np.empty(0, np.uint64),) * len(names)


def _predictions(root: Path) -> list[Path]:
    return [file for folder in PREDICTED for file in sorted((root / folder).glob("*.parquet"))]


def _count(failing: np.ndarray, what: str) -> Iterator[str]:
    if failing.any():
        file, _, words = what.partition(": ")
        yield f"{file}: {int(failing.sum())} {words}"
