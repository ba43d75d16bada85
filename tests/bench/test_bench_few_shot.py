"""The bench of few labels a class, with a peer that knows the truth instead of setfit, which is not installed here."""

import csv
import json

import pytest

from bench import few_shot as bench
from tests import tiny_encoder
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from winnow.rows import tables
from winnow.validation import looks


@pytest.fixture
def folder(workspace, default_params):
    approaches = default_params["approaches"]
    folder = workspace(
        task={"kind": "classification", "labels": ["COLOUR", "ANIMAL"]},
        compute={"threads": 1, "device": "cpu", "precision": "fp32"},
        balance=default_params["balance"],
        approaches=approaches
        | {"few_shot": approaches["few_shot"] | {"pairs": 320, "batch_pairs": 16, "learning_rate": 1e-2}},
        encoder={"max_length": 16},
        finetune=default_params["finetune"] | {"freeze_embeddings": False, "frozen_layers": 0},
    )
    splits = ("train", "train", "train", "dev", "test")
    rows = [
        {"text": text, "label": label, "split": splits[number // 2 % 5], "verdict": None}
        for number, (text, label) in enumerate(sentences(160))
    ]
    tables.write(make_rows(rows), folder / "rows.parquet")
    tiny_encoder.write(folder / "encoder", [*COLOURS, *ANIMALS, *FILLER])
    return folder


def peer(rows, base, seed, sections, shots) -> dict:
    assert rows.training["label"].to_pylist().count("COLOUR") == shots
    predicted = [sections["task"]["labels"].index(label) for label in rows.held_out["label"].to_pylist()]
    return {"predicted": predicted, "seconds": 2.0, "versions": {"setfit": "0"}}


def test_both_learn_from_the_same_rows_and_no_run_is_repeated(folder, monkeypatch):
    monkeypatch.setattr(bench, "theirs", peer)
    command = "--rows rows.parquet --base encoder --cache cache --out out/few.json --shots 16 32 --seeds 1 2".split()
    bench.main(command)
    entries = json.loads((folder / "out/few.json").read_text(encoding="utf-8"))
    assert [entry["work"] for entry in entries] == [f"macro-F1 on test, {shots} labels a class" for shots in (16, 32)]
    for entry in entries:
        assert entry["theirs"] == 1
        assert 0.6 < entry["ours"] <= 1
        assert entry["difference"][0] == pytest.approx(entry["ours"] - 1)
        assert entry["seconds"]["setfit"] == 2
    with open("out/few.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * 2 * 2
    (look,) = looks.read(folder / "data/test")
    assert look.reason.startswith("make bench-few-shot")

    monkeypatch.setattr(bench, "theirs", lambda *_: pytest.fail("a run was repeated"))
    monkeypatch.setattr(bench, "ours", lambda *_: pytest.fail("a run was repeated"))
    (folder / "data/test/looks.csv").unlink()
    bench.main([*command, "--judged-on", "dev"])
    assert "test" not in (folder / "out/few.csv").read_text(encoding="utf-8")
    assert looks.read(folder / "data/test") == []
    assert "on dev" in (folder / "out/few.json").read_text(encoding="utf-8")
