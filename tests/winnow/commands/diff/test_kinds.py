"""A change of several labels a row, and of marked spans: what is compared, and how labels read."""

import json
from dataclasses import dataclass, replace

import pytest

from tests.winnow.commands.diff.project import LABELS, PARAMS, Row, State, rows
from winnow.base.hashing import unit
from winnow.commands import cli


@dataclass
class Sets(State):
    """Rows of one or two labels each."""

    def predicted(self, row: Row, arm: str, right: float) -> str:
        """Return the set, or a part of it."""
        hit = unit(self.salt, arm, row.id) < right
        return row.label if hit else json.dumps(json.loads(row.label)[1:])


@dataclass
class Spans(State):
    """Rows in which one word is marked."""

    def predicted(self, row: Row, arm: str, right: float) -> str:
        """Return the span, or one that begins a letter later."""
        hit = unit(self.salt, arm, row.id) < right
        ((start, end, name),) = json.loads(marked(row.text))
        return marked(row.text) if hit else json.dumps([[start + 1, end, name]], separators=(",", ":"))


def marked(text: str) -> str:
    """The span of the word that tells the class."""
    ((start, name),) = [(text.index(name.lower()), name) for name in LABELS if name.lower() in text]
    return json.dumps([[start, start + len(name), name]], separators=(",", ":"))


def sets() -> Sets:
    given = [json.dumps(sorted({row.label, LABELS[len(row.text) % 3]}), separators=(",", ":")) for row in rows(300)]
    own = [replace(row, label=label, given=label) for row, label in zip(rows(300), given, strict=True)]
    return Sets(own, params=PARAMS | {"task": {"kind": "multilabel", "labels": LABELS}})


def spans() -> Spans:
    own = [replace(row, label=marked(row.text), given=marked(row.text)) for row in rows(300)]
    return Spans(own, params=PARAMS | {"task": {"kind": "token_classification", "labels": LABELS}})


@pytest.mark.parametrize(("base", "metric"), [(sets(), "Macro-F1"), (spans(), "Entity F1")], ids=["sets", "spans"])
def test_a_worse_model_is_told_with_labels_that_people_read(reported, capsys, base, metric):
    text, told = reported(base, replace(base, right=0.6))
    cli.main(["diff", "base", "head", "--format", "html"])
    assert "<svg" in capsys.readouterr().out
    assert f"**Worse.** {metric} of dapt on dev lost: −" in text
    assert told["verdict"]["failures"] == ["significant-loss"]
    broken = told["metrics"]["turned"]["broken"]
    assert broken["rows"] > 5
    for row in broken["examples"]:
        assert row["label"] in row["base"]
        assert row["head"] != [row["label"]]
        assert not {"[", '"'} & set("".join([row["label"], *row["base"], *row["head"]]))
    assert {line["name"] for line in told["metrics"]["slices"] if line["dimension"] == "class"} == set(LABELS)


def test_sets_are_counted_for_each_of_their_labels(reported):
    base = sets()
    both = [row for row in base.rows if row.label == '["FRUIT","STONE"]' and row.split == "train"]
    new = [replace(row, label='["STONE"]') if row in both[:5] else row for row in base.rows if row != both[5]]
    text, told = reported(base, replace(base, rows=new))
    assert told["data"]["removed"]["by_class"] == {"FRUIT": 1, "STONE": 1}
    assert told["data"]["relabelled"]["ways"] == {"FRUIT, STONE → STONE": 5}
    assert told["data"]["relabelled"]["by_class"] == {"FRUIT": 5, "STONE": 5}
    assert "<code>FRUIT, STONE</code> → <code>STONE</code> (" in text


def test_spans_are_read_in_the_text_of_their_own_revision(reported):
    base = spans()
    some = {row.id for row in base.rows if row.split != "test" and int(row.group[1:]) % 4 == 0}
    texts = {row.id: f"in short: {row.text}" for row in base.rows if row.id in some}
    new = [
        replace(row, text=texts[row.id], label=marked(texts[row.id]), given=marked(texts[row.id]))
        if row.id in some
        else row
        for row in base.rows
    ]
    text, told = reported(base, replace(base, rows=new))
    dev = [row.id for row in base.rows if row.split == "dev"]
    metrics = told["metrics"]
    # The same words are marked and found: nothing became better or worse.
    assert (metrics["rows"], metrics["common"]) == ([len(dev)] * 2, len(set(dev) - some))
    assert "on dev, HEAD" in text
    assert f"models are compared on the {metrics['common']} that both have, with the same text." in text
    assert metrics["arms"]["dapt"]["model"]["entity_f1"]["value"] == 0
    assert metrics["arms"]["dapt"]["broken"] == metrics["arms"]["dapt"]["fixed"] == 0
    examples = [row for name in ("changed", "relabelled") for row in told["data"][name]["examples"]]
    labels = {row[key] for row in examples for key in ("label", "before") if key in row}
    assert labels <= {f"{name}: {name.lower()}" for name in LABELS}
