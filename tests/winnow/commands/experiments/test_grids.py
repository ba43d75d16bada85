"""Grids: those of the repository hold, wrong ones are refused in one line, and names are what their labels say."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from winnow.base.errors import UserError
from winnow.commands import cli
from winnow.commands.experiments import grid, show


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the repository's code, pipeline and parameters; returns a function that writes a grid."""
    for name in ("stages", "winnow", "params", "dvc.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)

    def write(axes: str, name: str = "own") -> None:
        text = f"description: What.\ncost: Little.\naxes: {axes}\n"
        (tmp_path / f"experiments/{name}.yaml").write_text(text, encoding="utf-8")

    return write


def made(name: str = "own") -> list[grid.Experiment]:
    return grid.experiments(name, grid.read(name))


@pytest.fixture
def unchecked(monkeypatch):
    """The repository's grids, without the check of each of their experiments, which takes half a second."""
    monkeypatch.chdir(ROOT)
    with monkeypatch.context() as patch:
        patch.setattr(grid, "_check", lambda *_: None)
        return {name: made(name) for name in grid.names()}


def test_the_grids_of_the_repository_are_what_the_stages_accept(unchecked):
    assert unchecked.keys() == {"cleaning-ablation", "cpu-quick", "dapt-by-budget", "gpu-full"}
    with grid._trial() as folder:
        for found in unchecked.values():
            assert len({one.name for one in found}) == len(found) >= 4
            grid._check(found[0], folder, found[0].name)
            grid._check(found[-1], folder, found[-1].name)


def test_the_ablation_takes_each_rule_that_is_on(default_params, unchecked):
    rules = default_params["clean"]["profiles"]["scientific"]
    on = {key for key, value in rules.items() if value not in (False, "keep")}
    taken = {one.overrides[0].partition("=")[0].rpartition(".")[2] for one in unchecked["cleaning-ablation"]}
    assert taken == on


def test_every_combination_of_labels_is_one_experiment(project):
    project("{labels: {50: {balance.max_labels: 50}, all: {balance.max_labels: }}, words: {1: {baseline.ngrams: 1}}}")
    assert [one.arguments for one in made()] == [
        ["exp", "run", "--queue", "-n", "own-50-1", "-S", "++balance.max_labels=50", "-S", "++baseline.ngrams=1"],
        ["exp", "run", "--queue", "-n", "own-all-1", "-S", "++balance.max_labels=null", "-S", "++baseline.ngrams=1"],
    ]


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        (
            "{a: {b: {finetune.epoch: 2}}}",
            "own.yaml: own-b: params.yaml: finetune.epoch: unknown parameter",
        ),
        ("{a: {b: {fine.epochs: 2}}}", "own-b: params.yaml: section 'fine': no stage reads it"),
        ("{a: {b: {finetune.epochs: many}}}", "params.yaml: finetune.epochs: Input should be a valid integer"),
        ("{a: {b: {finetune.epochs: [}}}", "experiments/own.yaml: not valid YAML"),
        ("{a: {b: {finetune.epochs: 2021-02-30}}}", "experiments/own.yaml: not valid YAML"),
        ("{a: {b: {~finetune.epochs: 2}}}", "~finetune.epochs: takes the key out, and so has no value"),
        ("{a: {b: {~finetune.epoch: }}}", "own-b: "),
        ("{a: {b: {report.title: a b}}}", "'a b' is more than a plain word"),
        ("{a: {b: {arms.ensembles: {x: [dapt]}}}}", "holds keys"),
        ("{a: {b: {compare.baseline: nothing}}}", "approach 'nothing' has no predictions"),
        ("{a: {b/../c: {finetune.epochs: 2}}}", "label 'b/../c' becomes part of a name"),
        ("{a: {'': {finetune.epochs: 2}}}", "label '' becomes part of a name"),
        ("{a: {}}", "axes.a: has no label"),
        ("{}", "own.yaml.axes: "),
        ("{a: [b]}", "own.yaml.axes.a: "),
        ("{a: {b-c: {finetune.epochs: 2}, b: {}}, d: {e: {}, c-e: {}}}", "two experiments would be named own-b-c-e"),
    ],
)
def test_a_wrong_grid_is_refused_in_one_line(project, axes, told):
    project(axes)
    with pytest.raises(UserError) as error:
        made()
    assert told in str(error.value)
    assert "/tmp" not in str(error.value)


def test_a_grid_that_is_not_there_is_told_with_those_that_are(project, capsys):
    project("{a: {b: {finetune.epochs: 2}}}")
    with pytest.raises(SystemExit):
        cli.main(["experiments", "../params"])
    assert capsys.readouterr().err.strip().endswith("experiments/../params.yaml: not found; there are own")
    cli.main(["experiments", "--list"])
    assert capsys.readouterr().out.splitlines() == ["own: What.", "  axes: a (1)", "  cost: Little."]


@given(st.text())
def test_a_label_is_a_name_that_git_takes(label):
    if grid.LABEL.fullmatch(label):
        assert ".." not in label
        assert not set(label) & set(" ~^:?*[\\/\n")
        assert not label.startswith(("-", "."))
        assert not label.endswith((".", ".lock"))


def test_few_columns_are_kept(monkeypatch):
    import re

    monkeypatch.chdir(ROOT)
    (pattern,) = (word for word in show.arguments() if word.startswith("(?!"))
    dropped = {
        name: bool(re.match(pattern, name))
        for name in ("Experiment", "Created", "dev.headline.dapt", "dev.gain.dapt-tfidf.mean", "finetune.epochs")
        + ("params.yaml:finetune.epochs", "finetune.epochsx", "reports/metrics/split.json:leaks", "leaks", "data/raw")
        + ("reports/summary.json:leaks", "Executor")
    }
    kept = [name for name, is_dropped in dropped.items() if not is_dropped]
    keys = ["finetune.epochs", "params.yaml:finetune.epochs"]
    assert kept == ["Experiment", *keys, "leaks", "reports/summary.json:leaks", "Executor"]
