"""docs/tutorial.md: its commands run from top to bottom, and print what the page shows."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline import tiny_model
from tests.pipeline.clone import ROOT, Clone
from winnow.commands.init import write

PAGE = ROOT / "docs/tutorial.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
DATA = ROOT / "examples/tutorial"
# What the page does not set: of a tiny encoder, and for a short test.
SMALL = {
    "finetune": {"frozen_layers": 0, "reads": 0},
    "learning_curve": {"budgets": [25, 50], "seeds": [1]},
    "compare": {"resamples": 200},
}
# Of what `winnow init` sets: the fewest models that it plans, as it does on a slow machine; and one thread, as two wait
# for each other for longer than so small an encoder computes.
AFTER_INIT = {"arms": {"seeds": [1, 2]}, "compute": {"threads": 1}}


def steps() -> list[tuple[str, list[str]]]:
    """The page's commands, block by block, each with the lines that it shows of what they print."""
    found: list[tuple[str, list[str]]] = []
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "sh":
            found.append((text, []))
        else:
            found[-1][1].extend(text.splitlines())
    return found


def missing(shown: list[str], printed: str) -> list[str]:
    """The lines of a page that a command did not print after one another; `…` stands for anything, spaces for some."""
    lines = iter(" ".join(line.split()) for line in printed.splitlines())

    def is_there(line: str) -> bool:
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        pattern = re.compile(r"\s*.*\s*".join(parts))
        return any(pattern.fullmatch(given) for given in lines)

    return [line for line in shown if not is_there(line)]


def vocabulary() -> list[str]:
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    words = re.findall(r"[a-z]{2,}", (DATA / "requests.csv").read_text(encoding="utf-8").lower())
    return [*letters, *(f"##{letter}" for letter in letters), *sorted(set(words))]


@pytest.fixture
def clone(tmp_path) -> Clone:
    """A clone with a tiny random encoder in place of the base encoder, and this Python's packages as its .venv."""
    for name in ("model", "wheels", "clone"):
        (tmp_path / name).mkdir()
    model = tiny_model.build(vocabulary(), tmp_path / "model", tmp_path / "wheels")
    made = Clone(tmp_path / "clone", tmp_path / "wheels", lambda sources: None, {})
    yaml = YAML()
    document = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    document["fetch_model"].update(model)
    for section, values in SMALL.items():
        document[section].update(values)
    text = io.StringIO()
    yaml.dump(document, text)
    (made.folder / "params.yaml").write_text(text.getvalue(), encoding="utf-8")
    venv = made.folder / ".venv"
    venv.mkdir()
    (venv / "bin").mkdir()
    for source in (Path(sys.prefix) / "lib", Path(sys.prefix) / "pyvenv.cfg", *(Path(sys.prefix) / "bin").iterdir()):
        if source.exists():
            (venv / source.relative_to(sys.prefix)).symlink_to(source)
    (venv / "bin/dvc").unlink()
    (venv / "bin/dvc").write_text('#!/bin/sh\nexec python -m tests.pipeline.forked "$@"\n')
    (venv / "bin/dvc").chmod(0o755)
    (venv / ".installed").touch()
    made.environment["PYTHONPATH"] = str(made.folder)
    made.environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for name, value in {"user.name": "Ada", "user.email": "ada@example.org"}.items():
        made.call("git", "config", name, value)
    made.call("git", "commit", "-qam", "a tiny encoder")
    return made


def test_the_page_s_commands_run_and_print_what_it_shows(clone):
    for commands, shown in steps():
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=clone.folder,
            env=clone.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        assert missing(shown, done.stdout) == [], f"{commands}\n{done.stdout}"
        if "winnow init" in commands:
            file = clone.folder / "params.yaml"
            file.write_text(write.changed(file.read_text(encoding="utf-8"), AFTER_INIT), encoding="utf-8")


def test_the_data_is_what_its_script_writes(tmp_path):
    out = tmp_path / "requests.csv"
    subprocess.run([sys.executable, DATA / "make.py", out], check=True, env=os.environ | {"PYTHONHASHSEED": "5"})
    assert out.read_bytes() == (DATA / "requests.csv").read_bytes()


@pytest.mark.parametrize(
    ("shown", "printed", "lacks"),
    [
        (["a … c", "d"], "a b c\nx\nd", []),
        (["a", "b"], "b\na", ["b"]),
        (["to run  nothing: … stages"], "to run        nothing: 41 stages", []),
        (["a"], "ab", ["a"]),
        (["a.c"], "abc", ["a.c"]),
    ],
)
def test_what_a_page_shows_is_looked_for_in_order(shown, printed, lacks):
    assert missing(shown, printed) == lacks
