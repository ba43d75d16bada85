"""This project's own remote: a folder that Git ignores."""


def test_default_remote_is_a_folder_of_the_repository_that_git_ignores(project):
    project.dvc("push", "-q")
    stored = [path for path in (project.folder / ".dvc-remote").rglob("*") if path.is_file()]
    assert len(stored) == 22
    assert project.git("status", "--porcelain") == ""

    clone = project.clone("clone")
    clone.dvc("config", "--local", "remote.local.url", str(project.folder / ".dvc-remote"))
    clone.dvc("pull", "-q")
    assert clone.data() == project.data()
    assert (clone.folder / "dvc.lock").read_bytes() == (project.folder / "dvc.lock").read_bytes()

    [spoiled] = [path for path in stored if path.read_bytes() == project.data()["model.bin"]]
    spoiled.chmod(0o644)
    spoiled.write_bytes(spoiled.read_bytes()[:-1])
    clone.wipe()
    assert "model.bin" in clone.dvc("pull", status=1)
    assert "model.bin" not in clone.data()


def test_older_commits_reach_a_new_remote_only_where_config_local_names_it(project, tmp_path):
    """DVC reads .dvc/config of each commit, and .dvc/config.local of this clone beside it (docs/remotes.md)."""
    versions = {"v1": project.data()}
    project.git("tag", "v1")
    new = str(tmp_path / "new")
    project.dvc("remote", "add", "-q", "--default", "new", new)
    project.change("the second version")
    project.commit("second, with another remote")
    versions["main"] = project.data()
    # -r names a remote that the first commit does not know: it is left out, and the exit status tells nothing of it.
    assert "skipping" in project.dvc("push", "--all-commits", "-r", "new")
    assert stored(tmp_path / "new") == 22

    project.dvc("remote", "add", "-q", "--local", "--default", "new", new)
    project.dvc("push", "-q", "--all-commits")
    assert stored(tmp_path / "new") == 2 * 22
    for name, data in versions.items():
        clone = project.clone(f"at-{name}")
        clone.git("checkout", "-q", name)
        clone.dvc("remote", "add", "-q", "--local", "--default", "new", new)
        clone.dvc("pull", "-q")
        assert clone.data() == data


def stored(folder) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))
