"""How texts come to a model: cut into tokens, padded, some at a time, on a device."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.params import Section
from winnow.encoder import batching, models
from winnow.encoder.tokens import Tokens

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedTokenizerBase

FILE = "reader.json"


class Reading(Section):
    """Section `encoder` of params.yaml: what the encoder reads of a text, wherever it reads one."""

    max_length: int = Field(ge=4, le=8192)
    """Tokens of a text that are read at once. A longer text is cut there; the kind token_classification reads it whole,
    in windows of so many. More cost time in proportion, where texts are so long."""


@dataclass(frozen=True)
class Reader:
    """What reads texts for a model.

    Attributes:
        folder: of the tokenizer, and of whatever else stands beside the model.
        max_length: tokens of a text that are read.
        batch_tokens: padded tokens in one forward pass.
    """

    folder: Path
    tokenizer: "PreTrainedTokenizerBase"
    max_length: int
    batch_tokens: int
    accelerator: "Accelerator"

    @classmethod
    def of(cls, folder: Path, max_length: int, batch_tokens: int, accelerator: "Accelerator") -> "Reader":
        """Return a reader with the tokenizer of a folder.

        Raises:
            UserError: the folder's model has no positions for so long texts.
        """
        models.check_length(folder, max_length, "encoder.max_length")
        return cls(folder, models.load_tokenizer(folder), max_length, batch_tokens, accelerator)

    @classmethod
    def load(cls, folder: Path, batch_tokens: int, accelerator: "Accelerator") -> "Reader":
        """Return the reader of a trained model's folder, as `save` left it.

        Raises:
            UserError: the folder does not say how its model reads.
        """
        try:
            max_length = json.loads((folder / FILE).read_text(encoding="utf-8"))["max_length"]
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"{folder / FILE}: does not say max_length; run `dvc repro finetune`") from None
        return cls.of(folder, max_length, batch_tokens, accelerator)

    def save(self, folder: Path) -> None:
        """Write into a trained model's folder how the model reads, so that nothing else has to say it again."""
        write_json(folder / FILE, {"max_length": self.max_length})

    @property
    def padding(self) -> int:
        """The id of the padding token."""
        return self.tokenizer.pad_token_id

    @property
    def device(self) -> "torch.device":
        """Where the model is."""
        return self.accelerator.device

    def tokenize(self, texts: Sequence[str] | pa.ChunkedArray) -> Tokens:
        """Return each text's token ids, special tokens included, cut at `max_length`."""
        return models.tokenize(self.tokenizer, texts, self.max_length)

    def pad(self, rows: Sequence[list[int]]) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Return token ids and attention mask, both (rows, longest) int64, padded on the right, on the device."""
        return models.pad(list(rows), self.padding, self.device)

    def batches(
        self, tokens: Sequence[list[int]], doing: str
    ) -> "Iterator[tuple[np.ndarray, torch.Tensor, torch.Tensor]]":
        """Yield all rows, longest first: their numbers, (rows,) int, their token ids and attention mask.

        Args:
            tokens: (rows,) token ids of each text, special tokens included.
            doing: what the progress bar says.
        """
        for batch in progress.over(batching.by_length(models.lengths(tokens), self.batch_tokens), doing):
            yield batch, *self.pad([tokens[row] for row in batch])
