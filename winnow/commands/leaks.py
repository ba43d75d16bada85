"""The part of `winnow lint` that looks at the data: has any row of dev or test a way into training?

It trusts no stage and reads the tables themselves; of a table that is not made yet it says nothing. `problems` looks
for leaks, `told` for texts that say their label in a heading, `broken` holds the tables that are made after `validate`
against their schemas.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.labelling.patterns import Regex
from winnow.labelling.settings import Params as Settings
from winnow.rows import splits, tables

TRAIN, TEST = splits.SPLITS.index("train"), splits.SPLITS.index("test")
BATCH_ROWS = 16 * 1024
# The tables of texts that models read.
READ_BY_MODELS = (
    ("deduplicate", "out"),
    ("apply_decisions", "out"),
    ("auxiliary", "out"),
    ("balance", "out"),
    ("balance", "dev"),
)


def problems(root: Path) -> list[str]:
    """Return one line for each way in which the tables below `root` leak."""
    table = pipeline.made("split", "out", root)
    if table is None:
        return []
    ids, group, cluster, split = assigned(root / table)
    order = np.argsort(ids)
    leaking = splits.leaks(group, cluster, split, frozen_groups(root))
    lines = [f"{table}: {len(rows)} row(s) {what}" for what, rows in leaking]

    def split_of(wanted: np.ndarray) -> np.ndarray:
        """Return the split of rows by id, -1 for a row that has none."""
        place = order[np.searchsorted(ids[order], wanted).clip(max=len(ids) - 1)]
        return np.where(ids[place] == wanted, split[place], -1)

    if table := pipeline.made("balance", "out", root):
        trained, groups = _columns(root / table, "id", "group")
        lines += _count(split_of(trained) != TRAIN, f"{table}: row(s) that are not of the train split")
        held_out = np.unique(group[split != TRAIN])
        lines += _count(np.isin(groups, held_out), f"{table}: row(s) of a group that stands in dev or test")
    if table := pipeline.made("auxiliary", "out", root):
        (learnt,) = _columns(root / table, "id")
        lines += _count(split_of(learnt) != TRAIN, f"{table}: row(s) that are not of the train split")
    for table in _predictions(root):
        (predicted,) = _columns(root / table, "id")
        lines += _count(split_of(predicted) == TRAIN, f"{table}: row(s) of the train split")
    # Of decisions, the rows as people left their texts; before the stage has run, as they were.
    if table := pipeline.made("apply_decisions", "edited", root) or pipeline.made("deduplicate", "out", root):
        rows, texts = _columns(root / table, "id", "text")
        trains = split_of(rows) == TRAIN
        same = np.isin(texts[~trains], texts[trains])
        lines += _count(same, f"{table}: row(s) of dev or test whose text also stands in train")
    return lines


def told(root: Path) -> list[str]:
    """Return one line for each table that models read and each rule that reads labels from headings beside the text.

    Such a rule has `field: meta.<name>`; a heading is found at the start of a text or of a sentence, before a colon.
    """
    made = [table for stage, option in READ_BY_MODELS if (table := pipeline.made(stage, option, root))]
    if not made:
        return []
    headings = {
        rule.name: "|".join(f"(?:{pattern})" for pattern in rule.labels.values())
        for rule in params.load("annotate", Settings, root / params.FILE).rules
        if isinstance(rule, Regex) and rule.field != "text"
    }
    found = {name: re.compile(rf"(?:^|[.!?)\]])\s*(?:{patterns})\s*:", re.I) for name, patterns in headings.items()}
    lines = []
    for table in made:
        counts = Counter()
        for batch in tables.batches(root / table, ["text"], BATCH_ROWS):
            for text in batch["text"].to_pylist():
                counts.update(name for name, heading in found.items() if heading.search(text))
        lines += [
            f"{table}: {count} row(s) whose text holds a heading from which rule '{name}' reads a label; set "
            "strip_headings of their profile in params.yaml: clean.profiles"
            for name, count in counts.items()
        ]
    return lines


def frozen_groups(root: Path) -> np.ndarray:
    """Return the test groups that are frozen, sorted uint64; there may be none yet."""
    file = pipeline.made("split", "frozen", root)
    return np.empty(0, np.uint64) if file is None else splits.read_frozen(root / file)


def broken(root: Path) -> list[str]:
    """Return one line for each table made after `validate` that breaks its schema."""
    made = [("issues", pipeline.made("find_issues", "out", root), "find_issues")]
    made += [("training", pipeline.made("balance", "out", root), "balance")]
    made += [("predictions", table, "evaluate") for table in _predictions(root)]
    made = [(schema, table, stage) for schema, table, stage in made if table is not None]
    if not made:
        return []
    from winnow.validation import schemas

    task = kinds.read_task(root / params.FILE)
    lines = []
    for name, table, stage in made:
        try:
            schemas.check_table(root / table, getattr(schemas, name)(task), f"run `dvc repro --force {stage}`")
        except UserError as error:
            lines.append(str(error))
    return lines


def assigned(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, groups, clusters (uint64, `splits.codes`) and splits (int8) of the stage split's table."""
    batches = tables.batches(path, ["split"], BATCH_ROWS)
    split = [np.empty(0, np.int8), *(splits.indices(batch["split"]) for batch in batches)]
    return *_columns(path, "id", "group", "cluster"), np.concatenate(split)


def _columns(path: Path, *names: str) -> tuple[np.ndarray, ...]:
    """Return columns of a table as `splits.codes`, (rows,) uint64 each."""
    parts = [[splits.codes(batch[name]) for name in names] for batch in tables.batches(path, names, BATCH_ROWS)]
    return tuple(map(np.concatenate, zip(*parts, strict=True))) if parts else (np.empty(0, np.uint64),) * len(names)


def _predictions(root: Path) -> list[Path]:
    """Return the tables of predictions, by baseline and classifiers."""
    folders = [pipeline.made("evaluate", option, root) for option in ("baseline", "out")]
    return [
        file.relative_to(root)
        for folder in folders
        if folder is not None
        for file in sorted((root / folder).glob("*.parquet"))
    ]


def _count(failing: np.ndarray, what: str) -> Iterator[str]:
    if failing.any():
        file, _, words = what.partition(": ")
        yield f"{file}: {int(failing.sum())} {words}"
