"""Sets of labels go through the whole pipeline: from a column of lists to a queue, a model and metrics."""

import json
import random
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.finetune import __main__ as finetune
from tests.pipeline import corpus
from tests.pipeline.clone import Clone, tiny
from winnow.base.errors import UserError
from winnow.kinds.multilabel.labels import Task

WORDS = {
    "fish": "trout salmon perch carp herring",
    "stone": "granite basalt slate marble chalk",
    "wind": "breeze gale storm gust squall",
    "wood": "oak birch cedar maple pine",
}
LABELS = list(WORDS)
COLUMNS = {"key": "key", "text": "body", "label": "topics", "group": "place"}
SMALL = {
    "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
    "collect": {
        "sources": [
            corpus.SOURCE
            | {"name": "reports", "path": "reports.jsonl", "purpose": "task", "columns": COLUMNS}
            | {"label_map": {"timber": "wood", "misc": None}},
            corpus.TEXTS,
        ]
    },
    "adapt": {"tokens": 2000},
    "annotate": {
        "rules": [{"name": "both", "kind": "regex", "field": "text", "labels": {'["fish","wind"]': ".*OPEN SEA.*"}}],
        "combine": "majority",
    },
    "arms": {"seeds": [1]},
    "balance": {"max_labels": 150},
    "finetune": {"epochs": 5, "frozen_layers": 0, "freeze_embeddings": False},
    "score": {"method": "probe", "folds": 3},
    "choose_rows": {"strategy": "margin"},
    "learning_curve": {"budgets": [25, 50], "seeds": [1]},
    "rounds": {"planted": [0.2], "plant_seeds": 1, "resamples": 100},
    "compare": {"resamples": 200},
    "represent": {"resamples": 100},
}


def truth() -> list[list[str]]:
    """The right topics of 240 short reports: none to three of four."""
    draw = random.Random(1)
    return [draw.sample(LABELS, draw.choice([0, 1, 1, 1, 2, 2, 3])) for _ in range(240)]


def rows() -> list[dict]:
    """The reports; one in fifteen has a topic too many, too few or another, one in twelve no label."""
    draw, made = random.Random(2), []
    for number, topics in enumerate(truth()):
        said = [word for topic in topics for word in draw.sample(WORDS[topic].split(), 3)]
        filler = draw.sample(corpus.WORDS, 5)
        given = list(topics)
        if number % 15 == 3:
            others = [name for name in LABELS if name not in topics]
            if number % 2 and topics:
                given.remove(draw.choice(topics))
            if number % 4 != 1:
                given.append(draw.choice(others))
        listed = [{"wood": "timber"}.get(name, name) if number % 3 else name for name in given]
        label = None if number % 12 == 7 else [*listed, "misc"] if number % 7 == 0 else listed
        body = f"Report {number} tells of {' '.join(said + filler)}."
        made.append({"key": str(number), "body": body, "topics": label, "place": f"place-{number % 60}"})
    return made


