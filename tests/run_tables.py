"""The tables of a whole run up to the labels, as the stages write them; and ways to break one."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.conftest import make_rows
from winnow.rows import ledger, splits, tables

LABELS = ["FRUIT", "STONE"]


def write(folder: Path, count: int = 24) -> None:
    """Write the tables of a run: `count` task rows, 4 texts, one row dropped by clean and one by deduplicate."""
    task = [
        {"label": None if n == 0 else LABELS[n % 2], "group": f"g{n // 2}", "text": f"a {LABELS[n % 2].lower()} {n}"}
        for n in range(count)
    ]
    texts = [{"source": "texts", "purpose": "text", "source_key": f"t{n}", "text": f"of {n}"} for n in range(4)]
    gone = [{"source_key": "empty", "text": ""}, {"source_key": "copy", "text": "a copy"}]
    everything = make_rows([*task, *gone, *texts], aux=("kind",))
    tables.write(everything.slice(0, count + 2), folder / "raw/test.parquet")
    tables.write(everything.slice(count + 2), folder / "raw/texts.parquet")
    empty, copy = everything["id"][count].as_py(), everything["id"][count + 1].as_py()
    drop(folder, "clean", [empty])
    drop(folder, "deduplicate", [copy])
    drop(folder, "apply_decisions", [])
    clean = everything.filter(pc.not_equal(everything["id"], empty))
    tables.write(clean, folder / "clean.parquet")
    rows = clean.filter(pc.not_equal(clean["id"], copy))
    rows = tables.set_column(rows, "cluster", rows["id"], pa.string())
    tables.write(rows, folder / "deduplicated.parquet")

    numbers = [
        int(group[1:]) if group.startswith("g") and group[1:].isdigit() else 0 for group in column(rows, "group")
    ]
    placed = tables.set_column(rows, "split", [splits.SPLITS[number % 3] for number in numbers], pa.string())
    tables.write(placed.select(["id", "group", "cluster", "split"]), folder / "split.parquet")
    labelled = placed.filter(pc.equal(placed["purpose"], "task"))
    annotation = {"id": labelled["id"][0].as_py(), "label": "FRUIT", "label_origin": "rule", "label_confidence": 0.9}
    note = pa.Table.from_pylist([annotation | {"rule": "r", "version": "v1"}])
    tables.write(note, folder / "annotations.parquet")
    for name in ("label", "label_origin", "label_confidence"):
        values = [annotation[name], *column(labelled, name)[1:]]
        labelled = tables.set_column(labelled, name, values, tables.ROW.field(name).type)
    labelled = tables.set_column(labelled, "given_label", labelled["label"], pa.string())
    labelled = tables.set_column(labelled, "verdict", [None] * count, pa.string())
    tables.write(tables.set_column(labelled, "conflict", [False] * count, pa.bool_()), folder / "labelled.parquet")
    splits.write_frozen(folder / "frozen/test_groups.txt", splits.codes(pa.array(["g2", "gone"])).tolist())


def column(table: pa.Table, name: str) -> list:
    return table[name].to_pylist()


def drop(folder: Path, stage: str, ids: list[str]) -> None:
    book = ledger.Ledger(stage)
    for id in ids:
        book.add(id, "drop", "rule", "reason")
        book.add(id, "change", "rule", "reason")
    book.write(folder / f"ledger/{stage}.parquet")


def change(folder: Path, name: str, column: str, row: int, value) -> None:
    """Set one value of a table that `write` wrote."""
    path = folder / f"{name}.parquet"
    table = tables.read(path)
    values = table[column].to_pylist()
    values[row] = value
    nullable = pa.field(column, table.schema.field(column).type)
    table = table.set_column(table.schema.get_field_index(column), nullable, pa.array(values, nullable.type))
    tables.write_sorted(table, path)


def lose(folder: Path, name: str) -> None:
    """Take the last row of a table away."""
    path = folder / f"{name}.parquet"
    table = tables.read(path)
    tables.write_sorted(table.slice(0, table.num_rows - 1), path)
