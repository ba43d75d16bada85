"""Signs of responses as columns of the stage score's tables: lists, one entry a response of the row."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.generation.pairs import Pairs

SIGN = "sign_"  # how the column of a sign begins
SPREAD = "spread"
TEXTS = ("response", "planted", "way")
WORST, FACTS = "worst", "unsupported"


@dataclass(frozen=True)
class Signs:
    """What is told of pairs.

    Attributes:
        values: (pairs,) float64 each, by name, higher is more suspicious; nan where it is not known.
        worst: (pairs, 2) int, where the least expected token stands in the response; -1: not known.
        facts: (pairs,) places in the response of the numbers and names that the prompt does not support.
        spread: (rows,) float64, how differently prompts near to a row's are answered.
    """

    values: Mapping[str, np.ndarray]
    worst: np.ndarray
    facts: np.ndarray
    spread: np.ndarray

    def take(self, rows: np.ndarray, places: np.ndarray) -> "Signs":
        """Return what is told of some rows, (some,) int, whose pairs are `places`, (pairs,) int."""
        values = {name: own[places] for name, own in self.values.items()}
        return Signs(values, self.worst[places], self.facts[places], self.spread[rows])


def written(pairs: Pairs, signs: Signs) -> dict[str, pa.Array]:
    """Return pairs and what is told of them as columns."""
    bounds = pa.array(pairs.bounds, pa.int32())

    def lists(values: pa.Array) -> pa.Array:
        return pa.ListArray.from_arrays(bounds, values)

    texts = (pairs.responses, pairs.sorts, pairs.ways)
    columns = {name: lists(pa.array(own.tolist(), pa.string())) for name, own in zip(TEXTS, texts, strict=True)}
    columns |= {f"{SIGN}{name}": lists(pa.array(own.astype(np.float32))) for name, own in signs.values.items()}
    columns[WORST] = lists(pa.array(signs.worst.tolist(), pa.list_(pa.int32())))
    columns[FACTS] = lists(pa.array([sum(own, ()) for own in signs.facts], pa.list_(pa.int32())))
    return columns | {SPREAD: pa.array(signs.spread.astype(np.float32))}


def read(scored: pa.Table, where: str) -> tuple[Pairs, Signs]:
    """Return the pairs of a table, and what is told of them.

    Raises:
        UserError: a column is missing; begins with `where`.
    """
    for name in (*TEXTS, WORST, FACTS, SPREAD):
        if name not in scored.column_names:
            raise UserError(f"{where}: has no column {name}; run `dvc repro score`")
    sizes = scored[TEXTS[0]].combine_chunks().value_lengths().to_numpy()
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def flat(name: str) -> list:
        return [each for own in scored[name].to_pylist() for each in own]

    def texts(name: str) -> np.ndarray:
        return np.array([*flat(name), None], dtype=object)[:-1]

    names = [name for name in scored.column_names if name.startswith(SIGN)]
    values = {name.removeprefix(SIGN): np.array(flat(name), dtype=np.float64) for name in names}
    facts = np.empty(len(flat(FACTS)), dtype=object)
    facts[:] = [list(zip(own[::2], own[1::2], strict=True)) for own in flat(FACTS)]
    worst = np.array(flat(WORST), dtype=np.int64).reshape(-1, 2)
    spread = scored[SPREAD].to_numpy().astype(np.float64)
    return Pairs(bounds, *(texts(name) for name in TEXTS)), Signs(values, worst, facts, spread)
