"""embed: mean-pooled sentence embeddings of every row that has, or wants, a label, and of a sample of the others.

python -m stages.embed --rows data/deduplicated.parquet --encoder models/adapted --out data/embeddings

Out: `ids.txt` (one id a line) and `embeddings.safetensors` (tensor `embeddings`, float32, rows x dimensions): first
the task's rows, then of each source of text the first rows in order of id, which is a hash: a random draw. Labels are
no input, so a person's decision never runs this stage again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from winnow.base import params
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings, pooling
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader, Reading
from winnow.rows import tables

EMPTY = pa.schema([tables.ROW.field(name) for name in ("id", "text")]).empty_table()


class Params(params.Section):
    """Section `embed` of params.yaml."""

    batch_tokens: int = Field(2048, gt=0)
    """Padded tokens in one forward pass. Raise it on a GPU."""

    text_rows: int = Field(300, ge=0)
    """Rows of each source of text that are embedded, for `represent`; no model learns from them. 0 leaves the
    embeddings of such sources unmeasured."""


def chosen(batches: Iterable[pa.Table], text_rows: int) -> tuple[pa.Table, pa.Table]:
    """Return id and text of all task rows, and of the first `text_rows` rows of each source of text, sorted by id."""
    task, text, seen = [], [], Counter()
    for batch in batches:
        is_text = pc.equal(batch["purpose"], "text")
        task.append(batch.filter(pc.invert(is_text)))
        others = batch.filter(is_text)
        for source in sorted(others["source"].unique().to_pylist()):
            rows = others.filter(pc.equal(others["source"], source)).slice(0, text_rows - seen[source])
            seen[source] += rows.num_rows
            text.append(rows)
    tables_ = (pa.concat_tables([EMPTY, *(part.select(["id", "text"]) for part in parts)]) for parts in (task, text))
    return tuple(table.sort_by("id") for table in tables_)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "encoder", "out")
    settings, reading = params.load("embed", Params), params.load("encoder", Reading)
    accelerator = start(params.load("compute", Compute), seed=0)
    parts = chosen(tables.batches(args.rows, ["id", "source", "purpose", "text"]), settings.text_rows)
    reader = Reader.of(args.encoder, reading.max_length, settings.batch_tokens, accelerator)
    model = pooling.load(args.encoder, accelerator)
    vectors = []
    # One by one: which rows share a batch changes the last bits, and text rows must change no task row's.
    for part in parts:
        vectors.append(pooling.embed(model, reader.tokenize(part["text"].to_pylist()), reader))
    embeddings.write(args.out, pa.concat_tables(parts)["id"].to_pylist(), np.concatenate(vectors))


if __name__ == "__main__":
    run(main)
