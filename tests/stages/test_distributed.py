"""Two processes on CPU learn what one does: the same batches, within rounding the same losses, one set of outputs."""

import csv
import json
import multiprocessing
import os
import re
import socket
import sys

import numpy as np
import pytest

from stages.adapt import __main__ as adapt
from stages.finetune import __main__ as finetune
from tests.conftest import on_machine
from tests.killing import ROOT, finish, kill, newest
from tests.stages.test_resume import EACH_STEP, adapt_command, corpus, finetune_command, outputs, training  # noqa: F401
from winnow.base.errors import UserError
from winnow.training import checkpoints, distributed

LAUNCHER = str(ROOT / "launch/two-cpus.yaml")
MULTITASK = {"min_rows": 2, "masked_lm": True, "weighting": "uncertainty"}
CONTRAST = {"labels_per_class": None, "method": "contrast", "pairs": 200, "batch_pairs": 9}


def together(main, arguments: list[str], processes: int = 2, fsdp: bool = False) -> list[int]:
    """Call a stage's `main` in forked processes, as torchrun would start them, and return their exit statuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(rank: int) -> None:
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
        os.environ |= {name: str(value) for name, value in place.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.environ["ACCELERATE_USE_FSDP"] = str(fsdp)
        main(arguments)

    started = [multiprocessing.get_context("fork").Process(target=run, args=(rank,)) for rank in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
        process.kill()
    return [process.exitcode for process in started]


def losses(folder, name) -> np.ndarray:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return np.array([float(row["loss"]) for row in csv.DictReader(file)])


def computed_on(folder, name) -> str:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["computed_on"]["processes"]


def weights(folder, name) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / name / "model.safetensors")


def assert_alike(folder, one, two):
    assert len(losses(folder, one)) > 5
    np.testing.assert_allclose(losses(folder, two), losses(folder, one), rtol=1e-3, atol=1e-4)
    expected = weights(folder, one)
    for name, weight in weights(folder, two).items():
        np.testing.assert_allclose(weight, expected[name], atol=2e-3, err_msg=name)
    assert (computed_on(folder, one), computed_on(folder, two)) == ("1", "2")


@pytest.mark.usefixtures("corpus")
def test_adapt(encoder_params, encoder_folder):
    folder = encoder_params(adapt={"tokens": 2000, "warmup_tokens": 500})
    adapt.main(adapt_command(encoder_folder, "one"))
    for fsdp in (False, True):
        assert together(adapt.main, adapt_command(encoder_folder, "two"), fsdp=fsdp) == [0, 0]
        assert_alike(folder, "one", "two")


@pytest.mark.usefixtures("documents")
def test_adapt_by_the_objectives_of_passages(encoder_params, encoder_folder):
    shares = {"position": 1.0, "order": 1.0, "denoise": 1.0}
    folder = encoder_params(adapt={"tokens": 2000, "warmup_tokens": 500, "objectives": shares})
    adapt.main(adapt_command(encoder_folder, "one"))
    for fsdp in (False, True):
        assert together(adapt.main, adapt_command(encoder_folder, "two"), fsdp=fsdp) == [0, 0]
        assert_alike(folder, "one", "two")


def killed_after(step: int, main):
    """Return a stage's `main` for a forked process, which ends as by a signal after that step's checkpoint."""

    def killed(arguments: list[str]) -> None:
        save = checkpoints.Series.save_if_due

        def save_and_die(self, learning, curve):
            save(self, learning, curve)
            if len(curve) == step:
                os._exit(9)

        checkpoints.Series.save_if_due = save_and_die
        main(arguments)

    return killed


@pytest.mark.usefixtures("training")
def test_weights_in_pieces_killed_and_resumed_whole_and_in_pieces(encoder_params, monkeypatch, encoder_folder):
    folder = encoder_params(finetune={"dropout": 0.0, "epochs": 1, "batch_tokens": 40, "average_decay": 0.9})
    monkeypatch.setenv(*EACH_STEP)
    finetune.main(finetune_command(encoder_folder, "one"))
    command = finetune_command(encoder_folder, "two")
    assert together(killed_after(4, finetune.main), command, fsdp=True) == [9, 9]
    assert together(killed_after(9, finetune.main), command, fsdp=False) == [9, 9]
    assert together(finetune.main, command, fsdp=True) == [0, 0]
    assert_alike(folder, "one", "two")

    encoder_params(finetune={"patience": 1})
    assert together(finetune.main, command, fsdp=True) == [1, 1]


@pytest.mark.parametrize(
    ("approach", "recipe", "settings"),
    [
        ("transfer", {"batch_tokens": 17, "average_decay": 0.9, "patience": 2}, {}),
        ("multitask", {"average_decay": 0.9}, {"multitask": MULTITASK}),
        ("few_shot", {}, {"few_shot": CONTRAST | {"examples": 1}}),
    ],
)
@pytest.mark.usefixtures("training")
def test_finetune(encoder_params, encoder_folder, default_params, approach, recipe, settings):
    sections = default_params["approaches"]
    changes = {name: sections[name] | change for name, change in settings.items()}
    folder = encoder_params(finetune={"dropout": 0.0, "epochs": 3, "learning_rate": 1e-3} | recipe, approaches=changes)
    finetune.main(finetune_command(encoder_folder, "one", approach))
    assert together(finetune.main, finetune_command(encoder_folder, "two", approach)) == [0, 0]
    assert_alike(folder, "one", "two")


@pytest.mark.usefixtures("training")
def test_killed_with_two_it_goes_on_with_one(encoder_params, monkeypatch, encoder_folder):
    recipe = {"dropout": 0.0, "epochs": 10, "average_decay": 0.9}
    folder = encoder_params(finetune=recipe)
    finetune.main(finetune_command(encoder_folder, "one"))

    monkeypatch.setenv(*EACH_STEP)
    command = [sys.executable, "-m", "stages.finetune.__main__", *finetune_command(encoder_folder, "resumed")]
    with on_machine(launcher=LAUNCHER):
        last = kill(command, folder, folder / "checkpoints", "train", 6)
    assert last < len(losses(folder, "one"))
    assert not (folder / "resumed").exists()

    _, resumed = finish(command, folder)
    assert resumed == [last]
    np.testing.assert_allclose(losses(folder, "resumed"), losses(folder, "one"), rtol=1e-3, atol=1e-4)
    assert computed_on(folder, "resumed") == "2, 1"
    assert list((folder / "checkpoints").iterdir()) == []


@pytest.mark.usefixtures("training")
def test_killed_with_two_it_goes_on_with_two_to_the_same_bytes(encoder_params, monkeypatch, encoder_folder):
    folder = encoder_params(finetune={"epochs": 4, "dropout": 0.1})
    monkeypatch.setenv(*EACH_STEP)
    assert together(finetune.main, finetune_command(encoder_folder, "whole")) == [0, 0]

    command = finetune_command(encoder_folder, "resumed")
    assert together(killed_after(5, finetune.main), command) == [9, 9]
    assert newest(folder / "checkpoints", "train") == 5
    assert together(finetune.main, command) == [0, 0]
    assert outputs(folder, "resumed") == outputs(folder, "whole")


FAILING = """
import os, signal, sys
from accelerate.utils import wait_for_everyone
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.training import distributed


