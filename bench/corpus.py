"""A corpus of any length, made from the default's texts: what the benches of memory and scale run on.

python -m bench.corpus --base data/clean.parquet --out FOLDER --megabytes 1000 --seed 1

New texts are runs of `RUN` words from anywhere in the base, set one after another, with words replaced and left out:
so two of them share little but their vocabulary and its frequencies, as texts do. Then noise, exact copies and
near-duplicates are put in at the rates below. Everything is arithmetic on word numbers, a block of texts at once, and
depends on the seed and the block's number alone: a longer corpus begins with the shorter one.

Writes Parquet files of the data contract (winnow.rows.tables.ROW) with about `FILE_BYTES` of text each, not sorted by
id.
"""

import argparse
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.rows import tables

BLOCK = 8192  # texts made at once; copies are of texts of their own block
RUN = 12  # words that stand together as in the base
GROUP = 3  # texts of one group
FILE_BYTES = 512 * 10**6
REPLACED, LEFT_OUT = 0.10, 0.02  # shares of words in a new text
EXACT, NEAR = 0.03, 0.05  # shares of texts that are copies
NEAR_REPLACED = 0.02  # share of words replaced in a near-duplicate: Jaccard about 0.9 on runs of three words
# A word's forms: as it is, at a text's end, then the noise: share of texts that have it, share of their words.
PLAIN, END = "{} ", "{}"
NOISE = {
    "markup": (0.20, 0.02, ("<b>{}</b> ", "<i>{}</i> ", "{}<br/>", "<p>{}</p> ", "<sub>{}</sub> ")),
    "entities": (0.10, 0.02, ("{} &lt; ", "{}&nbsp;", "&quot;{}&quot; ", "{} &#x3b2; ")),
    "mojibake": (0.02, 0.02, ("{} â€“ ", "{}â€™s ", "cafÃ© {} ")),
    "e-mail addresses": (0.02, 0.01, ("{}@example.org ",)),
}
FORMS = (PLAIN, END, *(form for _, _, forms in NOISE.values() for form in forms))
SCHEMA = tables.row_schema()


@dataclass(frozen=True)
class Base:
    """What texts are made from; word number w in form f is entry f * words + w of `pieces`."""

    stream: np.ndarray  # (all words of the base,) int32: word numbers in their order
    lengths: np.ndarray  # (texts,) int64: how many words each base text has
    labels: list[str | None]
    words: int
    pieces: pa.LargeStringArray


def read_base(file: Path) -> Base:
    """Return a table's words; markup characters in them are dropped, so that all noise is counted noise."""
    table = tables.read(file, ["text", "label"])
    texts = [re.sub(r"[<>&@]", "", text).split() for text in table["text"].to_pylist()]
    encoded = pa.array([word for words in texts for word in words], pa.string()).dictionary_encode()
    vocabulary = encoded.dictionary.to_pylist()
    names = [re.sub(r"\W", "", word) or "x" for word in vocabulary]  # what may stand before an @
    pieces = [form.format(word) for form in FORMS for word in (names if "@" in form else vocabulary)]
    return Base(
        stream=encoded.indices.to_numpy().astype(np.int32),
        lengths=np.array([len(words) for words in texts if words]),
        labels=table["label"].to_pylist(),
        words=len(vocabulary),
        pieces=pa.array(pieces, pa.large_string()),
    )


def texts(base: Base, seed: int, block: int) -> pa.StringArray:
    """Return a block's texts: new ones first, then near-duplicates and exact copies of some of them."""
    random = np.random.default_rng([seed, block])
    near, same = int(BLOCK * NEAR), int(BLOCK * EXACT)
    fresh = BLOCK - near - same
    lengths = random.choice(base.lengths, fresh)
    pieces, lengths = _new(base, lengths, random)
    _noise(base, pieces, lengths, random)
    copies, copy_lengths = _taken(pieces, lengths, random.choice(fresh, near + same, replace=False))
    in_near = int(copy_lengths[:near].sum())
    _replace(base, copies[:in_near], NEAR_REPLACED, random)
    return _joined(base, np.concatenate([pieces, copies]), np.concatenate([lengths, copy_lengths]))


