"""Prompts and responses go through the pipeline: a tiny language model learns them by an adapter, and is compared."""

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from tests import tiny_generator
from tests.pipeline import corpus
from tests.pipeline.clone import tiny

THINGS = {"kettle": "copper", "lantern": "amber", "boat": "blue", "gate": "green", "coat": "grey"}
SMALL = {
    "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
    "generator": {"kind": "folder", "folder": "tiny", "licence": "MIT"},
    "collect": {
        "sources": [
            {
                "name": "talks",
                "kind": "file",
                "path": "talks.jsonl",
                "format": "chat",
                "chat": {"shape": "messages", "key": "key"},
                "licence": "CC0-1.0",
                "purpose": "task",
            },
            corpus.TEXTS,
        ]
    },
    "clean": {"default_profile": "plain"},
    "adapt": {"tokens": 3000},
    "annotate": {"rules": [], "combine": "majority"},
    "arms": {"seeds": [1, 2], "encoders": ["generator"], "ensembles": {}},
    "approaches": {"transfer": {"max_length": 128, "max_new_tokens": 24, "adapter": {"rank": 4, "alpha": 8.0}}},
    "balance": {"weights": "none", "max_labels": None},
    "finetune": {"epochs": 3, "frozen_layers": 1, "batch_tokens": 1024, "learning_rate": 0.01},
    "learning_curve": {"budgets": [10, 20], "seeds": [1]},
    "compare": {"resamples": 200, "pairs": []},
    "represent": {"resamples": 100},
}


def write(folder: Path) -> None:
    """Write 80 short dialogues, and the tiny language model."""
    draw, rows = random.Random(1), []
    for number in range(80):
        thing, words = draw.choice(list(THINGS)), draw.sample(corpus.WORDS, 12)
        asked = f"There is a {thing} near the {words[0]} and the {', '.join(words[1:])}. Which colour has it? {number}"
        told = f"The {thing} is {THINGS[thing]}, like the {words[0]}."
        turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
        if number % 3 == 0:
            turns.insert(0, {"role": "system", "content": "You describe things."})
        rows.append({"key": str(number), "messages": turns})
    corpus.write_lines(folder, talks=rows)
    tiny_generator.write(folder.parents[1] / "models/local/tiny")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The clone after the stages up to the comparison and the learning curve."""
    clone = tiny(tmp_path_factory.mktemp("generation"), write, SMALL)
    file, yaml = clone.folder / "params.yaml", YAML(typ="safe")
    document = yaml.load(file.read_text(encoding="utf-8"))
    document["task"] = {"kind": "generation"}
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    clone.run_stages("compare")
    return clone


def measured(clone, name: str) -> dict:
    return json.loads((clone.folder / f"reports/metrics/{name}.json").read_text(encoding="utf-8"))


def test_adapters_of_each_seed_are_kept_as_peft_loads_them(made):
    for seed in (1, 2):
        folder = made.folder / f"models/classifier/transfer-generator-{seed}"
        names = {path.name for path in folder.iterdir()}
        assert names >= {"adapter_config.json", "adapter_model.safetensors", "generator.json", "tokenizer.json"}
        assert "model.safetensors" not in names
        told = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        assert told["base_model_name_or_path"] == "models/generator"


def test_predictions_hold_what_the_metrics_need(made):
    folder = made.folder / "data/predictions"
    assert {path.stem for path in folder.glob("*.parquet")} == {"tfidf-0", "transfer-1", "transfer-2"}
    rows = pq.read_table(folder / "transfer-1.parquet").to_pylist()
    assert all(row["loss"] > 0 and row["tokens"] > 5 and row["predicted_tokens"] <= 24 for row in rows)


def test_models_are_compared_by_chrf(made):
    compared = measured(made, "compare")["dev"]["approaches"]
    assert 0 <= compared["transfer"]["chrf_low"] <= compared["transfer"]["chrf"] < 1
    # A tiny model of random weights, which no longer guesses evenly among 353 tokens for about as many bytes.
    assert 2 < compared["transfer"]["loss_per_byte_low"] < compared["transfer"]["loss_per_byte"] < 6
    assert compared["tfidf"]["chrf"] > 0.3  # half of each response is the same
    assert "loss_per_byte" not in compared["tfidf"]


def test_the_loss_falls(made):
    lines = (made.folder / "reports/plots/training/transfer-generator-1.csv").read_text("utf-8").splitlines()[1:]
    losses = [float(line.split(",")[2]) for line in lines]
    assert losses[-1] < losses[0] - 0.1
