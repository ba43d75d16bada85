"""Fixtures: a project whose revisions are compared."""

import json

import pytest

from tests.winnow.commands.diff.project import Project, State
from winnow.commands import cli


@pytest.fixture
def project(tmp_path, monkeypatch):
    project = Project(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def reported(project, capsys):
    """Return a function that commits two states, and gives the comment on their difference, and the same as JSON."""

    def made(base: State, head: State) -> tuple[str, dict]:
        project.commit(base, "base")
        project.commit(head, "head")
        cli.main(["diff", "base", "head"])
        text = capsys.readouterr().out
        cli.main(["diff", "base", "head", "--format", "json"])
        return text, json.loads(capsys.readouterr().out)

    return made
