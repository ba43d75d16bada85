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
