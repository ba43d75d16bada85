"""Rows that are prompts with responses: what of them is compared, and which have the prompt or the response of another.

Two rows are copies if their last exchanges are, the user's last turn with the response. Equal prompts tie rows to one
cluster, whatever was answered, and of two answers to one prompt none goes: people decide.
"""

from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stages.deduplicate.scratch import Scratch
from winnow.base import hashing
from winnow.text.words import words

PROMPT, RESPONSE = "prompt_form", "response_form"
NONE = 0  # of a row without a response
LEAST_WORDS = 8  # of a response that another dataset has too: shorter ones are equal by chance


def exchanges(batch: pa.Table, kind: ModuleType) -> list[str]:
    """Return of each row what is compared."""
    return ["\n\n".join(filter(None, pair)) for pair in _exchanges(batch, kind)]


def put(batch: pa.Table, first: int, kind: ModuleType, store: Scratch) -> None:
    """Put the hashes of the rows' prompts and responses into a store."""
    prompts = [_hash(kind.prompt_form(text)) for text in batch["text"].to_pylist()]
    labels = batch["label"].to_pylist()
    responses = [NONE if label is None else _hash(kind.response_form(label)) for label in labels]
    store.put(PROMPT, first, np.array(prompts, np.uint64))
    store.put(RESPONSE, first, np.array(responses, np.uint64))


class Sides:
    """The last prompts of all rows, then their responses: what a benchmark may have alone.

    Attributes:
        rows: how many there are.
        tell: (2 * rows,) bool, which sides are evidence once they were read: short answers are equal by chance.
    """

    def __init__(self, read: Callable[[], Iterator[pa.Table]], rows: int, kind: ModuleType) -> None:
        """Begin.

        Args:
            read: returns the columns `text` and `label` of all rows, each time from the first.
        """
        self.rows, self.tell = rows, np.zeros(2 * rows, bool)
        self._read, self._kind = read, kind

    def numbered(self) -> Iterator[pa.Table]:
        """Yield the sides with their numbers."""
        first = 0
        for side, least in enumerate((1, LEAST_WORDS)):
            for batch in self._read():
                texts = [pair[side] for pair in _exchanges(batch, self._kind)]
                self.tell[first : first + len(texts)] = [len(words(text)) >= least for text in texts]
                yield pa.table({"number": np.arange(first, first + len(texts)), "text": pa.array(texts, pa.string())})
                first += len(texts)

    def matches(self, found: np.ndarray, similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each row the foreign text that its prompt is a copy of, or else its response, and how similar.

        Args:
            found: (2 * rows,) int32, of each side; -1: none.
            similarity: (2 * rows,) float32.
        """
        found = np.where(self.tell, found, -1).astype(np.int32)
        prompts = found[: self.rows] >= 0
        pick = [np.where(prompts, values[: self.rows], values[self.rows :]) for values in (found, similarity)]
        return pick[0], pick[1]


def tied(roots: np.ndarray, store: Scratch) -> np.ndarray:
    """Return the clusters of rows, (rows,) int32, the lowest number in each, with rows of one prompt in one cluster."""
    _, first, place = np.unique(store.get(PROMPT, np.uint64), return_index=True, return_inverse=True)
    count = len(roots)
    starts, ends = np.tile(np.arange(count), 2), np.concatenate([roots, first[place]])
    edges = coo_array((np.ones(2 * count, bool), (starts, ends)), shape=(count, count))
    component = connected_components(edges, directed=False)[1]
    lowest = np.unique(component, return_index=True)[1].astype(np.int32)
    return lowest[component]


def answered_alike(roots: np.ndarray, store: Scratch) -> np.ndarray:
    """Return the rows of a cluster that have the same response, or none, as groups: (rows,) int below `rows`."""
    pairs = np.stack([roots.astype(np.uint64), store.get(RESPONSE, np.uint64)], axis=1)
    return np.unique(pairs, axis=0, return_inverse=True)[1].ravel()


def measure(store: Scratch) -> dict[str, int]:
    """Return how many prompts there are, and rows that share one side with a row whose other side differs."""
    prompts, responses = store.get(PROMPT, np.uint64), store.get(RESPONSE, np.uint64)
    answered = responses != NONE
    return {
        "prompts": len(np.unique(prompts)),
        "same_prompt_other_response": _shared(prompts[answered], responses[answered]),
        "same_response_other_prompt": _shared(responses[answered], prompts[answered]),
    }


def _shared(side: np.ndarray, other: np.ndarray) -> int:
    """Return how many rows have a side that comes with several other sides."""
    pairs = np.unique(np.stack([side, other], axis=1), axis=0) if len(side) else np.empty((0, 2), np.uint64)
    values, counts = np.unique(pairs[:, 0], return_counts=True)
    return int(np.isin(side, values[counts > 1]).sum())


def _exchanges(batch: pa.Table, kind: ModuleType) -> list[tuple[str, str]]:
    pairs = zip(batch["text"].to_pylist(), batch["label"].to_pylist(), strict=True)
    return [kind.last_exchange(*pair) for pair in pairs]


def _hash(form: str) -> int:
    return int(hashing.text_sha(form)[:16], 16)
