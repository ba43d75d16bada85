"""Revisions are read from Git, the cache and the remote, and nothing of the workspace changes."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.winnow.commands.diff.project import Project, State, changed, rows
from winnow.commands import cli
from winnow.commands.diff import revision, setup


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two revisions, `base` on main and `head` on a branch, which is checked out."""
    project = Project(tmp_path / "project")
    base = State(rows(300))
    project.commit(base, "base")
    project.git("checkout", "-q", "-b", "change")
    project.commit(replace(base, right=0.95, device="another"), "head")
    monkeypatch.chdir(project.folder)
    return project


def told(capsys, *words: str) -> dict:
    cli.main(["diff", *words, "--format", "json"])
    return json.loads(capsys.readouterr().out)


def refused(capsys, *words: str) -> str:
    with pytest.raises(SystemExit):
        cli.main(["diff", *words])
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def set_remote(project: Project, folder: Path) -> None:
    config = f"[core]\n    analytics = false\n    remote = store\n['remote \"store\"']\n    url = {folder}\n"
    (project.folder / ".dvc/config").write_text(config, encoding="utf-8")


def test_the_default_is_the_workspace_against_the_merge_base(project, capsys):
    found = told(capsys)
    assert found["base"]["commit"] == project.git("rev-parse", "base")
    assert found["head"] == {"name": "the workspace", "commit": ""}
    assert found["metrics"] == told(capsys, "base", "head")["metrics"]
    assert found["metrics"]["arms"]["dapt"]["model"]["macro_f1"]["value"] > 0.05


def test_an_experiment_has_a_name_too(project, capsys):
    base, head = project.git("rev-parse", "base"), project.git("rev-parse", "head")

    def name(began: str, experiment: str, commit: str) -> None:
        project.git("update-ref", f"refs/exps/{began[:2]}/{began[2:]}/{experiment}", commit)

    name(base, "rare-owl", head)
    name(base, "base", head)  # a branch has this name
    project.git("update-ref", "refs/exps/stash", head)
    found = told(capsys, "base", "rare-owl")
    assert (found["base"]["commit"], found["head"]) == (base, {"name": "rare-owl", "commit": head})
    name("0" * 40, "rare-owl", base)
    line = refused(capsys, "base", "rare-owl")
    assert f"'rare-owl': several experiments have this name; name the commit: {base[:12]} (from 000000000000)" in line
    assert f"{head[:12]} (from {base[:12]})" in line
    name(head, "rare-owl", head)  # DVC takes the one of HEAD
    assert told(capsys, "base", "rare-owl")["head"]["commit"] == head


def test_the_workspace_is_what_stands_there(project, capsys):
    with (project.folder / "data/decisions.csv").open("a") as file:
        file.write("0123456789abcdef,0123456789abcdef,FRUIT,keep,,ana,2026-11-01,,\n")
    assert told(capsys)["decisions"]["added"] == 1
    assert told(capsys, "base", "head")["decisions"]["added"] == 0


def test_nothing_of_the_workspace_changes(project, capsys):
    def standing() -> dict:
        return {
            path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
            for path in sorted(project.folder.rglob("*"))
            if path.relative_to(project.folder).parts[0] != ".git" and ".dvc/tmp" not in path.as_posix()
        }

    before, state = standing(), project.git("status", "--porcelain")
    told(capsys, "base", "head")
    after = standing()
    assert [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)] == []
    assert project.git("status", "--porcelain") == state == ""


def test_what_the_cache_lacks_comes_from_the_remote(project, tmp_path, capsys):
    expected = told(capsys, "base", "head")
    remote = tmp_path / "remote"
    set_remote(project, remote)
    shutil.copytree(project.folder / ".dvc/cache", remote)
    shutil.rmtree(project.folder / ".dvc/cache")
    assert told(capsys, "base", "head") == expected


def test_a_missing_object_is_named_with_what_brings_it(project, capsys):
    labelled = project.object("data/labelled.parquet")
    project.object("data/split.parquet").unlink()  # which both revisions have
    line = refused(capsys, "base", "head")
    assert line.startswith("winnow diff: base: the cache lacks data/split.parquet (")
    assert "no remote is set" in line
    commit = project.git("rev-parse", "base")[:12]
    assert f"`git switch --detach {commit} && dvc pull data/split.parquet` brings it" in line
    assert labelled.exists()
    line = refused(capsys, "head")  # BASE is head, so that the workspace is the other side
    assert "data/split.parquet" in line


