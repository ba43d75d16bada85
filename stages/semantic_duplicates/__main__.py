"""semantic_duplicates: rows that say the same in other words: pairs whose embeddings point the same way.

python -m stages.semantic_duplicates --rows data/edited.parquet --split data/split.parquet
    --embeddings data/base_embeddings --out data/semantic_duplicates.parquet
    --pairs reports/review/semantic_duplicates.csv --metrics reports/metrics/semantic_duplicates.json

Each row of the task is compared with each other by cosine, exactly, in blocks; beyond `max_rows` rows, those of lowest
hash are compared. Writes the most similar pairs for people to read, counts, and in `--out` (id, keeper, similarity) the
rows that the stage `balance` leaves out of training: with `action: report` none, with `action: drop` each train row
that is similar to a preferred row that stays (as SemDeDup does, Abbas et al. 2023). Preferred is a test row, then a dev
row, then a labelled one, then the lowest id.
"""

import csv
import heapq
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from winnow.base import hashing, params, progress
from winnow.base.errors import UserError
from winnow.base.files import write_json, write_text
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.people import decisions
from winnow.rows import tables

BLOCK = 1024  # rows; the similarities of two blocks are 4 MiB
SPLITS = ("test", "dev", "train")
PAIR_COLUMNS = ("similarity", "id", "other_id", "split", "other_split", "label", "other_label", "text", "other_text")
LEFT_OUT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("keeper", pa.string(), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


class Params(params.Section):
    """Section `semantic_duplicates` of params.yaml."""

    threshold: float = Field(gt=0, le=1)
    """Cosine of two rows' embeddings. Below about 0.9 MiniLM ties rows of one topic."""

    action: Literal["report", "drop"]
    """`drop` leaves train rows that say what another row says out of the training table."""

    max_rows: int = Field(50_000, gt=1)
    """All pairs are compared; of more rows, those of lowest hash. 50,000 rows take half a minute on one core, and the
    time grows with the square."""

    shown_pairs: int = Field(200, ge=0)
    """The most similar pairs, for people to read."""


def chosen_rows(rows: Path, split: Path, ids: Sequence[str], max_rows: int) -> tuple[pa.Table, int]:
    """Return id, split, label and text of the rows to compare, the preferred ones first; and how many there might be.

    Raises:
        UserError: a row of the task has no embedding or no split.
    """
    task = [batch.filter(pc.equal(batch["purpose"], "task"))["id"] for batch in tables.batches(rows, ["id", "purpose"])]
    task = [id for part in task for id in part.to_pylist()]
    if missing := sorted(set(task) - set(ids)):
        raise UserError(f"{len(missing)} row(s) have no embedding, first {missing[0]}; run `dvc repro embed_base`")
    total = len(task)
    if total > max_rows:
        task = heapq.nsmallest(max_rows, task, key=lambda id: hashing.digest("semantic", id))
    wanted = pa.array(task, pa.string())
    found = [batch.filter(pc.is_in(batch["id"], wanted)) for batch in tables.batches(rows, ["id", "label", "text"])]
    table = pa.concat_tables(found)
    splits = tables.read(split, ["id", "split"])
    places = pc.index_in(table["id"], splits["id"].combine_chunks())
    if places.null_count:
        raise UserError(f"{split}: row {table['id'].filter(pc.is_null(places))[0]} has no split; run `dvc repro split`")
    table = tables.set_column(table, "split", splits["split"].take(places), pa.string())
    order = pc.index_in(table["split"], pa.array(SPLITS))
    table = table.append_column("order", order).append_column("unlabelled", pc.is_null(table["label"]))
    return table.sort_by([(name, "ascending") for name in ("order", "unlabelled", "id")]), total


def similar_pairs(vectors: np.ndarray, threshold: float) -> Iterator[Pairs]:
    """Yield (first, second, cosine) of all pairs of rows with a cosine of at least `threshold`, block by block.

    The blocks of `second` ascend, and for each the blocks of `first` up to the same one.

    Args:
        vectors: (rows, dimensions) float32; a row of zeros is similar to none.

    Yields:
        first < second, int64, and cosine, float64 rounded to 6 digits: it depends on the two rows alone, not on the
        order in which a matrix product happens to add.
    """
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    exact = np.divide(vectors, norms, out=np.zeros(vectors.shape), where=norms > 0)
    rough = exact.astype(np.float32)
    for start in progress.over(range(0, len(rough), BLOCK), "comparing"):
        for other in range(0, start + 1, BLOCK):
            # In float32 a cosine is off by less than 1e-5; what is near the threshold is computed again.
            near = rough[start : start + BLOCK] @ rough[other : other + BLOCK].T >= threshold - 1e-4
            second, first = np.nonzero(near)
            first, second = first + other, second + start
            first, second = first[first < second], second[first < second]
            cosine = np.round(np.einsum("ij,ij->i", exact[first], exact[second]), 6)
            found = cosine >= threshold
            yield first[found], second[found], cosine[found]


class Report:
    """Counts pairs as they come and keeps the most similar ones."""

    def __init__(self, rows: pa.Table, shown: int) -> None:
        self._splits, self._labels = (np.array(rows[name].to_pylist(), object) for name in ("split", "label"))
        self._shown, self._paired = shown, np.zeros(len(rows), bool)
        self._top: list[tuple[float, int, int]] = []
        self.counts = {"pairs": 0, "pairs_across_splits": 0, "pairs_with_different_labels": 0}

    def add(self, first: np.ndarray, second: np.ndarray, cosine: np.ndarray) -> None:
        """Take pairs in."""
        self._paired[first] = self._paired[second] = True
        labelled = (self._labels[first] != None) & (self._labels[second] != None)  # noqa: E711
        self.counts["pairs"] += len(first)
        self.counts["pairs_across_splits"] += int((self._splits[first] != self._splits[second]).sum())
        differ = labelled & (self._labels[first] != self._labels[second])
        self.counts["pairs_with_different_labels"] += int(differ.sum())
        found = zip(cosine.tolist(), (-first).tolist(), (-second).tolist(), strict=True)
        self._top = heapq.nlargest(self._shown, [*self._top, *found])

    def top(self) -> list[tuple[float, int, int]]:
        """Return (cosine, first, second) of the most similar pairs, the most similar first."""
        return [(cosine, -first, -second) for cosine, first, second in self._top]

    def share(self) -> float:
        """Return the share of rows that are similar to another."""
        return float(self._paired.mean())


class Selection:
    """Decides, as pairs come in the order of `similar_pairs`, which train rows are similar to one that stays."""

    def __init__(self, rows: pa.Table) -> None:
        self._ids, self._train = rows["id"], pc.equal(rows["split"], "train").to_numpy()
        self._stays = np.ones(len(rows), bool)
        self._keeper, self._cosine = np.zeros(len(rows), np.int64), np.zeros(len(rows))

    def add(self, first: np.ndarray, second: np.ndarray, cosine: np.ndarray) -> None:
        """Take pairs in."""
        open_ = self._stays[first] & self._train[second]
        first, second, cosine = first[open_], second[open_], cosine[open_]
        for pair in np.lexsort((first, second)):
            one, two = first[pair], second[pair]
            if self._stays[one]:
                self._stays[two] = False
                if cosine[pair] > self._cosine[two]:
                    self._keeper[two], self._cosine[two] = one, cosine[pair]

    def left_out(self) -> pa.Table:
        """Return the rows that go (`LEFT_OUT`)."""
        gone = np.flatnonzero(~self._stays)
        columns = [self._ids.take(gone), self._ids.take(self._keeper[gone]), pa.array(self._cosine[gone])]
        return pa.table(columns, schema=LEFT_OUT)


def write_pairs(path: Path, pairs: list[tuple[float, int, int]], rows: pa.Table) -> None:
    """Write pairs for people to read; no cell is a formula to a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(PAIR_COLUMNS)
    for cosine, *places in pairs:
        pair = [rows.slice(place, 1).to_pylist()[0] for place in places]
        cells = [f"{cosine:.4f}", *(row[name] or "" for name in ("id", "split", "label", "text") for row in pair)]
        writer.writerow(decisions.guard(decisions.shorten(cell)) for cell in cells)
    write_text(path, out.getvalue())


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "split", "embeddings", "out", "pairs", "metrics")
    settings = params.load("semantic_duplicates", Params)
    rows, total = chosen_rows(args.rows, args.split, embeddings.read_ids(args.embeddings), settings.max_rows)
    vectors = embeddings.of(rows["id"].to_pylist(), args.embeddings)
    report, selection = Report(rows, settings.shown_pairs), Selection(rows)
    for pairs in similar_pairs(vectors, settings.threshold):
        report.add(*pairs)
        if settings.action == "drop":
            selection.add(*pairs)
    left_out = selection.left_out()
    tables.write(left_out, args.out)
    write_pairs(args.pairs, report.top(), rows)
    counts = {"rows": total, "compared": len(rows), "rows_in_pairs_share": report.share(), "left_out": len(left_out)}
    write_json(args.metrics, report.counts | counts)


if __name__ == "__main__":
    run(main)
