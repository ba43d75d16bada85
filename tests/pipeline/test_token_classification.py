"""Spans go through the whole pipeline: from a column of spans to a queue, a model and metrics."""

import json
import random
import re
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.finetune import __main__ as finetune
from tests.pipeline import corpus
from tests.pipeline.clone import Clone, tiny
from winnow import kinds
from winnow.base.errors import UserError
from winnow.kinds.token_classification import served
from winnow.kinds.token_classification.labels import Task, canonical, spans

NAMES = {  # words that the tiny encoder knows
    "tree": ["amber", "cinder", "dapple willow", "nettle", "osprey"],
    "tool": ["kiln", "jetty", "ember anchor", "vessel", "saddle"],
}
LABELS = list(NAMES)
OTHER = [word for word in corpus.WORDS if not any(word in name for names in NAMES.values() for name in names)]
COLUMNS = {"key": "key", "text": "body", "label": "entities", "group": "place"}
SMALL = {
    "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
    "collect": {
        "sources": [
            corpus.SOURCE
            | {"name": "reports", "path": "reports.jsonl", "purpose": "task", "columns": COLUMNS}
            | {"label_map": {"device": "tool", "misc": None}},
            corpus.TEXTS,
        ]
    },
    "adapt": {"tokens": 2000},
    "annotate": {"rules": [], "combine": "majority"},
    "arms": {"seeds": [1, 2]},
    "balance": {"max_labels": 150},
    "encoder": {"max_length": 32},
    "finetune": {
        "epochs": 8,
        "learning_rate": 5e-3,
        "head_learning_rate": 1e-2,
        "frozen_layers": 0,
        "freeze_embeddings": False,
    },
    "score": {"method": "probe", "folds": 3},
    "choose_rows": {"strategy": "margin"},
    "learning_curve": {"budgets": [25, 50], "seeds": [1]},
    "rounds": {"planted": [0.2], "plant_seeds": 1, "resamples": 100},
    "compare": {"resamples": 200},
    "represent": {"resamples": 100},
}


def truth() -> list[tuple[str, str]]:
    """The texts of 240 reports, short and long, and the right spans of each."""
    draw, made = random.Random(1), []
    for number in range(240):
        text, found = f"Report {number} 🌳 tells of", []
        for _ in range(draw.randint(3, 40 if number % 10 == 0 else 12)):
            name = draw.choices([None, *LABELS], [5, 1, 1])[0]
            word = draw.choice(NAMES[name] if name else OTHER)
            found += [(len(text) + 1, len(text) + 1 + len(word), name)] if name else []
            text += f" {word}"
        made.append((f"{text}.", canonical(found)))
    return made


def rows() -> list[dict]:
    """The reports; one in fifteen lacks a span, has one too many, one of another type or border; one in twelve none."""
    draw, made = random.Random(2), []
    for number, (text, label) in enumerate(truth()):
        given = list(spans(label))
        if number % 15 == 3 and given:
            start, end, name = given.pop(draw.randrange(len(given)))
            other = LABELS[1 - LABELS.index(name)]
            given += [[], [(start, end, other)], [(start, end - 2, name)], [(start, end, name), (0, 6, name)]][
                number // 15 % 4
            ]
        listed = [
            {"start": start, "end": end, "label": "device" if name == "tool" and number % 3 else name}
            for start, end, name in given
        ]
        entities = None if number % 12 == 7 else listed
        made.append({"key": str(number), "body": text, "entities": entities, "place": f"place-{number % 60}"})
    return made