def test_a_remote_that_is_not_there_is_told(project, capsys, tmp_path):
    set_remote(project, tmp_path / "nowhere")
    project.object("data/split.parquet").unlink()
    assert "remote 'store' has it not" in refused(capsys, "base", "head")


def test_a_missing_file_of_a_folder_is_named(project, capsys):
    folder = json.loads(project.object("data/predictions").read_text())
    entry = next(each for each in folder if each["relpath"] == "dapt-1.parquet")
    (project.folder / ".dvc/cache/files/md5" / entry["md5"][:2] / entry["md5"][2:]).unlink()
    assert "head: the cache lacks data/predictions/dapt-1.parquet" in refused(capsys, "base", "head")


def test_outputs_of_the_workspace_need_no_cache(project, capsys):
    expected = told(capsys)
    place = project.object("data/labelled.parquet")
    base = project.git("show", "base:dvc.lock")
    shared = place.parent.name + place.name in base
    shutil.copyfile(place, project.folder / "data/labelled.parquet")
    if not shared:
        place.unlink()
    assert told(capsys)["data"] == expected["data"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "revision 'nowhere': neither Git nor `dvc exp list --all-commits` has one"),
        (["--output=x"], "unrecognized"),
        (["base", "head", "--fail-on", "all"], "'all' is none of leak, significant-loss"),
    ],
)
def test_a_mistake_is_one_line(project, capsys, words, message):
    with pytest.raises(SystemExit):
        cli.main(["diff", *words])
    assert message in capsys.readouterr().err


def test_from_another_folder_it_is_one_line(project, capsys, monkeypatch):
    monkeypatch.chdir(project.folder / "data")
    assert refused(capsys, "base", "head") == "winnow diff: dvc.yaml: not found; run from the repository's root"


def test_without_a_default_branch_the_base_must_be_named(project, capsys):
    project.git("branch", "-m", "main", "trunk")
    assert "no default branch" in refused(capsys)


def test_a_shallow_clone_is_told_what_to_do(project, capsys, tmp_path, monkeypatch):
    project.git("checkout", "-q", "--orphan", "alone")
    project.git("commit", "-q", "-m", "without history")
    line = refused(capsys)
    assert "fetch-depth: 0" in line
    assert "git fetch --unshallow" in line


