"""docs/reruns.md is made from the pipeline and its code; tests/pipeline/test_reruns.py compares it with DVC."""

from pathlib import Path

import pytest

from winnow.base.errors import UserError
from winnow.commands import rerun_tables
from winnow.commands.rerun_tables import Pipeline

ROOT = Path(__file__).parents[3]
PIPELINE = """\
stages:
  code:
    cmd: python -m stages.code --out data/code
    params: [task.kind]
    deps: [winnow]
    outs: [data/code]
  check:
    cmd: python -m stages.check
    meta: {constant: [data/checked.txt]}
    params: [task, model]
    deps: [data/code, data/mine.csv]
    outs: [data/checked.txt]
  train:
    cmd: python -m stages.train
    matrix: {base: "${runs.bases}"}
    params: [model, "ways.${item.base}"]
    deps: [data/code/train.txt, data/checked.txt, "bases/${item.base}"]
    outs: ["models/${item.base}"]
  judge:
    cmd: python -m stages.judge
    params: [runs]
    deps: [models]
    metrics: [judged.json: {cache: false}]
  keep:
    cmd: python -m stages.keep
    outs: [data/mine.csv: {persist: true}]
"""


def test_the_page_is_of_the_pipeline_as_it_is():
    page = ROOT / "docs/reruns.md"
    text = page.read_text(encoding="utf-8")
    assert rerun_tables.fill(text, ROOT, page.name) == text, "docs/reruns.md is older than the code: run `make docs`"
    assert all(f"<!-- reruns: {name} -->" in text for name in rerun_tables.TABLES)


def test_a_block_of_another_name_is_told():
    with pytest.raises(UserError, match=r"reruns.md: block 'x' is none of parameters, files"):
        rerun_tables.fill("<!-- reruns: x -->\n<!-- /reruns -->", ROOT, "reruns.md")


@pytest.fixture
def graph(tmp_path):
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("runs: {bases: [small, large]}\n")
    return Pipeline(tmp_path)


def test_what_a_parameter_makes_run(graph):
    assert graph.parameter("model") == rerun_tables.Runs({"check": "check", "train": "train"}, ["judge"])
    assert graph.parameter("task").first == {"check": "check"}
    assert graph.parameter("task").follow == []  # what `check` writes is always the same
    assert graph.parameter("runs").first == {"train": "train (new runs alone)", "judge": "judge"}
    assert graph.parameter("ways").first == {"train": "train (runs of it alone)"}


def test_what_a_file_makes_run(graph):
    assert graph.inputs() == ["bases/large", "bases/small", "data/mine.csv"]
    assert graph.file("bases/small") == rerun_tables.Runs({"train": "train"}, ["judge"])
    assert list(graph.file("data/mine.csv").first) == ["check", "keep"]


def test_names_are_told_by_what_is_shorter():
    assert rerun_tables._most("ab", "abcdef") == "`a`, `b`"
    assert rerun_tables._most("abcde", "abcdef") == "all others but `f`"
    assert rerun_tables._most("abc", "abc") == "all others"
    assert rerun_tables._most("", "abc") == ""
