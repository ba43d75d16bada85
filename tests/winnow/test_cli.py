import subprocess
import sys
from pathlib import Path

import pytest

from winnow import cli
from winnow.commands import lint, stages

DVC_YAML = """\
# A comment that stays.
stages:
  first:
    desc: Reads | writes
    cmd: >-
      python -m stages.first
      --out data/first.parquet
    params: [first]
    deps:
      - data/sources
      - winnow/old.py
    outs:
      - data/first.parquet
      - data/ledger/first.parquet

  second:
    desc: A matrix
    matrix:
      seed: [1, 2]
    cmd: python -m stages.second --seed ${item.seed}
    deps:
      - stages/second.py
    outs:
      - models/second-${item.seed}
    plots:
      - reports/plots/second-${item.seed}.csv:
          cache: false
"""
CODE = {
    "stages/__init__.py": '"""Stages."""\n',
    "stages/first.py": (
        "from typing import TYPE_CHECKING\n"
        "import json\n"
        "from winnow import params, tables\n"
        "if TYPE_CHECKING:\n    from winnow import never\n"
        "def main():\n    from winnow.deep import late\n    params.load('first', P), params.load('task', T)\n"
    ),
    "stages/second.py": "def page(environment):\n    return environment.get_template('page.html')\n",
    "winnow/__init__.py": '"""Core."""\n',
    "winnow/params.py": "",
    "winnow/tables.py": "import winnow.errors\n",
    "winnow/errors.py": "",
    "winnow/never.py": "",
    "winnow/deep/__init__.py": "VALUE = 1\n",
    "winnow/deep/late.py": "",
    "winnow/templates/page.html": '{% extends "frame.html" %}',
    "winnow/templates/frame.html": "",
}
FIRST_NEEDS = [
    "stages/first.py",
    "winnow/deep/__init__.py",
    "winnow/deep/late.py",
    "winnow/errors.py",
    "winnow/params.py",
    "winnow/tables.py",
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two stages with code, in the current folder."""
    for name, text in CODE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_closure_follows_late_imports_packages_and_templates_but_not_type_checking(project):
    assert sorted(lint.closure(Path("stages/first.py"), project)) == FIRST_NEEDS
    assert sorted(lint.closure(Path("stages/second.py"), project)) == [
        "stages/second.py",
        "winnow/templates/frame.html",
        "winnow/templates/page.html",
    ]


def test_lint_names_each_difference_and_fix_leaves_the_parameters(project, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["lint"])
    out, err = capsys.readouterr()
    assert exit.value.code == 1
    assert out.splitlines() == [
        *(f"first: deps lacks {path}, which stages/first.py needs" for path in FIRST_NEEDS),
        "first: deps names winnow/old.py, which stages/first.py does not need",
        "first: params lacks task, which its code loads",
        "second: deps lacks winnow/templates/frame.html, which stages/second.py needs",
        "second: deps lacks winnow/templates/page.html, which stages/second.py needs",
    ]
    assert "dvc.yaml: 10 differences" in err

    with pytest.raises(SystemExit):
        cli.main(["lint", "--fix"])
    assert capsys.readouterr().out.splitlines() == ["first: params lacks task, which its code loads"]
    expected = DVC_YAML.replace(
        "      - winnow/old.py\n", "".join(f"      - {path}\n" for path in FIRST_NEEDS)
    ).replace(
        "      - stages/second.py\n",
        "".join(f"      - {path}\n" for path in sorted(lint.closure(Path("stages/second.py"), project))),
    )
    assert (project / "dvc.yaml").read_text() == expected


def test_lint_is_silent_when_all_is_well(project, capsys):
    (project / "dvc.yaml").write_text(DVC_YAML.replace("params: [first]", "params: [first, task]"))
    cli.main(["lint", "--fix"])
    assert capsys.readouterr().out == ""


def test_lint_refuses_relative_imports(project):
    (project / "winnow/errors.py").write_text("from . import tables\n")
    with pytest.raises(lint.UserError, match="relative import"):
        lint.problems(project)


def test_stages_prints_the_table(project, capsys):
    cli.main(["stages"])
    assert capsys.readouterr().out.splitlines() == [
        "| stage | what it does | makes |",
        "|---|---|---|",
        "| `first` | Reads \\| writes | `data/first.parquet` |",
        "| `second` | A matrix | `models/second-<seed>`, `reports/plots/second-<seed>.csv` |",
    ]


def test_stages_writes_between_the_comments_twice_the_same(project, capsys):
    readme = project / "README.md"
    readme.write_text(f"before\n{stages.BEGIN}\nold\n{stages.END}\nafter\n")
    cli.main(["stages", "--write", "README.md"])
    once = readme.read_text()
    cli.main(["stages", "--write", "README.md"])
    assert readme.read_text() == once
    assert once.startswith(f"before\n{stages.BEGIN}\n| stage |")
    assert once.endswith(f"|\n{stages.END}\nafter\n")
    assert "old" not in once


def test_stages_needs_the_comments(project, capsys):
    (project / "README.md").write_text("no place\n")
    with pytest.raises(SystemExit):
        cli.main(["stages", "--write", "README.md"])
    assert "README.md: the lines" in capsys.readouterr().err
    assert (project / "README.md").read_text() == "no place\n"


@pytest.mark.parametrize("command", ["lint", "stages"])
def test_outside_of_a_project_is_one_line(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        cli.main([command])
    assert exit.value.code == 1
    assert capsys.readouterr().err.endswith("dvc.yaml: not found; run from the repository's root\n")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["--help"])
    assert exit.value.code == 0
    out = capsys.readouterr().out
    assert all(f"    {command.NAME} " in out for command in cli.COMMANDS)


def test_starts_without_heavy_libraries():
    heavy = "torch", "transformers", "sklearn", "pandas", "matplotlib", "cleanlab", "dvc"
    code = f"import sys, winnow.cli; sys.exit(str(found) if (found := set({heavy}) & set(sys.modules)) else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
