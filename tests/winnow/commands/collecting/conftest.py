"""The tiny DVC repository of tests/remotes, with a branch, a tag, an experiment, a stash and a queued one."""

import shutil

import pytest

from tests.remotes.conftest import nobody_s_own
from tests.remotes.project import Project, made
from winnow.commands import cli


@pytest.fixture(autouse=True)
def alone(tmp_path_factory):
    """Run the test with nobody's own settings."""
    with nobody_s_own(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> tuple[Project, dict[str, dict[str, bytes]]]:
    """The repository, and the data of each version by what needs it: `first` an old commit, `lost` nothing."""
    with nobody_s_own(tmp_path_factory.mktemp("home")):
        project = made(tmp_path_factory.mktemp("collected") / "first")
        for key, value in (("user.name", "Ana"), ("user.email", "ana@example.org")):
            project.git("config", key, value)
        data = {"first": project.data()}
        for name in ("tag", "others", "experiment", "queued", "stash", "lost", "main"):
            if name == "others":
                project.git("switch", "-q", "-c", name)
            project.change(name)
            data[name] = project.data()
            if name == "experiment":
                project.dvc("exp", "save", "-n", "exp-a")
            elif name == "queued":
                project.dvc("exp", "run", "--queue", "-n", "exp-b")
            elif name == "stash":
                project.git("stash", "push", "-q")
            elif name != "lost":
                project.commit(name)
            if name == "tag":
                project.git("tag", "v1")
            if name == "others":
                project.git("switch", "-q", "main")
            if name in ("experiment", "queued"):
                project.git("checkout", "-q", ".")
        project.git("update-ref", "refs/remotes/origin/others", "others")
        project.git("branch", "-q", "-D", "others")
        return project, data


@pytest.fixture
def project(template, tmp_path, monkeypatch) -> Project:
    """A copy of the repository; the current folder."""
    shutil.copytree(template[0].folder, tmp_path / "first", symlinks=True)
    monkeypatch.chdir(tmp_path / "first")
    return Project(tmp_path / "first")


@pytest.fixture
def winnow(project, capsys, monkeypatch):
    """Return a function that runs a command; it returns the exit status and what was printed."""

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            cli.main(list(words))
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        told = capsys.readouterr()
        return status, told.out + told.err

    return run