@distributed.launchable
def main(argv):
    assert not distributed.launch("failing", None, argv)
    start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    if os.environ["RANK"] == "1":
        if argv == ["error"]:
            raise UserError("rows.parquet: row 7 cannot be read")
        if argv == ["bug"]:
            raise KeyError("the traceback tells")
        os.kill(os.getpid(), signal.SIGKILL)
    wait_for_everyone()  # for ever, did nobody end it


main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("error", "rows.parquet: row 7 cannot be read"),
        ("bug", "process 1 failed with exit status 1: what it wrote stands above"),
        ("kill", "process 1 was ended by SIGKILL; if not by you, memory may be short"),
    ],
)
def test_one_that_fails_ends_all_with_one_line(tmp_path, monkeypatch, capfd, how, message):
    (tmp_path / "failing.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}")
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        distributed.launch("failing", LAUNCHER, [how])
    told = capfd.readouterr().err
    assert ("the traceback tells" in told) == (how == "bug")
    assert how == "bug" or told == ""


def test_a_configuration_that_is_not_there_is_named(encoder_params):
    encoder_params()
    told = r"^WINNOW_LAUNCHER: launch/none.yaml: no such file; name one of launch/"
    with on_machine(launcher="launch/none.yaml"), pytest.raises(UserError, match=told):
        adapt.main(adapt_command("base", "out"))


@pytest.mark.usefixtures("documents")
def test_an_objective_that_needs_all_rows_of_a_batch_is_refused(encoder_params, encoder_folder, capfd):
    encoder_params(adapt={"objectives": {"contrast": 1.0}, "dropout": 0.1, "warmup_tokens": 0})
    assert together(adapt.main, adapt_command(encoder_folder, "two")) == [1, 1]
    assert "adapt.objectives.contrast compares all rows of a batch" in capfd.readouterr().err
