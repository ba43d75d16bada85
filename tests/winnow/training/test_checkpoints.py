"""Checkpoints: what is kept and for whom. That a resumed run ends in the same bytes is shown in test_training.py."""

import contextlib
import json
import os
import subprocess
import sys

import pytest

from winnow.base import files
from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.training import checkpoints


class Recipe(Section):
    rate: float


@pytest.fixture
def inputs(tmp_path):
    """A file and a folder that a run reads."""
    (tmp_path / "rows").write_text("a")
    (tmp_path / "base/deep").mkdir(parents=True)
    (tmp_path / "base/deep/weights").write_text("b")
    return [tmp_path / "rows", tmp_path / "base"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path / "checkpoints"


def kept(folder, inputs, seconds=0.0, **values):
    return checkpoints.kept(folder, "adapt", inputs, {"adapt": Recipe(rate=0.1)} | values, seconds)


class Killed(BaseException):
    """Stands for a signal: nothing but `finally` sees it."""


def parts(rate=0.1):
    """Return a model that learns, its optimizer and schedule, after one step that gave the optimizer its moments."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    schedule.step()
    return checkpoints.Learning(model, optimizer, schedule)


def interrupted(folder, inputs, steps=(1, 2, 3)):
    """Leave checkpoints behind, as a killed run would, and return their series' folder."""
    with contextlib.suppress(Killed), kept(folder, inputs) as saved:
        series = saved.series("all")
        curve = []
        for step in steps:
            curve.append({"loss": 1 / 3 / step, "learning_rate": 0.1})
            series.save_if_due(parts(), curve)
        raise Killed
    return series.folder


def test_the_last_two_are_kept_until_the_run_succeeds(folder, inputs):
    series = interrupted(folder, inputs)
    assert sorted(path.name for path in series.iterdir()) == ["000000002", "000000003"]
    names = {"SHA256SUMS", "state.json", "tensors.safetensors"}
    assert all({file.name for file in path.iterdir()} == names for path in series.iterdir())
    assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=series / "000000003").returncode == 0
    with kept(folder, inputs) as saved:
        assert saved.series("all").restore(parts())[2] == {"loss": 1 / 9, "learning_rate": 0.1}
    assert list(folder.iterdir()) == []


def test_restored_state_is_the_saved_one_to_the_last_bit(folder, inputs):
    import torch

    saved, restored = parts(), parts(rate=0.1)
    with torch.no_grad():
        saved.model.weight += 1 / 3
    series = checkpoints.Series(folder, 0.0)
    series.save_if_due(saved, [{"loss": 0.1, "learning_rate": 0.2}])

    restored.optimizer.param_groups[0]["lr"] = 7.0
    assert series.restore(restored) == [{"loss": 0.1, "learning_rate": 0.2}]
    assert restored.model.weight.equal(saved.model.weight)
    assert restored.schedule.state_dict() == saved.schedule.state_dict()
    assert restored.optimizer.param_groups[0]["lr"] == saved.optimizer.param_groups[0]["lr"] == 0.05
    for number, state in saved.optimizer.state_dict()["state"].items():
        found = restored.optimizer.state_dict()["state"][number]
        assert all(found[name].equal(tensor) for name, tensor in state.items())


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "SHA256SUMS"])
@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_a_damaged_one_is_told_and_the_one_before_is_used(folder, inputs, capfd, name, damage):
    newest = interrupted(folder, inputs) / "000000003" / name
    content = newest.read_bytes()
    middle = len(content) // 2
    newest.unlink()
    if damage == "truncated":
        newest.write_bytes(content[:middle])
    elif damage == "changed":
        newest.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with kept(folder, inputs) as saved:
        assert len(saved.series("all").restore(parts())) == 2
    told = capfd.readouterr().err.splitlines()
    assert [line.partition(": it")[0] for line in told] == [
        "training: checkpoint of step 3 left out",
        "training: goes on after step 2 (all)",
    ]


def test_where_all_are_damaged_training_starts_anew(folder, inputs):
    for checkpoint in interrupted(folder, inputs).iterdir():
        (checkpoint / "state.json").write_text("{")
    with kept(folder, inputs) as saved:
        assert saved.series("all").restore(parts()) == []


def test_a_full_disk_is_told_and_leaves_the_last_one_whole(folder, inputs, monkeypatch):
    from safetensors import SafetensorError

    series = checkpoints.Series(folder, 0.0)
    series.save_if_due(parts(), [{"loss": 1.0}])

    def full(tensors, path):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(UserError, match="000000002: the disk is full; free some space and run again"):
        series.save_if_due(parts(), [{"loss": 1.0}, {"loss": 2.0}])
    assert [path.name for path in folder.iterdir()] == ["000000001"]
    assert series.restore(parts()) == [{"loss": 1.0}]