def _new(base: Base, lengths: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the pieces of new texts, one after another (int64), and how many each text has."""
    runs = -(-lengths // RUN)
    starts = random.integers(0, len(base.stream) - RUN, runs.sum())
    words = base.stream[starts[:, None] + np.arange(RUN)].ravel().astype(np.int64)
    _replace(base, words, REPLACED, random)
    # The last run is cut at the text's length; a text keeps one word at least.
    position = np.arange(len(words)) - np.repeat(np.cumsum(runs * RUN) - runs * RUN, runs * RUN)
    kept = (position < np.repeat(lengths, runs * RUN)) & ((random.random(len(words)) >= LEFT_OUT) | (position == 0))
    text = np.repeat(np.arange(len(lengths)), runs * RUN)[kept]
    return words[kept], np.bincount(text, minlength=len(lengths))


def _replace(base: Base, pieces: np.ndarray, share: float, random: np.random.Generator) -> None:
    """Put other words of the base, as frequent there as any, in place of a share of the words; forms stay."""
    chosen = np.flatnonzero(random.random(len(pieces)) < share)
    forms = pieces[chosen] // base.words
    pieces[chosen] = forms * base.words + base.stream[random.integers(0, len(base.stream), len(chosen))]


def _noise(base: Base, pieces: np.ndarray, lengths: np.ndarray, random: np.random.Generator) -> None:
    """Give some words of some texts a noisy form, and each text's last word the form without a space."""
    for texts_share, words_share, forms in NOISE.values():
        noisy = np.repeat(random.random(len(lengths)) < texts_share, lengths)
        chosen = np.flatnonzero(noisy & (random.random(len(pieces)) < words_share))
        numbers = np.array([FORMS.index(form) for form in forms])
        pieces[chosen] = pieces[chosen] % base.words + base.words * random.choice(numbers, len(chosen))
    last = np.cumsum(lengths) - 1
    pieces[last] = pieces[last] % base.words + base.words * FORMS.index(END)


def _taken(pieces: np.ndarray, lengths: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pieces and lengths of some of the texts, in the order of `which`."""
    starts, taken = np.cumsum(lengths) - lengths, lengths[which]
    inside = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
    return pieces[np.repeat(starts[which], taken) + inside], taken


def _joined(base: Base, pieces: np.ndarray, lengths: np.ndarray) -> pa.StringArray:
    """Return the texts: the pieces stand one after another in memory already, so only offsets are needed."""
    taken = base.pieces.take(pa.array(pieces)).cast(pa.string())
    _, offsets, data = taken.buffers()
    ends = np.frombuffer(offsets, np.int32)[np.concatenate([[0], np.cumsum(lengths)])]
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(ends), data)


def rows(base: Base, seed: int, block: int) -> pa.Table:
    """Return a block as a table of the data contract; ids are spread over all of their range, whatever the block."""
    made = texts(base, seed, block)
    random = np.random.default_rng([seed, block, 1])  # another stream than the texts'
    numbers = np.arange(block * BLOCK, block * BLOCK + BLOCK)
    # An odd multiplier maps 64-bit numbers one to one: ids are unique, and look like the hashes that they stand for.
    ids = (numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)).byteswap()
    # Copies stand at the block's end: groups are dealt out at random, else a group would hold copies alone.
    groups = random.permutation(BLOCK) // GROUP
    labels = pa.array(base.labels, pa.string()).take(pa.array(random.integers(0, len(base.labels), BLOCK)))
    days = random.integers(0, 3650, BLOCK) + (datetime.date(2015, 1, 1) - datetime.date(1970, 1, 1)).days

    def constant(value: str) -> pa.Array:
        return pa.repeat(pa.scalar(value), BLOCK)

    columns = {
        "id": pa.array([f"{number:016x}" for number in ids.tolist()]),
        "source": constant("generated"),
        "source_key": pc.cast(pa.array(numbers), pa.string()),
        "licence": constant("as the base"),
        "published": pa.array(days.astype(np.int32)).cast(pa.date32()),
        "purpose": constant("task"),
        "group": pa.array([f"g{block}-{group}" for group in groups.tolist()]),
        "text": made,
        "label": labels,
        "label_origin": pc.if_else(labels.is_valid(), "given", pa.scalar(None, pa.string())),
        "label_confidence": pa.nulls(BLOCK, pa.float64()),
        "meta": pa.MapArray.from_arrays(pa.array([0] * (BLOCK + 1), pa.int32()), constant("")[:0], constant("")[:0]),
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def blocks(base: Base, seed: int, size: int) -> Iterator[pa.Table]:
    """Yield tables until their texts have `size` bytes; the last table is cut after the text that reaches it."""
    made, block = 0, 0
    while made < size:
        table = rows(base, seed, block)
        ends = np.cumsum(pc.binary_length(table["text"]).to_numpy())
        yield table.slice(0, int(np.searchsorted(ends, size - made)) + 1)
        made, block = made + int(ends[-1]), block + 1


def write(base: Base, out: Path, size: int, seed: int, file_bytes: int = FILE_BYTES) -> int:
    """Write `size` bytes of text as out/corpus-000.parquet, corpus-001.parquet, …; return the number of rows."""
    made = rows = 0

    def part(table: pa.Table) -> int:
        nonlocal made, rows
        number = made // file_bytes
        made, rows = made + pc.sum(pc.binary_length(table["text"])).as_py(), rows + table.num_rows
        return number

    for number, parts in groupby(blocks(base, seed, size), part):
        tables.write_stream(parts, SCHEMA, out / f"corpus-{number:03d}.parquet")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, required=True, help="10^6 bytes of text")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    print(write(read_base(args.base), args.out, int(args.megabytes * 10**6), args.seed), "rows")


if __name__ == "__main__":
    main()
