"""Fixtures: a tiny repository made once, and S3 servers."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.remotes import servers
from tests.remotes.project import Project, made


@contextmanager
def nobody_s_own(home: Path) -> Iterator[None]:
    """Take away this machine's keys, profiles and settings of Git and DVC; stages run by this Python."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AWS_", "GIT_", "DVC_")):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("DVC_TEST", "1")  # no daemon looks for updates
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(autouse=True)
def alone(tmp_path_factory):
    """Run the test with nobody's own settings."""
    with nobody_s_own(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Project:
    """The repository whose stages have run, with no remote but this project's own."""
    with nobody_s_own(tmp_path_factory.mktemp("home")):
        return made(tmp_path_factory.mktemp("template") / "first")


@pytest.fixture
def project(template, tmp_path) -> Project:
    """A copy of it."""
    shutil.copytree(template.folder, tmp_path / "first", symlinks=True)
    return Project(tmp_path / "first")


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    """moto's server."""
    with servers.moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def rclone(tmp_path_factory):
    """Rclone's server."""
    with servers.rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture(scope="session")
def s3rver(tmp_path_factory):
    """S3rver, where npm is there; CI must have it."""
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("no npm")
    with servers.s3rver(tmp_path_factory.mktemp("s3rver")) as server:
        yield server


@pytest.fixture(params=["moto", "rclone", "s3rver"])
def server(request):
    """Each server in turn."""
    return request.getfixturevalue(request.param)
