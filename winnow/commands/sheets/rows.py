"""What a file of rows holds, whatever its format, and the blocks in which it is given out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from winnow.readers.tabular import Dialect
from winnow.readers.values import joined

BLOCK_ROWS, BLOCK_CHARACTERS = 1024, 4 * 2**20  # of a block, whichever comes first


@dataclass(frozen=True)
class Block:
    """Some rows of a file.

    Attributes:
        texts: (rows,) what the columns of texts hold; None where they hold nothing.
        cells: gives (rows,) lists, a value for each column.
        lines: (rows,) the lines of a JSON Lines file as they are; None for other formats.
        table: the rows of a Parquet file; None for other formats.
        is_plain: whether the format says that no text holds markup.
    """

    texts: list[str | None]
    cells: Callable[[], Iterable[Sequence[object]]]
    lines: list[str] | None = None
    table: pa.Table | None = None
    is_plain: bool = False


class Source:
    """A file of rows.

    Attributes:
        columns: their names, in order.
        rows: how many there are.
        schema: what Parquet would hold of it.
        inner: names of what stands within a column, `a.b`, which may be the text.
        texts: the columns of texts where nobody names one; none: it is not plain which.
        dialect: how it is written, where it is text.
    """

    columns: list[str]
    rows: int
    schema: pa.Schema
    inner: Sequence[str] = ()
    texts: Sequence[str] = ()
    dialect: Dialect | None = None

    def blocks(self, *texts: str) -> Iterator[Block]:
        """Yield the rows; raises `UserError` as the function that opened it.

        Args:
            texts: the columns that hold the texts; several are joined as `collect` joins them; without one, the rows of
                JSON Lines have no texts.
        """
        raise NotImplementedError


def joined_texts(columns: Sequence[list[str | None]]) -> list[str | None]:
    """Return the texts of columns, joined as `collect` joins them; None where there is none."""
    if len(columns) == 1:
        return columns[0]
    # A half of a surrogate pair is no text, and Arrow takes none.
    sound = ([cell and cell.encode("utf-8", "replace").decode("utf-8") for cell in column] for column in columns)
    return [text or None for text in joined([pa.array(column, pa.string()) for column in sound]).to_pylist()]


def gathered(rows: Iterable, characters: Callable[..., int]) -> Iterator[list]:
    """Yield rows in lists of at most `BLOCK_ROWS`, or of fewer that hold about `BLOCK_CHARACTERS`."""
    block: list = []
    total = 0
    for row in rows:
        block.append(row)
        total += characters(row)
        if len(block) == BLOCK_ROWS or total >= BLOCK_CHARACTERS:
            yield block
            block, total = [], 0
    if block:
        yield block
