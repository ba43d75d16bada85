"""Fixtures of the encoder stages: a tiny encoder, and rows whose words tell their label."""

import pyarrow as pa
import pytest

from tests import nasty, tiny_encoder
from tests.conftest import make_rows
from winnow.rows import tables

COLOURS = ["red", "green", "blue", "white"]
ANIMALS = ["cat", "dog", "horse", "mouse"]
FILLER = ["the", "a", "one", "sees", "and", "here", "there", "old", "new"]


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, COLOURS + ANIMALS + FILLER)
    return folder


def sentences(count: int) -> list[tuple[str, str]]:
    """Return (text, label): COLOUR if its third word is a colour, else ANIMAL."""
    out = []
    for number in range(count):
        words = [FILLER[(number * step) % len(FILLER)] for step in (1, 2, 3, 5)][: 2 + number % 3]
        label = ("COLOUR", "ANIMAL")[number % 2]
        word = (COLOURS, ANIMALS)[number % 2][(number // 2) % 4]
        out.append((" ".join([*words[:2], word, *words[2:]]), label))
    return out


@pytest.fixture
def encoder_params(workspace, default_params, monkeypatch):
    """Return a function that writes params.yaml for the encoder stages, small, and overridden by section.

    Their training keeps no checkpoints.
    """
    monkeypatch.setenv("WINNOW_CHECKPOINT_SECONDS", "none")

    def write(**changes: dict):
        sections = {
            "task": {"kind": "classification", "labels": ["COLOUR", "ANIMAL"]},
            "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
            "arms": {"approaches": ["transfer"], "encoders": ["base"], "seeds": [1]},
            "adapt": default_params["adapt"]
            | {"tokens": 600, "warmup_tokens": 200, "batch_tokens": 128, "max_length": 32, "freeze_embeddings": False}
            | {"objectives": {"masked_lm": 1.0}, "learning_rate": 2e-4, "interpolation": 0.5},
            "encoder": {"max_length": 16},
            "embed": {"batch_tokens": 128, "text_rows": 2},
            "finetune": default_params["finetune"]
            | {"epochs": 8, "reads": 0, "batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2}
            | {"freeze_embeddings": False, "frozen_layers": 0},
            "approaches": default_params["approaches"],
            "evaluate": {"batch_tokens": 128, "calibration_bins": 5},
        }
        folder = workspace(**{name: section | changes.get(name, {}) for name, section in sections.items()})
        nasty.write_cleaning(folder)
        return folder

    return write


@pytest.fixture
def labelled(tmp_path):
    """Write rows of the labelled table, 60 % train, 20 % dev, 20 % test, and return them."""
    rows = [
        {"text": text, "label": label, "split": ("train", "train", "train", "dev", "test")[number // 2 % 5]}
        for number, (text, label) in enumerate(sentences(120))
    ]
    table = make_rows(rows)
    tables.write(table, tmp_path / "labelled.parquet")
    return table


@pytest.fixture
def documents(tmp_path):
    """Documents of six sentences, whose first word tells their place."""
    places = ["red", "green", "blue", "white", "cat", "dog"]
    said = [text for text, _ in sentences(9)]
    texts = [
        " ".join(f"{place.capitalize()} {text}." for place, text in zip(places, said[number % 4 :], strict=False))
        for number in range(40)
    ]
    rows = make_rows([{"text": f"{text} {number}", "purpose": "text"} for number, text in enumerate(texts)])
    tables.write(rows, tmp_path / "rows.parquet")
    split = pa.table({"id": rows["id"], "group": rows["group"], "split": ["train"] * rows.num_rows})
    tables.write(split, tmp_path / "split.parquet")
