"""`dvc repro` and `dvc exp run --temp`, killed and repeated, in a repository of one stage: adapt of our dvc.yaml."""

import json
import shutil
import subprocess

import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from stages.adapt import __main__ as adapt
from tests import tiny_encoder
from tests.conftest import ROOT, make_rows
from tests.killing import content, environment, finish, kill
from winnow.rows import tables

WORDS = "the old new cat dog sees a red house and here there".split()
OUTPUTS = ("models/adapted", "reports/metrics/adapt.json", "reports/plots/adapt.csv")


def call(folder, *command) -> str:
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def repository(tmp_path, default_params):
    """A repository whose data are in Git, so that a temporary workspace has them."""
    yaml, folder = YAML(typ="safe"), tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    rows = make_rows([{"text": " ".join(WORDS[n % 7 : n % 7 + 5]), "purpose": "text"} for n in range(40)])
    tables.write(rows, folder / "data/edited.parquet")
    split = pa.table({"id": rows["id"], "group": rows["group"], "split": ["train"] * rows.num_rows})
    tables.write(split, folder / "data/split.parquet")
    tiny_encoder.write(folder / "models/base", WORDS)

    stage = yaml.load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["adapt"]
    stage["deps"] = [dep for dep in stage["deps"] if (folder / dep).exists()]
    with (folder / "dvc.yaml").open("w", encoding="utf-8") as file:
        yaml.dump({"stages": {"adapt": stage}}, file)
    small = {"tokens": 3000, "warmup_tokens": 200, "batch_tokens": 128, "freeze_embeddings": False}
    small |= {"objectives": {"masked_lm": 1.0}, "dropout": 0.1}
    sections = {
        "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
        "adapt": default_params["adapt"] | small,
    }
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(sections, file)
    call(folder, "git", "init", "-q")
    call(folder, "git", "config", "user.name", "test")
    call(folder, "git", "config", "user.email", "test@example.org")
    call(folder, "dvc", "init", "-q")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "all")
    return folder


def test_killed_in_the_workspace_and_in_a_temporary_one(repository, tmp_path, monkeypatch):
    stage = YAML(typ="safe").load((repository / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["adapt"]
    whole = tmp_path / "whole"
    shutil.copytree(repository, whole, ignore=shutil.ignore_patterns(".git", ".dvc"))
    monkeypatch.chdir(whole)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    adapt.main(stage["cmd"].split()[3:])

    checkpoints = repository / ".dvc/tmp/checkpoints"
    monkeypatch.setenv("WINNOW_CHECKPOINT_SECONDS", "0")
    first = kill(["dvc", "repro"], repository, checkpoints, "all", 4)
    experiment = ["dvc", "exp", "run", "--temp", "--name", "resumed"]
    second = kill(experiment, repository, checkpoints, "all", first + 4)
    _, resumed = finish(experiment, repository)
    assert resumed[-1] == second
    assert list(checkpoints.iterdir()) == []

    call(repository, "dvc", "exp", "apply", "resumed")
    assert content(*(repository / path for path in OUTPUTS)) == content(*(whole / path for path in OUTPUTS))
    assert call(repository, "dvc", "status") == "Data and pipelines are up to date.\n"

    # How another machine would compute it is no input.
    for name, value in {"ENGINE": "ray", "PROCESSES": "7", "CHECKPOINT_SECONDS": "none", "LAUNCHER": "other"}.items():
        monkeypatch.setenv(f"WINNOW_{name}", value)
    assert call(repository, "dvc", "status") == "Data and pipelines are up to date.\n"

    # What it was computed on is shown where it differs.
    call(repository, "git", "add", "-A")
    call(repository, "git", "commit", "-qm", "adapted")
    metrics = repository / OUTPUTS[1]
    other = json.loads(metrics.read_text(encoding="utf-8"))
    other["computed_on"] |= {"threads": 2, "precision": "bf16"}
    metrics.write_text(json.dumps(other), encoding="utf-8")
    told = json.loads(call(repository, "dvc", "metrics", "diff", "--json", "--targets", OUTPUTS[1]))[OUTPUTS[1]]
    assert {key: value["new"] for key, value in told.items()} == {
        "computed_on.threads": 2,
        "computed_on.precision": "bf16",
    }
