"""Embeddings on disk: what is read is what was written, and a damaged folder is named."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from winnow.base.errors import UserError
from winnow.encoder import embeddings

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_read_gives_back_what_was_written(tmp_path):
    embeddings.write(tmp_path / "e", ["a", "b"], ARRAY)
    ids, array = embeddings.read(tmp_path / "e")
    assert ids == ["a", "b"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, ARRAY)


def test_a_second_write_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        embeddings.write(tmp_path / name, ["a", "b"], ARRAY)
    for file in (embeddings.IDS, embeddings.ARRAY):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


@pytest.mark.parametrize("file", [embeddings.IDS, embeddings.ARRAY])
def test_a_missing_file(tmp_path, file):
    embeddings.write(tmp_path, ["a", "b"], ARRAY)
    (tmp_path / file).unlink()
    with pytest.raises(UserError, match=f"{file}: not found"):
        embeddings.read(tmp_path)


def test_a_truncated_file(tmp_path):
    embeddings.write(tmp_path, ["a", "b"], ARRAY)
    path = tmp_path / embeddings.ARRAY
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match="not a safetensors file"):
        embeddings.read(tmp_path)


def test_another_tensor(tmp_path):
    embeddings.write(tmp_path, ["a", "b"], ARRAY)
    save_file({"weights": ARRAY}, tmp_path / embeddings.ARRAY)
    with pytest.raises(UserError, match="with a tensor 'embeddings'"):
        embeddings.read(tmp_path)


@pytest.mark.parametrize(
    ("ids", "array", "message"),
    [
        (["a"], ARRAY, "names 1 rows"),
        (["a", "a"], ARRAY, "an id stands twice"),
        (["a", "b"], ARRAY * np.nan, "not finite"),
    ],
)
def test_damage_is_named(tmp_path, ids, array, message):
    embeddings.write(tmp_path, ids, array)
    with pytest.raises(UserError, match=message):
        embeddings.read(tmp_path)


def test_rows_get_theirs_in_their_order_and_those_without_are_named(tmp_path):
    embeddings.write(tmp_path / "e", ["a", "b"], ARRAY)
    np.testing.assert_array_equal(embeddings.of(["b", "a"], tmp_path / "e"), ARRAY[::-1])
    with pytest.raises(UserError, match=r"1 row\(s\) have no embedding, first c; run `dvc repro embed embed_base`"):
        embeddings.of(["c", "a"], tmp_path / "e")


def test_any_rows_are_read_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(embeddings, "BLOCK", 7)
    random = np.random.default_rng(1)
    ids, array = [str(number) for number in range(50)], random.random((50, 3), np.float32)
    embeddings.write(tmp_path, ids, array)
    for some in (random.permutation(50), random.integers(0, 50, 20), np.arange(0)):
        np.testing.assert_array_equal(embeddings.of([ids[row] for row in some], tmp_path), array[some])
    np.testing.assert_array_equal(embeddings.read(tmp_path)[1], array)


def test_a_file_is_read_once_however_many_blocks_it_has(tmp_path, monkeypatch):
    """Linux counts what a process reads; a file read anew for each block is a hundred times as much at 2 M rows."""
    counts = Path("/proc/self/io")
    if not counts.exists():
        pytest.skip("only Linux counts it")
    monkeypatch.setattr(embeddings, "BLOCK", 100)
    ids, made = [str(row) for row in range(4000)], np.random.default_rng(1).random((4000, 64), np.float32)
    embeddings.write(tmp_path / "e", ids, made)

    def read_so_far() -> int:
        return int(counts.read_text().split()[1])

    before = read_so_far()
    found = embeddings.of(ids[::-1], tmp_path / "e")
    assert read_so_far() - before < 2 * made.nbytes
    np.testing.assert_array_equal(found, made[::-1])
