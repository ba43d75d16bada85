"""A kind of task that nobody foresaw goes through the whole pipeline: one folder is added, no line is changed."""

import json
import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from tests.pipeline import corpus
from tests.pipeline.clone import tiny
from winnow.base import closure

KIND = Path(__file__).parents[1] / "other_kinds/number"
GRADES = "awful poor dull plain fair decent good fine great superb perfect".split()
COLUMNS = {"key": "key", "text": "body", "label": "score", "group": "place"}
SMALL = {
    "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
    "collect": {
        "sources": [
            corpus.SOURCE | {"name": "reviews", "path": "reviews.jsonl", "purpose": "task", "columns": COLUMNS},
            corpus.TEXTS,
        ]
    },
    "adapt": {"tokens": 3000},
    "annotate": {
        "rules": [{"name": "praise", "kind": "regex", "field": "text", "labels": {"10.0": ".*PERFECT.*"}}],
        "combine": "majority",
    },
    "arms": {"seeds": [1]},
    "balance": {"weights": "none", "max_labels": 100},
    "finetune": {"epochs": 8, "frozen_layers": 0, "freeze_embeddings": False},
    "choose_rows": {"strategy": "typical"},
    "learning_curve": {"budgets": [25, 50], "seeds": [1]},
    "rounds": {"planted": [0.2], "plant_seeds": 1, "resamples": 100},
    "compare": {"resamples": 200},
    "represent": {"resamples": 100},
}


def write(folder: Path) -> None:
    """Write 240 reviews with a mark from 0 to 10, some of them wrong or missing, and texts without one."""
    draw, rows = random.Random(1), []
    for number in range(240):
        score = draw.randrange(11)
        filler = draw.sample(corpus.WORDS, 5)
        body = (
            f"The {filler[0]} was {GRADES[score]} and the {filler[1]} {GRADES[score]}, {' '.join(filler[2:])} {number}."
        )
        given = 10 - score if number % 20 == 3 and score != 5 else score
        label = None if number % 12 == 7 else f"{given}.0"
        rows.append({"key": str(number), "body": body, "score": label, "place": f"place-{number % 60}"})
    corpus.write_lines(folder, reviews=rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The clone after all stages, and the stages that ran."""
    clone = tiny(tmp_path_factory.mktemp("number"), write, SMALL)
    file, yaml = clone.folder / "params.yaml", YAML(typ="safe")
    document = yaml.load(file.read_text(encoding="utf-8"))
    document["task"] = {"kind": "number", "low": 0.0, "high": 10.0}
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    shutil.copytree(KIND, clone.folder / "winnow/kinds/number", ignore=shutil.ignore_patterns("__pycache__"))
    return clone, clone.run_stages()


def test_every_stage_runs(made):
    clone, ran = made
    stages = YAML(typ="safe").load((clone.folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert set(ran) == set(stages)


def test_no_line_is_changed_elsewhere(made):
    changed = made[0].call("git", "status", "--porcelain", "--", *closure.PACKAGES).splitlines()
    assert changed == ["?? winnow/kinds/number/"]


def test_labels_have_their_canonical_form(made):
    labels = {row["label"] for row in made[0].rows("data/labelled.parquet")} - {None}
    assert labels <= {str(number) for number in range(11)}


def test_models_are_compared_by_the_kind_s_own_headline(made):
    clone = made[0]
    compared = json.loads((clone.folder / "reports/metrics/compare.json").read_text(encoding="utf-8"))
    errors = {arm: of["mean_error"] for arm, of in compared["dev"]["approaches"].items()}
    # TF-IDF sees the telling words; guessing the middle would be wrong by about 2.7.
    assert errors["tfidf"] < 2
    assert all(0 < error < 4 for error in errors.values())
    assert "macro_f1" not in json.dumps(compared)


def test_wrong_numbers_lead_the_queue(made):
    clone = made[0]
    wrong = {row["id"] for row in clone.rows("data/raw/reviews.parquet") if int(row["source_key"]) % 20 == 3}
    queue = sorted(clone.rows("data/queue.parquet"), key=lambda row: row["rank"])
    assert len(wrong & {row["id"] for row in queue[:8]}) >= 5  # one row in twenty is wrong


def test_predictions_hold_what_the_metrics_need(made):
    folder = made[0].folder / "data/predictions"
    assert {path.name for path in folder.glob("*.parquet")} >= {"tfidf-0.parquet"}
    for path in folder.glob("*.parquet"):
        assert {"id", "split", "label", "predicted", "number"} <= set(pq.read_schema(path).names)


def test_the_report_speaks_of_the_kind_s_metric(made):
    page = (made[0].folder / "reports/report.html").read_text(encoding="utf-8")
    assert "mean error" in page
    assert "macro-F1" not in page
