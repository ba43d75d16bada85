"""Token ids of many rows, without a Python object for each id: as lists they take tens of bytes a token."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa

CHUNK = 1000  # texts that a tokenizer is given at once: what it returns is dozens of times as large as a text


class Rows(Sequence[list[int]]):
    """Rows of token ids, read like a list of lists."""

    def row(self, number: int) -> list[int]:
        """Return a row's token ids."""
        raise NotImplementedError

    def __getitem__(self, place):
        """Return a row's token ids, or those of the rows of a slice."""
        numbers = range(len(self))[place]
        return [self.row(number) for number in numbers] if isinstance(place, slice) else self.row(numbers)


class Drawn(Rows):
    """Rows that are made whenever they are read."""

    def __init__(self, count: int, draw: Callable[[int], list[int]]):
        """Take how many rows there are, and what makes the row of a number."""
        self._count, self.row = count, draw

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count


class Tokens(Rows):
    """Rows that stand one after the other in an array, four bytes a token."""

    def __init__(self):
        """Begin without rows."""
        self._ids, self._starts = array("i"), array("q", [0])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._starts) - 1

    def row(self, number: int) -> list[int]:
        """Return a row's token ids."""
        return self.between(number, number + 1)

    def extend(self, rows: Iterable[list[int]]) -> None:
        """Add rows behind the last."""
        for row in rows:
            self._ids.extend(row)
            self._starts.append(len(self._ids))

    def start(self, row: int) -> int:
        """Return how many tokens stand before a row; of the number of rows, how many there are."""
        return self._starts[row]

    def between(self, first: int, end: int) -> list[int]:
        """Return the token ids from row `first` to before row `end`, joined."""
        return self._ids[self._starts[first] : self._starts[end]].tolist()


def chunks(texts: Sequence[str] | pa.ChunkedArray) -> Iterator[Sequence[str]]:
    """Yield the texts, or those of a column, CHUNK at a time."""
    for start in range(0, len(texts), CHUNK):
        some = texts[start : start + CHUNK]
        yield some.to_pylist() if isinstance(some, pa.ChunkedArray) else some
