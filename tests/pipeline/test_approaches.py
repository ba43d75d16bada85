"""Every approach through dvc.yaml's own commands, from the labelled table to the comparison, in one process."""

import importlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from stages.semantic_duplicates.__main__ import LEFT_OUT
from tests import nasty, tiny_encoder
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from winnow.commands import pipeline
from winnow.rows import predictions, tables

STAGES = pipeline.stages(Path(__file__).parents[2])
ARMS = ["transfer", "multitask", "few_shot", "few_shot_examples"]


def run(name: str, approach: str = "") -> None:
    """Run the stage's command in this process."""
    command = STAGES[name]["cmd"]
    for key, value in {"approach": approach, "encoder": "base", "seed": "1"}.items():
        command = command.replace(f"${{item.{key}}}", value)
    command = command.split()
    assert command[:2] == ["python", "-m"]
    importlib.import_module(f"{command[2]}.__main__").main(command[3:])


@pytest.fixture
def project(workspace, default_params):
    """The tables that stand before `balance`, with a further task that says what the label says."""
    kept = ("balance", "baseline", "finetune", "approaches", "evaluate", "compare")
    sections = {name: default_params[name] for name in kept} | {
        "task": {"kind": "classification", "labels": ["COLOUR", "ANIMAL"]},
        "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
        "encoder": {"max_length": 16},
        "arms": {"approaches": ARMS, "encoders": ["base"], "seeds": [1]},
    }
    sections["balance"] |= {"max_labels": 48}
    sections["finetune"] |= {"epochs": 8, "reads": 0, "learning_rate": 1e-2, "head_learning_rate": 1e-2}
    sections["finetune"] |= {"freeze_embeddings": False, "frozen_layers": 0}
    sections["approaches"]["few_shot"] |= {"pairs": 640, "batch_pairs": 32, "learning_rate": 1e-2}
    sections["approaches"]["few_shot_examples"] |= {"example_tokens": 8}
    sections["compare"] |= {"resamples": 100, "pairs": [["multitask", "transfer"], ["few_shot", "transfer"]]}
    folder = workspace(**sections)
    splits = ("train", "train", "train", "dev", "test")
    rows = make_rows(
        [
            {"text": text, "label": label, "aux_kind": f"of {label}", "split": splits[number // 2 % 5], "verdict": None}
            for number, (text, label) in enumerate(sentences(160))
        ],
        ("kind",),
    )
    for name in ("labelled", "evaluated"):
        tables.write(rows, folder / f"data/{name}.parquet")
    nasty.write_cleaning(folder / "data")
    tables.write(rows.drop_columns(["split", "verdict"]), folder / "data/edited.parquet")
    tables.write(rows.select(["id", "split"]), folder / "data/split.parquet")
    tables.write(pa.Table.from_pylist([], LEFT_OUT), folder / "data/semantic_duplicates.parquet")
    tiny_encoder.write(folder / "models/base", [*COLOURS, *ANIMALS, *FILLER])
    return folder


def test_all_arms_train_are_evaluated_on_the_same_rows_and_compared(project):
    for name in ("balance", "auxiliary", "baseline"):
        run(name)
    for approach in ARMS:
        run("finetune", approach)
    run("evaluate")
    run("compare")
    arms = predictions.read_all(project / "data/predictions")
    assert set(arms) == {"tfidf-0", *(f"{approach}-1" for approach in ARMS)}
    compared = json.loads((project / "reports/metrics/compare.json").read_text(encoding="utf-8"))
    assert set(compared["dev"]["approaches"]) == {"tfidf", *ARMS}
    for approach in ARMS:
        assert compared["dev"]["approaches"][approach]["macro_f1"] > 0.8, approach
    assert {"multitask-transfer", "few_shot-transfer"} <= set(compared["dev"]["difference"])
