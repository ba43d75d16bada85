"""The bench of judging labels: its messages, the errors that it plants, and a run that was cut short."""

import numpy as np
import pytest

from bench import judging, messages, workspace
from tests.conftest import make_rows
from winnow.encoder import embeddings
from winnow.rows import tables


def test_messages_depend_on_the_seed_alone_and_every_class_has_one():
    first, again, other = (messages.generate(400, 30, seed) for seed in (1, 1, 2))
    assert first.texts == again.texts != other.texts
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert set(first.truth) == set(range(30))
    assert (first.given != first.truth).mean() == pytest.approx(messages.WRONG, abs=0.01)
    np.testing.assert_allclose(np.linalg.norm(first.vectors, axis=1), 1, rtol=1e-5)


def test_a_stage_runs_on_messages(tmp_path):
    made = messages.generate(300, 20)
    messages.make(tmp_path / "made", made)
    seconds, memory = judging.run(workspace.ROOT, judging.BEFORE_SCORE[0], tmp_path / "made")
    assert seconds > 0
    assert 0.01 < memory < 2
    rows = tables.read(tmp_path / "made/data/deduplicated.parquet", ["label"])["label"].to_pylist()
    assert sorted(rows) == sorted(made.names[label] for label in made.given)


def test_errors_are_planted_among_labels_that_nobody_has_settled(request):
    folder = request.getfixturevalue("workspace")(task={"kind": "classification", "labels": ["A", "B"]})
    rows = [
        {"label": "AB"[number % 2], "split": "dev", "verdict": "keep" if number < 20 else None} for number in range(200)
    ]
    table = make_rows(rows)
    table = table.append_column("given_label", table["label"])
    tables.write(table, folder / "data/labelled.parquet")
    vectors = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)
    embeddings.write(folder / "data/embeddings", table["id"].to_pylist(), vectors)
    right = judging.plant(folder, 1)
    found = {row["id"]: row for row in tables.read(folder / "data/labelled.parquet").to_pylist()}
    assert len(right) == 180
    changed = [id for id in right if found[id]["label"] != right[id]]
    assert 12 <= len(changed) <= 18
    assert all(found[id]["given_label"] == found[id]["label"] for id in right)
    before = dict(zip(table["id"].to_pylist(), table["label"].to_pylist(), strict=True))
    assert all(found[id]["label"] == before[id] for id in found if id not in right)


def test_a_run_that_was_cut_short_goes_on_and_its_results_are_paired_by_seed(tmp_path):
    runs = judging.Runs(tmp_path / "runs.csv")
    for code, gain in (("old", 0.0), ("new", 0.1)):
        for seed in (1, 2, 3):
            values = {"average_precision": 0.5 + 0.05 * seed + gain, "seconds score": 8.0 / (1 + 10 * gain)}
            runs.add(code, "default", seed, values)
    again = judging.Runs(tmp_path / "runs.csv")
    assert again.has("old", "default", 3)
    assert not again.has("old", "default", 4)
    time, precision = judging.entries(again, "old", "new", {"device": "x"})
    assert (time["work"], time["ours"], time["theirs"], time["ratio"]) == ("default: score: processor time", 4, 8, 2)
    assert precision["difference"] == pytest.approx((0.1, 0.0), abs=1e-6)
