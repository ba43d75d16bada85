"""A clean clone of the repository as it stands, with a small corpus and small parameters, in which DVC runs."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from tests.pipeline import corpus, tiny_model
from winnow.people import decisions

ROOT = Path(__file__).parents[2]
FORKED = (sys.executable, "-m", "tests.pipeline.forked")  # `dvc` at half the time


def environment(wheels: Path) -> dict[str, str]:
    """Ours first on the path, and a package index that is one folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "GIT_", "DVC_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_INDEX": "1",
        "DVC_NO_ANALYTICS": "1",
    }


@cache
def compiled() -> list[Path]:
    """What numba has compiled of the repository's code: made once, as it takes each clone 20 s.

    The files are those of the code as it is: a clone's has the same name, size and time.
    """
    with Path(__file__).open() as lock, tempfile.TemporaryDirectory() as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker's clones need them too
        command = [sys.executable, "-m", "tests.pipeline.compiled"]
        subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    return [file for part in ("stages", "winnow") for file in sorted((ROOT / part).rglob("__pycache__/*.nb[ci]"))]


class Clone:
    """A clone of the repository; what runs in it has its `environment` and `umask`, of which -1 is ours.

    Its stages are run by `dvc`, the command or `FORKED`.

    Args:
        folder: an empty one.
        wheels: the folder that stands for the package index.
        write: writes the sources into data/sources.
        sections: of params.yaml, with the keys to set; the other keys stay.
    """

    def __init__(self, folder: Path, wheels: Path, write: Callable[[Path], None], sections: dict[str, dict]):
        self.folder, self.environment, self.umask = folder, environment(wheels), -1
        self.dvc: tuple[str, ...] = ("dvc",)
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        for name in filter(None, names):
            # What a run made is no part of a clean clone; a tracked file may be deleted.
            if (ROOT / name).is_file() and not re.match(
                r"dvc\.lock$|reports/(metrics/|plots/|summary)|data/sources/", name
            ):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        for file in compiled():
            (folder / file.relative_to(ROOT)).parent.mkdir(exist_ok=True)
            shutil.copy2(file, folder / file.relative_to(ROOT))
        (folder / "data/sources").mkdir()
        write(folder / "data/sources")
        (folder / "data/decisions.csv").write_text(",".join(decisions.COLUMNS) + "\n", encoding="utf-8")
        self.set_params(finetune={"reads": 0})  # the few rows would be read hundreds of times
        self.set_params(**sections)
        self.call("git", "init", "-q")
        self.call("git", "add", "-A")
        self.call("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "clone")

    def call(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            umask=self.umask,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> dict:
        """Return what `winnow status` says."""
        code = "from winnow.commands.cli import main; main(['status', '--json'])"
        return json.loads(self.call(sys.executable, "-c", code))

    def repro(self, *targets: str) -> list[str]:
        """Run the pipeline, or stages and what they need; return the stages that ran, in order."""
        return re.findall(r"^Running stage '(.+)':$", self.call(*self.dvc, "repro", *targets), re.MULTILINE)

    def run_stages(self, *last: str) -> list[str]:
        """Run every stage in one process, without DVC, so that nothing is imported twice; return their names.

        Args:
            last: a stage; it alone runs, and those that make what it reads.
        """
        told = self.call(sys.executable, "-m", "tests.pipeline.in_one_process", *last)
        return re.findall(r"^Ran stage (.+)$", told, re.MULTILINE)

    def set_params(self, **sections: dict) -> None:
        """Set keys of sections of params.yaml; the other keys stay."""
        yaml = YAML(typ="safe")
        file = self.folder / "params.yaml"
        document = yaml.load(file.read_text(encoding="utf-8"))
        for section, values in sections.items():
            document[section] |= values
        with file.open("w", encoding="utf-8") as out:
            yaml.dump(document, out)

    def rows(self, path: str) -> list[dict]:
        return pq.read_table(self.folder / path).to_pylist()

    def lock(self) -> dict:
        return YAML(typ="safe").load((self.folder / "dvc.lock").read_text(encoding="utf-8"))


def tiny(folder: Path, write: Callable[[Path], None], sections: dict[str, dict], name: str = "clone") -> Clone:
    """Return a clone below an empty folder, with a tiny random encoder as its base; the arguments are `Clone`'s."""
    for made in ("model", "wheels", name):
        (folder / made).mkdir()
    model = tiny_model.build(corpus.vocabulary(), folder / "model", folder / "wheels")
    return Clone(folder / name, folder / "wheels", write, sections | {"fetch_model": model})
