"""Sentence embeddings on disk: `ids.txt` (one id a line) and `embeddings.safetensors` (float32, rows x dimensions)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from winnow.base.errors import UserError
from winnow.base.files import read_text, replacing, write_text

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
    """Return ids, (rows,), and embeddings, (rows, dimensions) float32.

    Raises:
        UserError: a file is missing or unreadable, ids and rows differ in number, an id stands twice, or a value is
            not finite.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    ids = read_text(folder / IDS).split()
    path = folder / ARRAY
    try:
        array = load_file(path)["embeddings"]
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro embed embed_base` or `dvc pull` makes it") from None
    except (SafetensorError, KeyError) as error:
        raise UserError(f"{path}: not a safetensors file with a tensor 'embeddings': {error}") from None
    if array.ndim != 2 or array.dtype != np.float32 or len(array) != len(ids):
        raise UserError(
            f"{path}: {array.dtype} of shape {array.shape}, but {IDS} names {len(ids)} rows of float32; "
            f"run `dvc repro embed embed_base`"
        )
    if len(set(ids)) < len(ids):
        raise UserError(f"{folder / IDS}: an id stands twice; run `dvc repro embed embed_base`")
    if not np.isfinite(array).all():
        raise UserError(f"{path}: holds values that are not finite; set params.yaml: compute.precision to fp32")
    return ids, array


def of(ids: Sequence[str], folder: Path) -> np.ndarray:
    """Return the embeddings of `ids` in their order, (rows, dimensions) float32, from a folder.

    Raises:
        UserError: a row has no embedding, or as `read`.
    """
    embedded, array = read(folder)
    place = {id: index for index, id in enumerate(embedded)}
    missing = [id for id in ids if id not in place]
    if missing:
        raise UserError(
            f"{folder}: {len(missing)} row(s) have no embedding, first {missing[0]}; run `dvc repro embed embed_base`"
        )
    return array[[place[id] for id in ids]]
