"""The round trip of docs/remotes.md on each S3 server: what one clone pushes, another has to the byte."""

import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def prefix(request) -> str:
    """A place of the test's own in the bucket."""
    return f"winnow/{request.node.name.replace('[', '-').rstrip(']')}"  # a bracket is a pattern to `dvc gc`


def test_push_wipe_clone_and_pull(project, server, prefix):
    data = project.data()
    project.remote(server, prefix)
    project.commit("remote")
    project.dvc("push", "-q")
    assert "in sync" in project.dvc("status", "--cloud")
    stored = server.objects(prefix)
    project.wipe()
    assert project.data() == {}
    project.dvc("pull", "-q")
    assert project.data() == data

    clone = project.clone("elsewhere")
    assert "access_key" not in clone.git("grep", "-h", "-e", "", "--", ".dvc")
    refused = clone.dvc("pull", status=None)
    assert "credentials" in refused.lower()
    assert clone.data() == {}
    clone.keys(server)
    clone.dvc("pull", "-q")
    assert clone.data() == data
    assert "up to date" in clone.dvc("status")
    assert "in sync" in clone.dvc("status", "--cloud")
    assert "Running stage" not in clone.dvc("repro")
    assert clone.git("status", "--porcelain") == ""
    clone.dvc("push", "-q")
    assert server.objects(prefix) == stored


def test_one_model_is_pulled_alone(project, server, prefix):
    project.remote(server, prefix)
    project.commit("remote")
    project.dvc("push", "-q")
    clone = project.clone("elsewhere")
    clone.keys(server)
    clone.dvc("pull", "-q", "model.bin")
    assert clone.data() == {"model.bin": project.data()["model.bin"]}
    assert len([path for path in (clone.folder / ".dvc/cache").rglob("*") if path.is_file()]) == 1


def test_three_clones_push_at_once(project, server, prefix, tmp_path):
    project.remote(server, prefix)
    project.commit("remote")
    other = project.clone("other")
    other.keys(server)
    other.change("another version")
    other.git("checkout", "-qb", "other")
    other.commit("another")
    shutil.copytree(project.folder, tmp_path / "same", symlinks=True)  # a second machine with the same data
    command = [sys.executable, "-m", "dvc", "push", "-q"]
    pushes = [subprocess.Popen(command, cwd=tmp_path / name) for name in ("first", "same", "other")]
    assert [push.wait(120) for push in pushes] == [0, 0, 0]
    for source in (project, other):
        clone = source.clone(f"of-{source.folder.name}")
        clone.keys(server)
        clone.dvc("pull", "-q")
        assert clone.data() == source.data()


def test_gc_keeps_what_tags_and_branches_need(project, server, prefix):
    project.remote(server, prefix)
    project.commit("remote")
    project.git("tag", "v1")
    versions = {"v1": project.data()}
    for branch in ("kept", "lost", "main"):
        project.git("checkout", "-q", *(["-b"] if branch != "main" else []), branch)
        project.change(f"the version of {branch}")
        project.commit(branch)
        project.dvc("push", "-q", "--all-branches", "--all-tags")
        versions[branch] = project.data()
    before = server.objects(prefix)
    project.git("branch", "-qD", "lost")
    project.dvc("gc", "--force", "--all-branches", "--all-tags", "--cloud")
    left = server.objects(prefix)
    # The folder, its files and the model of one version.
    assert (len(before), len(left)) == (4 * 22, 3 * 22)
    for name in ("v1", "kept", "main"):
        clone = project.clone(f"at-{name}")
        clone.keys(server)
        clone.git("checkout", "-q", name if name == "v1" else f"origin/{name}")
        clone.dvc("pull", "-q")
        assert clone.data() == versions[name]
