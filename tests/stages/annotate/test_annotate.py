"""annotate: rules of every kind vote; a label is set only where given labels of the training split prove it right."""

import json
import re
import textwrap

import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from stages.annotate import __main__ as annotate
from tests.conftest import ROOT, make_rows
from tests.other_tasks import NUMBERS
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.kinds.generation.labels import Task as Generation
from winnow.labelling.votes import collect
from winnow.rows import tables
from winnow.rows.ledger import Ledger
from winnow.statistics import intervals

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
RULE = {"name": "heading", "kind": "regex", "field": "meta.heading"}
RULE |= {"labels": {"FRUIT": "FRUITS?", "STONE": "STONES?|ROCK"}}
TEXT = {"name": "text", "kind": "regex", "field": "text", "labels": {"FRUIT": "SWEET.*", "STONE": ".*GREY"}}
PARAMS = {"rules": [RULE], "combine": "majority", "min_confidence": 0.8, "min_rows": 20, "audit_rows": 4}


def given(heading: str, label: str, count: int) -> list[dict]:
    return [{"label": label, "meta": {"heading": heading}} for _ in range(count)]


def unlabelled(heading: str | None, count: int = 1, **more: str) -> list[dict]:
    return [{"meta": {"heading": heading} if heading else {}} | more for _ in range(count)]


def run(rows: list[dict], train: set[int] | None = None, task=None, **changes) -> tuple[dict, dict, Ledger]:
    """Return label and confidence by row number, the metrics and the ledger."""
    table, task = make_rows(rows), task or Task(**TASK)
    ids = table["id"].to_pylist()
    ledger = Ledger("annotate")
    settings = annotate.Params.model_validate(PARAMS | changes)
    chosen = [ids[n] for n in range(len(rows)) if train is None or n in train]
    votes = collect([table], [rule.voter(None, task) for rule in settings.rules], task)
    measured = annotate.Measured.of(votes, table, pa.array(chosen, pa.string()))
    out, metrics = annotate.annotate(votes, measured, settings, task, ledger)
    return {ids.index(row["id"]): row for row in out}, metrics, ledger


def test_a_full_match_sets_the_label_with_its_measured_precision():
    rows = [*given("Fruit", "FRUIT", 39), *given("FRUITS", "STONE", 1), *unlabelled(" fruits "), *unlabelled("fruit x")]
    out, metrics, ledger = run(rows)
    assert list(out) == [40]
    assert out[40]["label"] == "FRUIT"
    assert out[40]["label_origin"] == "rule"
    assert out[40]["rule"] == "heading"
    assert out[40]["label_confidence"] == 39 / 40
    assert metrics["rules"]["heading"]["FRUIT"] == {
        "fired": 1,
        "labelled": 1,
        "rejected": 0,
        "precision": 39 / 40,
        "precision_lower": intervals.wilson(39, 40)[0],
        "measured_on": 40,
    }
    assert metrics["by_rule"]["heading"] == {
        "kind": "regex",
        "coverage": 0.5,
        "overlap": 0.0,
        "conflict": 0.0,
        "measured_on": 40,
        "accuracy": 39 / 40,
        "accuracy_low": intervals.wilson(39, 40)[0],
        "accuracy_high": intervals.wilson(39, 40)[1],
    }
    assert (metrics["unlabelled"], metrics["labelled"], metrics["coverage"]) == (2, 1, 0.5)
    [(id, _, action, rule, reason, *_)] = ledger.entries
    assert (action, rule) == ("change", "heading")
    assert reason.startswith(
        "label FRUIT, confidence 0.97: heading -> FRUIT (precision 0.97, at least 0.87, on 40 given"
    )
    assert id == out[40]["id"]


def test_rows_with_a_label_keep_it_whatever_the_rule_says():
    out, _, _ = run([*given("Fruit", "FRUIT", 40), *given("Fruit", "STONE", 1)])
    assert out == {}


