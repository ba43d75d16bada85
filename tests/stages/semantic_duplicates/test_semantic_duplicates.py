"""semantic_duplicates: pairs against a plain loop, which rows go, and cells that no spreadsheet runs."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.semantic_duplicates import __main__ as stage
from tests.conftest import make_rows
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.rows import tables

PARAMS = {"threshold": 0.9, "action": "report", "max_rows": 1000, "shown_pairs": 3}
OUTPUTS = ("out", "pairs", "metrics")


def write(folder, rows: list[dict], vectors) -> list[str]:
    table = make_rows([{"split": "train"} | row for row in rows])
    ids = table["id"].to_pylist()
    tables.write(table.drop_columns("split"), folder / "rows")
    tables.write(table.select(["id", "split"]), folder / "split")
    embeddings.write(folder / "embeddings", ids, np.array(vectors, np.float32))
    return ids


def run(workspace, rows: list[dict], vectors, **changes):
    folder = workspace(semantic_duplicates=PARAMS | changes)
    ids = write(folder, rows, vectors)
    stage.main([f"--{name}={folder / name}" for name in ("rows", "split", "embeddings", *OUTPUTS)])
    with (folder / "pairs").open(encoding="utf-8", newline="") as file:
        pairs = list(csv.DictReader(file))
    return ids, tables.read(folder / "out").to_pylist(), pairs, json.loads((folder / "metrics").read_text())


def turned(*degrees: float) -> list[list[float]]:
    """Unit vectors at angles: neighbours within 25 degrees have a cosine of over 0.9."""
    return [[np.cos(np.radians(angle)), np.sin(np.radians(angle))] for angle in degrees]


@given(st.integers(0, 30), st.integers(1, 7), st.floats(0.1, 1), st.integers(0, 5))
def test_pairs_are_those_of_a_plain_loop(count, dimensions, threshold, seed):
    vectors = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32).round(1)
    found = {}
    block, stage.BLOCK = stage.BLOCK, 4
    try:
        for first, second, cosine in stage.similar_pairs(vectors, threshold):
            found |= zip(zip(first.tolist(), second.tolist(), strict=True), cosine.tolist(), strict=True)
    finally:
        stage.BLOCK = block
    expected = {}
    for second in range(count):
        for first in range(second):
            one, two = vectors[first].astype(float), vectors[second].astype(float)
            scale = np.linalg.norm(one) * np.linalg.norm(two)
            if scale > 0 and round(one @ two / scale, 6) >= threshold:
                expected[first, second] = one @ two / scale
    close = {pair for pair, cosine in (found | expected).items() if abs(cosine - threshold) < 2e-6}
    assert set(found) - close == set(expected) - close
    assert all(found[pair] == pytest.approx(expected[pair], abs=2e-6) for pair in set(found) & set(expected))


def test_pairs_are_counted_and_the_most_similar_shown(workspace):
    rows = [
        {"label": "A"},
        {"label": "A", "split": "test"},
        {"label": "B"},
        {"label": None},
        {"label": "B", "split": "dev"},
        {"purpose": "text"},
    ]
    ids, left_out, pairs, metrics = run(workspace, rows, turned(0, 1, 90, 92, 180, 0))
    assert metrics == {
        "compared": 5,
        "left_out": 0,
        "pairs": 2,
        "pairs_across_splits": 1,
        "pairs_with_different_labels": 0,
        "rows": 5,
        "rows_in_pairs_share": 0.8,
    }
    assert left_out == []
    assert [{row["id"], row["other_id"]} for row in pairs] == [{ids[0], ids[1]}, {ids[2], ids[3]}]
    assert (pairs[0]["similarity"], pairs[0]["split"], pairs[0]["other_split"]) == ("0.9998", "test", "train")
    _, _, pairs, metrics = run(workspace, rows, turned(0, 0, 0, 0, 0, 0), shown_pairs=2)
    assert (len(pairs), metrics["pairs"], metrics["pairs_with_different_labels"]) == (2, 10, 4)


def test_dropped_are_train_rows_like_a_preferred_one_that_stays(workspace):
    rows = [
        {"label": "A", "split": "test"},
        {"label": "A"},
        {"label": None},
        {"label": "B"},
        {"label": "A", "split": "dev"},
        {"label": "A", "split": "test"},
    ]
    vectors = turned(0, 20, 180, 185, 270, 271)
    ids, left_out, _, metrics = run(workspace, rows, vectors, action="drop")
    assert {row["id"]: row["keeper"] for row in left_out} == {ids[1]: ids[0], ids[2]: ids[3]}
    assert metrics["left_out"] == 2


@given(st.lists(st.sampled_from(["test", "dev", "train"]), min_size=1, max_size=12), st.data())
def test_no_two_train_rows_that_stay_are_similar(splits, data):
    angles = sorted(data.draw(st.lists(st.integers(0, 90), min_size=len(splits), max_size=len(splits))))
    order = sorted(range(len(splits)), key=lambda row: stage.SPLITS.index(splits[row]))
    table = make_rows([{"split": splits[row]} for row in order])
    vectors = np.array([turned(angles[row])[0] for row in order], np.float32)
    selection = stage.Selection(table)
    for pairs in stage.similar_pairs(vectors, 0.9):
        selection.add(*pairs)
    gone = set(selection.left_out()["id"].to_pylist())
    rows = table.to_pylist()
    assert all(row["split"] == "train" for row in rows if row["id"] in gone)
    stays = [place for place, row in enumerate(rows) if row["id"] not in gone]
    for first, second, cosine in stage.similar_pairs(vectors[stays], 0.9):
        for one, two, value in zip(first, second, cosine, strict=True):
            assert "train" not in (rows[stays[one]]["split"], rows[stays[two]]["split"]), value


def test_of_more_rows_those_of_lowest_hash_are_compared_in_any_order(workspace):
    rows = [{"label": "A"} for _ in range(30)]
    _, _, pairs, metrics = run(workspace, rows, np.ones((30, 2)), max_rows=10)
    assert (metrics["rows"], metrics["compared"], metrics["pairs"]) == (30, 10, 45)
    assert len(pairs) == 3


def test_no_cell_is_a_formula(workspace):
    rows = [{"text": "=HYPERLINK(1)", "label": "+A"}, {"text": '@x, "quoted"\r\n<b>', "label": "A"}]
    _, _, pairs, _ = run(workspace, rows, turned(0, 0))
    cells = {pairs[0][name] for name in ("text", "other_text", "label", "other_label")}
    assert cells == {"'=HYPERLINK(1)", '\'@x, "quoted"\r\n<b>', "'+A", "A"}


def test_the_stage_writes_the_same_bytes_twice(workspace, tmp_path):
    rows = [{"label": "AB"[number % 2]} for number in range(40)]
    vectors = np.random.default_rng(1).normal(size=(40, 3))
    written = []
    for _ in range(2):
        run(workspace, rows, vectors, action="drop", threshold=0.8)
        written.append([(tmp_path / name).read_bytes() for name in OUTPUTS])
    assert written[0] == written[1]


def test_rows_without_an_embedding_or_a_split_are_named(workspace, tmp_path):
    folder = workspace(semantic_duplicates=PARAMS)
    command = [f"--{name}={folder / name}" for name in ("rows", "split", "embeddings", *OUTPUTS)]
    ids = write(folder, [{}, {}, {}], turned(0, 1, 2))
    tables.write(tables.read(folder / "split").slice(0, 2), folder / "split")
    with pytest.raises(UserError, match=f"row {max(ids)} has no split; run `dvc repro split`"):
        stage.main(command)
    embeddings.write(folder / "embeddings", ids[:2], np.array(turned(0, 1), np.float32))
    with pytest.raises(UserError, match=rf"1 row\(s\) have no embedding, first {ids[2]}; run `dvc repro embed_base`"):
        stage.main(command)
    assert not any((tmp_path / name).exists() for name in OUTPUTS)


@pytest.mark.parametrize("changes", [{"threshold": 0}, {"action": "delete"}, {"max_rows": 1}, {"shown_pairs": -1}])
def test_bad_parameters_are_named(workspace, changes):
    folder = workspace(semantic_duplicates=PARAMS | changes)
    write(folder, [{}, {}], turned(0, 1))
    with pytest.raises(UserError, match=f"semantic_duplicates.{next(iter(changes))}"):
        stage.main([f"--{name}={folder / name}" for name in ("rows", "split", "embeddings", *OUTPUTS)])
