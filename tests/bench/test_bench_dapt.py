"""The search for a way to adapt, from end to end on a tiny encoder."""

import json

import pytest

from bench import dapt as bench
from tests import tiny_encoder
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from winnow.rows import tables

COMMAND = (
    "--rows rows.parquet --labelled labelled.parquet --split split.parquet --base encoder --cache cache "
    "--out out/dapt.json --seeds 1 2"
)


@pytest.fixture
def folder(workspace, default_params, monkeypatch):
    folder = workspace(
        task={"kind": "classification", "labels": ["COLOUR", "ANIMAL"]},
        compute={"threads": 1, "device": "cpu", "precision": "fp32"},
        adapt=default_params["adapt"],
        balance=default_params["balance"],
        embed=default_params["embed"],
        approaches=default_params["approaches"],
        learning_curve=default_params["learning_curve"],
        encoder={"max_length": 16},
        finetune=default_params["finetune"]
        | {"batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2}
        | {"freeze_embeddings": False, "frozen_layers": 0, "epochs": 4},
    )
    splits = ("train", "train", "train", "dev", "test")
    rows = [
        {"text": text, "label": label, "label_origin": "given", "verdict": None, "purpose": "task"}
        | {"split": splits[number // 2 % 5], "source": "task"}
        for number, (text, label) in enumerate(sentences(160))
    ]
    labelled = make_rows(rows)
    texts = [
        {
            "text": f"{text.capitalize()}. Here {text}.",
            "label": None,
            "purpose": "text",
            "split": "train",
            "source": "text",
        }
        for text, _ in sentences(40)
    ]
    every = make_rows([*rows, *texts])
    tables.write(labelled, folder / "labelled.parquet")
    tables.write(every.drop_columns(["split", "verdict"]), folder / "rows.parquet")
    tables.write(every.select(["id", "split"]), folder / "split.parquet")
    tiny_encoder.write(folder / "encoder", [*COLOURS, *ANIMALS, *FILLER])
    small = {"tokens": 1500, "batch_tokens": 128, "max_length": 32, "learning_rate": 1e-3, "freeze_embeddings": False}
    recipes = ("position", "masked words", "position, another domain")
    shortened = {name: bench.RECIPES[name] | small for name in recipes}
    shortened["masked words"]["warmup_tokens"] = 500
    monkeypatch.setattr(bench, "RECIPES", shortened)
    monkeypatch.setattr(bench, "BUDGETS", (20, 40))
    monkeypatch.setattr(bench, "DRAWS", 3)
    return folder


def test_each_recipe_is_judged_against_the_base_on_the_same_rows_and_nothing_is_computed_twice(
    folder, monkeypatch, capsys
):
    bench.main([*COMMAND.split(), "--finetuned", "position"])
    entries = json.loads((folder / "out/dapt.json").read_text(encoding="utf-8"))
    judged = [entry["work"].removeprefix("macro-F1 on dev, ") for entry in entries]
    assert sum("encoder adapted by position" in work and "fine-tuned" in work for work in judged) == 2
    assert sum("probe, 40 labels" in work for work in judged) == 3
    assert len(entries) == 8
    for entry in entries:
        mean, half = entry["difference"]
        assert mean == pytest.approx(entry["ours"] - entry["theirs"], abs=2e-6)  # files have six digits
        assert half >= 0
        assert entry["adaptation"]["tokens"] >= 1500
    documents = {entry["work"].split("adapted by ")[1]: entry["adaptation"]["documents"] for entry in entries}
    assert documents["position"] < 40 < documents["masked words"] < 96 + 40, "sources of text alone; all; some held out"
    assert 40 < documents["position, another domain"] < len(bench.another_domain())

    def never(*_):
        raise AssertionError("computed again")

    for name in ("adapted", "probe", "tune"):
        monkeypatch.setattr(bench, name, never)
    bench.main([*COMMAND.split(), "--finetuned", "position"])
    assert json.loads((folder / "out/dapt.json").read_text(encoding="utf-8")) == entries
    head, _, *lines = capsys.readouterr().out.splitlines()[-6:]
    judged = [f"{what}, {count} labels" for what in ("probe", "fine-tuned") for count in (20, 40)]
    assert [cell.strip() for cell in head.split("|")[2:-2]] == judged
    assert [line.split("|")[1].strip() for line in lines] == ["base encoder", *bench.RECIPES]
    assert [line.count("(") for line in lines] == [0, 4, 2, 2], "fine-tuned from one"