@pytest.mark.parametrize("combine", ["majority", "label_model"])
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(given("Fruit", "FRUIT", 19), id="too few labelled rows"),
        pytest.param(given("Fruit", "FRUIT", 32) + given("Fruit", "STONE", 8), id="80 % right, but not for sure"),
    ],
)
def test_an_unproven_label_is_not_set_and_noted(rows, combine):
    out, metrics, ledger = run([*rows, *unlabelled("Fruit")], combine=combine, min_confidence=0.81)
    assert out == {}
    [(_, _, action, rule, reason, *_)] = ledger.entries
    if len(rows) == 40 and combine == "label_model":
        assert (action, rule) == ("note", "abstain")
        assert reason.startswith("FRUIT is only 0.80 sure: heading -> FRUIT (precision 0.80, at least 0.65")
    else:
        assert metrics["rules"]["heading"]["FRUIT"]["rejected"] == 1
        assert (action, rule) == ("note", "heading")
        assert reason.startswith("does not count: heading -> FRUIT (precision")


def test_labels_outside_the_training_split_prove_nothing():
    rows = [*given("Fruit", "FRUIT", 40), *unlabelled("Fruit")]
    assert run(rows)[1]["labelled"] == 1
    assert run(rows, train=set(range(10)))[1]["labelled"] == 0


def test_an_earlier_automatic_label_proves_nothing():
    rows = [row | {"label_origin": "model"} for row in given("Fruit", "FRUIT", 40)]
    assert run([*rows, *unlabelled("Fruit")])[1]["labelled"] == 0


DISPUTED = [
    *[row | {"text": "sweet and red"} for row in given("Fruit", "FRUIT", 40)],
    *[row | {"text": "hard and grey"} for row in given("Rock", "STONE", 38)],
    *[row | {"text": "plain"} for row in given("Rock", "FRUIT", 2)],
    *unlabelled("Rock", text="sweet and red"),
    *unlabelled("Rock", text="hard and grey"),
]


def test_rules_that_disagree_abstain_and_rules_that_agree_take_the_surer():
    out, metrics, ledger = run(DISPUTED, rules=[RULE, TEXT])
    assert metrics["abstained"] == 1
    assert list(out) == [81]
    assert (out[81]["label"], out[81]["rule"], out[81]["label_confidence"]) == ("STONE", "text", 1.0)
    [why] = [entry[4] for entry in ledger.entries if entry[3] == "abstain"]
    assert why.startswith("even: heading -> STONE (")
    assert {name: metrics["by_rule"]["text"][name] for name in ("coverage", "overlap", "conflict")} == {
        "coverage": 1.0,
        "overlap": 1.0,
        "conflict": 0.5,
    }


def test_the_label_model_sides_with_the_surer_rule_where_it_may():
    out, metrics, _ = run(DISPUTED, rules=[RULE, TEXT], combine="label_model", min_confidence=0.4)
    assert (out[80]["label"], out[80]["rule"]) == ("FRUIT", "text")
    assert metrics["combine"] == "label_model"
    out, metrics, ledger = run(DISPUTED, rules=[RULE, TEXT], combine="label_model", min_confidence=0.9)
    assert list(out) == [81]
    assert metrics["abstained"] == 1
    assert "FRUIT is only" in next(entry[4] for entry in ledger.entries if entry[3] == "abstain")


def test_an_untrusted_vote_does_not_silence_a_trusted_one():
    weak = {"name": "weak", "kind": "regex", "field": "text", "labels": {"STONE": ".*"}}
    out, _, _ = run([*given("Fruit", "FRUIT", 40), *unlabelled("Fruit")], rules=[RULE, weak])
    assert out[40]["label"] == "FRUIT"


