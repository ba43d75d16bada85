import shutil
from pathlib import Path

import pytest

from winnow.commands import cli

ROOT = Path(__file__).parents[4]
OF_PEOPLE = ("decisions.csv", "frozen", "rounds", "test", "example.sha256")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with what `winnow init` reads and writes of the repository; it becomes the current one."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in ("stages", "winnow", "examples"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "data/sources").mkdir(parents=True)
    for name in OF_PEOPLE:
        copy = shutil.copytree if (ROOT / "data" / name).is_dir() else shutil.copyfile
        copy(ROOT / "data" / name, folder / "data" / name)
    (folder / "rules").mkdir()
    with open("/dev/null") as nobody:  # no terminal, whatever runs the tests
        monkeypatch.setattr("sys.stdin", nobody)
        yield folder


@pytest.fixture
def init(project):
    """Return a function that runs `winnow init` in the project with the words of a command line."""
    return lambda *words: cli.main(["init", *map(str, words)])
