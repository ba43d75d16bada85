"""A small encoder as bytes of files, and the stage with all its places."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.fetch_model import __main__ as fetch_model
from tests import families
from tests.conftest import ROOT

PLACES = ["--local", "models/local", "--known", "models/known.sha256", "--out", "models/base"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="session")
def encoder(tmp_path_factory) -> dict[str, bytes]:
    """A BERT's files, by name."""
    folder = tmp_path_factory.mktemp("encoder")
    families.write("bert", folder)
    return content(folder)


@pytest.fixture(scope="session")
def sharded(tmp_path_factory) -> dict[str, bytes]:
    """The same with its weights in several files."""
    folder = tmp_path_factory.mktemp("sharded")
    families.write("bert", folder, max_shard_size="20KB")
    return content(folder)


@pytest.fixture
def stage(workspace):
    """Return a function that runs the stage on a section of params.yaml, in this process."""

    def run(**section: object) -> Path:
        folder = workspace(fetch_model={"licence": "Apache-2.0"} | section)
        fetch_model.main(PLACES)
        return folder / "models/base"

    return run


def start(folder: Path, **variables: str) -> subprocess.Popen:
    """Start the stage in a process of its own, in a folder with a params.yaml; it knows nobody's cache and token."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    own = {"PYTHONPATH": str(ROOT), "HF_HOME": str(folder / "cache")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    command = [sys.executable, "-m", "stages.fetch_model", *PLACES]
    return subprocess.Popen(command, cwd=folder, env=kept | own | variables, **pipes)
