"""A dataset folder that `datasets.load_dataset` reads: Parquet by split, and a card."""

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow import kinds
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.base.files import write_text
from winnow.commands import pipeline
from winnow.commands.publishing import cards, licences
from winnow.kinds.task import Task
from winnow.rows import tables

SPLITS = {"train": "train", "dev": "validation", "test": "test"}  # by the names that load_dataset's users expect
COLUMNS = {
    "id": "a hash that names the row",
    "source": "where the text comes from",
    "licence": "of the source, as it states it",
    "published": "when",
    "group": "a hash that rows share which must not be split apart, as those of one paper",
    "text": "what is read, cleaned",
    "label": "what is learnt",
    "label_origin": "given by the source, set by a human, by a rule or by a model",
    "label_confidence": "of labels by a rule or a model",
}
FURTHER = "a label of a further task"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10**7, "1M<n<10M"))


@dataclass
class Contents:
    """What a dataset folder holds.

    Attributes:
        rows: by split.
        sources: rows by source and licence.
        labels: rows by split and class.
        distinct: the labels that occur.
        unlabelled: rows that are left out, for they have no label.
    """

    rows: Counter = field(default_factory=Counter)
    sources: Counter = field(default_factory=Counter)
    labels: Counter = field(default_factory=Counter)
    distinct: set[str] = field(default_factory=set)
    unlabelled: int = 0

    @property
    def licences(self) -> list[str]:
        """The sources' licences, each once."""
        return sorted({licence for _, licence in self.sources})


def contents(task: Task, left_out: Collection[str]) -> Contents:
    """Return what would be published, without the rows of some sources.

    Raises:
        UserError: the labelled table is not made, a source is not in it, or no row is left.
    """
    found, path = Contents(), pipeline.path("apply_decisions", "out")
    every: set[str] = set()
    for batch in tables.batches(path, ["source", "licence", "label", "split"]):
        every.update(pc.unique(batch["source"]).to_pylist())
        for row in batch.to_pylist():
            if row["source"] in left_out:
                continue
            if row["label"] is None or row["split"] not in SPLITS:
                found.unlabelled += 1
                continue
            split = SPLITS[row["split"]]
            found.rows[split] += 1
            found.sources[row["source"], row["licence"]] += 1
            found.labels.update((split, name) for name in task.names(row["label"]))
            found.distinct.add(row["label"])
    for source in sorted(set(left_out) - every):
        raise UserError(f"--leave-out: there is no source '{source}'; there are: {', '.join(sorted(every))}")
    if not found.rows:
        raise UserError(f"{path}: no row with a label is left to publish")
    return found


def write(folder: Path, found: Contents, task: Task, left_out: Collection[str], hub_id: str | None) -> None:
    """Write the rows and the card of a dataset into an empty folder."""
    path = pipeline.path("apply_decisions", "out")
    schema = tables.schema(path)
    names, further = columns(), _further(task)
    published = pa.schema([schema.field(name).with_nullable(True) for name in names])
    for name, (kind, _) in further.items():
        published = published.append(pa.field(name, kind))
    (folder / "data").mkdir(parents=True)
    with ExitStack() as stack:
        files = {
            split: stack.enter_context(pq.ParquetWriter(folder / file_of(split), published, compression="zstd"))
            for split in found.rows
        }
        for batch in tables.batches(path, [*names, "split"], rows=tables.ROW_GROUP):
            out = pc.is_in(batch["source"], pa.array(list(left_out), pa.string()))
            rows = batch.filter(pc.and_(pc.is_valid(batch["label"]), pc.invert(out)))
            # A group's own name may be a person's.
            groups = [hashing.digest("group", group)[:16] for group in rows["group"].to_pylist()]
            rows = tables.set_column(rows, "group", groups, pa.string())
            for own, split in SPLITS.items():
                part = rows.filter(pc.equal(rows["split"], own)).select(names)
                if part.num_rows:
                    told = [part[name].to_pylist() for name in ("text", "label")]
                    for name, values in kinds.load(task, "exported").columns(task, *told).items() if further else ():
                        part = part.append_column(name, values)
                    files[split].write_table(part.cast(published))
    write_text(folder / "README.md", card(found, task, hub_id))


def _further(task: Task) -> Mapping[str, tuple[pa.DataType, str]]:
    """Return the columns that the kind of task adds, each with its type and what it is."""
    return kinds.load(task, "exported").COLUMNS if kinds.has(task, "exported") else {}


def columns() -> list[str]:
    """Return the columns that are published, in order."""
    names = tables.schema(pipeline.path("apply_decisions", "out")).names
    return [name for name in names if name in COLUMNS or name.startswith("aux_")]


def file_of(split: str) -> str:
    """Return where the rows of a split stand in a dataset's folder."""
    return f"data/{split}.parquet"


def card(found: Contents, task: Task, hub_id: str | None) -> str:
    """Return the card: YAML, how to load the dataset, what it holds, and the pipeline's own datasheet.

    Raises:
        UserError: the datasheet is not made.
    """
    total = sum(found.rows.values())
    named = [split for split in SPLITS.values() if found.rows[split]]
    front = {
        "pretty_name": cards.title(),
        **cards.licence(found.licences),
        "language": cards.languages(source for source, _ in found.sources),
        "task_categories": cards.task_categories(task),
        "size_categories": [next((name for most, name in SIZES if total < most), "n>10M")],
        "label_names": task.classes(found.distinct) if task.learns_classes else None,
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": file_of(split)} for split in named],
            }
        ],
    }
    told = {name: COLUMNS.get(name, FURTHER) for name in columns()}
    told |= {name: what for name, (_, what) in _further(task).items()}
    parts = [
        f"# {cards.plain(cards.title())}",
        cards.plain(cards.description()),
        f'```python\nfrom datasets import load_dataset\n\ndataset = load_dataset("{hub_id or "this/folder"}")\n```',
        f"It has {total:,} rows: {', '.join(f'{found.rows[split]:,} {split}' for split in named)}.",
        "## Columns",
        cards.table(("Column", "What it is"), [*told.items()]),
        "## Labels",
        cards.table(
            ("Label", *named),
            [(name, *(f"{found.labels[split, name]:,}" for split in named)) for name in task.classes(found.distinct)],
        ),
        f"{found.unlabelled:,} further rows of the pipeline have no label and are left out.",
        "## Sources and licences",
        cards.table(
            ("Source", "Rows", "Licence, as the source states it"),
            [(source, f"{rows:,}", licence) for (source, licence), rows in sorted(found.sources.items())],
        ),
        cards.body(pipeline.path("report", "datasheet"), without=("Distribution",)),
    ]
    return cards.written(front, parts)


def check(found: Contents, agreed: bool) -> None:
    """Raise `UserError` where a source's licence forbids to publish its rows, or does not say and nobody agreed."""
    for source, licence in sorted(found.sources):
        if licences.forbids(licence):
            raise UserError(
                f"source '{source}': its licence is '{licence}', by which its texts are not to be passed on; give "
                f"--leave-out {source}"
            )
    unclear = sorted(pair for pair in found.sources if not licences.is_clear(pair[1]))
    if unclear and not agreed:
        told = "; ".join(f"{source}: '{licence}'" for source, licence in unclear)
        raise UserError(
            f"no known licence allows to pass these texts on: {told}; give --leave-out SOURCE, or --yes if you may"
        )
