import subprocess
import sys

import pytest

from winnow.commands import cli, stages

DVC_YAML = """\
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
    params: [third]
    deps:
      - data/code/second.txt
    outs:
      - models/second-${item.seed}
    plots:
      - reports/plots/second-${item.seed}.csv:
          cache: false
"""
CODE = {
    "stages/first/__main__.py": "def main():\n    params.load('first', P), params.load('task', T)\n",
    "stages/second/__main__.py": "",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two stages with code, in the current folder."""
    for name, text in CODE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "params.yaml").write_text("first:\n  rate: 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_lint_names_each_difference(project, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["lint"])
    out, err = capsys.readouterr()
    assert exit.value.code == 1
    assert out.splitlines() == [
        "first: deps lacks the fingerprint of its code, first.txt, an output of the stage code",
        "first: deps names winnow/old.py; the fingerprint stands for code",
        "first: params lacks task, which its code loads",
        "second: params names third, which its code never loads",
    ]
    assert "dvc.yaml: 4 difference(s)" in err


def test_a_command_s_error_begins_with_its_name(project, capsys):
    (project / "dvc.yaml").unlink()
    with pytest.raises(SystemExit):
        cli.main(["lint"])
    assert capsys.readouterr().err.startswith("winnow lint: dvc.yaml: not found")


def test_lint_is_silent_when_all_is_well(project, capsys):
    mended = DVC_YAML.replace("params: [first]", "params: [first, task]").replace("    params: [third]\n", "")
    (project / "dvc.yaml").write_text(mended.replace("winnow/old.py", "data/code/first.txt"))
    cli.main(["lint"])
    assert capsys.readouterr().out == ""


def test_lint_names_what_dvc_would_lay_out_otherwise(project, capsys):
    test_lint_is_silent_when_all_is_well(project, capsys)
    (project / "params.yaml").write_text("first: { rate: 1 }\n")
    with pytest.raises(SystemExit):
        cli.main(["lint"])
    out, err = capsys.readouterr()
    assert "params.yaml: line 1: `dvc exp run -S` would write" in out
    assert "params.yaml: 1 part(s) are not as DVC writes them" in err


def test_lint_names_a_command_without_its_folder(project, capsys):
    (project / "stages/second/__main__.py").unlink()
    with pytest.raises(SystemExit):
        cli.main(["lint"])
    assert "second: runs stages/second/__main__.py, which does not exist" in capsys.readouterr().out


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
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0] for line in lines if line.startswith("    ") and line[4] != " "}
    assert listed == {command.NAME for command in cli.COMMANDS}


def test_starts_without_heavy_libraries():
    heavy = "torch", "transformers", "sklearn", "pandas", "matplotlib", "cleanlab", "dvc"
    code = f"import sys, winnow.commands.cli; sys.exit(str(found) if (found := set({heavy}) & set(sys.modules)) else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_error_shows_what_a_file_calls_itself_and_a_terminal_obeys_none_of_it(project, capsys):
    with pytest.raises(SystemExit):
        cli.main(["predict", "a\x1b]0;title\x07\x9b31m.csv", "out.csv"])
    told = capsys.readouterr().err
    assert "a\ufffd]0;title\ufffd\ufffd31m.csv: not found" in told
    assert all(character.isprintable() for character in told.rstrip("\n"))


def test_an_error_of_the_system_is_one_line(project, capsys):
    (project / "dvc.yaml").unlink()
    (project / "dvc.yaml").mkdir()
    with pytest.raises(SystemExit) as exit:
        cli.main(["lint"])
    assert exit.value.code == 1
    assert "dvc.yaml: Is a directory" in capsys.readouterr().err


def test_a_name_that_the_locale_cannot_write_is_a_line(project, monkeypatch, capsys):
    monkeypatch.setattr("winnow.commands.lint.problems", lambda root: "B\udcc3\udcbc".encode())
    with pytest.raises(SystemExit):
        cli.main(["lint"])
    assert "not in the encoding of this terminal's locale" in capsys.readouterr().err
    monkeypatch.setattr("winnow.commands.lint.problems", lambda root: "Bü".encode("ascii"))
    with pytest.raises(UnicodeEncodeError):
        cli.main(["lint"])