def test_both_combiners_are_measured_on_rows_that_they_were_not_fitted_on():
    rows = DISPUTED[:-2] + [row | {"text": "plain"} for row in given("Fruit", "STONE", 1)]
    _, metrics, _ = run(rows, rules=[RULE, TEXT], min_confidence=0.5)
    for combined in metrics["combined"].values():
        assert combined["coverage"] == 1.0
        assert combined["measured_on"] == 81
        assert combined["accuracy"] == pytest.approx(78 / 81)
    # One group is one fold: fitted without it, nothing is known, and nothing is said.
    together = [row | {"group": "one"} for row in rows]
    _, metrics, _ = run(together, rules=[RULE, TEXT], min_confidence=0.5)
    assert {(of["coverage"], of["measured_on"]) for of in metrics["combined"].values()} == {(0.0, 0)}


def test_labels_of_an_open_set_are_those_that_rules_and_rows_have():
    size = {"name": "size", "kind": "keyword", "field": "text", "labels": {"2.50": ["small"], "70": ["large"]}}
    field = {"name": "field", "kind": "regex", "field": "meta.heading", "labels": {"2.5": "FEW", "1e3": "MANY"}}
    known = [{"label": "2.5", "text": "small", "meta": {"heading": "few"}} for _ in range(30)]
    rows = [*known, {"text": "small"}, {"text": "large", "meta": {"heading": "few"}}, {"text": "none"}]
    out, metrics, _ = run(rows, task=NUMBERS, rules=[size, field])
    assert {number: (row["label"], row["rule"]) for number, row in out.items()} == {
        30: ("2.5", "size"),
        31: ("2.5", "field"),
    }
    assert set(metrics["combined"]) == {"majority"}
    assert {name: set(of) for name, of in metrics["rules"].items()} == {"size": {"2.5", "70"}, "field": {"2.5"}}
    with pytest.raises(UserError, match=r"annotate\.combine: label_model needs a closed set of labels, which task"):
        run(rows, task=NUMBERS, rules=[size], combine="label_model")
    assert run([{"text": "none"}], task=NUMBERS, rules=[size])[0] == {}


def test_the_ledger_tells_long_responses_by_their_first_words():
    long = " ".join(f"word{number}" for number in range(400))
    rules = [
        {"name": name, "kind": "keyword", "field": "text", "labels": {f"{name} {long}": [name]}}
        for name in ("owl", "fox")
    ]
    known = [{"label": f"owl {long}", "text": "owl"} for _ in range(30)]
    rows = [*known, {"text": "owl"}, {"text": "owl and fox"}]
    out, _, ledger = run(rows, task=Generation(kind="generation"), rules=rules, min_confidence=0.5)
    assert out[30]["label"] == f"owl {long}"
    told = [reason for *_, reason, _, _, _ in ledger.entries]
    assert len(told) >= 2
    assert all("owl word0 word1" in reason or "fox word0 word1" in reason for reason in told)
    assert max(map(len, told)) < 400
    assert all("…" in reason for reason in told)


FILES = {"out": "out.parquet", "votes": "votes.parquet", "ledger": "ledger.parquet", "metrics": "metrics.json"}


def files(folder, rows: list[dict] | None = None) -> list[str]:
    """Write the stage's inputs and return its command line."""
    rows = make_rows(
        rows
        or [
            *given("Fruit", "FRUIT", 30),
            *unlabelled("fruit", text="=1+1 is a sweet one"),
            *unlabelled(None),
            {"purpose": "text", "meta": {"heading": "Fruit"}},
        ]
    )
    tables.write(rows, folder / "rows.parquet")
    split = tables.set_column(rows.select(["id"]), "split", ["train"] * rows.num_rows, rows["id"].type)
    tables.write(split, folder / "split.parquet")
    (folder / "rules").mkdir(exist_ok=True)
    names = {"rows": "rows.parquet", "split": "split.parquet", "rules": "rules"} | FILES
    return [part for name, file in names.items() for part in (f"--{name.replace('_', '-')}", file)]


