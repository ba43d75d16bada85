"""The bench of rows after the split: its table has the rows and lengths asked for, and the stages can read it."""

import numpy as np
import pytest

from bench import corpus, rows, workspace
from tests.conftest import make_rows
from winnow.encoder import embeddings
from winnow.rows import tables


@pytest.fixture
def base(tmp_path):
    texts = [" ".join(f"w{(n * k) % 211}" for n in range(20, 60)) for k in range(2, 60)]
    made = [{"text": text, "label": ("METHODS", "RESULTS")[n % 2]} for n, text in enumerate(texts)]
    tables.write(make_rows(made), tmp_path / "base.parquet")
    return tmp_path / "base.parquet"


def test_texts_have_the_length_asked_for_and_a_shorter_table_begins_a_longer_one(base):
    words = corpus.read_base(base)
    [table] = rows.generated(words, 40, 500)
    assert {len(text) for text in table["text"].to_pylist()} == {500}
    assert table.schema.equals(rows.SCHEMA)
    longer = next(iter(rows.generated(words, 50, 500)))
    assert longer.slice(0, 40).equals(table)
    assert len(set(table["text"].to_pylist())) > 30


def test_a_stage_and_the_reading_of_adapt_run_on_it(base, tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()
    real = np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32)
    embeddings.write(tmp_path / "real", [str(number) for number in range(20)], real)
    rows.make(folder, base, tmp_path / "real", 60, 300)
    ids = tables.read(folder / "data/deduplicated.parquet", ["id"])["id"].to_pylist()
    assert len(set(ids)) == 60
    assert embeddings.read_ids(folder / "data/embeddings") == ids
    assert workspace.run("auxiliary", folder).status == 0
    assert rows.measured(rows.READING, folder).status == 0