def write(folder: Path) -> None:
    """Write the reports and texts without labels."""
    corpus.write_lines(folder, reports=rows())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The clone after all stages, and the stages that ran."""
    clone = build(tmp_path_factory.mktemp("token_classification"))
    return clone, clone.call(sys.executable, "-m", "tests.pipeline.in_one_process").split()


def build(folder: Path) -> Clone:
    """A clone whose task is spans."""
    clone = tiny(folder, write, SMALL)
    file, yaml = clone.folder / "params.yaml", YAML(typ="safe")
    document = yaml.load(file.read_text(encoding="utf-8"))
    document["task"] = {"kind": "token_classification", "labels": LABELS}
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    return clone


@pytest.fixture(scope="module")
def right(made):
    """The right label of each row's text as it is in the tables, by the row's id."""
    keys = {row["id"]: int(row["source_key"]) for row in made[0].rows("data/raw/reports.parquet")}
    known = truth()
    return {id: known[key][1] for id, key in keys.items()}


def test_every_stage_runs(made):
    clone, ran = made
    stages = YAML(typ="safe").load((clone.folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert set(stages) <= set(ran)


def test_spans_have_their_canonical_form_and_none_is_a_label_too(made, right):
    rows_ = made[0].rows("data/labelled.parquet")
    task = Task(kind="token_classification", labels=LABELS)
    given = [row for row in rows_ if row["label"] is not None]
    assert len(given) < len(rows_)
    assert "[]" in {row["label"] for row in given}
    for row in given:
        assert task.check(row["label"], "") == row["label"]
        task.fits(row["label"], row["text"], "")
    wrong = [row for row in given if row["label"] != right[row["id"]]]
    assert 0 < len(wrong) <= len(rows_) / 15


def test_wrong_spans_lead_the_queue_with_what_they_should_be(made, right):
    queue = sorted(made[0].rows("data/queue.parquet"), key=lambda row: row["rank"])
    first = [(row["suggested_label"], row["given_label"], right[row["id"]]) for row in queue[:8]]
    assert sum(given != wanted for _, given, wanted in first) >= 5  # one row in fifteen is wrong
    assert sum(suggested == wanted != given for suggested, given, wanted in first) >= 3


def test_models_are_judged_by_spans(made):
    folder = made[0].folder / "reports/metrics"
    compared = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    for arm in compared["dev"]["approaches"].values():
        assert {"entity_f1", "partial_f1", "macro_f1"} <= arm.keys()
    measured = json.loads((folder / "evaluate.json").read_text(encoding="utf-8"))["dev"]
    assert measured["tfidf-0"]["entity_f1"] > 0.8  # the words tell
    assert measured["transfer-1"]["entity_f1"] > 0.8
    assert measured["transfer_ensemble-1"]["entity_f1"] > 0.8


def test_transformers_pipeline_gives_the_spans_that_were_counted(made):
    clone = made[0]
    folder = clone.folder / "models/classifier/transfer-base-1"
    names: dict = {}
    exec(served.example(folder).replace("this/folder", str(folder)), names)  # what the model's card tells people
    predicted = clone.rows("data/predictions/transfer-1.parquet")
    texts = {row["id"]: row["text"] for row in clone.rows("data/labelled.parquet")}
    told = names["find"]([texts[row["id"]] for row in predicted])
    for row, found in zip(predicted, told, strict=True):
        assert canonical((each["start"], each["end"], each["entity_group"]) for each in found) == row["predicted"]
        assert [each["score"] for each in found] == pytest.approx(row["confidence"], abs=1e-4)
    assert max(len(texts[row["id"]].split()) for row in predicted) > 32  # longer than a window
    assert kinds.saved_task(folder).aggregation == "average"


def test_winnow_predict_tells_spans_of_the_text_as_it_was_given(made):
    clone = made[0]
    predicted = [row for row in clone.rows("data/predictions/transfer-1.parquet") if row["split"] == "test"]
    texts = {row["id"]: row["text"] for row in clone.rows("data/labelled.parquet")}
    wrapped = [f"<p>\u00a0{texts[row['id']].replace(' tells', '  <b>tells</b>')}</p>" for row in predicted]
    fresh = [f"<p>New {number} &amp; {text}</p>" for number, (text, _) in enumerate(truth()[:30])]
    for name, lines in (("new", wrapped), ("fresh", fresh)):
        text = "\n".join(json.dumps({"text": line}) for line in lines)
        (clone.folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    code = f"""from winnow.commands.cli import main
model = ["--model", "{clone.folder}/models/classifier/transfer-base-1"]
main(["predict", "new.jsonl", "said.jsonl", *model])
main(["drift", "fresh.jsonl", "--out", "next.jsonl", *model])"""
    told_of = clone.call(sys.executable, "-c", code)
    assert re.search(
        r"of the labels moved: (tree|tool|, |no entity)+ \d", told_of
    )  # by types, not by spans that never come again
    said, following = (
        [json.loads(line) for line in (clone.folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        for name in ("said", "next")
    )
    for row, told, text in zip(predicted, said, wrapped, strict=True):
        asked, clean = [spans(row["predicted"]), spans(told["predicted"])], texts[row["id"]]
        assert [text[s:e] for s, e, _ in asked[1]] == [clean[s:e] for s, e, _ in asked[0]]
    found = {(row["text"][s:e], name) for row in following for s, e, name in spans(row["predicted"])}
    assert len(found & {(word, name) for name, words in NAMES.items() for word in words}) > 5


def test_the_pages_speak_of_spans(made):
    page = (made[0].folder / "reports/report.html").read_text(encoding="utf-8")
    assert "entity F1" in page
    queue = (made[0].folder / "reports/review/queue.html").read_text(encoding="utf-8")
    assert "Take the suggestion" in queue


def test_few_shot_is_one_clear_line():
    with pytest.raises(UserError, match=r"^params\.yaml: task\.kind token_classification has no few_shot; docs/tasks"):
        finetune.approach("few_shot", Task(kind="token_classification", labels=LABELS))