def test_none_before_their_time_and_none_where_they_are_off(folder, inputs):
    series = checkpoints.Series(folder, 1000.0)
    series.save_if_due(parts(), [{"loss": 1.0}])
    with kept(folder, [inputs[0].with_name("not read")], seconds=None) as saved:
        assert saved.series("all") is None
    assert not folder.exists()


def test_a_run_that_made_none_leaves_nothing(folder, inputs):
    with pytest.raises(UserError), kept(folder, inputs):
        raise UserError("a parameter is wrong")
    assert list(folder.iterdir()) == []


def test_the_fingerprint_names_all_that_a_run_depends_on(folder, inputs, tmp_path, monkeypatch):
    seen = [checkpoints.fingerprint("adapt", inputs, {"adapt": Recipe(rate=0.1), "seed": 1})]

    def differs(*arguments) -> bool:
        seen.append(checkpoints.fingerprint(*arguments))
        return len(set(seen)) == len(seen)

    assert differs("adapt", inputs, {"adapt": Recipe(rate=0.2), "seed": 1})
    assert differs("adapt", inputs, {"adapt": Recipe(rate=0.1), "seed": 2})
    assert differs("finetune", inputs, {"adapt": Recipe(rate=0.1), "seed": 1})
    inputs[0].write_text("other rows")
    assert differs("adapt", inputs, {"adapt": Recipe(rate=0.1), "seed": 1})
    (inputs[1] / "deep/weights").write_text("other weights")
    assert differs("adapt", inputs, {"adapt": Recipe(rate=0.1), "seed": 1})
    (inputs[1] / "deep/weights").rename(inputs[1] / "weights")
    assert differs("adapt", inputs, {"adapt": Recipe(rate=0.1), "seed": 1})

    (tmp_path / "stages/adapt").mkdir(parents=True)
    (tmp_path / "winnow").mkdir()
    (tmp_path / "stages/adapt/__main__.py").write_text("from winnow import loop\n")
    (tmp_path / "winnow/loop.py").write_text("RATE = 1\n")
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path)
    assert differs("adapt", inputs, {})
    (tmp_path / "winnow/loop.py").write_text("RATE = 2\n")
    assert differs("adapt", inputs, {})
    (tmp_path / "winnow/loop.py").write_text("# a comment\nRATE = 2\n")
    assert not differs("adapt", inputs, {})


def test_the_fingerprint_hangs_on_no_path_and_no_order(inputs, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    moved = [path.rename(tmp_path / "elsewhere" / f"other {path.name}") for path in inputs]
    [path.rename(old) for path, old in zip(moved, inputs, strict=True)]
    before = checkpoints.fingerprint("adapt", inputs, {"a": 1, "b": 2})
    moved = [path.rename(tmp_path / "elsewhere" / f"other {path.name}") for path in inputs]
    assert checkpoints.fingerprint("adapt", moved, {"b": 2, "a": 1}) == before


def test_a_relative_folder_lies_below_the_repository_that_dvc_was_started_in(folder, inputs, tmp_path, monkeypatch):
    parent, workspace = tmp_path / "parent", tmp_path / "temporary"
    workspace.mkdir()
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("DVC_ROOT", str(parent))
    interrupted(checkpoints.Path("tmp/checkpoints"), inputs)
    assert list(parent.glob("tmp/checkpoints/adapt-*/all/000000003"))
    assert list(workspace.iterdir()) == []


def test_an_equal_run_at_the_same_time_keeps_none(folder, inputs, capfd):
    code = (
        "import json, sys; from pathlib import Path; from winnow.training import checkpoints\n"
        "folder, *inputs = map(Path, json.loads(sys.argv[1]))\n"
        "with checkpoints.kept(folder, 'adapt', inputs, {'adapt': {'rate': 0.1}}, 0.0) as saved:\n"
        "    print(saved.folder is None)\n"
    )
    command = [sys.executable, "-c", code, json.dumps([str(path) for path in (folder, *inputs)])]
    environment = os.environ | {"PYTHONPATH": str(checkpoints.ROOT)}
    with kept(folder, inputs) as saved:
        saved.series("all").save_if_due(parts(), [{"loss": 1.0}])
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        assert done.stdout == "True\n"
        assert done.stderr == "adapt: an equal run is training; this one keeps no checkpoints\n"
        assert len(saved.series("all").restore(parts())) == 1
    assert subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout == "False\n"


def test_outputs_on_a_full_disk_are_told(tmp_path):
    def write():
        with files.replacing(tmp_path / "model"):
            raise OSError(28, os.strerror(28))

    with pytest.raises(UserError, match="model: the disk is full"):
        write()
    assert list(tmp_path.iterdir()) == []
