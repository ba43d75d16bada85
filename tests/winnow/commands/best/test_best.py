"""`winnow best` on a small project whose experiments are commits below DVC's own refs; no stage runs."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.winnow.commands.diff.project import LABELS, PARAMS, Project, State, rows
from winnow.commands import cli


def figures(state: State) -> dict:
    """What `compare` would say of dev, near enough: by the share of right rows."""
    dev = [row for row in state.rows if row.split == "dev"]
    right = [sum(state.predicted(row, f"dapt-{seed}", state.right) == row.label for row in dev) for seed in state.seeds]
    return {"approaches": {"dapt": {"macro_f1": sum(right) / len(right) / len(dev)}}}


class Experiments(Project):
    """A project on whose commit `base` experiments stand."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.state = State(rows(300), tokens=1000, params=PARAMS | {"finetune": {"batch_tokens": 8, "epochs": 1}})
        self.commit(replace(self.state, dev=figures(self.state)), "base")
        self.base = self.git("rev-parse", "HEAD")

    def experiment(self, name: str, **changes: object) -> None:
        """Make an experiment of the base: its state with some values changed."""
        state = replace(self.state, **changes)
        params = state.params if "params" in changes else state.params | {"finetune": {"epochs": name}}
        self.commit(replace(state, dev=figures(state), params=params), name)
        self.git("update-ref", f"refs/exps/{self.base[:2]}/{self.base[2:]}/{name}", "HEAD")
        self.git("tag", "-d", name)
        self.git("reset", "-q", "--hard", self.base)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    project = Experiments(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project


def told(capsys, *words: str) -> dict:
    cli.main(["best", "--json", *words])
    return json.loads(capsys.readouterr().out)


def said(capsys, *words: str) -> str:
    cli.main(["best", *words])
    return capsys.readouterr().out


def refused(capsys, *words: str) -> str:
    with pytest.raises(SystemExit):
        cli.main(["best", *words])
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_a_lead_larger_than_chance_is_told_and_applied(project, capsys):
    project.experiment("good", right=0.97)
    project.experiment("poor", right=0.6)
    before = project.git("status", "--porcelain", "--ignored")
    found = told(capsys)
    assert (found["best"], found["runner_up"], found["compared"]) == ("good", "HEAD", 3)
    assert found["lead"]["HEAD"]["verdict"] == "larger than chance"
    assert found["lead"]["HEAD"]["low"] > 0
    assert [each["name"] for each in found["candidates"]] == ["good", "HEAD", "poor"]
    assert found["commands"][0] == "dvc exp apply good"
    text = said(capsys)
    assert text.startswith("Best: good, macro-F1 on dev 0.9")
    assert "larger than chance" in text
    assert "chosen among 3 results" in text
    assert text.rstrip().splitlines()[-2:] == [f"  {command}" for command in found["commands"]]
    assert project.git("status", "--porcelain", "--ignored") == before


def test_what_is_paired_is_not_told_by_two_figures_apart(project, capsys):
    dev = [row.id for row in project.state.rows if row.split == "dev"]
    project.state = replace(project.state, wrong=frozenset(dev[:16]))
    project.commit(replace(project.state, dev=figures(project.state)), "base")
    project.base = project.git("rev-parse", "HEAD")
    project.experiment("mended", wrong=frozenset())
    lead = told(capsys)["lead"]["HEAD"]
    assert lead["verdict"] == "larger than chance"
    assert lead["high"] - lead["low"] < 0.2


@pytest.mark.parametrize(
    ("changes", "taken", "because"),
    [
        ({"tokens": 10}, "alike", "the cheaper alike: 10 tokens of training against"),
        ({"tokens": 9000}, "HEAD", "the cheaper HEAD: 1,000 tokens of training against 9,000"),
        ({"tokens": 1000}, "HEAD", "the simpler HEAD: it changes 0 parameters"),
        ({"tokens": None}, "HEAD", "the simpler HEAD"),
    ],
)
def test_within_chance_the_cheaper_then_the_simpler_is_taken(project, capsys, changes, taken, because):
    project.experiment("alike", right=0.81, anew=0.02, salt="y", **changes)
    found = told(capsys)
    by_name = {each["name"]: each for each in found["candidates"]}
    assert found["best"] == taken
    first = found["candidates"][0]["name"]
    if first != taken:
        assert by_name[taken]["behind"]["low"] <= 0 <= by_name[taken]["behind"]["high"]
        assert because in said(capsys)
    assert (found["commands"] == []) == (taken == "HEAD")


def test_one_seed_is_never_a_lead(project, capsys):
    state = replace(project.state, seeds=(1,))
    project.commit(replace(state, dev=figures(state)), "base")
    project.base, project.state = project.git("rev-parse", "HEAD"), state
    project.experiment("good", right=0.97)
    found = told(capsys)
    assert (found["best"], found["lead"]["HEAD"]["verdict"]) == ("good", "not judged")
    assert "add arms.seeds" in said(capsys)


def test_many_experiments_widen_every_interval(project, capsys):
    project.experiment("a", right=0.9)
    alone = told(capsys)
    for name in "bcdef":
        project.experiment(name, right=0.7)
    many = told(capsys)
    assert (alone["compared"], many["compared"]) == (2, 7)
    widths = [
        next(each["behind"]["high"] - each["behind"]["low"] for each in found["candidates"] if each["name"] == "HEAD")
        for found in (alone, many)
    ]
    assert widths[1] > 1.2 * widths[0]


def test_what_cannot_be_compared_is_named(project, capsys):
    project.experiment("other", params=PARAMS | {"task": {"kind": "classification", "labels": LABELS[::-1]}})
    project.experiment("half", right=0.99)
    project.git("checkout", "-q", f"refs/exps/{project.base[:2]}/{project.base[2:]}/half")
    (project.folder / "reports/metrics/compare.json").unlink()
    project.git("commit", "-qam", "half")
    project.git("update-ref", f"refs/exps/{project.base[:2]}/{project.base[2:]}/half", "HEAD")
    project.git("checkout", "-q", "main")
    found = told(capsys)
    assert found["left_out"].keys() == {"other", "half"}
    assert (found["best"], found["compared"]) == ("HEAD", 1)
    text = said(capsys)
    assert "other: it is of another task" in text
    assert "nothing to take over" in text


def test_what_waits_in_the_queue_is_named(project, capsys, default_params):
    state = replace(project.state, params=default_params)  # by which dvc.yaml makes its stages
    project.commit(replace(state, dev=figures(state)), "base")
    queue = [sys.executable, "-m", "dvc", "exp", "run", "--queue", "-n", "waiting", "-S", "finetune.epochs=7"]
    subprocess.run(queue, check=True, stdout=subprocess.DEVNULL)
    assert told(capsys)["left_out"] == {"waiting": "is queued"}
    assert "waiting: is queued" in said(capsys)


def test_a_missing_object_is_named_with_its_pull(project, capsys):
    project.experiment("gone", right=0.9)
    ref = f"refs/exps/{project.base[:2]}/{project.base[2:]}/gone"
    project.git("checkout", "-q", ref)
    folder = project.object("data/predictions")
    project.git("checkout", "-q", "main")
    folder.unlink()
    line = refused(capsys)
    assert "gone: the cache lacks data/predictions (" in line
    assert "dvc pull data/predictions" in line


def test_other_rows_of_dev_are_told_and_the_common_ones_compared(project, capsys):
    kept = [row for row in project.state.rows if row.split != "dev" or int(row.group[1:]) % 3]
    project.experiment("fewer", rows=kept, right=0.97)
    found = told(capsys)
    assert not found["lead"]["HEAD"]["same_rows"]
    assert f"on the {found['lead']['HEAD']['rows']} dev rows that both have" in said(capsys)


def test_the_workspace_s_own_result_takes_part(project, capsys):
    state = replace(project.state, right=0.97)
    project.commit(replace(state, dev=figures(state)), "later")
    project.git("reset", "-q", "--soft", project.base)
    found = told(capsys)
    assert found["best"] == "the workspace"
    assert found["commands"][0].startswith("git add -A params.yaml dvc.lock reports")
    assert told(capsys, "--baseline", "later")["compared"] == 1


def test_test_is_never_read(project, capsys):
    project.experiment("good", right=0.97)
    before = told(capsys)
    blind = [replace(row, label=LABELS[0]) if row.split == "test" else row for row in project.state.rows]
    project.experiment("good", right=0.97, rows=blind)
    after = told(capsys)
    assert [each["behind"] for each in before["candidates"]] == [each["behind"] for each in after["candidates"]]


def test_a_commit_without_any_result_is_refused_in_one_line(project, capsys):
    shutil.rmtree(project.folder / "reports")
    project.git("commit", "-qam", "without")
    why = "it has no figures of dev: the stages evaluate and compare have not run"
    assert refused(capsys) == f"winnow best: HEAD: no result to choose from: HEAD: {why}"
    assert "revision 'nothing'" in refused(capsys, "--baseline", "nothing")


def test_from_another_folder_it_is_one_line(project, capsys, monkeypatch):
    monkeypatch.chdir(project.folder / "reports")
    assert refused(capsys) == "winnow best: dvc.yaml: not found; run from the repository's root"


def test_names_and_values_of_others_are_shown_and_not_obeyed(project, capsys):
    params = project.state.params | {"finetune": {"batch_tokens": 8, "epochs": "\x1b[31m\n<b>" + "x" * 200}}
    project.experiment("evil", params=params, right=0.97)
    text = said(capsys)
    assert "\x1b" not in text
    assert "finetune.epochs=\ufffd[31m\ufffd<b>x" in text
    assert "x" * 60 not in text
