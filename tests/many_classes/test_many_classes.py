"""Two classes, a thousand, and labels that are any text on one line: the stages without an encoder run on them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from tests.many_classes import project
from winnow import kinds
from winnow.base import gates, hashing
from winnow.base.errors import UserError
from winnow.kinds.classification import predictions
from winnow.people import decisions
from winnow.rows import tables
from winnow.rows.predictions import read_evaluated

ROWS = "collect clean deduplicate split removals check_tables annotate audit apply_decisions validate".split()
LABELS = "represent semantic_duplicates balance auxiliary".split()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def metrics(stage: str) -> dict:
    return json.loads(Path(f"reports/metrics/{stage}.json").read_text(encoding="utf-8"))


def predict(arm: str, right: float) -> None:
    """Write what an arm predicts of dev and test rows, of which it gets a share right."""
    task, rows = kinds.read_task(), read_evaluated(Path("data/labelled.parquet"))
    random, truth = np.random.default_rng(0), task.indices(rows["label"].to_pylist())
    chances = np.full((rows.num_rows, len(task.labels)), 0.1 / len(task.labels))
    guessed = np.where(random.random(rows.num_rows) < right, truth, random.integers(0, len(task.labels), len(truth)))
    chances[np.arange(len(truth)), guessed] += 0.9
    Path("data/predictions").mkdir(exist_ok=True)
    tables.write(predictions.table(task, rows, chances), Path(f"data/predictions/{arm}.parquet"))


@pytest.mark.parametrize(("classes", "rows"), [(2, 200), (3, 200), (64, 1000), (77, 1200), (130, 1600), (1000, 8000)])
def test_the_stages_run_and_lose_no_class(folder, classes, rows):
    project.write(folder, classes, rows)
    project.run(*ROWS)
    project.embed("data/base_embeddings", "data/embeddings")
    project.run(*LABELS)
    if classes < 200:  # models of a thousand classes take minutes
        project.run("learning_curve")
    assert metrics("split")["leaks"] == 0
    assert set(project.share("data/labelled.parquet", "label")) == set(project.labels(classes))
    counts = metrics("balance")["labels"]
    assert set(counts) == set(project.labels(classes))
    for split in ("train", "test"):
        shares = metrics("split")[split]["label_shares"]
        assert len(shares) == classes
        assert max(shares.values()) / min(shares.values()) < 8
    predict("tfidf-0", 0.4)
    predict("other-1", 0.8)
    project.run("compare")
    assert metrics("compare")["best"] == "other"
    stages = {stage for stage, _ in gates.read(Path("reports/metrics"))}
    assert stages <= {"apply_decisions"}, "a few rows of many classes are no doubt, but that they are few"
    assert stages == ({"apply_decisions"} if rows / classes < 10 else set())


def test_labels_that_are_any_text_are_decided_on(folder):
    project.write(folder, len(project.ODD), 400)
    project.run(*ROWS[:-2])
    rows = tables.read(Path("data/deduplicated.parquet"), ["id", "text", "label"]).to_pylist()
    first = {row["label"]: row for row in rows}
    pairs = dict(zip(project.ODD, [*project.ODD[1:], project.ODD[0]], strict=True))
    lines = [
        {"id": first[label]["id"], "text_sha": hashing.text_sha(first[label]["text"]), "given_label": label}
        | {"verdict": "relabel", "new_label": pairs[label], "reviewer": "ana", "decided_on": "2026-01-31"}
        for label in project.ODD
    ]
    table = pa.Table.from_pylist([dict.fromkeys(decisions.COLUMNS, "") | line for line in lines])
    pyarrow.csv.write_csv(table, "data/decisions.csv")
    project.run("apply_decisions", "validate")
    decided = {row["id"]: row for row in tables.read(Path("data/labelled.parquet")).to_pylist()}
    assert [decided[first[label]["id"]]["label"] for label in project.ODD] == list(pairs.values())


def test_a_label_of_two_lines_is_one_line_of_error(folder):
    project.write(folder, 3, 60)
    source = folder / "data/sources/rows.csv"
    source.write_text(source.read_text(encoding="utf-8") + 'a text,"two\nlines"\n', encoding="utf-8", newline="")
    with pytest.raises(UserError, match=r"label 'two\s+lines' is not one of params\.yaml: task\.labels"):
        project.run("collect")
    project.write(folder / "again", 3, 60, task={"labels": ["two\nlines", "b"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "again")
        with pytest.raises(UserError, match=r"task\.labels: label 'two\\nlines': a label is one line") as error:
            project.run("collect")
    assert "\n" not in str(error.value)
