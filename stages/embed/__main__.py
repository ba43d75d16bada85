"""embed: mean-pooled sentence embeddings of every row that has, or wants, a label, and of a sample of the others.

python -m stages.embed --rows data/edited.parquet --encoder models/adapted --out data/embeddings

Out: `ids.txt` (one id a line) and `embeddings.safetensors` (tensor `embeddings`, float32, rows x dimensions): first
the task's rows, then of each source of text the first rows in order of id, which is a hash: a random draw. Labels are
no input, so a person's decision never runs this stage again.
Memory: the embeddings, and four bytes a token; a row group of texts at a time.
"""

from collections.abc import Sequence

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
from winnow.rows.text_column import TextColumn


class Params(params.Section):
    """Section `embed` of params.yaml."""

    batch_tokens: int = Field(2048, gt=0)
    """Padded tokens in one forward pass. Raise it on a GPU."""

    text_rows: int = Field(300, ge=0)
    """Rows of each source of text that are embedded, for `represent`; no model learns from them. 0 leaves the
    embeddings of such sources unmeasured."""


def chosen(rows: pa.Table, text_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of all the task's rows, and of the first `text_rows` rows of each source of text, ascending.

    Args:
        rows: source and purpose, sorted by id.
    """
    is_text = pc.equal(rows["purpose"], "text").to_numpy()
    source = rows["source"].combine_chunks().dictionary_encode().indices.to_numpy()
    texts = [np.flatnonzero(is_text & (source == number))[:text_rows] for number in np.unique(source)]
    return np.flatnonzero(~is_text), np.sort(np.concatenate([np.empty(0, np.int64), *texts]))


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "encoder", "out")
    settings, reading = params.load("embed", Params), params.load("encoder", Reading)
    accelerator = start(params.load("compute", Compute), seed=0)
    rows, texts = tables.read(args.rows, ["id", "source", "purpose"]), TextColumn(args.rows)
    parts = chosen(rows, settings.text_rows)
    reader = Reader.of(args.encoder, reading.max_length, settings.batch_tokens, accelerator)
    model = pooling.load(args.encoder, accelerator)
    vectors = np.empty((sum(map(len, parts)), model.config.hidden_size), np.float32)
    # One by one: which rows share a batch changes the last bits, and text rows must change no task row's.
    for part, own in zip(parts, np.split(vectors, [len(parts[0])]), strict=True):
        pooling.embed(model, reader.tokenize(texts.of(part)), reader, own)
    embeddings.write(args.out, rows["id"].take(np.concatenate(parts)).to_pylist(), vectors)


if __name__ == "__main__":
    run(main)
