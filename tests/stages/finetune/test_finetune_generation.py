"""A language model learns responses: by an adapter that peft loads, or whole; killed or not, the same bytes."""

import json
import sys

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from stages.finetune import __main__ as finetune
from tests import tiny_generator
from tests.conftest import make_rows
from tests.killing import content, finish, kill
from tests.nasty import write_cleaning
from winnow import kinds
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.generation import model as kind
from winnow.kinds.generation.examples import Examples
from winnow.rows import tables
from winnow.text import dialogue

THINGS = {"kettle": "copper", "lantern": "amber", "boat": "blue", "gate": "green"}
RECIPE = {"epochs": 6, "reads": 0, "batch_tokens": 512, "learning_rate": 0.01, "frozen_layers": 1}
RECIPE |= {"head_learning_rate": 0.001, "freeze_embeddings": True, "patience": None}
TRANSFER = {"max_length": 128, "max_new_tokens": 8, "adapter": {"rank": 4, "alpha": 8.0}}
COMPUTE = {"threads": 1, "device": "cpu", "precision": "fp32"}


@pytest.fixture
def prepare(workspace, monkeypatch):
    """Return a function that writes params.yaml, the tiny model and the tables, and returns their folder."""
    monkeypatch.setenv("WINNOW_CHECKPOINT_SECONDS", "none")

    def prepare(recipe: dict | None = None, **transfer: object):
        folder = workspace(
            task={"kind": "generation"},
            compute=COMPUTE,
            encoder={"max_length": 64},
            finetune=RECIPE | (recipe or {}),
            approaches={"transfer": TRANSFER | transfer},
        )
        write_cleaning(folder)
        if not (folder / "models/generator").exists():
            tiny_generator.write(folder / "models/generator")
        pairs = [
            {"text": f"Which colour has the {thing} number {number}?", "label": f"{colour}."}
            for number in range(8)
            for thing, colour in THINGS.items()
        ]
        rows = make_rows(pairs).select(["id", "group", "text", "label"])
        weights = [1.0 + number % 2 for number in range(rows.num_rows)]
        tables.write(tables.set_column(rows, "weight", weights, pa.float64()), folder / "training.parquet")
        for name in ("dev", "auxiliary"):
            tables.write(rows.slice(0, 4), folder / f"{name}.parquet")
        return folder

    return prepare


def command(name: str) -> list[str]:
    paths = "--encoder models/generator --training training.parquet --dev dev.parquet --auxiliary auxiliary.parquet"
    more = "--cleaning cleaning.json --checkpoints checkpoints --approach transfer --seed 1"
    return [*paths.split(), *more.split(), *f"--out {name} --curve {name}.csv --metrics {name}.json".split()]


def losses(folder, name: str) -> list[float]:
    return [float(line.split(",")[2]) for line in (folder / f"{name}.csv").read_text("utf-8").splitlines()[1:]]


def test_an_adapter_learns_and_is_what_peft_loads(prepare):
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    folder = prepare({"epochs": 30})
    finetune.main(command("out"))
    assert losses(folder, "out")[-1] < losses(folder, "out")[0] - 0.3
    names = {path.name for path in (folder / "out").iterdir()}
    assert names >= {"adapter_config.json", "adapter_model.safetensors", "chat_template.jinja", "reader.json"}
    assert not names & {"model.safetensors", "README.md"}
    base = AutoModelForCausalLM.from_pretrained("models/generator")
    told = json.loads((folder / "out/adapter_config.json").read_text("utf-8"))
    assert told["layers_to_transform"] == [1]
    own = peft.PeftModel.from_pretrained(base, "out").eval()
    ids = torch.tensor([[5, 300, 301, 17]])
    theirs = own(ids).logits.detach()  # before the merger, which changes the base in place
    ours = kind.load(kinds.read_task(), folder / "out").eval()
    torch.testing.assert_close(ours(ids).logits, theirs, atol=1e-5, rtol=1e-4)
    plain = AutoModelForCausalLM.from_pretrained("models/generator").eval()
    assert not torch.allclose(plain(ids).logits, theirs, atol=1e-3)


