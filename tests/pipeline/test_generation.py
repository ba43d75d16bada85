"""Prompts and responses go through every stage; a tiny language model learns them by an adapter, and answers."""

import json
import random
import shutil
import sys
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from tests import tiny_generator
from tests.pipeline import corpus
from tests.pipeline.clone import tiny
from winnow.base.hashing import text_sha
from winnow.encoder import embeddings
from winnow.kinds.generation.labels import Task
from winnow.people.decisions import Decision
from winnow.review import journal, queues
from winnow.review.adding import Target

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


def test_conversations_are_asked_as_they_were_learnt(clone):
    code = "from winnow.commands.cli import main; main(['predict', 'data/sources/talks.jsonl', 'chats.jsonl'])"
    clone.call(sys.executable, "-c", code)
    rows = [json.loads(line) for line in (clone.folder / "chats.jsonl").read_text(encoding="utf-8").splitlines()]
    said = {row["key"]: row["predicted"] for row in rows}
    assert len(rows) == 80
    assert rows[0]["messages"][-1]["role"] == "assistant"
    keys = {row["id"]: row["source_key"] for row in clone.rows("data/raw/talks.parquet")}
    best = json.loads((clone.folder / "reports/metrics/compare.json").read_text(encoding="utf-8"))["best"]
    runs = [clone.rows(f"data/predictions/{best}-{seed}.parquet") for seed in (1, 2)]
    assert any(all(said[keys[row["id"]]] == row["predicted"] for row in run) for run in runs)


def test_the_report_speaks_of_the_kind_s_metric(clone):
    page = (clone.folder / "reports/report.html").read_text(encoding="utf-8")
    assert "chrF" in page
    assert "macro-F1" not in page


NEW = "<|system|>\nYou describe things.\n<|user|>\nA gate stands here. Which colour has it?"


@pytest.fixture(scope="module")
def edited(made, tmp_path_factory):
    """A copy of the clone in which people edited a prompt of train and one of dev, and their rows as they were."""
    clone = copy(made[0])
    clone.folder = tmp_path_factory.mktemp("edited") / "clone"
    shutil.copytree(made[0].folder, clone.folder, symlinks=True)
    training = {row["id"] for row in clone.rows("data/training.parquet")}
    rows = [row for row in clone.rows("data/labelled.parquet") if row["id"] in training or row["split"] == "dev"]
    chosen = [next(row for row in rows if row["split"] == split) for split in ("train", "dev")]
    task, now = Task(kind="generation"), "2026-01-31T09:30:00Z"
    lines = [
        Decision(row["id"], text_sha(row["text"]), task.told_given(row["label"]), "relabel", "", "ana", now, "", 0)
        for row in chosen
    ]
    texts = (NEW, f"{NEW} {chosen[1]['text']}")
    journal.append(
        clone.folder / "data/decisions.csv",
        [journal.cells(replace(line, new_text=task.told_text(new))) for line, new in zip(lines, texts, strict=True)],
    )
    for stage in ("balance", "rounds"):
        clone.run_stages(stage)
    return clone, [row | {"new": new} for row, new in zip(chosen, texts, strict=True)]


def test_an_edited_prompt_reaches_what_models_learn_from_and_are_measured_by(made, edited):
    clone, (train, dev) = edited
    for name, row in (
        ("training", train),
        ("labelled", train),
        ("edited", train),
        ("evaluated", dev),
        ("labelled", dev),
    ):
        before, after = (
            {each["id"]: each["text"] for each in one.rows(f"data/{name}.parquet")} for one in (made[0], clone)
        )
        assert (before.pop(row["id"]), after.pop(row["id"])) == (row["text"], row["new"])
        differing = {id for id in before if before[id] != after[id]}
        assert differing <= {train["id"], dev["id"]}
    label = next(each for each in clone.rows("data/training.parquet") if each["id"] == train["id"])["label"]
    assert label == train["label"]


def test_an_edited_prompt_is_embedded_anew_and_the_others_stay(made, edited):
    clone, rows = edited
    (ids, before), (_, after) = (embeddings.read(one.folder / "data/base_embeddings") for one in (made[0], clone))
    apart = np.abs(before - after).max(axis=1)
    assert {id for id, own in zip(ids, apart.tolist(), strict=True) if own > 1e-3} == {row["id"] for row in rows}


def test_rounds_count_edited_prompts_and_measure_their_worth(edited):
    found = measured(edited[0], "rounds")
    done = found["done"]["000"]
    assert (done["verdicts"]["relabel"], done["verdicts"]["keep"], done["edited_texts"]) == (2, 0, 2)
    assert done["changes"] == []  # of labels
    assert found["edits"]["edit_text"]["rows"] == 1
    assert found["edits"]["edit_text"]["dev"]["corrected"].keys() == {"gain", "gain_low", "gain_high"}
    assert measured(edited[0], "apply_decisions")["edited_texts"] == 2


def test_an_edited_prompt_is_told_and_exported(edited):
    clone, (train, _) = edited
    code = "from winnow.commands.cli import main; main(['why', '{}'])".format(train["id"])
    told = " ".join(clone.call(sys.executable, "-c", code).split())
    assert "decision relabel, text" in told
    assert "rule edit_text: text changed, decided by ana" in told
    assert f"edited {' '.join(NEW.split())}" in told
    code = "from winnow.commands.cli import main; main(['export', '--dataset', 'out'])"
    clone.call(sys.executable, "-c", code)
    lines = [json.loads(line) for line in (clone.folder / "out/train.jsonl").read_text(encoding="utf-8").splitlines()]
    [row] = [line for line in lines if line["id"] == train["id"]]
    assert row["messages"][:2] == [
        {"role": "system", "content": "You describe things."},
        {"role": "user", "content": "A gate stands here. Which colour has it?"},
    ]


def test_a_queue_is_reviewed_whose_prompts_were_edited_since(edited):
    clone, (train, dev) = edited
    file = clone.folder / "data/own.csv"
    file.write_text("id\n" + "".join(f"{row['id']}\n" for row in (train, dev)), encoding="utf-8")
    labelled = clone.folder / "data/labelled.parquet"
    table = queues.read(file, labelled)
    assert table["text"].to_pylist() == [train["text"], dev["text"]]
    target = Target(clone.folder / "data/decisions.csv", labelled, Task(kind="generation"))
    assert target.versions({train["id"]})[train["id"]][0] == text_sha(train["text"])
    assert target.undecided(table.to_pylist()) == []
