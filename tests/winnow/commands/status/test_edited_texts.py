"""What follows an output that changes with some inputs alone, and with the texts that people edit."""

from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from tests.conftest import make_rows
from winnow.base import hashing
from winnow.commands.rerun_tables import Pipeline
from winnow.commands.status import reruns
from winnow.kinds.generation.labels import Task
from winnow.people import decisions
from winnow.people.decisions import Decision
from winnow.review import journal
from winnow.rows import tables

TASK = Task(kind="generation")
ROW = make_rows([{"text": "Which?", "label": "This."}])
PIPELINE = """\
stages:
  deduplicate:
    cmd: python -m stages.deduplicate --out data/deduplicated.parquet
    deps: [data/sources]
    outs: [data/deduplicated.parquet]
  apply_decisions:
    cmd: >-
      python -m stages.apply_decisions --rows data/deduplicated.parquet --decisions data/decisions.csv
      --out data/labelled.parquet --edited data/edited.parquet
    meta: {follows: {data/edited.parquet: [data/deduplicated.parquet]}}
    deps: [data/deduplicated.parquet, data/decisions.csv]
    outs: [data/labelled.parquet, data/edited.parquet]
  embed:
    cmd: python -m stages.embed --rows data/edited.parquet --out data/embeddings
    deps: [data/edited.parquet]
    outs: [data/embeddings]
  score:
    cmd: python -m stages.score --rows data/labelled.parquet --out data/scores
    deps: [data/labelled.parquet]
    outs: [data/scores]
"""
FILES = {
    "deduplicate": (["data/sources"], ["data/deduplicated.parquet"]),
    "apply_decisions": (
        ["data/deduplicated.parquet", "data/decisions.csv"],
        ["data/labelled.parquet", "data/edited.parquet"],
    ),
    "embed": (["data/edited.parquet"], ["data/embeddings"]),
    "score": (["data/labelled.parquet"], ["data/scores"]),
}


def stage(name: str) -> SimpleNamespace:
    deps, outs = ([SimpleNamespace(def_path=path, hash_info="known") for path in paths] for paths in FILES[name])
    return SimpleNamespace(addressing=name, frozen=False, deps=deps, outs=outs)


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("task: {kind: generation}\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/decisions.csv").write_text(decisions.EMPTY)
    write(tmp_path)
    return tmp_path


def write(folder: Path, new: str | None = None) -> None:
    """Write the labelled table, in which people edited the row's text or not."""
    table = tables.set_column(ROW, "given_text", ["Which?" if new else None], pa.string())
    if new:
        table = tables.set_column(table, "text", [new], pa.string())
    tables.write(table, folder / "data/labelled.parquet")


def decide(folder: Path, new_text: str = "") -> None:
    told = ROW["id"][0].as_py(), hashing.text_sha("Which?"), TASK.told_given("This.")
    made = Decision(*told, "relabel" if new_text else "keep", "", "ana", "2026-01-31", "", line=0, new_text=new_text)
    journal.append(folder / "data/decisions.csv", [journal.cells(made)])


def running(folder: Path, *changed: str) -> list[str]:
    stages = [stage(name) for name in FILES]
    told = {name: [{"changed deps": {"data/decisions.csv": "modified"}}] for name in changed if name != "deduplicate"}
    told |= {name: [{"changed deps": {"data/sources": "modified"}}] for name in changed if name == "deduplicate"}
    return reruns.planned(reruns.Told(folder, stages, stages, told)).stages


def test_a_decision_that_edits_no_text_embeds_nothing_anew(project):
    decide(project)
    assert running(project, "apply_decisions") == ["apply_decisions", "score"]


def test_one_that_edits_a_text_does_until_it_is_in_the_table(project):
    decide(project, "Which one?")
    assert running(project, "apply_decisions") == ["apply_decisions", "embed", "score"]
    write(project, "Which one?")
    assert running(project, "apply_decisions") == ["apply_decisions", "score"]
    (project / "data/decisions.csv").write_text(decisions.EMPTY)  # taken back
    assert running(project, "apply_decisions") == ["apply_decisions", "embed", "score"]


def test_other_rows_are_embedded_whatever_people_edit(project):
    assert running(project, "deduplicate") == list(FILES)
    (project / "data/labelled.parquet").unlink()
    assert running(project, "apply_decisions") == ["apply_decisions", "embed", "score"]


def test_texts_of_other_kinds_are_never_edited(project):
    (project / "params.yaml").write_text("task: {kind: classification, labels: [A, B]}\n")
    (project / "data/labelled.parquet").unlink()
    assert running(project, "apply_decisions") == ["apply_decisions", "score"]


def test_the_page_of_reruns_says_so(project):
    graph = Pipeline(project)
    assert graph.file("data/decisions.csv").follow == ["score"]
    assert graph.file("data/sources").follow == ["apply_decisions", "embed", "score"]
    assert graph.follow(["apply_decisions"]) == ["score"]
