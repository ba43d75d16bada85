"""`winnow release`: what it writes, what is in its way, and what a kill between its steps leaves."""

import re
from dataclasses import replace

from tests.winnow.commands.diff.project import State, changed, rows
from tests.winnow.commands.diff.test_reviewer import decision
from tests.winnow.commands.releasing.project import MODEL
from winnow.commands.releasing import recording

INTERRUPTED = 130


def grown(project, salt: str = "") -> State:
    """Release the first version elsewhere; then add thirty rows, and let a person relabel two."""
    state = State(rows(330), salt=salt)
    two = [row for row in state.rows if row.label == "FRUIT" and row.split == "train"][:2]
    new = changed(state, [row.id for row in two], label="STONE", origin="human")
    state = replace(state, rows=new, decided=[decision(row) for row in two])
    lines = (project.folder / "data/decisions.csv").read_text() + "".join(f"{line}\n" for line in state.decided)
    (project.folder / "data/decisions.csv").write_text(lines)
    project.write(state)
    project.commit("more rows")
    return state


def test_a_first_and_a_second_version(project, winnow):
    status, told = winnow("release", "dataset")
    assert (status, project.git("tag")) == (0, "dataset@v1.0.0\n"), told
    assert project.git("cat-file", "-t", "dataset@v1.0.0") == "tag\n"
    assert project.git("diff", "--name-only", "HEAD^", "HEAD") == "CHANGELOG.md\n"
    assert project.git("status", "--porcelain") == ""
    assert "the same bytes as dataset@v1.0.0" in winnow("release", "dataset")[1]

    grown(project)
    status, told = winnow("release", "dataset")
    assert status == 1
    assert re.search(r"remote shared lacks \d+ objects \(.*; `dvc push`", told)
    assert project.git("tag") == "dataset@v1.0.0\n"
    assert project.git("log", "-1", "--format=%s") == "more rows\n"
    project.dvc("push", "-q")
    status, told = winnow("release", "dataset", "--dry-run")
    assert status == 0
    assert "dataset@v1.1.0: since 1.0.0, a minor version by what changed: 30 rows added" in told
    assert project.git("status", "--porcelain") == ""
    assert project.git("tag") == "dataset@v1.0.0\n"

    assert winnow("release", "dataset", "--bump", "patch", "--dry-run")[1].startswith(
        "dataset@v1.0.1: you asked for a patch version, which is less than it is."
    )
    status, told = winnow("release", "dataset")
    assert (status, project.git("tag")) == (0, "dataset@v1.0.0\ndataset@v1.1.0\n"), told
    text = (project.folder / "CHANGELOG.md").read_text()
    assert re.findall(r"^## .*", text, re.M) == ["## dataset@v1.1.0", "## dataset@v1.0.0"]
    section = text.partition("## dataset@v1.0.0")[0]
    assert re.search(
        r"\| added \| 30 \| (<code>(STONE|WATER|FRUIT)</code> 10(, )?){3} \| <code>notes</code> 30 \|", section
    )
    assert "<code>decision&#58; relabel</code> 2" in section
    assert "Decisions: 2 new, by <code>ana</code>." in section
    assert section.split("## dataset@v1.1.0\n\n")[1].strip() in project.git("tag", "-n999", "dataset@v1.1.0").replace(
        "\n    ", "\n"
    )


def test_a_model_is_the_best_on_dev_and_dvc_yaml_names_it(project, winnow):
    assert "--model: dataset is no model" in winnow("release", "dataset", "--model", MODEL)[1]
    before = (project.folder / "dvc.yaml").read_text()
    status, told = winnow("release", "model", "0.3.0")
    assert (status, project.git("tag")) == (0, "model@v0.3.0\n"), told
    after = (project.folder / "dvc.yaml").read_text()
    assert after == before.replace("models/classifier/another", MODEL)
    assert project.git("status", "--porcelain") == ""
    assert "up to date" in project.dvc("status")
    for words, mend in {
        ("model", "0.3.0"): "is released",
        ("model", "0.2.9"): "is not above 0.3.0",
        ("model", "1.0"): "must be MAJOR.MINOR.PATCH",
        ("model", "1.0.0", "--bump", "minor"): "not both",
        ("dataset", "--bump", "minor"): "no release to go on from",
        ("rows",): "dvc.yaml has dataset, model",
    }.items():
        assert (winnow("release", *words)[0], mend in winnow("release", *words)[1]) == (1, True), words


def test_nothing_is_released_of_what_is_not_committed_not_run_or_on_no_branch(project, winnow):
    (project.folder / "notes.txt").write_text("of nobody")
    (project.folder / "inputs" / MODEL / "model.txt").write_text("another")
    project.git("switch", "-q", "--detach")
    status, told = winnow("release", "dataset")
    assert status == 1
    for line in (
        "- Git: HEAD is on no branch",
        f"- Git: inputs/{MODEL}/model.txt, notes.txt not committed",
        "- DVC: not up to date: finetune",
        "- winnow lint --lock: dvc.lock: made otherwise than by this tree in 1 stage(s)",
    ):
        assert line in told
    assert project.git("tag") == ""
    assert not (project.folder / "CHANGELOG.md").exists()


def test_a_release_that_breaks_off_goes_on_or_leaves_nothing(project, winnow, monkeypatch):
    hook = project.folder / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho a hook says no >&2\nexit 1\n")
    hook.chmod(0o755)
    status, told = winnow("release", "model")
    assert status == 1
    assert "git commit: a hook says no; nothing was released" in told
    assert project.git("status", "--porcelain") == ""
    assert project.git("tag") == ""
    hook.unlink()

    run = recording._run

    def killed_at(word: str):
        def end(root, *words):
            if words[0] == word:
                raise KeyboardInterrupt
            return run(root, *words)

        monkeypatch.setattr(recording, "_run", end)

    killed_at("commit")
    assert winnow("release", "model")[0] == INTERRUPTED
    assert project.git("status", "--porcelain") == "A  CHANGELOG.md\nM  dvc.yaml\n"
    killed_at("tag")
    assert winnow("release", "model")[0] == INTERRUPTED
    assert project.git("log", "-1", "--format=%s") == "Release model@v1.0.0\n"
    assert project.git("tag") == ""
    monkeypatch.setattr(recording, "_run", run)
    for words in (("dataset",), ("model", "2.0.0")):
        assert "model@v1.0.0 broke off after its commit: `winnow release model`" in winnow("release", *words)[1]
    status, told = winnow("release", "model")
    assert status == 0
    assert "its changelog was committed before; the tag is set now" in told
    assert project.git("rev-parse", "model@v1.0.0^{commit}") == project.git("rev-parse", "HEAD")
    assert "First release" in project.git("tag", "-n9", "model@v1.0.0")


def test_a_tag_that_origin_has_and_this_clone_has_not_is_in_the_way(project, winnow, tmp_path):
    project.git("clone", "-q", "--bare", ".", str(tmp_path / "origin.git"))
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    assert winnow("release", "dataset")[0] == 0
    project.git("push", "-q", "origin", "HEAD", "dataset@v1.0.0")
    project.git("tag", "-d", "dataset@v1.0.0")
    status, told = winnow("release", "dataset")
    assert status == 1
    assert "origin has dataset@v1.0.0, and this clone has not; `git fetch --tags`" in told
