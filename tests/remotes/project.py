"""A tiny DVC repository and its clones, with a remote on an S3 server; DVC runs in this process."""

import io
import logging
import shutil
import subprocess
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from dvc.cli import main

from tests.remotes.servers import BUCKET, REGION, Server

ROOT = Path(__file__).parents[2]
FILES = 20  # of the folder that the stage makes
# A stage that makes a folder and a file of its own, as a dataset and a model are.
STAGES = """\
stages:
  rows:
    cmd: python make.py
    deps:
    - make.py
    outs:
    - rows
  model:
    cmd: python -c "open('model.bin', 'wb').write(open('rows/00.txt', 'rb').read() * 9)"
    deps:
    - rows
    outs:
    - model.bin
"""
MAKE = """\
import pathlib

folder = pathlib.Path("rows")
folder.mkdir(exist_ok=True)
for number in range({files}):
    (folder / f"{{number:02}}.txt").write_text(f"row {{number}} of {word}\\n" * {lines})
"""


@dataclass(frozen=True)
class Project:
    """A clone of the tiny repository."""

    folder: Path

    def dvc(self, *arguments: str, status: int | None = 0) -> str:
        """Run DVC here; return what it printed. `status` is what must come of it, None: anything."""
        output = io.StringIO()
        handler = logging.StreamHandler(output)
        loggers = [logging.getLogger(name) for name in ("dvc", "dvc_data", "dvc_objects")]
        for logger in loggers:
            logger.addHandler(handler)
        try:
            with chdir(self.folder), redirect_stdout(output), redirect_stderr(output):
                code = main(list(arguments))
        finally:
            for logger in loggers:
                logger.removeHandler(handler)
        told = output.getvalue()
        assert status is None or code == status, f"{arguments} ended with {code}: {told}"
        return told

    def git(self, *arguments: str) -> str:
        """Run Git here."""
        command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def commit(self, message: str) -> None:
        """Commit all that there is."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def change(self, word: str, lines: int = 1) -> None:
        """Let the stage make other rows, and run it."""
        (self.folder / "make.py").write_text(MAKE.format(files=FILES, word=word, lines=lines))
        self.dvc("repro", "-q")

    def keys(self, server: Server) -> None:
        """Write a server's keys where Git does not see them."""
        self.dvc("remote", "modify", "--local", "s3", "access_key_id", server.key)
        self.dvc("remote", "modify", "--local", "s3", "secret_access_key", server.secret)

    def remote(self, server: Server, prefix: str) -> None:
        """Make the server the default remote, as docs/remotes.md tells."""
        self.dvc("remote", "add", "--default", "s3", f"s3://{BUCKET}/{prefix}")
        for name, value in (("endpointurl", server.url), ("region", REGION), ("verify", "true")):
            self.dvc("remote", "modify", "s3", name, value)
        self.keys(server)

    def clone(self, name: str) -> "Project":
        """Clone beside this one, without keys and data."""
        self.git("clone", "-q", ".", str(self.folder.parent / name))
        return Project(self.folder.parent / name)

    def wipe(self) -> None:
        """Remove all data here: the cache and what Git does not track but the settings of this machine."""
        shutil.rmtree(self.folder / ".dvc/cache", ignore_errors=True)
        shutil.rmtree(self.folder / ".dvc/tmp", ignore_errors=True)
        self.git("clean", "-fdxq", "--exclude", ".dvc")

    def data(self) -> dict[str, bytes]:
        """Return the bytes of what the stages made."""
        paths = [*sorted((self.folder / "rows").glob("*")), self.folder / "model.bin"]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths if path.exists()}


def made(folder: Path) -> Project:
    """Make the repository with this project's DVC configuration, and run its stages."""
    (folder / ".dvc").mkdir(parents=True)
    project = Project(folder)
    project.git("init", "-q", "-b", "main")
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "dvc.yaml").write_text(STAGES)
    project.change("the first version")
    project.commit("first")
    return project