def write(folder: Path) -> None:
    """Write the reports and texts without labels."""
    corpus.write_lines(folder, reports=rows())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The clone after all stages, and the stages that ran."""
    clone = build(tmp_path_factory.mktemp("multilabel"))
    return clone, clone.run_stages()


def build(folder: Path) -> Clone:
    """A clone whose task is sets of labels."""
    clone = tiny(folder, write, SMALL)
    file, yaml = clone.folder / "params.yaml", YAML(typ="safe")
    document = yaml.load(file.read_text(encoding="utf-8"))
    document["task"] = {"kind": "multilabel", "labels": LABELS}
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    return clone


def test_every_stage_runs(made):
    clone, ran = made
    stages = YAML(typ="safe").load((clone.folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert set(ran) == set(stages)


def test_labels_have_their_canonical_form_and_the_empty_set_is_one(made):
    labels = {row["label"] for row in made[0].rows("data/labelled.parquet")}
    assert "[]" in labels
    assert None in labels
    for label in labels - {None}:
        names = json.loads(label)
        assert label == json.dumps(sorted(set(names)), separators=(",", ":"))
        assert set(names) <= set(LABELS)


def test_wrong_sets_lead_the_queue_with_what_they_should_be(made):
    right = {str(number): json.dumps(sorted(topics), separators=(",", ":")) for number, topics in enumerate(truth())}
    keys = {row["id"]: row["source_key"] for row in made[0].rows("data/raw/reports.parquet")}
    queue = sorted(made[0].rows("data/queue.parquet"), key=lambda row: row["rank"])
    first = [(row["suggested_label"], row["given_label"], right[keys[row["id"]]]) for row in queue[:8]]
    assert sum(given != wanted for _, given, wanted in first) >= 5  # one row in fifteen is wrong
    assert sum(suggested == wanted != given for suggested, given, wanted in first) >= 3


def test_models_are_judged_by_sets(made):
    folder = made[0].folder / "reports/metrics"
    compared = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    for arm in compared["dev"]["approaches"].values():
        assert {"macro_f1", "micro_f1"} <= arm.keys()
    baseline = json.loads((folder / "evaluate.json").read_text(encoding="utf-8"))["dev"]["tfidf-0"]
    assert baseline["ranking_precision"] > 0.85  # the words tell
    assert set(baseline["f1"]) == set(LABELS)
    planted = json.loads((folder / "calibrate.json").read_text(encoding="utf-8"))["plantings"][0]["detectors"]
    assert planted["stack_any"]["average_precision"] > 0.5
    assert "cleanlab_softmin" in planted


def test_transformers_pipeline_gives_the_probabilities_that_were_counted(made):
    from transformers import pipeline

    clone = made[0]
    folder = clone.folder / "models/classifier/transfer-base-1"
    classify = pipeline("text-classification", str(folder), trust_remote_code=True, device="cpu")
    predicted = clone.rows("data/predictions/transfer-1.parquet")
    texts = {row["id"]: row["text"] for row in clone.rows("data/labelled.parquet")}
    asked = [texts[row["id"]] for row in predicted]
    for row, said in zip(predicted, classify(asked, top_k=None, function_to_apply="sigmoid"), strict=True):
        given = {each["label"]: each["score"] for each in said}
        assert [given[name] for name in LABELS] == pytest.approx([row[f"p_{name}"] for name in LABELS], abs=1e-5)


def test_winnow_predict_cuts_new_texts_as_the_test_rows_were_cut(made):
    clone = made[0]
    predicted = [row for row in clone.rows("data/predictions/transfer-1.parquet") if row["split"] == "test"]
    texts = {row["id"]: row["text"] for row in clone.rows("data/labelled.parquet")}
    lines = [json.dumps({"id": row["id"], "text": texts[row["id"]]}) for row in predicted]
    (clone.folder / "new.jsonl").write_text("\n".join(lines), encoding="utf-8")
    code = "from winnow.commands.cli import main; main(['predict', 'new.jsonl', 'said.jsonl', '--model', "
    clone.call(sys.executable, "-c", code + "'models/classifier/transfer-base-1', '--no-cleaning'])")
    said = [json.loads(line) for line in (clone.folder / "said.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["predicted"] for row in said] == [row["predicted"] for row in predicted]


def test_the_pages_speak_of_sets(made):
    page = (made[0].folder / "reports/report.html").read_text(encoding="utf-8")
    assert "micro-F1" in page
    queue = (made[0].folder / "reports/review/queue.html").read_text(encoding="utf-8")
    assert "Take the suggestion" in queue


def test_an_approach_of_one_label_a_row_is_one_clear_line():
    with pytest.raises(UserError, match=r"^params\.yaml: task\.kind multilabel has no few_shot; docs/tasks\.md"):
        finetune.approach("few_shot", Task(kind="multilabel", labels=LABELS))