def test_a_revision_that_a_shallow_clone_lacks_is_told_with_what_brings_it(project, capsys, tmp_path, monkeypatch):
    project.git("clone", "-q", "--depth", "1", f"file://{project.folder}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    assert "this clone is shallow: `git fetch --unshallow`" in refused(capsys, "HEAD~1", "HEAD")


def test_a_revision_without_results_is_told_and_the_rest_compared(project, capsys):
    project.git("checkout", "-q", "-b", "bare", "base")
    (project.folder / "dvc.lock").unlink()
    project.git("commit", "-qam", "no results")
    found = told(capsys, "bare", "head")
    assert found["metrics"] == {"reason": "bare has no predictions"}
    assert found["data"] == {"reason": "bare has no labelled rows"}
    assert found["verdict"]["word"] == "No verdict on the model"


def test_what_one_side_alone_computed_was_computed_on_no_other_machine(project, capsys):
    project.git("checkout", "-q", "-b", "bare", "base")
    (project.folder / "reports/metrics/adapt.json").unlink()
    project.git("commit", "-qam", "no results")
    assert told(capsys, "bare", "head")["setup"]["machine"] == {}


def test_a_lock_with_conflict_markers_is_one_line(project, capsys):
    (project.folder / "dvc.lock").write_text("<<<<<<< ours\nschema: '2.0'\n=======\n", encoding="utf-8")
    assert "dvc.lock of the workspace: cannot be read" in refused(capsys)


def test_another_machine_is_told(project, capsys):
    found = told(capsys, "base", "head")
    assert found["setup"]["machine"] == {"adapt: device": ["a processor", "another"]}
    cli.main(["diff", "base", "head"])
    assert "Computed on another machine: <code>adapt&#58; device</code>" in capsys.readouterr().out


def test_a_look_at_test_is_logged_for_both_revisions_and_counted_once(project, capsys):
    for _ in range(2):
        found = told(capsys, "base", "head", "--test", "--by", "ana")
    assert found["split"] == "test"
    log = (project.folder / "data/test/looks.csv").read_text().splitlines()
    assert len(log) == 3
    assert "ana" in log[1]
    assert "winnow diff --test: base" in log[1]
    assert "winnow diff --test: head" in log[2]


def test_without_test_no_word_of_a_model_on_test_is_told(project, capsys):
    cli.main(["diff", "base", "head"])
    text = capsys.readouterr().out
    test = {row.id for row in rows(300) if row.split == "test"}
    assert not any(id in text for id in test)
    assert not (project.folder / "data/test").exists()


def test_seeds_that_one_revision_lacks_are_left_out_and_told(project, capsys):
    project.commit(replace(State(rows(300)), seeds=(2, 3, 4)), "others")
    found = told(capsys, "base", "others")["metrics"]
    assert found["arms"]["dapt"]["seeds"] == [2, 3]
    assert found["left_out"] == ["dapt-1", "dapt-4"]


def test_one_run_gives_no_verdict_on_the_model(project, capsys):
    base = State(rows(300), seeds=(1,))
    project.commit(base, "one")
    project.commit(replace(base, right=0.5), "one-worse")
    cli.main(["diff", "one", "one-worse", "--fail-on", "significant-loss"])
    text = capsys.readouterr().out
    assert "**No verdict on the model.**" in text
    assert "one run each" in text
    found = told(capsys, "one", "one-worse")["metrics"]["arms"]["dapt"]
    assert found["sign_test"]["worse"] > found["sign_test"]["better"]
    assert found["sign_test"]["p"] < 0.05


def test_a_new_best_arm_is_compared_with_the_one_in_use(project, capsys):
    project.commit(State(rows(300), best="transfer", other=0.97), "new-arm")
    found = told(capsys, "base", "new-arm")["metrics"]
    assert found["judged"] == "dapt"  # which is as it was
    assert found["arms"]["dapt"]["unchanged"] is True
    assert found["best"] == ["dapt", "transfer"]
    assert found["best_apart"]["low"] > 0
    assert found["left_out"] == ["transfer-1", "transfer-2", "transfer-3"]
    cli.main(["diff", "base", "new-arm"])
    assert "The best on dev was <code>dapt</code>, is <code>transfer</code>: +" in capsys.readouterr().out


def test_rows_of_dev_that_came_and_went_are_a_part_of_their_own(project, capsys):
    base = State(rows(300))
    dev = [row.id for row in base.rows if row.split == "dev"]
    project.commit(replace(base, rows=[row for row in base.rows if row.id not in dev[:20]]), "fewer")
    found = told(capsys, "base", "fewer")["metrics"]
    assert found["rows"] == [len(dev), len(dev) - 20]
    assert found["common"] == len(dev) - 20
    arm = found["arms"]["dapt"]
    assert arm["model"]["macro_f1"]["value"] == 0
    assert arm["rows"]["macro_f1"]["value"] == pytest.approx(arm["all"]["macro_f1"]["value"], abs=2e-6)
    cli.main(["diff", "base", "fewer"])
    assert f"Evaluation rows differ: BASE has {len(dev)} on dev, HEAD {len(dev) - 20}" in capsys.readouterr().out


def test_a_class_that_is_new_is_told(project, capsys):
    base = State(rows(300))
    task = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
    kept = [row for row in changed(base, [], label="") if row.label != "WATER"]
    project.commit(replace(base, rows=kept, params=base.params | {"task": task}), "fewer-classes")
    found = told(capsys, "base", "fewer-classes")
    assert found["setup"]["params"]["task.labels"] == [["FRUIT", "STONE", "WATER"], ["FRUIT", "STONE"]]
    assert found["data"]["removed"]["by_class"]["WATER"] == 100
    assert "reason" in found["metrics"]


COPY = "that models train on, with a text that stands in dev or test"


def test_a_copy_of_a_test_text_in_training_is_a_leak(project, capsys):
    base = State(rows(300))
    test = next(row for row in base.rows if row.split == "test")
    project.commit(replace(base, training=[("feedfeedfeedfeed", test.text)]), "copied")
    leaks = told(capsys, "base", "copied")["leaks"]
    assert [(leak["rows"], leak["ids"]) for leak in leaks] == [(1, ["feedfeedfeedfeed"])]
    same = told(capsys, "copied", "copied")
    assert same["leaks"][0]["is_new"] is False
    assert same["duplicates"] == {"rows": [1, 1], "kinds": {COPY: [1, 1]}, "pairs": [None, None]}
    assert told(capsys, "copied", "copied")["verdict"]["failures"] == []


def test_a_group_in_two_splits_is_a_leak(project, capsys):
    base = State(rows(300))
    first = next(row for row in base.rows if row.split == "test")
    project.commit(replace(base, rows=changed(base, [first.id], split="dev")), "torn")
    found = told(capsys, "base", "torn")
    assert "of a group that stands in more than one split" in [leak["what"] for leak in found["leaks"]]
    assert found["data"]["moved"] == {"test → dev": 1}
    assert found["verdict"]["failures"] == ["leak"]


def test_a_process_of_its_own_writes_to_stdout_alone(project):
    """The whole of it in a process of its own, as a workflow calls it."""
    program = "from winnow.commands.cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(
        [sys.executable, "-c", program, "diff", "base", "head"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("### Winnow: <code>base</code> (")
    assert all(line.endswith("so far") for line in done.stderr.splitlines())  # on a slow machine


def locked(project: Project, change) -> None:
    """Change dvc.lock of the workspace by a function."""
    file = project.folder / "dvc.lock"
    lock = YAML(typ="safe").load(file.read_text())
    change(lock["stages"])
    with file.open("w") as out:
        YAML(typ="safe").dump(lock, out)


def test_results_that_are_older_than_their_parameters_are_told(project, capsys):
    locked(project, lambda stages: stages["balance"].update(params={"params.yaml": {"compare.resamples": 5}}))
    found = told(capsys, "head")
    assert found["setup"]["stale"] == ["balance"]
    assert found["verdict"]["word"] == "Look before you merge"
    assert "results are older than their inputs (stages balance)" in found["verdict"]["sentence"]


def test_results_that_are_older_than_another_stages_are_told(project, capsys):
    dep = {"path": "data/labelled.parquet", "md5": "of another day"}
    locked(project, lambda stages: stages["evaluate"].update(deps=[dep]))
    assert told(capsys, "head")["setup"]["stale"] == ["evaluate"]


def test_decisions_that_no_stage_has_read_are_told(project, capsys):
    dep = {"path": "data/decisions.csv", "md5": "of another day"}
    locked(project, lambda stages: stages["apply_decisions"].update(deps=[dep]))
    assert told(capsys, "head")["setup"]["stale"] == ["apply_decisions"]


def test_stages_that_dvc_yaml_has_no_more_have_no_part_in_it(project, capsys):
    old = {"cmd": "old", "params": {"params.yaml": {"gone": 1}}}
    locked(project, lambda stages: stages.update({"gone": old, "finetune@of-another-matrix": old}))
    found = told(capsys, "head")["setup"]
    assert found["stale"] == []
    assert found["stages"] == {}


def test_stages_that_ran_again_are_told_with_why(project, capsys):
    def change(stages: dict) -> None:
        stages["clean"].update(cmd="another", deps=[{"path": "data/raw", "md5": "x"}])
        stages["split"]["outs"][0]["md5"] = stages["apply_decisions"]["outs"][0]["md5"]

    expected = {"clean": ["command", "data/raw"], "split": ["other results of the same inputs"]}
    locked(project, change)
    found = setup.compared(*(standing(project, name) for name in ("head", "")))
    assert {name: stage["why"] for name, stage in found["stages"].items()} == expected


def standing(project: Project, name: str) -> revision.Revision:
    return revision.read(name, revision.commit(name) if name else "", project.folder / f".dvc/tmp/read-{name}")
