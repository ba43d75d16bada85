"""Sentence embeddings on disk: `ids.txt` (one id a line) and `embeddings.safetensors` (float32, rows x dimensions)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from winnow.base.errors import UserError
from winnow.base.files import read_text, replacing, write_text

BLOCK = 16_384  # rows that are read at once
IDS = "ids.txt"
ARRAY = "embeddings.safetensors"


def write(folder: Path, ids: Sequence[str], array: np.ndarray) -> None:
    """Write a folder of embeddings, whole or not at all.

    Args:
        ids: (rows,) ids in the order of the array's rows.
        array: (rows, dimensions) float32.
    """
    from safetensors.numpy import save_file

    with replacing(folder) as new:
        new.mkdir()
        write_text(new / IDS, "".join(f"{id}\n" for id in ids))
        save_file({"embeddings": np.ascontiguousarray(array, dtype=np.float32)}, new / ARRAY)


def read(folder: Path) -> tuple[list[str], np.ndarray]:
    """Return ids, (rows,), and embeddings, (rows, dimensions) float32; raises `UserError` as `of`."""
    ids = read_ids(folder)
    return ids, _gather(folder, len(ids), np.arange(len(ids)))


def read_ids(folder: Path) -> list[str]:
    """Return the ids of the rows that have an embedding, in their order.

    Raises:
        UserError: the file is missing, or an id stands twice.
    """
    ids = read_text(folder / IDS).split()
    if len(set(ids)) < len(ids):
        raise UserError(f"{folder / IDS}: an id stands twice; run `dvc repro embed embed_base`")
    return ids


def of(ids: Sequence[str], folder: Path) -> np.ndarray:
    """Return the embeddings of `ids` in their order, (rows, dimensions) float32; memory holds no others.

    Raises:
        UserError: a row has no embedding, a file is missing or unreadable, ids and rows differ in number, an id stands
            twice, or a value is not finite.
    """
    embedded = read_ids(folder)
    place = {id: index for index, id in enumerate(embedded)}
    missing = [id for id in ids if id not in place]
    if missing:
        raise UserError(
            f"{folder}: {len(missing)} row(s) have no embedding, first {missing[0]}; run `dvc repro embed embed_base`"
        )
    places = np.fromiter((place[id] for id in ids), np.int64, len(ids))
    return _gather(folder, len(embedded), places)


def _gather(folder: Path, rows: int, places: np.ndarray) -> np.ndarray:
    """Return the embeddings at some places of a folder of `rows`, read a block at a time."""
    from safetensors import SafetensorError, safe_open

    path = folder / ARRAY
    try:
        with safe_open(path, framework="np") as file:
            array = file.get_slice("embeddings")
            shape, type_ = array.get_shape(), array.get_dtype()
        if len(shape) != 2 or type_ != "F32" or shape[0] != rows:
            raise UserError(
                f"{path}: {type_} of shape {tuple(shape)}, but {IDS} names {rows} rows of float32; "
                f"run `dvc repro embed embed_base`"
            )
        found, order = np.empty((len(places), shape[1]), np.float32), np.argsort(places, kind="stable")
        ascending = places[order]
        for start, block in zip(range(0, rows, BLOCK), _blocks(path, rows, shape[1]), strict=True):
            if not np.isfinite(block).all():
                raise UserError(f"{path}: holds values that are not finite; set params.yaml: compute.precision to fp32")
            first, last = np.searchsorted(ascending, [start, start + BLOCK])
            found[order[first:last]] = block[ascending[first:last] - start]
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro embed embed_base` or `dvc pull` makes it") from None
    except (SafetensorError, KeyError) as error:
        raise UserError(f"{path}: not a safetensors file with a tensor 'embeddings': {error}") from None
    return found


def _blocks(path: Path, rows: int, dimensions: int) -> Iterator[np.ndarray]:
    """Yield the array of a file that safetensors has opened, some rows at a time, (at most `BLOCK`, dimensions).

    Neither mapped into memory, where what was read would stay, nor by slices of safetensors, which reads the whole
    array for each. Of the format, eight bytes tell the length of a header in JSON, which tells where an array begins
    behind it (https://huggingface.co/docs/safetensors/index#format).
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        begin, _ = json.loads(file.read(length))["embeddings"]["data_offsets"]
        file.seek(8 + length + begin)
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            yield np.fromfile(file, np.dtype("<f4"), count * dimensions).reshape(count, dimensions)
