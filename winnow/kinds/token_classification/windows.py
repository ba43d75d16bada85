"""Long texts in windows that overlap: what a token classifier reads of texts, of which nothing is cut off.

The windows are those of a fast tokenizer with a `stride`, as transformers' pipeline for token classification makes
them: each repeats the last pieces of the one before. A piece is what the tokenizer makes one token of. Its home is the
window in which it stands farthest from a border with text beyond it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.encoder.tokens import Tokens, chunks

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OVERLAP = 4  # the part of a window, one in so many, that the next window reads again


@dataclass(frozen=True)
class Windows:
    """What a model reads of texts.

    Attributes:
        tokens: (windows,) token ids, special tokens included; those of one text stand side by side, in their order.
        ids: (windows,) the texts' names, for errors.
        row: (windows,) int64, which text it is.
        bounds: (windows + 1,) int64, where each window's tokens begin among all, and how many there are.
        offsets: (tokens, 2) int32, where each begins and ends in its text; of special tokens, both 0.
        is_piece: (tokens,) bool, which are no special tokens.
        is_home: (tokens,) bool, which are pieces in their home: each piece of a text once.
        is_subword: (tokens,) bool, which transformers' pipeline counts to the word of the piece before.
    """

    tokens: Tokens
    ids: Sequence[str]
    row: np.ndarray
    bounds: np.ndarray
    offsets: np.ndarray
    is_piece: np.ndarray
    is_home: np.ndarray
    is_subword: np.ndarray

    @cached_property
    def row_of_token(self) -> np.ndarray:
        """The text of each token, (tokens,) int64."""
        return np.repeat(self.row, np.diff(self.bounds))

    def of_rows(self, rows: int) -> np.ndarray:
        """Return where the windows of each text begin, (rows + 1,) int64, of so many texts."""
        return np.searchsorted(self.row, np.arange(rows + 1))

    def take(self, rows: np.ndarray) -> "Windows":
        """Return the windows of some texts, (texts,) bool; these are numbered anew."""
        kept, tokens = np.flatnonzero(rows[self.row]), Tokens()
        tokens.extend(self.tokens[window] for window in kept)
        own = np.repeat(rows[self.row], np.diff(self.bounds))
        return Windows(
            tokens=tokens,
            ids=[self.ids[window] for window in kept],
            row=(np.cumsum(rows) - 1)[self.row[kept]],
            bounds=np.append(0, np.cumsum(np.diff(self.bounds)[kept])),
            offsets=self.offsets[own],
            is_piece=self.is_piece[own],
            is_home=self.is_home[own],
            is_subword=self.is_subword[own],
        )


def stride(tokenizer: "PreTrainedTokenizerBase", max_length: int) -> int:
    """Return how many pieces two neighbouring windows share: what transformers' pipeline takes as `stride`."""
    return (max_length - tokenizer.num_special_tokens_to_add()) // OVERLAP


def cut(texts: Sequence[str] | pa.ChunkedArray, ids: Sequence[str], reader: Reader) -> Windows:
    """Return what a model reads of texts; `ids` name them in errors.

    Raises:
        UserError: the tokenizer does not tell where a piece stands in the text.
    """
    tokenizer = reader.tokenizer
    if not tokenizer.is_fast:
        raise UserError(f"{reader.folder}: its tokenizer does not tell where a token stands in a text; take another")
    shared = stride(tokenizer, reader.max_length)
    tokens, rows, offsets, pieces = Tokens(), [np.zeros(0, np.int64)], [np.zeros((0, 2), np.int32)], [np.zeros(0, bool)]
    subwords = [np.zeros(0, bool)]
    before = 0
    for some in chunks(texts):
        made = tokenizer(
            list(some),
            truncation=True,
            max_length=reader.max_length,
            stride=shared,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        tokens.extend(made["input_ids"])
        own = np.array(made["overflow_to_sample_mapping"], dtype=np.int64)
        rows.append(before + own)
        offsets.append(_joined(made["offset_mapping"], np.int32).reshape(-1, 2))
        text = np.repeat(own, [len(each) for each in made["input_ids"]])
        subwords.append(_subwords(tokenizer, some, _joined(made["input_ids"], np.int64), text, offsets[-1]))
        pieces.append(_joined(made["special_tokens_mask"], bool) == 0)
        before += len(some)
    row, is_piece = np.concatenate(rows), np.concatenate(pieces)
    bounds = np.array([tokens.start(window) for window in range(len(tokens) + 1)], dtype=np.int64)
    return Windows(
        tokens=tokens,
        ids=[ids[number] for number in row],
        row=row,
        bounds=bounds,
        offsets=np.concatenate(offsets),
        is_piece=is_piece,
        is_home=is_piece & _at_home(row, bounds, is_piece, shared),
        is_subword=np.concatenate(subwords),
    )


def _joined(lists: Iterable[Sequence], dtype: type) -> np.ndarray:
    return np.array([item for each in lists for item in each], dtype=dtype)


def _subwords(
    tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], ids: np.ndarray, text: np.ndarray, offsets: np.ndarray
) -> np.ndarray:
    """Return `Windows.is_subword`, as `TokenClassificationPipeline.gather_pre_entities` finds it.

    A tokenizer that marks pieces within a word, WordPiece, makes them longer than what they stand for. Any other makes
    words, to the pipeline, of all that stands between two spaces.

    Args:
        ids: (tokens,) int.
        text: (tokens,) int, which text each is of.
        offsets: (tokens, 2) int.
    """
    if getattr(tokenizer.backend_tokenizer.model, "continuing_subword_prefix", None):
        known, number = np.unique(ids, return_inverse=True)
        lengths = np.array([len(token) for token in tokenizer.convert_ids_to_tokens(known.tolist())], dtype=np.int64)
        found = lengths[number] != offsets[:, 1] - offsets[:, 0]
    else:
        line = "".join(f"{own}\n" for own in texts)
        is_space = np.frombuffer(line.encode("utf-32-le"), "<u4") == ord(" ")
        starts = np.cumsum([0, *(len(own) + 1 for own in texts)])
        place = starts[text] + offsets[:, 0]
        found = (offsets[:, 0] > 0) & ~is_space[place] & ~is_space[place - 1]
    return found & (ids != tokenizer.unk_token_id)


def _at_home(row: np.ndarray, bounds: np.ndarray, is_piece: np.ndarray, shared: int) -> np.ndarray:
    """Return which pieces are in their home; of `shared` pieces of two windows, the first half is in the former."""
    of_window = np.repeat(np.arange(len(row)), np.diff(bounds))
    counted = np.append(0, np.cumsum(is_piece))
    first, behind = counted[bounds[:-1]], counted[bounds[1:]]  # a window's pieces among those of all windows
    place = counted[:-1] - first[of_window]
    goes_on = np.append(row[1:] == row[:-1], False)  # in the next window
    came = np.append(False, goes_on[:-1])
    start = np.where(came, shared - shared // 2, 0)
    end = behind - first - np.where(goes_on, shared // 2, 0)
    return (place >= start[of_window]) & (place < end[of_window])
