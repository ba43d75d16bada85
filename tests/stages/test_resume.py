"""SIGKILL at several steps, then the same command: the same bytes as of a run that nothing disturbed."""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stages.adapt import __main__ as adapt
from stages.finetune import __main__ as finetune
from tests.conftest import make_rows
from tests.killing import content, finish, kill, newest
from tests.stages.conftest import sentences
from winnow.rows import tables

EACH_STEP = "WINNOW_CHECKPOINT_SECONDS", "0"
ADAPT = {
    "adapt": {"tokens": 4000, "warmup_tokens": 1000, "dropout": 0.1, "objectives": {"masked_lm": 0.5, "position": 0.5}}
}
FINETUNE = {"finetune": {"dropout": 0.1, "epochs": 10}}
# Average and early stop are a part of the state too.
MULTITASK = {"finetune": {"dropout": 0.1, "epochs": 40, "batch_tokens": 96, "average_decay": 0.9, "patience": 3}}


def adapt_command(encoder_folder, name) -> list[str]:
    paths = f"--rows rows.parquet --split split.parquet --base {encoder_folder} --checkpoints checkpoints"
    return [*paths.split(), *f"--out {name} --curve {name}.csv --metrics {name}.json".split()]


def finetune_command(encoder_folder, name, approach="transfer") -> list[str]:
    paths = f"--encoder {encoder_folder} --training training.parquet --checkpoints checkpoints"
    more = f"--dev dev.parquet --auxiliary auxiliary.parquet --cleaning cleaning.json --approach {approach} --seed 1"
    return [*paths.split(), *more.split(), *f"--out {name} --curve {name}.csv --metrics {name}.json".split()]


def outputs(folder, name) -> dict[str, bytes]:
    found = content(*(folder / f"{name}{suffix}" for suffix in ("", ".csv", ".json")))
    return {path.replace(name, ""): data for path, data in found.items()}


@pytest.fixture
def corpus(tmp_path):
    texts = [text for text, _ in sentences(60)]
    rows = make_rows([{"text": f"{text}. Here {text}.", "purpose": "text"} for text in texts])
    split = pa.table({"id": rows["id"], "group": rows["group"], "split": ["train"] * rows.num_rows})
    tables.write(rows, tmp_path / "rows.parquet")
    tables.write(split, tmp_path / "split.parquet")


@pytest.fixture
def training(tmp_path, labelled):
    rows, dev = (
        labelled.filter(pc.equal(labelled["split"], split)).select(["id", "group", "text", "label"])
        for split in ("train", "dev")
    )
    weights = [1.0 + number % 3 for number in range(rows.num_rows)]
    kinds = [("odd", "even")[len(text.split()) % 2] for text in rows["text"].to_pylist()]
    tables.write(tables.set_column(rows, "weight", weights, pa.float64()), tmp_path / "training.parquet")
    tables.write(dev, tmp_path / "dev.parquet")
    tables.write(tables.set_column(rows, "aux_kind", kinds, pa.string()), tmp_path / "auxiliary.parquet")


def test_adapt_killed_in_both_phases(encoder_params, monkeypatch, encoder_folder, corpus):
    folder = encoder_params(**ADAPT)
    adapt.main(adapt_command(encoder_folder, "whole"))

    monkeypatch.setenv(*EACH_STEP)
    checkpoints = folder / "checkpoints"
    command = [sys.executable, "-m", "stages.adapt.__main__", *adapt_command(encoder_folder, "killed")]
    head = kill(command, folder, checkpoints, "head", 3)
    assert newest(checkpoints, "all") == 0
    kill(command, folder, checkpoints, "all", 5)
    last = kill(command, folder, checkpoints, "all", 20)
    assert not (folder / "killed").exists()
    assert head < last < len((folder / "whole.csv").read_text().splitlines())

    _, resumed = finish(command, folder)
    assert resumed[1] == last
    assert outputs(folder, "killed") == outputs(folder, "whole")
    assert list(checkpoints.iterdir()) == []


def test_finetune_killed_with_its_newest_checkpoint_truncated(encoder_params, monkeypatch, encoder_folder, training):
    folder = encoder_params(**FINETUNE)
    finetune.main(finetune_command(encoder_folder, "whole"))
    metrics = json.loads((folder / "whole.json").read_text(encoding="utf-8"))
    assert metrics["computed_on"]["threads"] == 1

    monkeypatch.setenv(*EACH_STEP)
    checkpoints = folder / "checkpoints"
    command = [sys.executable, "-m", "stages.finetune.__main__", *finetune_command(encoder_folder, "killed")]
    last = kill(command, folder, checkpoints, "train", 12)
    assert last < metrics["steps"]
    (damaged,) = checkpoints.glob(f"*/train/{last:09}/tensors.safetensors")
    damaged.write_bytes(damaged.read_bytes()[:-100])

    # With another parameter it begins anew, and the checkpoints stay for the run that they belong to.
    encoder_params(**FINETUNE | {"finetune": FINETUNE["finetune"] | {"weight_decay": 0.5}})
    finetune.main(finetune_command(encoder_folder, "other"))
    assert outputs(folder, "other") != outputs(folder, "whole")
    assert newest(checkpoints, "train") == last

    encoder_params(**FINETUNE)
    told, resumed = finish(command, folder)
    assert f"training: checkpoint of step {last} left out: it is damaged" in told
    assert resumed == [last - 1]
    assert outputs(folder, "killed") == outputs(folder, "whole")
    assert list(checkpoints.iterdir()) == []


def test_multitask_killed_before_its_early_stop(encoder_params, monkeypatch, encoder_folder, default_params, training):
    settings = {"multitask": default_params["approaches"]["multitask"] | {"masked_lm": True}}
    folder = encoder_params(**MULTITASK, approaches=settings)
    finetune.main(finetune_command(encoder_folder, "whole", "multitask"))
    lines = (folder / "whole.csv").read_text(encoding="utf-8").splitlines()[1:]
    ends = [int(line.split(",")[1]) for line in lines]
    assert 4 <= ends[-1] < 40, "ended early"

    monkeypatch.setenv(*EACH_STEP)
    checkpoints = folder / "checkpoints"
    command = [
        sys.executable,
        "-m",
        "stages.finetune.__main__",
        *finetune_command(encoder_folder, "killed", "multitask"),
    ]
    last = kill(command, folder, checkpoints, "train", ends.index(2) + 2)
    assert last < len(ends)
    _, resumed = finish(command, folder)
    assert resumed == [last]
    assert outputs(folder, "killed") == outputs(folder, "whole")
    assert list(checkpoints.iterdir()) == []
