"""The matrix of votes: one row a vote in the table, and each rule's coverage, overlap and conflict."""

import numpy as np
import pytest

from tests.conftest import make_rows
from tests.winnow.labelling.conftest import TASK, make_rule
from winnow.base.errors import UserError
from winnow.labelling import votes
from winnow.labelling.rule import Voter
from winnow.labelling.votes import NONE
from winnow.statistics import intervals


def keyword(name: str, **labels: str):
    return make_rule(name=name, kind="keyword", field="text", labels={label: [word] for label, word in labels.items()})


RULES = [keyword("b", FRUIT="sweet", STONE="hard"), keyword("a", STONE="grey")]
TEXTS = ["sweet", "hard and grey", "sweet and grey", "plain"]


def collect(rows: list[dict], batch_rows: int = 10) -> votes.Votes:
    table = make_rows(rows)
    batches = [table.slice(start, batch_rows) for start in range(0, table.num_rows, batch_rows)]
    return votes.collect(batches, [rule.voter(None, TASK) for rule in RULES], TASK)


def test_every_vote_is_a_row_sorted_by_id_then_rule():
    found = collect([{"text": text} for text in TEXTS])
    assert found.said.tolist() == [[0, NONE], [1, 1], [0, 1], [NONE, NONE]]
    rows = found.table(RULES).to_pylist()
    assert rows == sorted(rows, key=lambda row: (row["id"], row["rule"]))
    by_text = dict(zip(found.ids, TEXTS, strict=True))
    assert {(by_text[row["id"]], row["rule"], row["label"]) for row in rows} == {
        ("sweet", "b", "FRUIT"),
        ("hard and grey", "a", "STONE"),
        ("hard and grey", "b", "STONE"),
        ("sweet and grey", "a", "STONE"),
        ("sweet and grey", "b", "FRUIT"),
    }


def test_batches_do_not_matter_and_no_rows_give_an_empty_table():
    rows = [{"text": text, "label": label} for text in TEXTS for label in (None, "STONE")]
    one, many = collect(rows, 3), collect(rows)
    assert (one.said == many.said).all()
    assert (one.ids == many.ids).all()
    assert one.label.tolist() == [NONE, 1] * 4
    assert collect([]).table(RULES).num_rows == 0
    assert collect([{"text": "plain"}]).table(RULES).num_rows == 0


def test_no_rule_sees_a_label():
    seen = []
    votes.collect([make_rows([{"label": "FRUIT"}])], [Voter(lambda rows: seen.extend(rows) or [None])], TASK)
    assert not {"label", "label_origin", "label_confidence"} & set(seen[0])
    assert {"id", "text", "meta", "source", "group", "published"} <= set(seen[0])
    assert seen[0]["meta"] == {}


def test_a_label_that_the_task_lacks_is_named():
    with pytest.raises(UserError, match=r"row \w{16}: label 'PLANT' is not one of"):
        collect([{"label": "PLANT"}])


def test_a_field_that_no_row_has_is_named():
    regex = {"kind": "regex", "labels": {"FRUIT": "A"}}
    prompt = {"kind": "llm", "base_url": "http://localhost/v1", "model": "m", "api_key_env": None}
    good = [make_rule(**regex, field="meta.heading"), make_rule(**prompt, prompt="{labels} {meta.heading} {text}")]
    bad = [make_rule(**regex, field="meta.headng"), make_rule(**prompt, prompt="{text} {meta.headng}")]
    rows = make_rows([{}, {"meta": {"heading": "A", "title": "B"}}])
    votes.check_fields([rows.slice(0, 1), rows.slice(1)], good)
    for rule in bad:
        with pytest.raises(UserError, match=r"'mine': no row has meta\.headng; meta holds heading, title: mend"):
            votes.check_fields([rows], [rule])
    with pytest.raises(UserError, match="meta holds nothing"):
        votes.check_fields([], bad)


def test_coverage_overlap_and_conflict():
    said = np.array([[0, NONE, 0], [0, 1, NONE], [NONE, 1, 1], [NONE] * 3])
    assert votes.summary(said, 0) == {"coverage": 0.5, "overlap": 0.5, "conflict": 0.25}
    assert votes.summary(said, 2) == {"coverage": 0.5, "overlap": 0.5, "conflict": 0.0}
    assert votes.summary(said[:, :1], 0) == {"coverage": 0.5, "overlap": 0.0, "conflict": 0.0}
    assert votes.summary(said[:0], 0) == {"coverage": 0.0, "overlap": 0.0, "conflict": 0.0}


def test_accuracy_has_an_interval():
    low, high = intervals.wilson(3, 4)
    expected = {"measured_on": 4, "accuracy": 0.75, "accuracy_low": low, "accuracy_high": high}
    assert votes.accuracy(np.array([True, True, False, True])) == expected
    assert votes.accuracy(np.array([], bool)) == {
        "measured_on": 0,
        "accuracy": 0.0,
        "accuracy_low": 0.0,
        "accuracy_high": 1.0,
    }
