"""A small DVC pipeline with the names, options and kinds of files of the real one; its stages take milliseconds."""

import json
import shutil
from pathlib import Path

from tests.remotes.project import ROOT, Project
from winnow.people import decisions

# Each stage writes what it reads, in one line, into each of its outputs.
TOOL = """\
import hashlib
import pathlib
import re
import sys

out, *rest = sys.argv[1:]
told = ""
for file in sorted(path for name in re.split("[ ,]", " ".join(rest)) for path in [pathlib.Path(name)]):
    for path in sorted(file.rglob("*")) if file.is_dir() else [file] if file.is_file() else []:
        if path.is_file():
            told += f"{path} {hashlib.md5(path.read_bytes()).hexdigest()}\\n"
    if not file.exists():
        told += f"{file}\\n"
for name in out.split(","):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told)
"""
PIPELINE = """\
stages:
  inputs:
    cmd: python -c "" --decisions data/decisions.csv
    deps:
    - tool.py
    outs:
    - data/decisions.csv: {cache: false, persist: true}
    - data/rounds/.gitkeep: {cache: false, persist: true}
  collect:
    cmd: python tool.py data/raw,reports/metrics/collect.json data/sources ${collect.sources[0].path} ${collect.most}
    params: [collect]
    deps:
    - data/sources
    outs:
    - data/raw
    metrics:
    - reports/metrics/collect.json: {cache: false}
  split:
    cmd: python tool.py data/split data/raw --frozen data/frozen/test_groups.txt
    deps:
    - data/raw
    - data/frozen
    outs:
    - data/split
  validate:
    cmd: python tool.py data/validated data/split --frozen data/frozen
    deps:
    - data/split
    - data/frozen
    outs:
    - data/validated
  apply_decisions:
    cmd: python tool.py data/labelled,reports/metrics/labels.json data/split --decisions data/decisions.csv
    deps:
    - data/split
    - data/decisions.csv
    outs:
    - data/labelled
    metrics:
    - reports/metrics/labels.json: {cache: false}
  rounds:
    cmd: python tool.py data/round_queue --rounds data/rounds
    deps:
    - data/rounds
    outs:
    - data/round_queue
  finetune:
    matrix:
      seed: ${arms.seeds}
    cmd: >-
      python tool.py models/classifier-${item.seed},reports/metrics/finetune/${item.seed}.json
      data/labelled ${finetune.epochs} ${finetune.reads} ${item.seed}
    params: [finetune]
    deps:
    - data/labelled
    outs:
    - models/classifier-${item.seed}
    metrics:
    - reports/metrics/finetune/${item.seed}.json: {cache: false}
  report:
    cmd: >-
      python tool.py reports/summary.json,reports/report.html
      reports/metrics data/labelled ${report.title} --test data/test
    params: [report, collect, finetune]
    deps:
    - data/labelled
    - data/test
    - reports/metrics/collect.json
    - reports/metrics/labels.json
    outs:
    - reports/report.html
    metrics:
    - reports/summary.json: {cache: false}
"""
PARAMS = """\
# The numbers of the pipeline.
collect:
  sources: # where rows come from
  - name: notes
    path: data/sources/notes.txt
    licence: CC0
  most: 5
# What learns.
finetune:
  epochs: 2 # times that the table is read
  reads: 100 # texts, at least
  noise: {low: 1, high: 2}
arms:
  seeds:
  - 1
report:
  title: rows
"""
LOOKS = "looked_on,by,dataset,predictions,revision,reason\n"
LINE = "{id},sha,A,{verdict},{label},{reviewer},{date},,\n"


def line(id: str, verdict: str = "keep", reviewer: str = "ana", date: str = "2026-02-01T10:00:00Z") -> str:
    """Return a line of decisions.csv."""
    return LINE.format(id=id, verdict=verdict, label="B" if verdict == "relabel" else "", reviewer=reviewer, date=date)


def look(date: str, predictions: str) -> str:
    """Return a line of the log of looks."""
    return f'{date},"Ana, of the team",rows,{predictions},abc,release\n'


def results(predictions: str) -> str:
    """Return figures of test."""
    return json.dumps({"dataset": "rows", "predictions": predictions})


def write(project: Project, files: dict[str, str]) -> None:
    """Write files below a project's root."""
    for name, text in files.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def edit(project: Project, name: str, *changes: tuple[str, str]) -> None:
    """Replace texts in a file, each of which stands there once."""
    path = project.folder / name
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def append(project: Project, name: str, text: str) -> None:
    """Write a text at the end of a file."""
    with (project.folder / name).open("a", encoding="utf-8") as file:
        file.write(text)


def run(project: Project, message: str) -> None:
    """Run the pipeline and commit."""
    project.dvc("repro", "-q")
    project.commit(message)


def made(folder: Path) -> Project:
    """Make the project, with one commit that has run."""
    (folder / ".dvc").mkdir(parents=True)
    project = Project(folder)
    project.git("init", "-q", "-b", "main")
    for name in (".dvc/.gitignore", ".dvcignore", ".gitignore", ".gitattributes"):
        shutil.copy(ROOT / name, folder / name)
    files = {
        ".dvc/config": "[core]\n    analytics = false\n",
        "tool.py": TOOL,
        "dvc.yaml": PIPELINE,
        "params.yaml": PARAMS,
        "data/sources/notes.txt": "a note\n",
        "data/decisions.csv": ",".join(decisions.COLUMNS) + ",seconds\n" + line("old", date="2026-01-01"),
        "data/rounds/.gitkeep": "",
        "data/frozen/test_groups.txt": "# Groups\n1111111111111111\n",
        "data/frozen/profile.json": "{}\n",
        "data/test/looks.csv": LOOKS,
        "data/example.sha256": "",
        "models/known.sha256": "# known\n",
        "rules/llm.jsonl": '{"key": "a", "answer": "A"}\n',
    }
    write(project, files)
    run(project, "base")
    return project


def branch(project: Project, name: str) -> None:
    """Begin a branch at main."""
    project.git("checkout", "-q", "main")
    project.dvc("checkout", "-q")
    project.git("checkout", "-q", "-b", name)