def test_the_stage_writes_the_same_bytes_twice(workspace):
    folder = workspace(task=TASK, annotate=PARAMS)
    command = files(folder)
    annotate.main(command)
    first = [(folder / name).read_bytes() for name in FILES.values()]
    annotate.main(command)
    assert [(folder / name).read_bytes() for name in FILES.values()] == first

    [row] = tables.read(folder / "out.parquet").to_pylist()  # not the row of purpose text
    said = tables.read(folder / "votes.parquet").to_pylist()
    assert len(said) == 31  # rows with a label too, rows of purpose text not
    assert {"id": row["id"], "rule": "heading", "label": "FRUIT"} in said
    assert re.fullmatch("v[0-9a-f]{12}", row["version"])


CODE = "def by_source(row):\n    return 'STONE' if row['source'] == 'quarry' and 'label' not in row else None\n"


def test_rules_of_every_kind_vote_side_by_side(workspace, encoder_folder):
    from winnow.encoder import models
    from winnow.kinds.classification import head

    rows = [
        *[row | {"text": f"red {n}", "source": "orchard"} for n, row in enumerate(given("1. Fruit:", "FRUIT", 40))],
        *[row | {"text": f"grey {n}", "source": "quarry"} for n, row in enumerate(given("Rock", "STONE", 40))],
        *[{"text": f"red new {n}", "source": "orchard"} for n in range(3)],
        *[{"text": f"grey new {n}", "source": "quarry"} for n in range(3)],
    ]
    llm = {"name": "llm", "kind": "llm", "base_url": "http://localhost/v1", "model": "m", "api_key_env": None}
    llm |= {"prompt": "{text}"}
    rules = [
        RULE | {"kind": "heading"},
        {"name": "words", "kind": "keyword", "field": "text", "labels": {"FRUIT": ["red"], "STONE": ["grey"]}},
        {"name": "code", "kind": "python", "function": "own.py:by_source"},
        {"name": "teacher", "kind": "model", "folder": "teacher", "min_confidence": 0.01, "max_length": 8},
        llm,
    ]
    folder = workspace(
        task=TASK,
        annotate=PARAMS | {"rules": rules, "min_confidence": 0.5},
        compute={"threads": 1, "device": "cpu", "precision": "fp32"},
    )
    command = files(folder, rows)
    (folder / "rules/own.py").write_text(CODE)
    models.save(head.build(encoder_folder, TASK["labels"]), encoder_folder, folder / "rules/teacher")
    rule = annotate.Params.model_validate(PARAMS | {"rules": [llm]}).rules[0]
    answers = [{"key": rule.key(row["text"]), "answer": "fruit" if "red" in row["text"] else "Well"} for row in rows]
    (folder / "rules/llm.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    annotate.main(command)

    said = tables.read(folder / "votes.parquet").to_pylist()
    count = {rule["name"]: sum(vote["rule"] == rule["name"] for vote in said) for rule in rules}
    assert count == {"heading": 80, "words": 86, "code": 43, "teacher": 86, "llm": 43}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["by_rule"]["llm"]["answers"] == metrics["by_rule"]["llm"]["unusable_answers"] == 43
    assert metrics["by_rule"]["words"]["accuracy"] == 1.0
    assert metrics["by_rule"]["code"]["coverage"] == 0.5
    assert set(metrics["rules"]["teacher"]) == set(TASK["labels"])
    out = tables.read(folder / "out.parquet").to_pylist()
    text = {row["id"]: row["text"] for row in tables.read(folder / "rows.parquet").to_pylist()}
    assert {(text[row["id"]].split()[0], row["label"], row["rule"]) for row in out} >= {("red", "FRUIT", "words")}


def test_a_label_that_only_a_model_says_is_of_origin_model(workspace):
    llm = {"name": "llm", "kind": "llm", "base_url": "http://localhost/v1", "model": "m", "api_key_env": None}
    llm |= {"prompt": "{text}"}
    rows = [*given("Fruit", "FRUIT", 30), *unlabelled(None, 2), *unlabelled("Fruit", 2)]
    folder = workspace(task=TASK, annotate=PARAMS | {"rules": [RULE, llm]})
    command = files(folder, rows)
    rule = annotate.Params.model_validate(PARAMS | {"rules": [llm]}).rules[0]
    texts = tables.read(folder / "rows.parquet")["text"].to_pylist()
    lines = [json.dumps({"key": rule.key(text), "answer": "FRUIT"}) + "\n" for text in texts]
    (folder / "rules/llm.jsonl").write_text("".join(lines))
    annotate.main(command)
    out = tables.read(folder / "out.parquet").to_pylist()
    assert (
        sorted((row["label_origin"], row["rule"]) for row in out) == [("model", "llm")] * 2 + [("rule", "heading")] * 2
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": [RULE | {"labels": {"FRUIT": "("}}]}, "the pattern of 'FRUIT' is no regular expression"),
        ({"rules": [RULE | {"labels": {"PLANT": "PLANT"}}]}, "label 'PLANT' is not one of params.yaml: task.labels"),
        ({"rules": [RULE | {"field": "meta.headng"}]}, "no row has meta.headng; meta holds heading"),
        ({"rules": [RULE | {"field": "heading"}]}, r"annotate.rules\[0\].regex.field"),
        ({"rules": [RULE | {"kind": "regexp"}]}, r"annotate.rules\[0\]: .*'regexp'"),
        ({"rules": [RULE, RULE]}, "rules must have distinct names"),
        (
            {"rules": [{"name": "code", "kind": "python", "function": "own.py:label"}]},
            "rules/own.py cannot be imported",
        ),
        ({"min_confidence": 80}, "annotate.min_confidence"),
        ({"combine": "vote"}, "annotate.combine"),
        ({"audit_rows": -1}, "annotate.audit_rows"),
        ({"audit": 1}, "annotate.audit: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(workspace, changes, message):
    folder = workspace(task=TASK, annotate=PARAMS | changes)
    command = files(folder)
    with pytest.raises(UserError, match=message):
        annotate.main(command)
    assert not (folder / "out.parquet").exists()


@pytest.mark.parametrize("rows", [None, [{"purpose": "text"}]])
def test_without_rules_nothing_is_labelled(workspace, rows):
    folder = workspace(task=TASK, annotate=PARAMS | {"rules": []})
    annotate.main(files(folder, rows))
    assert [tables.read(folder / FILES[name]).num_rows for name in ("out", "votes")] == [0, 0]


def test_the_rules_in_the_documentation_are_ones_that_the_stage_accepts():
    text = (ROOT / "docs/automatic-labels.md").read_text(encoding="utf-8")
    yaml = YAML(typ="safe")
    first, *others = (yaml.load(textwrap.dedent(block)) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    rules = first["annotate"]["rules"] + [rule for block in others for rule in block]
    settings = annotate.Params.model_validate(PARAMS | {"rules": rules})
    assert {rule.kind for rule in settings.rules} == {
        "heading",
        "keyword",
        "gazetteer",
        "pattern",
        "python",
        "model",
        "llm",
    }


def test_the_default_rules_are_valid(default_params):
    settings = annotate.Params.model_validate(default_params["annotate"])
    [rule] = settings.rules
    headings = {
        "Materials and Methods": "METHODS",
        "results": "RESULTS",
        "Main findings": "RESULTS",
        "Conclusion": "CONCLUSIONS",
        "AIM OF THE STUDY": "OBJECTIVE",
        "Introduction": "BACKGROUND",
        "Results and methods": None,
    }
    task = Task(**default_params["task"])
    rows = [{"text": "", "meta": {"heading": heading}} for heading in headings]
    assert rule.voter(None, task).vote(rows) == list(headings.values())
