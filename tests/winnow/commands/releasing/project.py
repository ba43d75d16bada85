"""A small Winnow project whose stages copy prepared files: Git, DVC, `winnow lint` and a remote are the real ones."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from tests.remotes.project import Project as Clone
from tests.winnow.commands.diff.project import State, folders_of, tables_of
from winnow.people import decisions
from winnow.rows import tables

MODEL = "models/classifier/transfer-adapted-1"
# Stage: the options of its command, and what follows them.
STAGES = {
    "split": {"out": "data/split.parquet"},
    "apply_decisions": {
        "out": "data/labelled.parquet",
        "evaluated": "data/evaluated.parquet",
        "ledger": "data/ledger/apply_decisions.parquet",
    },
    "finetune": {"out": MODEL},
    "evaluate": {"out": "data/predictions", "metrics": "reports/metrics/evaluate.json"},
    "compare": {"metrics": "reports/metrics/compare.json"},
}
# Options that name what another stage has made, or people.
READ = {
    "apply_decisions": {"decisions": "data/decisions.csv"},
    "evaluate": {"rows": "data/evaluated.parquet", "classifiers": "models/classifier"},
}
ROOM = """\
import pathlib
import shutil
import sys

for option, out in zip(sys.argv[1::2], sys.argv[2::2]):
    if option not in ("--out", "--evaluated", "--ledger", "--metrics"):
        continue
    source, out = pathlib.Path("inputs", out), pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, out) if source.is_dir() else shutil.copyfile(source, out)
"""
CODE = """\
import pathlib

pathlib.Path("data/code").mkdir(parents=True)
pathlib.Path("data/code/make.txt").write_text(f"stages/make/__main__.py {'a' * 64}\\n")
"""
PARAMS = {"annotate": {"rules": []}}


class Project(Clone):
    """The project; `git`, `dvc`, `remote` and `clone` are those of tests/remotes."""

    def write(self, state: State) -> None:
        """Write what the stages copy, and run them."""
        inputs = self.folder / "inputs"
        shutil.rmtree(inputs, ignore_errors=True)
        for path, content in contents(state):
            (inputs / path).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                (inputs / path).write_bytes(content)
            else:
                tables.write_sorted(content, inputs / path)
        self.yaml("params.yaml", {**state.params, **PARAMS})
        self.dvc("repro", "-q")

    def yaml(self, path: str, content: dict) -> None:
        """Write a file as DVC lays it out."""
        yaml = YAML(typ="safe")
        yaml.default_flow_style = False
        with (self.folder / path).open("w", encoding="utf-8") as file:
            yaml.dump(content, file)


def contents(state: State) -> Iterator[tuple[str, object]]:
    """Yield the path and the content of each file that the stages make."""
    yield from ((path, table) for _, path, table in tables_of(state))
    for stage, path, files in folders_of(state):
        if stage == "evaluate":
            yield from ((f"{path}/{name}", file) for name, file in files.items())
    yield f"{MODEL}/model.txt", f"{state.right} {state.salt}".encode()
    told = {"macro_f1": state.right, "macro_f1_low": state.right - 0.1, "macro_f1_high": state.right + 0.1}
    yield "reports/metrics/compare.json", _json({"best": "dapt", "dev": {"approaches": {"dapt": told}}})
    yield "reports/metrics/evaluate.json", _json({"dev": {f"dapt-{seed}": told for seed in state.seeds}})


def _json(value: dict) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()


def described() -> dict:
    """Return dvc.yaml."""
    code = {"cmd": "python -m stages.code --out data/code", "deps": ["stages"], "outs": ["data/code"]}
    found = {"code": code}
    for name, outs in STAGES.items():
        read = READ.get(name, {})
        words = [f"--{option} {path}" for option, path in (outs | read).items()]
        cached = [path for path in outs.values() if not path.endswith(".json")]
        found[name] = {
            "cmd": f"python -m stages.make {' '.join(words)}",
            "deps": ["data/code/make.txt", *(f"inputs/{path}" for path in outs.values())],
            "outs": [*cached, *({path: {"cache": False}} for path in outs.values() if path.endswith(".json"))],
        }
    found["report"] = {"cmd": "python -m stages.make --test data/test", "deps": ["data/code/make.txt", "data/test"]}
    return found


def made(folder: Path, state: State) -> Project:
    """Make the project with a remote that is a folder beside it, and run its stages."""
    project = Project(folder)
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (folder / ".dvcignore").write_text("__pycache__\n")
    (folder / ".gitignore").write_text("__pycache__/\n")
    for room, code in (("code", CODE), ("make", ROOM)):
        (folder / "stages" / room).mkdir(parents=True)
        (folder / "stages" / room / "__main__.py").write_text(code)
    (folder / "stages/__init__.py").touch()  # else Winnow's own, a regular package, comes first
    (folder / "data/test").mkdir(parents=True)
    (folder / "data/test/.gitkeep").touch()
    (folder / "data/decisions.csv").write_text(decisions.EMPTY)
    artifacts = {
        "dataset": {"path": "data/labelled.parquet", "type": "dataset"},
        "model": {"path": "models/classifier/another", "type": "model"},
    }
    project.yaml("dvc.yaml", {"stages": described(), "artifacts": artifacts})
    project.git("init", "-q", "-b", "main")
    for key, value in (("user.name", "Ana"), ("user.email", "ana@example.org")):
        project.git("config", key, value)
    project.dvc("remote", "add", "-q", "--default", "shared", str(folder.parent / "shared"))
    project.write(state)
    return project
