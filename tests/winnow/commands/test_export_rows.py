"""winnow export --dataset: the labelled rows as JSON Lines by split, which `datasets` reads."""

import json

import pytest

from tests.conftest import make_rows
from winnow.base.errors import UserError
from winnow.commands import cli
from winnow.rows import tables

SPLITS = ["train", "train", "dev", "test"]


def export(*arguments: str) -> None:
    parsed = cli.parser().parse_args(["export", *arguments])
    parsed.execute(parsed)


def labelled(folder, labels: list) -> None:
    rows = [{"label": label, "text": f"Which\nrow? {n}", "split": SPLITS[n % 4]} for n, label in enumerate(labels)]
    tables.write(make_rows(rows), folder / "data/labelled.parquet")


@pytest.fixture
def chats(workspace):
    folder = workspace(task={"kind": "generation"})
    labelled(folder, ["Row\n0.", None, "Row 2.", "Row 3."])
    return folder


def test_chats_by_split(chats, capsys):
    export("repaired", "--dataset")
    [line] = (chats / "repaired/train.jsonl").read_text().splitlines()
    found = json.loads(line)
    assert found["messages"] == [
        {"role": "user", "content": "Which\nrow? 0"},
        {"role": "assistant", "content": "Row\n0."},
    ]
    assert set(found) == {"id", "source", "source_key", "label_origin", "messages"}
    assert "1 rows of train" in capsys.readouterr().out


def test_load_dataset_reads_the_folder(chats, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
    datasets = pytest.importorskip("datasets")
    export("repaired", "--dataset")
    cache = str(tmp_path_factory.mktemp("datasets"))
    loaded = datasets.load_dataset(str(chats / "repaired"), cache_dir=cache)
    assert {name: len(rows) for name, rows in loaded.items()} == {"train": 1, "validation": 1, "test": 1}
    assert loaded["test"][0]["messages"][1]["content"] == "Row 3."


def test_other_kinds_have_text_and_label(workspace):
    folder = workspace(task={"kind": "classification", "labels": ["A", "B"]})
    labelled(folder, ["A", "B", "A", "B"])
    export("out", "--dataset")
    first = json.loads((folder / "out/train.jsonl").read_text().splitlines()[0])
    assert (first["text"], first["label"]) == ("Which\nrow? 0", "A")


@pytest.mark.parametrize("arguments", [("out", "--dataset", "--model", "m"), (".", "--dataset"), ("out", "--dataset")])
def test_what_cannot_be_exported(workspace, arguments):
    labelled(workspace(task={"kind": "generation"}), [None])
    with pytest.raises(UserError, match=r"leave out --model|is there already|no row with a label"):
        export(*arguments)
