"""The bench of what mending responses is worth: each arm learns from the rows that it says, and all are compared."""

import json

import numpy as np
import pytest

from bench import labels, pairs
from bench import repair as bench
from tests import tiny_generator
from tests.bench.test_bench_pairs import ROWS, models
from winnow.training import layer_cache

__all__ = ["models"]  # a fixture
TRAIN = 80


@pytest.fixture
def ready(models, tmp_path, monkeypatch):
    """Folders of a tiny language model and of its cache; the papers are those of the bench of pairs."""
    tiny_generator.write(tmp_path / "g")
    own = bench.sections(2)
    small = {"adapter": {"rank": 2, "alpha": 4.0}, "max_length": 400, "max_new_tokens": 8}
    own["finetune"] |= {"frozen_layers": 1, "learning_rate": 0.01}
    own["approaches"] = own["approaches"] | {"transfer": small}
    own["compute"] = {"threads": 1, "device": "cpu", "precision": "fp32"}
    monkeypatch.setattr(bench, "sections", lambda epochs: own)
    _, prompts, _ = pairs.read()
    known = dict(zip(prompts, labels.encoded(prompts, None, None), strict=True))
    monkeypatch.setattr(labels, "encoded", lambda texts, base, cache: np.stack([known[text] for text in texts]))
    return tmp_path


def test_the_bench_runs_from_end_to_end_and_goes_on_from_what_is_kept(ready, monkeypatch):
    out = ready / "repair.json"
    argv = f"--base base --generator {ready / 'g'} --cache {ready} --out {out} --rows {TRAIN}".split()
    argv += f"--held-out {ROWS - TRAIN} --seeds 1".split()
    own, computed = layer_cache.LayerCache.__init__, []

    def init(self, model, layers, tokens, reader):
        computed.extend(map(tuple, tokens))
        own(self, model, layers, tokens, reader)

    monkeypatch.setattr(layer_cache.LayerCache, "__init__", init)
    bench.main(argv)
    assert len(set(computed)) == len(computed) > TRAIN  # once for all models
    entries = json.loads(out.read_text(encoding="utf-8"))
    assert {entry["arm"] for entry in entries} == {first for first, _ in bench.PAIRS}
    assert {entry["unit"] for entry in entries} == {"chrf", "rouge_l", "exact_match", "loss_per_byte"}
    by_arm = {entry["arm"]: entry for entry in entries}
    assert by_arm["repaired"]["rows"] == TRAIN
    assert by_arm["left_out"]["rows"] == TRAIN - by_arm["left_out"]["budget"]
    assert by_arm["right"]["errors"] == 0
    assert by_arm["repaired"]["errors"] == by_arm["left_out"]["errors"] < 0.8 * by_arm["repaired"]["budget"]
    assert all(low <= value <= high for value, low, high in (entry["difference"] for entry in entries))
    monkeypatch.setattr(bench, "predicted", None)  # nothing is trained again
    bench.main(argv)
    assert json.loads(out.read_text(encoding="utf-8")) == entries
    bench.main([*argv, "--arms", "unrepaired", "repaired"])
    some = json.loads(out.read_text(encoding="utf-8"))
    assert {(entry["arm"], entry["peer"]) for entry in some} == {("repaired", "unrepaired")}


def test_people_mend_what_they_look_at_and_rows_leave_whole(ready):
    data = pairs.prepared(pairs.read(), ready, ready)
    found = bench.lessons(data, pairs.loaded(None, None, ready), 0.3, 1)
    tables = {name: made.to_pylist() for name, (made, _) in found.items()}
    truth = dict(zip(data.ids, data.truth, strict=True))
    wrong = {row["id"] for row in tables["unrepaired"] if row["label"] != truth[row["id"]]}
    assert len(wrong) == 30
    left = {row["id"] for row in tables["left_out"]}
    looked_at = set(data.ids) - left
    assert len(looked_at) == 30
    mended = {row["id"] for row in tables["repaired"] if row["label"] != truth[row["id"]]}
    assert mended == wrong - looked_at
    assert {row["id"] for row in tables["thinned"]} != left
    removed = set(data.ids) - {row["id"] for row in tables["thinned"]}
    assert 3 <= len(removed & wrong) <= 15  # nine by chance
    assert len(tables["thinned"]) == len(tables["filtered"]) == len(left) == ROWS - 30
    assert all(row["weight"] == 1 and row["text"].startswith(pairs.ASKED) for row in tables["thinned"])
    assert np.mean([row["label"] == truth[row["id"]] for row in tables["right"]]) == 1
