"""Two processes teach a language model what one does, whole or by an adapter, in the same bytes if they are killed."""

import json

import numpy as np
import pytest

from stages.finetune import __main__ as finetune
from tests.killing import content, newest
from tests.stages.finetune.test_finetune_generation import command, losses, prepare  # noqa: F401
from tests.stages.test_distributed import killed_after, together
from tests.stages.test_resume import EACH_STEP
from winnow import kinds
from winnow.kinds.generation import model as kind

# Few rows a step, and in the last one a single row: a process has none.
LEARN = {"epochs": 3, "batch_tokens": 200, "dropout": 0.0, "learning_rate": 0.003}
SORTS = {
    "adapter": ({}, {}),
    "adapter in all layers, averaged": ({"frozen_layers": 0, "average_decay": 0.9}, {}),
    "adapter of some layers": (
        {"frozen_layers": 0, "learning_rate": 0.02},
        {"adapter": {"rank": 4, "alpha": 8.0, "targets": ["down_proj"]}},
    ),
    "whole": ({"frozen_layers": 0, "freeze_embeddings": False, "learning_rate": 0.001}, {"adapter": None}),
    "whole above frozen layers": ({"learning_rate": 0.001}, {"adapter": None}),
}


def begin(prepare, sort: str, tied: bool = False, **recipe):  # noqa: F811
    own, transfer = SORTS[sort]
    folder = prepare(LEARN | own | recipe, **transfer)
    file = folder / "models/generator/config.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    if told["tie_word_embeddings"] != tied:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(file.parent)
        model.config.tie_word_embeddings = tied
        model.tie_weights()
        model.save_pretrained(file.parent)
    return folder


def weights(folder, name: str) -> dict[str, np.ndarray]:
    return {key: weight.numpy() for key, weight in kind.load(kinds.read_task(), folder / name).state_dict().items()}


def assert_alike(folder, one: str, two: str, processes: str = "2") -> None:
    assert len(losses(folder, one)) > 10
    np.testing.assert_allclose(losses(folder, two), losses(folder, one), rtol=1e-3, atol=1e-4)
    expected = weights(folder, one)
    for name, weight in weights(folder, two).items():
        np.testing.assert_allclose(weight, expected[name], atol=2e-3, err_msg=name)
    told = json.loads((folder / f"{two}.json").read_text(encoding="utf-8"))
    assert told["computed_on"]["processes"] == processes


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "adapter"])  # which another test has
def test_two_processes_learn_what_one_does(prepare, sort):  # noqa: F811
    folder = begin(prepare, sort)
    finetune.main(command("one"))
    assert losses(folder, "one")[-1] < losses(folder, "one")[0] - 0.1
    for name, fsdp in (("two", False), ("pieces", True)):
        assert together(finetune.main, command(name), fsdp=fsdp) == [0, 0]
        assert_alike(folder, "one", name)
    assert {path.name for path in (folder / "pieces").iterdir()} == {path.name for path in (folder / "one").iterdir()}


@pytest.mark.parametrize("sort", ["whole"])
def test_a_head_that_shares_the_table_of_tokens(prepare, sort):  # noqa: F811
    folder = begin(prepare, sort, tied=True)
    finetune.main(command("one"))
    assert together(finetune.main, command("pieces"), fsdp=True) == [0, 0]
    assert_alike(folder, "one", "pieces")


@pytest.mark.parametrize("sort", ["adapter in all layers, averaged"])
def test_weights_in_pieces_killed_and_resumed_in_pieces_give_the_same_bytes(prepare, monkeypatch, sort):  # noqa: F811
    folder = begin(prepare, sort, dropout=0.1, epochs=1)
    monkeypatch.setenv(*EACH_STEP)
    assert together(finetune.main, command("whole"), fsdp=True) == [0, 0]
    assert together(killed_after(5, finetune.main), command("resumed"), fsdp=True) == [9, 9]
    assert newest(folder / "checkpoints", "train") == 5
    assert together(finetune.main, command("resumed"), fsdp=True) == [0, 0]
    for name in ("", ".csv", ".json"):
        assert list(content(folder / f"resumed{name}").values()) == list(content(folder / f"whole{name}").values())


@pytest.mark.parametrize("sort", ["adapter"])
def test_begun_in_pieces_it_goes_on_whole_and_alone(prepare, monkeypatch, sort):  # noqa: F811
    folder = begin(prepare, sort)
    finetune.main(command("one"))
    monkeypatch.setenv(*EACH_STEP)
    assert together(killed_after(3, finetune.main), command("two"), fsdp=True) == [9, 9]
    assert together(killed_after(6, finetune.main), command("two"), fsdp=False) == [9, 9]
    finetune.main(command("two"))
    assert_alike(folder, "one", "two", "2, 1")


def test_an_early_stop_is_refused_where_weights_lie_in_pieces(prepare, capfd):  # noqa: F811
    begin(prepare, "adapter", patience=1)
    assert together(finetune.main, command("two"), fsdp=True) == [1, 1]
    assert "params.yaml: finetune.patience: FSDP cannot judge a model on the way" in capfd.readouterr().err
