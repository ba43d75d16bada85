"""`winnow accept` on a real DVC repository: for a change of code alone, all stages or none, and nothing runs."""

import shutil
from contextlib import chdir, suppress

import pytest
from ruamel.yaml import YAML

from tests.remotes.project import Project
from winnow.commands import cli

PIPELINE = """\
stages:
  code:
    cmd: 'mkdir -p data/code && cp own/*.txt data/code && : --out data/code'
    deps:
    - own
    outs:
    - data/code
  rows:
    cmd: cat source.txt > rows.txt && echo ran >> ran.log
    deps:
    - data/code/rows.txt
    - source.txt
    outs:
    - rows.txt
  train:
    matrix:
      seed: [1, 2]
    cmd: cat rows.txt > model-${item.seed}.txt && echo ran >> ran.log
    params: [epochs]
    deps:
    - data/code/train.txt
    - rows.txt
    outs:
    - model-${item.seed}.txt
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("accept") / "base")
    (project.folder / ".dvc").mkdir(parents=True)
    (project.folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    project.git("init", "-q")
    (project.folder / "own").mkdir()
    files = {"dvc.yaml": PIPELINE, "params.yaml": "epochs: 1\n", "source.txt": "a\n"}
    files |= {"own/rows.txt": "stages/rows/__main__.py 1\nnumpy==1\n", "own/train.txt": "stages/train/__main__.py 1\n"}
    for name, text in files.items():
        (project.folder / name).write_text(text)
    project.dvc("repro", "-q")
    return project


@pytest.fixture
def project(base, tmp_path):
    shutil.copytree(base.folder, tmp_path / "project")
    copy = Project(tmp_path / "project")
    (copy.folder / "own/train.txt").write_text("stages/train/__main__.py 2\n")
    (copy.folder / "own/rows.txt").write_text("stages/rows/__main__.py 1\nnumpy==2\n")
    return copy


def accept(project: Project, capsys, *names: str) -> str:
    with chdir(project.folder), suppress(SystemExit):
        cli.main(["accept", *names])
    return "".join(capsys.readouterr())


def lock(project: Project) -> dict:
    return YAML(typ="safe").load((project.folder / "dvc.lock").read_text())["stages"]


def test_outputs_are_taken_for_those_of_the_code_as_it_is(project, capsys):
    ran = (project.folder / "ran.log").read_text()
    before = lock(project)
    told = accept(project, capsys, "train", "rows")
    assert "train@1: accepted with other stages/train/__main__.py\n" in told
    assert "train@2: accepted" in told
    assert "rows: accepted with other numpy\n" in told
    assert "up to date" in project.dvc("status")
    project.dvc("repro", "-q")
    assert (project.folder / "ran.log").read_text() == ran
    for name in ("rows", "train@1", "train@2"):
        assert lock(project)[name]["outs"] == before[name]["outs"]
    assert "train@1: its code is that of dvc.lock" in accept(project, capsys, "train")


OTHERS = {
    "a parameter": ("params.yaml", "epochs: 2\n", "train@1: params.yaml epochs modified"),
    "data": ("source.txt", "b\n", "rows: source.txt modified"),
    "an output": ("model-2.txt", "mine\n", "train@2: model-2.txt modified"),
    "a command": ("dvc.yaml", PIPELINE.replace("cat source", "cat  source"), "rows: dvc.yaml changed command"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_change_is_refused_and_nothing_is_accepted(project, capsys, what):
    name, text, reason = OTHERS[what]
    file = project.folder / name
    file.unlink()  # an output may be a link into the cache
    file.write_text(text)
    before = {stage: entry for stage, entry in lock(project).items() if stage != "code"}
    told = accept(project, capsys, "train", "rows")
    assert reason in told
    assert "more than its code" in told
    assert {stage: entry for stage, entry in lock(project).items() if stage != "code"} == before


def test_an_unknown_stage_is_named(project, capsys):
    assert "nothing: no stage that can be accepted; they are rows, train" in accept(project, capsys, "nothing")
    assert "code: no stage that can be accepted" in accept(project, capsys, "code")
