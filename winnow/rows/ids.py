"""Ids of 16 hex digits as numbers: 8 bytes a row, in the order of the ids."""

import numpy as np
import pyarrow as pa

PATTERN = "^[0-9a-f]{16}$"


def numbers(ids: pa.ChunkedArray) -> np.ndarray:
    """Return valid ids as numbers, (rows,) uint64."""
    fixed = ids.combine_chunks().cast(pa.binary()).cast(pa.binary(16))
    digits = memoryview(fixed.buffers()[1])[16 * fixed.offset :][: 16 * len(fixed)] if len(fixed) else b""
    return np.frombuffer(bytes.fromhex(bytes(digits).decode()), ">u8").astype(np.uint64)
