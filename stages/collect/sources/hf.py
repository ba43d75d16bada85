"""kind hf: a data set of the Hugging Face Hub, or a local folder of one, by the `datasets` loader.

Its rows are streamed, and no code of the data set runs.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import pyarrow as pa
from pydantic import Field, ValidationInfo, field_validator, model_validator

from stages.collect.sources import Reading, Source, chats, fingerprinted
from winnow.base.download import Sha256
from winnow.base.errors import UserError
from winnow.readers import BLOCK_ROWS, Block, Record, blocks, check_columns, check_once
from winnow.readers.chat import Chat, Chats, Targets
from winnow.readers.values import as_list


class HubDataset(Source):
    """A split of a data set."""

    kind: Literal["hf"]
    dataset: str = Field(pattern=r"^(\./[^\s]+|[\w.-]+(/[\w.-]+)?)$")
    """A data set of the Hugging Face Hub, `owner/name`; or `./folder` below data/sources."""

    revision: str | None = Field(default=None, pattern=r"^\S+$", validate_default=True)
    """Of the Hub: best a commit, which is an immutable pin; a branch or a tag is none. A local folder has none."""

    config: str | None = None
    """The data set's configuration, if it has several."""

    split: str = Field(min_length=1)
    """The data set's split, such as `train`."""

    chat: Chat | None = None
    """How conversations are kept in it, as of files of format `chat`; `{}`: by the names of its columns. Null: a row
    is a row."""

    sha256: Sha256 | None = None
    """SHA-256 of the rows, as the manifest states it. Null takes what the revision holds today."""

    @model_validator(mode="before")
    @classmethod
    def _usual_columns(cls, values: object) -> object:
        is_chat = isinstance(values, dict) and values.get("chat") is not None
        return chats.with_columns(values) if is_chat else values

    @field_validator("revision")
    @classmethod
    def _of_the_hub(cls, revision: str | None, info: ValidationInfo) -> str | None:
        if (revision is None) != info.data.get("dataset", "").startswith("./"):
            raise ValueError("a data set of the Hub needs a revision, best a commit; a local folder has none")
        return revision

    def of_turns(self, targets: Targets) -> Self:
        """Return the source as it is read where rows are the last, or all, of the assistant's turns."""
        return self if self.chat is None else chats.of_turns(self, targets)

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the split's rows; see `Source.open`."""
        where = f"source '{self.name}': data set '{self.dataset}'"
        if self.revision is None and ".." in Path(self.dataset).parts:
            raise UserError(f"{where} leaves {files}: put the folder under {files}/")
        if self.revision is None and not (files / self.dataset).is_dir():
            raise UserError(f"{where}: no such folder in {files}; mend the path or add the folder")
        pin = self.model_dump(include={"kind", "dataset", "revision", "config", "split"}, exclude_none=True)
        return fingerprinted(self._blocks(files, where), pin, self.sha256, where)

    def _blocks(self, files: Path, where: str) -> Iterator[Block]:
        # Stages are offline for models; this fetch is what params.yaml asks for. HF_DATASETS_OFFLINE still forbids it.
        os.environ["HF_HUB_OFFLINE"] = os.environ.get("HF_DATASETS_OFFLINE", "0")
        import datasets

        datasets.disable_progress_bars()
        path = self.dataset if self.revision else str(files / self.dataset)
        number = 0
        try:
            rows = datasets.load_dataset(
                path, self.config, split=self.split, revision=self.revision, streaming=True
            ).with_format("arrow")
            names, wanted = _class_names(rows.features), self.columns.used()
            for table in rows.iter(BLOCK_ROWS):
                kept = None if self.chat is None else Chats.of(self.chat, table.column_names, where, wanted)
                columns = wanted if kept is None else kept.needed()
                check_columns(where, columns, table.column_names)
                check_once(where, columns, table.column_names, "rename one, and write the data set again")
                places = [f"{self.dataset}, row {row}" for row in range(number + 1, number + 1 + len(table))]
                number += len(table)
                found = {name: _named(table[name], names.get(name)) for name in columns}
                if kept is None:
                    yield Block(places, found, [])
                else:
                    yield from blocks(_conversations(kept, places, found), wanted)
        except UserError:
            raise
        except Exception as error:  # the loader, the Hub's client and each file format have errors of their own
            reason = re.sub(r"hf_\w+", "hf_***", str(error).strip().split("\n")[0])
            raise UserError(f"{where}: cannot be loaded: {type(error).__name__}: {reason}") from None


def _conversations(kept: Chats, places: list[str], found: dict[str, pa.Array]) -> Iterator[Record]:
    for place, row in zip(places, zip(*map(as_list, found.values()), strict=True), strict=True):
        yield from kept.records(place, dict(zip(found, row, strict=True)))


def _class_names(features: dict | None) -> dict[str, list[str]]:
    # Of a list of classes, the classes.
    inner = {name: getattr(feature, "feature", feature) for name, feature in (features or {}).items()}
    return {name: feature.names for name, feature in inner.items() if hasattr(feature, "names")}


def _named(column: pa.ChunkedArray, names: list[str] | None) -> pa.Array:
    """Return the column; numbers of classes as the classes' names, -1 (no label) as null."""
    column = column.combine_chunks()
    if names is None:
        return column
    if pa.types.is_list(column.type) and pa.types.is_integer(column.type.value_type):
        lists = column.to_pylist()
        return pa.array(
            [None if own is None else [_name(number, names) for number in own] for own in lists],
            pa.list_(pa.string()),
        )
    if not pa.types.is_integer(column.type):
        return column
    numbers = column.to_pylist()
    return pa.array([_name(number, names) for number in numbers], pa.string())


def _name(number: int | None, names: list[str]) -> str | None:
    return None if number is None or number < 0 else names[number]
