"""Examples in the input: a text's nearest labelled neighbours, put beside it with their labels.

A model may then lean on rows that it sees at work instead of on what it keeps of them (retrieval in the input: KATE,
Liu et al. 2022, for prompts; here for an encoder that is fine-tuned on such inputs). The neighbours are found among
training rows by cosine of mean-pooled embeddings, of the encoder as it was before fine-tuning, so that training and
prediction find alike. A row is never shown itself or a row of its group.

A classifier's folder holds a store as `examples.json` (settings and rows), `examples.safetensors` (their embeddings)
and `retriever/` (the encoder).
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.base.files import read_text, write_json
from winnow.encoder import models, pooling
from winnow.encoder.reader import Reader
from winnow.training.finetuning import Texts

if TYPE_CHECKING:
    from accelerate import Accelerator

FILE, ARRAY, RETRIEVER = "examples.json", "examples.safetensors", "retriever"
BATCH_TOKENS = 2048  # padded tokens in one forward pass of the retriever
BLOCK = 1024  # rows that are compared with the store at once


@dataclass(frozen=True)
class Store:
    """Labelled rows among which neighbours are found.

    Attributes:
        count: neighbours beside a text.
        tokens: of each neighbour that are read, its label among them.
        max_length: tokens of a text that its embedding reads.
        rows: (rows,) dicts of id, group, label and text.
        vectors: (rows, dimensions) float32 of unit length.
        folder: of the encoder that made them.
    """

    count: int
    tokens: int
    max_length: int
    rows: list[dict[str, str]]
    vectors: np.ndarray
    folder: Path

    def inputs(self, rows: pa.Table, reader: Reader) -> Texts:
        """Return what the model reads of each row: its text, then each neighbour's label and text, nearest first.

        Args:
            rows: id, group, text.
            reader: its `max_length` is of a text, without the neighbours.

        Raises:
            UserError: together they are longer than the encoder reads.
        """
        tokenizer, longest = reader.tokenizer, reader.tokenizer.model_max_length
        if reader.max_length + self.count * self.tokens > longest:
            raise UserError(
                f"params.yaml: {reader.max_length} tokens of a text and {self.count} examples of {self.tokens} are "
                f"more than the {longest} that the encoder reads; lower examples, example_tokens or max_length"
            )
        own = reader.tokenize(rows["text"].to_pylist())
        shown = models.tokenize(tokenizer, [f"{row['label']}: {row['text']}" for row in self.rows], self.tokens)
        # The text begins the input; a neighbour keeps the token that ends it.
        shown = [ids[1:] if ids[:1] == [tokenizer.cls_token_id] else ids for ids in shown]
        neighbours = self.neighbours(rows, reader.accelerator)
        tokens = [
            ids + [token for place in near for token in shown[place]] for ids, near in zip(own, neighbours, strict=True)
        ]
        return Texts(tokens, rows["id"].to_pylist(), models.lengths(own))

    def neighbours(self, rows: pa.Table, accelerator: "Accelerator") -> list[list[int]]:
        """Return the places in the store of each row's nearest, at most `count`, itself and its group left out."""
        vectors = unit_vectors(self.folder, rows["text"].to_pylist(), self.max_length, accelerator)
        ids, groups = np.array([row["id"] for row in self.rows]), np.array([row["group"] for row in self.rows])
        neighbours = []
        for start in range(0, rows.num_rows, BLOCK):
            block = slice(start, start + BLOCK)
            cosines = vectors[block] @ self.vectors.T
            own_id, own_group = (np.array(rows[name][block].to_pylist())[:, None] for name in ("id", "group"))
            cosines[(own_id == ids) | (own_group == groups)] = -np.inf
            order = np.argsort(-cosines, axis=1, kind="stable")[:, : self.count]
            allowed = np.take_along_axis(cosines, order, axis=1) > -np.inf
            neighbours += [near[is_allowed].tolist() for near, is_allowed in zip(order, allowed, strict=True)]
        return neighbours

    def save(self, folder: Path) -> None:
        """Write the store into a classifier's folder."""
        from safetensors.numpy import save_file

        settings = {"count": self.count, "tokens": self.tokens, "max_length": self.max_length}
        write_json(folder / FILE, settings | {"rows": self.rows})
        save_file({"embeddings": np.ascontiguousarray(self.vectors)}, folder / ARRAY)
        # Equal bytes to the encoder's own folder: DVC's cache keeps them once.
        (folder / RETRIEVER).mkdir()
        for file in sorted(self.folder.iterdir()):
            if file.is_file():
                shutil.copyfile(file, folder / RETRIEVER / file.name)


def build(rows: pa.Table, count: int, tokens: int, reader: Reader) -> Store:
    """Return a store of training rows (id, group, text, label), embedded by the encoder of the reader's folder."""
    vectors = unit_vectors(reader.folder, rows["text"].to_pylist(), reader.max_length, reader.accelerator)
    kept = rows.select(["id", "group", "label", "text"]).to_pylist()
    return Store(count, tokens, reader.max_length, kept, vectors, reader.folder)


def load(folder: Path) -> Store | None:
    """Return the store of a classifier's folder, or None if its model reads texts alone.

    Raises:
        UserError: a file of it is missing or unreadable.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not (folder / FILE).exists():
        return None
    try:
        held = json.loads(read_text(folder / FILE))
        vectors = load_file(folder / ARRAY)["embeddings"]
        settings = held["count"], held["tokens"], held["max_length"]
        if len(vectors) != len(held["rows"]):
            raise ValueError(f"{len(vectors)} embeddings of {len(held['rows'])} rows")
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"{folder}: no store of examples: {error}; run `dvc repro finetune`") from None
    return Store(*settings, held["rows"], vectors, folder / RETRIEVER)


def unit_vectors(folder: Path, texts: list[str], max_length: int, accelerator: "Accelerator") -> np.ndarray:
    """Return the embeddings of texts by an encoder, (rows, dimensions) float32 of unit length."""
    reader = Reader.of(folder, max_length, BATCH_TOKENS, accelerator)
    vectors = pooling.embed(pooling.load(folder, accelerator), reader.tokenize(texts), reader)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
