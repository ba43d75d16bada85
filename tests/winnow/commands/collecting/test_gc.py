"""`winnow gc`: what it keeps that `dvc gc` does not, and what it refuses."""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.remotes.project import FILES, STAGES, Project
from winnow.commands.collecting import kept

VERSION = FILES + 2  # objects of one: the folder, its files and the model
KEPT = ("tag", "others", "experiment", "queued", "stash", "main")
HELD = 60  # seconds after which a test gives up


def there(folder: Path, data: dict[str, bytes]) -> bool:
    """Whether a store has all files of a version, or none of them."""
    found = {
        (folder / "files/md5" / md5[:2] / md5[2:]).exists()
        for md5 in (hashlib.md5(content, usedforsecurity=False).hexdigest() for content in data.values())
    }
    assert len(found) == 1
    return found.pop()


def test_it_shows_and_removes_only_what_no_branch_tag_experiment_stash_or_task_needs(project, winnow, template):
    cache = project.folder / ".dvc/cache"
    status, told = winnow("gc")
    assert status == 0
    assert "1 branch, 1 branch of others, 1 tag, 1 experiment, 1 stash, 1 queued or failed task." in told
    assert f"{2 * VERSION} of {8 * VERSION} objects would go" in told
    lines = {line.split("  ")[1]: line for line in told.splitlines() if line.startswith("  ")}
    assert str(VERSION) in lines["old commits"]
    assert "rows" in lines["old commits"]
    assert str(VERSION) in lines["no commit"]
    assert "Nothing was removed" in told
    assert all(there(cache, data) for data in template[1].values())

    status, told = winnow("gc", "--yes")
    assert (status, f"Removed {2 * VERSION} objects" in told) == (0, True)
    assert {name: there(cache, data) for name, data in template[1].items()} == {
        **dict.fromkeys(KEPT, True),
        "first": False,
        "lost": False,
    }
    assert "There is nothing to remove." in winnow("gc", "--yes")[1]
    assert project.data() == template[1]["main"]
    assert "up to date" in project.dvc("status")


def test_dvc_s_own_options_would_take_more(project, winnow, template):
    project.dvc("gc", "--all-branches", "--all-tags", "--all-experiments", "--force", "-q")
    cache = project.folder / ".dvc/cache"
    assert not any(there(cache, template[1][name]) for name in ("others", "queued", "stash"))


def test_an_age_keeps_what_is_younger_and_takes_older_experiments(project, winnow):
    told = winnow("gc", "--older-than", "1d")[1]
    assert f"{VERSION} of {8 * VERSION} objects would go" in told
    assert "old commits" not in told
    told = winnow("gc", "--older-than", "2099-01-01")[1]
    assert f"{3 * VERSION} of {8 * VERSION} objects would go" in told
    assert "exp-a" in next(line for line in told.splitlines() if line.startswith("  old experiments"))
    assert f"{VERSION} of {8 * VERSION} objects would go" in winnow("gc", "--commits", "3")[1]
    for words in (("--older-than", "old"), ("--commits", "0"), ("--remote", "local"), ("--cloud", "--remote", "s3")):
        assert winnow("gc", *words)[0] == 1


def test_a_remote_wants_its_name_and_the_number_and_all_branches_of_origin(project, winnow, template, tmp_path):
    shutil.copytree(project.folder / ".dvc/cache/files", project.folder / ".dvc-remote/files")
    project.git("clone", "-q", "--bare", ".", str(tmp_path / "origin.git"))
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    pushed = ("v1:refs/heads/of-others", "refs/remotes/origin/others:refs/heads/others")
    project.git("push", "-q", str(tmp_path / "origin.git"), *pushed)  # by another clone: this one does not know
    remote = project.folder / ".dvc-remote"
    status, told = winnow("gc", "--cloud", "--yes", "--confirm", f"local:{2 * VERSION}")
    assert status == 1
    assert "origin has 2 branches or tags that are not known here as they are there (main, of-others)" in told
    assert "mend what ⚠ tells above first" in told
    project.git("fetch", "-q", "origin")
    status, told = winnow("gc", "--cloud", "--yes", "--confirm", "local:1")
    assert status == 1
    assert f"`--confirm local:{2 * VERSION}` removes {2 * VERSION} objects of local" in told
    assert all(there(project.folder / ".dvc/cache", data) for data in template[1].values())
    assert there(remote, template[1]["first"])
    status, told = winnow("gc", "--cloud", "--yes", "--confirm", f"local:{2 * VERSION}")
    assert status == 0
    assert {name: there(remote, template[1][name]) for name in ("first", "tag", "others", "main")} == {
        "first": False,
        "tag": True,
        "others": True,
        "main": True,
    }
    project.git("remote", "set-url", "origin", str(tmp_path / "nowhere.git"))
    assert "⚠ origin does not answer" in winnow("gc")[1]


def test_another_dvc_command_a_running_stage_and_a_commit_that_cannot_be_read_stop_it(project: Project, winnow):
    with Repo(str(project.folder)) as repo, repo.lock:
        assert "another DVC command holds the repository" in winnow("gc", "--yes")[1]

    wait = "while not pathlib.Path('go').exists(): time.sleep(0.05)"
    (project.folder / "wait.py").write_text(f"import pathlib, time\npathlib.Path('began').touch()\n{wait}\n")
    slow = "  slow:\n    cmd: python wait.py\n    deps: [model.bin]\n"
    (project.folder / "dvc.yaml").write_text(STAGES + slow)
    run = subprocess.Popen([sys.executable, "-m", "dvc", "repro", "-q", "slow"], cwd=project.folder)
    until = time.monotonic() + HELD
    while not (project.folder / "began").exists() and time.monotonic() < until:
        time.sleep(0.05)
    try:
        status, told = winnow("gc", "--yes")
        assert status == 1
        assert "runs `" in told
        assert "repro" in told
    finally:
        (project.folder / "go").touch()
        assert run.wait(HELD) == 0
    project.git("checkout", "-q", ".")

    (project.folder / "dvc.yaml").write_text("stages: [\n")
    project.git("commit", "-qam", "broken")
    project.git("tag", "broken")
    project.git("reset", "-q", "--hard", "HEAD^")
    status, told = winnow("gc", "--yes")
    assert status == 1
    assert "nothing was removed" in told


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("2w", 14), ("1y", 365)])
def test_an_age_is_a_number_of_days(text, days):
    now = kept.datetime.datetime(2026, 6, 1, tzinfo=kept.datetime.UTC)
    assert (now - kept.since(text, now)).days == days