def test_a_model_that_learns_nothing_is_the_base_shown_examples(prepare):
    from safetensors.numpy import load_file

    folder = prepare()
    settings = {"examples": 2, "max_length": 256, "max_new_tokens": 4}
    document = YAML(typ="safe").load((folder / "params.yaml").read_text("utf-8"))
    document["approaches"] |= {"prompted": settings}
    YAML(typ="safe").dump(document, folder / "params.yaml")
    line = command("out")
    line[line.index("transfer")] = "prompted"
    finetune.main(line)
    base = load_file(folder / "models/generator/model.safetensors")
    ours = kind.load(kinds.read_task(), folder / "out").state_dict()
    assert all(np.array_equal(ours[name].numpy(), weight) for name, weight in base.items())
    reader = Reader.load(folder / "out", 256, start(Compute(**COMPUTE), seed=0))
    shown = Examples.load(reader.folder).shown(["<|system|>\nBe brief.\n<|user|>\nWhich colour has the boat number 5?"])
    turns = dialogue.read(shown[0]).messages
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert turns[3].content == "Which colour has the boat number 5?"  # the nearest stands last
    assert turns[4].content == "blue."
    rows = tables.set_column(tables.read(folder / "dev.parquet"), "split", ["dev"] * 4, pa.string())
    predicted = kind.predictor(kinds.read_task(), rows, reader)(kind.load(kinds.read_task(), folder / "out"))
    assert predicted["loss"].null_count == 0


def test_what_frozen_layers_make_is_remembered_and_changes_nothing(prepare, monkeypatch):
    from winnow.training import layer_cache

    folder = prepare()
    made = []
    own = layer_cache.LayerCache.__init__
    monkeypatch.setattr(layer_cache.LayerCache, "__init__", lambda *args: made.append(own(*args)))
    finetune.main(command("cached"))
    assert len(made) == 1
    monkeypatch.setattr(layer_cache, "MAX_BYTES", 0)
    finetune.main(command("computed"))
    assert len(made) == 1
    np.testing.assert_allclose(losses(folder, "cached"), losses(folder, "computed"), atol=1e-4)


def test_the_whole_model_learns_above_its_frozen_layers(prepare):
    from safetensors.numpy import load_file

    folder = prepare(adapter=None)
    finetune.main(command("out"))
    assert losses(folder, "out")[-1] < losses(folder, "out")[0] - 0.3
    before, after = (load_file(path / "model.safetensors") for path in (folder / "models/generator", folder / "out"))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert any(name.startswith("model.layers.1.") for name in changed)
    assert not any(name.startswith(("model.layers.0.", "model.embed")) for name in changed)


def test_predictions_tell_answers_and_losses(prepare):
    folder = prepare()
    finetune.main(command("out"))
    accelerator = start(Compute(**COMPUTE), seed=0)
    rows = tables.read(folder / "dev.parquet")
    long = "blue " * 200
    labels = [*rows["label"].to_pylist()[:2], long, None]
    rows = tables.set_column(rows, "label", labels, pa.string())
    rows = tables.set_column(rows, "split", ["dev"] * 4, pa.string())
    task = kinds.saved_task(folder / "out")
    reader = Reader.load(folder / "out", 256, accelerator)
    predicted = kind.predictor(task, rows, reader)(kind.load(task, folder / "out"))
    assert [loss is None for loss in predicted["loss"].to_pylist()] == [False, False, True, True]
    assert all(tokens <= 8 for tokens in predicted["predicted_tokens"].to_pylist())
    assert predicted["predicted"].null_count == 0


def test_a_response_that_does_not_fit_stops_the_run(prepare):
    prepare(max_length=40)
    with pytest.raises(UserError, match=r"approaches\.transfer\.max_length: 40 tokens, which hold no prompt beside"):
        finetune.main(command("out"))


def test_a_longer_window_than_the_model_s_is_refused(prepare):
    prepare(max_length=4096)
    with pytest.raises(UserError, match=r"approaches\.transfer\.max_length: 4096 tokens, but the encoder in"):
        finetune.main(command("out"))


def test_an_adapter_of_another_model_is_refused(prepare):
    folder = prepare({"epochs": 1})
    finetune.main(command("out"))
    (folder / "models/generator/model.safetensors").write_bytes(b"other")
    with pytest.raises(UserError, match="out: learnt beside weights of sha256"):
        kind.load(kinds.read_task(), folder / "out")
    (folder / "models/generator/model.safetensors").unlink()
    with pytest.raises(UserError, match="stands beside models/generator, which is not here"):
        kind.load(kinds.read_task(), folder / "out")


def test_names_of_no_layer_are_refused(prepare):
    prepare(adapter={"targets": ["query"]})
    with pytest.raises(UserError, match=r"transfer\.adapter\.targets: Target modules \{'query'\} not found"):
        finetune.main(command("out"))


def test_killed_and_resumed_it_ends_with_the_same_bytes(prepare, monkeypatch):
    folder = prepare({"dropout": 0.1, "epochs": 12, "frozen_layers": 0})
    finetune.main(command("whole"))
    monkeypatch.setenv("WINNOW_CHECKPOINT_SECONDS", "0")
    line = [sys.executable, "-m", "stages.finetune.__main__", *command("killed")]
    last = kill(line, folder, folder / "checkpoints", "train", 6)
    _, resumed = finish(line, folder)
    assert resumed == [last]
    assert content(folder / "killed") == {
        path.replace("whole", "killed"): data for path, data in content(folder / "whole").items()
    }
