"""A small project, made once; each test has a copy of it."""

import shutil

import pytest

from tests.remotes.conftest import nobody_s_own
from tests.winnow.commands.diff.project import State, rows
from tests.winnow.commands.releasing.project import Project, made
from winnow.commands import cli


@pytest.fixture(autouse=True)
def alone(tmp_path_factory):
    """Run the test with nobody's own settings of Git and DVC."""
    with nobody_s_own(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Project:
    """The project whose stages have run, committed and pushed."""
    with nobody_s_own(tmp_path_factory.mktemp("home")):
        project = made(tmp_path_factory.mktemp("released") / "project", State(rows(300)))
        project.commit("first")
        project.dvc("push", "-q")
        return project


@pytest.fixture
def project(template, tmp_path, monkeypatch) -> Project:
    """A copy of it, with its remote; the current folder."""
    for name in ("project", "shared"):
        shutil.copytree(template.folder.parent / name, tmp_path / name, symlinks=True)
    project = Project(tmp_path / "project")
    project.dvc("remote", "modify", "-q", "--local", "shared", "url", str(tmp_path / "shared"))
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def winnow(project, capsys):
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
