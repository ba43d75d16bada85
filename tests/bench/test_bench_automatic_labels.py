"""bench.automatic_labels: rules are measured as the stage measures its own, and the test's simulation as it says."""

import json

import pyarrow as pa
import pytest

from bench import automatic_labels as bench
from tests.bench.synthetic import FORM
from winnow.rows import tables

TEXTS = {"OBJECTIVE": "To investigate number {}.", "RESULTS": "They had 1, 2 and {}, respectively."}


@pytest.fixture
def corpus(tmp_path):
    rows = [
        {"id": f"{number:016x}", "group": f"{number}", "purpose": "task", "label": label, "text": text.format(number)}
        for number, (label, text) in enumerate(list(TEXTS.items()) * 100)
    ]
    table = pa.Table.from_pylist([row | {"label_origin": "given", "meta": []} for row in rows])
    tables.write(table, tmp_path / "rows.parquet")
    tables.write(table.select(["id"]).append_column("split", pa.array(["train"] * 200)), tmp_path / "split.parquet")
    return tmp_path


def test_the_bench_runs_from_end_to_end(corpus, monkeypatch):
    monkeypatch.setattr(bench, "RUNS", 40)
    arguments = [
        "--rows",
        f"{corpus}/rows.parquet",
        "--split",
        f"{corpus}/split.parquet",
        "--out",
        f"{corpus}/out.json",
    ]
    bench.main(arguments)
    entries = json.loads((corpus / "out.json").read_text())
    assert all(set(FORM) <= set(entry) for entry in entries)
    weak = [entry for entry in entries if entry["work"].startswith("weak rules")]
    assert [(entry["rows"], entry["coverage"], entry["accuracy"]) for entry in weak] == [(200, 1.0, 1.0)] * 4
    by = {(entry["right"], entry["epsilon"]): entry["ours"] for entry in entries if "right" in entry}
    assert by[0.95, 0.15] > 0.9 > by[0.85, 0.15] - 0.1 > by[0.75, 0.15] > by[0.6, 0.15] - 1e-9
    assert by[0.85, 0.0] < 0.2
