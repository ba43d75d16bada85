"""Prompts and responses go through every stage; a tiny language model learns them by an adapter, and answers."""

import json
import random
import sys
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
    "adapt_generator": {"tokens": 2000, "learning_rate": 0.01},
    "annotate": {"rules": [], "combine": "majority"},
    "arms": {"seeds": [1, 2], "encoders": ["generator", "adapted_generator"], "ensembles": {}, "controls": ["given"]},
    "approaches": {"transfer": {"max_length": 128, "max_new_tokens": 24, "adapter": {"rank": 4, "alpha": 8.0}}},
    "balance": {"weights": "none", "max_labels": None},
    "finetune": {"epochs": 3, "frozen_layers": 1, "batch_tokens": 1024, "learning_rate": 0.01},
    "learning_curve": {"budgets": [10, 20], "seeds": [1]},
    "choose_rows": {"strategy": "typical"},
    "rounds": {"planted": [0.2], "plant_seeds": 1, "resamples": 100},
    "compare": {"resamples": 200, "pairs": [["dapt", "transfer"]]},
    "represent": {"resamples": 100},
}


def write(folder: Path) -> None:
    """Write 80 short dialogues, of which some have a wrong response, and the tiny language model."""
    draw, rows = random.Random(1), []
    for number in range(80):
        thing, words = draw.choice(list(THINGS)), draw.sample(corpus.WORDS, 12)
        asked = f"There is a {thing} near the {words[0]} and the {', '.join(words[1:])}. Which colour has it? {number}"
        of = draw.choice([other for other in THINGS if other != thing]) if number % 20 == 3 else thing
        told = f"The {of} is {THINGS[of]}, like the {words[0]}."
        turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
        if number % 3 == 0:
            turns.insert(0, {"role": "system", "content": "You describe things."})
        rows.append({"key": str(number), "messages": turns})
    corpus.write_lines(folder, talks=rows)
    tiny_generator.write(folder.parents[1] / "models/local/tiny")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The clone after all stages, and the stages that ran."""
    clone = tiny(tmp_path_factory.mktemp("generation"), write, SMALL)
    file, yaml = clone.folder / "params.yaml", YAML(typ="safe")
    document = yaml.load(file.read_text(encoding="utf-8"))
    document["task"] = {"kind": "generation"}
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    return clone, clone.run_stages()


@pytest.fixture
def clone(made):
    return made[0]


def test_every_stage_runs(made):
    clone, ran = made
    stages = YAML(typ="safe").load((clone.folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert set(ran) == set(stages)


def measured(clone, name: str) -> dict:
    return json.loads((clone.folder / f"reports/metrics/{name}.json").read_text(encoding="utf-8"))


def test_adapters_of_each_seed_are_kept_as_peft_loads_them(clone):
    for seed in (1, 2):
        folder = clone.folder / f"models/classifier/transfer-generator-{seed}"
        names = {path.name for path in folder.iterdir()}
        assert names >= {"adapter_config.json", "adapter_model.safetensors", "generator.json", "tokenizer.json"}
        assert "model.safetensors" not in names
        told = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        assert told["base_model_name_or_path"] == "models/generator"


def test_predictions_hold_what_the_metrics_need(clone):
    folder = clone.folder / "data/predictions"
    assert {path.stem for path in folder.glob("*.parquet")} == {
        "tfidf-0",
        "transfer-1",
        "transfer-2",
        "dapt-1",
        "dapt-2",
        *(f"{arm}_given-{seed}" for arm in ("transfer", "dapt") for seed in (1, 2)),
    }
    rows = pq.read_table(folder / "transfer-1.parquet").to_pylist()
    assert all(row["loss"] > 0 and row["tokens"] > 5 and row["predicted_tokens"] <= 24 for row in rows)


def test_models_are_compared_by_chrf(clone):
    compared = measured(clone, "compare")["dev"]["approaches"]
    assert 0 <= compared["transfer"]["chrf_low"] <= compared["transfer"]["chrf"] < 1
    # A tiny model of random weights, which no longer guesses evenly among 353 tokens for about as many bytes.
    assert 2 < compared["transfer"]["loss_per_byte_low"] < compared["transfer"]["loss_per_byte"] < 6
    assert compared["tfidf"]["chrf"] > 0.3  # half of each response is the same
    assert "loss_per_byte" not in compared["tfidf"]


def test_the_worth_of_decisions_is_measured_beside_models_of_unrepaired_rows(clone):
    """Nobody has decided here: both learn from the same rows and say the same."""
    assert measured(clone, "unrepaired") == {"rows": measured(clone, "balance")["rows"], "changed": 0, "removed": 0}
    difference = measured(clone, "compare")["dev"]["difference"]["transfer-transfer_given"]
    assert difference["chrf"] == difference["chrf_low"] == difference["chrf_high"] == 0
    assert "What the repair was worth" in (clone.folder / "reports/report.html").read_text(encoding="utf-8")


def test_the_loss_falls(clone):
    lines = (clone.folder / "reports/plots/training/transfer-generator-1.csv").read_text("utf-8").splitlines()[1:]
    losses = [float(line.split(",")[2]) for line in lines]
    assert losses[-1] < losses[0] - 0.1


def test_wrong_responses_lead_the_queue(clone):
    wrong = {row["id"] for row in clone.rows("data/raw/talks.parquet") if int(row["source_key"]) % 20 == 3}
    queue = sorted(clone.rows("data/queue.parquet"), key=lambda row: row["rank"])
    assert len(wrong & {row["id"] for row in queue[:8]}) >= 3  # one row in twenty is wrong


def test_an_adapter_answers_the_prompts_of_a_file(clone):
    (clone.folder / "new.jsonl").write_text('{"text": "There is a boat. Which colour has it?"}\n', encoding="utf-8")
    code = "from winnow.commands.cli import main; main(['predict', 'new.jsonl', 'out.jsonl'])"
    clone.call(sys.executable, "-c", code)
    row = json.loads((clone.folder / "out.jsonl").read_text(encoding="utf-8"))
    assert isinstance(row["predicted"], str)
    assert 0 < row["probability"] < 1


def test_the_report_speaks_of_the_kind_s_metric(clone):
    page = (clone.folder / "reports/report.html").read_text(encoding="utf-8")
    assert "chrF" in page
    assert "macro-F1" not in page
