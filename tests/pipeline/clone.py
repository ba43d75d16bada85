"""A clean clone of the repository as it stands, with a small corpus and small parameters, in which DVC runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from tests.pipeline import corpus, tiny_model
from winnow.people import decisions

ROOT = Path(__file__).parents[2]


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


class Clone:
    """A clone of the repository; what runs in it has its `environment` and `umask`, of which -1 is ours.

    Args:
        folder: an empty one.
        wheels: the folder that stands for the package index.
        write: writes the sources into data/sources.
        sections: of params.yaml, with the keys to set; the other keys stay.
    """

    def __init__(self, folder: Path, wheels: Path, write: Callable[[Path], None], sections: dict[str, dict]):
        self.folder, self.environment, self.umask = folder, environment(wheels), -1
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        for name in filter(None, names):
            # What a run made is no part of a clean clone; a tracked file may be deleted.
            if (ROOT / name).is_file() and not re.match(
                r"dvc\.lock$|reports/(metrics/|plots/|summary)|data/sources/", name
            ):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        # What numba has compiled for the code of this name and time; it takes 20 s.
        for compiled in ROOT.glob("stages/**/__pycache__/*.nb[ci]"):
            (folder / compiled.relative_to(ROOT)).parent.mkdir(exist_ok=True)
            shutil.copy2(compiled, folder / compiled.relative_to(ROOT))
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
        ran = re.findall(r"^Running stage '(.+)':$", self.call("dvc", "repro", *targets), re.MULTILINE)
        self._keep_compiled()
        return ran

    def run_stages(self, *last: str) -> list[str]:
        """Run every stage in one process, without DVC, so that nothing is imported twice; return their names.

        Args:
            last: a stage; it alone runs, and those that make what it reads.
        """
        told = self.call(sys.executable, "-m", "tests.pipeline.in_one_process", *last)
        self._keep_compiled()
        return re.findall(r"^Ran stage (.+)$", told, re.MULTILINE)

    def _keep_compiled(self) -> None:
        """Put what numba has compiled here beside the repository's own code, where other clones find it."""
        # Sorted: a file of machine code, .1.nbc, stands before the index that names it, .nbi.
        for compiled in sorted(self.folder.glob("stages/**/__pycache__/*.nb[ci]")):
            target = ROOT / compiled.relative_to(self.folder)
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                part = shutil.copy2(compiled, target.with_suffix(f".{os.getpid()}.part"))
                os.replace(part, target)

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
