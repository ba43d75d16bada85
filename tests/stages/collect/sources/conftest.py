"""A source of any kind with a short mapping, and what it reads."""

import pyarrow as pa
import pytest

from stages.collect.__main__ import Params
from winnow.base.params import parse

ROWS = [{"no": "1", "body": "owls and mice"}, {"no": "2", "body": "damp moss"}, {"no": "3", "body": "fog"}]
JSONL = b'{"no": "1", "body": "owls and mice"}\n{"no": "2", "body": "damp moss"}\n{"no": "3", "body": "fog"}\n'


@pytest.fixture
def read(tmp_path):
    """Return a function that opens a source by its params and returns its columns, problems and pin.

    Its attribute `files` counts what was read.
    """
    (tmp_path / "files").mkdir()

    def read(**given) -> tuple[list[dict], list, dict]:
        names = {"name": "walks", "licence": "CC0-1.0", "purpose": "text", "columns": {"text": "body", "key": "no"}}
        source = parse({"max_refused_share": 0.0, "sources": [names | given]}, Params, "collect").sources[0]
        reading = source.open(tmp_path / "files", tmp_path / "downloads")
        rows, problems = [], []
        for block in reading.blocks:
            problems += block.problems
            columns = {n: c.to_pylist() if isinstance(c, pa.Array) else list(c) for n, c in block.columns.items()}
            rows += [{name: column[i] for name, column in columns.items()} for i in range(len(block.places))]
        read.files = reading.files
        return rows, problems, reading.pin | {"bytes": reading.bytes}

    return read
