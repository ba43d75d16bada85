"""Which runs of dvc.lock are of other data, and that the rest keep their bytes."""

import shutil

import pytest
from ruamel.yaml import YAML

from tests.winnow.commands.init.conftest import ROOT
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands.init import lockfile
from winnow.commands.init.lockfile import Stale

LOCK = """\
schema: '2.0'
stages:
  fetch_model:
    cmd: python -m stages.fetch_model --local models/local
      --out models/base
    params:
      params.yaml:
        fetch_model:
          kind: package
    outs:
    - path: models/base
      md5: 00.dir
  finetune@transfer-base-1:
    cmd: python -m stages.finetune
    deps:
    - path: data/training.parquet
      md5: '02'
    params:
      params.yaml:
        approaches.transfer: {}
    outs:
    - path: models/classifier/transfer-base-1
      md5: 03.dir
  check_params:
    cmd: python -m stages.check_params
    params:
      params.yaml:
        task:
          labels: [a, b]
    outs:
    - path: data/checked_params.txt
      md5: '04'
  collect:
    cmd: python -m stages.collect
    deps:
    - path: data/sources
      md5: 05.dir
    outs:
    - path: data/raw
      md5: 06.dir
  balance:
    cmd: python -m stages.balance
    deps:
    - path: data/raw/rows.parquet
      md5: '07'
    outs:
    - path: data/training.parquet
      md5: '02'
"""
SAME = {"fetch_model": {"kind": "package"}, "approaches": {"transfer": {}}, "task": {"labels": ["a", "b"]}}


@pytest.fixture
def root(tmp_path):
    shutil.copyfile(ROOT / "dvc.yaml", tmp_path / "dvc.yaml")
    (tmp_path / "dvc.lock").write_text(LOCK)
    for folder in ("data", "models/base", "models/classifier/transfer-base-1"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("raw", "checked_params.txt", "training.parquet"):
        (tmp_path / "data" / file).write_text("of the example")
    return tmp_path


def test_what_follows_a_stage_is_stale_but_not_by_an_output_that_says_the_same(root):
    assert lockfile.stale(SAME, [], root) == Stale()
    assert lockfile.stale(SAME | {"task": {"labels": ["c"]}}, [], root).stages == ("check_params",)
    found = lockfile.stale(SAME, [root.relative_to(root) / "data/sources/rows.csv"], root)
    assert found.stages == ("collect", "balance", "finetune@transfer-base-1")
    assert list(map(str, found.outs)) == ["data/raw", "data/training.parquet"]
    found = lockfile.stale(SAME | {"approaches": {"transfer": {"epochs": 3}}}, [], root)
    assert found.stages == ("finetune@transfer-base-1",)
    (root / "models/base").rmdir()  # as in a fresh clone
    assert lockfile.stale(SAME, [], root).stages == ("fetch_model",)


def test_the_rest_keeps_its_bytes_and_an_empty_lock_goes(root):
    lockfile.drop(["collect", "balance", "check_params"], root)
    assert (root / "dvc.lock").read_text() == LOCK[: LOCK.index("  check_params:")]
    lockfile.drop(["fetch_model", "finetune@transfer-base-1"], root)
    assert not (root / "dvc.lock").exists()
    assert lockfile.stale(SAME, [], root) == Stale()


def test_of_the_projects_own_lock_each_entry_is_found(root):
    shutil.copyfile(ROOT / "dvc.lock", root / "dvc.lock")
    stages = YAML(typ="safe").load((root / "dvc.lock").read_text())["stages"]
    document = params.read(ROOT / "params.yaml")
    names = [name for name in stages if name != "fetch_model"]
    lockfile.drop(names, root)
    assert YAML(typ="safe").load((root / "dvc.lock").read_text())["stages"] == {"fetch_model": stages["fetch_model"]}
    assert lockfile.stale(document, [], root) == Stale()


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", "stages:\n  a: 3\n", "- a\n", "stages:\n  a:\n    outs: [x]\n"])
def test_a_broken_lock_is_one_line(root, text):
    (root / "dvc.lock").write_text(text)
    with pytest.raises(UserError, match=r"dvc\.lock: cannot be read"):
        lockfile.stale(SAME, [], root)
