"""Labels that change with their texts: each step of cleaning is followed, and what is lost stands in the ledger."""

import json

import pyarrow as pa
import pytest

from stages.clean import __main__ as stage
from tests.conftest import make_rows
from tests.stages.clean.test_clean import ALL, options
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.token_classification.labels import Task, spans

TASK = Task(kind="token_classification", labels=["drug", "person"])
MASK = {"personal_data": ALL["personal_data"] | {"action": "mask"}}


def row(text: str, *entities: str, **columns) -> dict:
    """Return a row whose label is the places of some words of the text: in order, the next of each."""
    found, position = [], 0
    for entity in entities:
        start = text.index(entity, position)
        position = start + len(entity)
        found.append([start, position, "drug"])
    return {"text": text, "label": json.dumps(found, separators=(",", ":"))} | columns


def clean(rows, lookups=None, **changes):
    """Return the texts of the spans of the rows that are left by their keys, None without a label; and the ledger."""
    table = make_rows([{"source_key": str(number)} | row for number, row in enumerate(rows)])
    result = stage.clean_batch(table, stage.Cleaning(options(min_words=1, **changes), TASK, {}, lookups or {}))
    found = {}
    for each in result["rows"].to_pylist():
        label, text = each["label"], each["text"]
        found[each["source_key"]] = label and [text[start:end] for start, end, _ in spans(label)]
        assert (each["label_origin"] is None) == (label is None)
    assert result["rows"].schema == table.schema
    keys = dict(zip(table["id"].to_pylist(), table["source_key"].to_pylist(), strict=True))
    entries = [(keys[entry["id"]], entry["rule"], entry["reason"]) for entry in result["ledger"].to_pylist()]
    return found, [entry for entry in entries if entry[1].startswith("label")]


def test_spans_follow_their_texts_through_all_rules():
    rows = [
        row("<p>RESULTS: the <b>aspirin</b>  of &beta;-x</p>\u200b", "aspirin", "&beta;-x"),
        row("aspirin and not aspirin<script>aspirin</script> aspirin", "aspirin", "aspirin", "aspirin", "aspirin"),
        row("write to aspirin@x.org of aspirin", "aspirin", "aspirin"),
        row("nothing <b>here</b>"),
        {"text": "no <b>label</b>"},
    ]
    found, lost = clean(rows, **MASK)
    assert found == {"0": ["aspirin", "β-x"], "1": ["aspirin"] * 3, "2": ["aspirin"], "3": [], "4": None}
    assert (
        lost
        == [
            ("1", "label_part_lost", 'strip_scripts took away span [31, 38, "drug"], "aspirin"'),
            ("2", "label_part_lost", 'personal_data took away span [9, 16, "drug"], "aspirin"'),
        ]
        or sorted(lost) == lost
    )


def test_a_row_with_another_text_in_its_place_loses_its_label():
    fill = {"action": "fill", "fallbacks": [{"field": "meta.title"}]}
    rows = [{"text": " ", "label": "[]", "meta": {"title": "the aspirin"}}, row("an aspirin", "aspirin")]
    found, lost = clean(rows, missing=ALL["missing"] | {"no_text": fill})
    assert found == {"0": None, "1": ["aspirin"]}
    assert lost == [("0", "label_lost", "another text in its place took away what its label told")]


def test_a_label_from_another_row_must_fit_the_text():
    fallback = {"field": "label", "source": "other", "key": "source_key"}
    filled = ALL["missing"] | {"no_label": {"action": "fill", "fallbacks": [fallback]}}

    def lookups(label):
        return {("other", "source_key", "label"): pa.table({"key": ["0"], "value": [label]})}

    rows = [{"text": "an  aspirin"}]
    assert clean(rows, lookups('[[4,11,"drug"]]'), missing=filled)[0] == {"0": ["aspirin"]}
    id_ = hashing.row_ids("test", ["0"])[0]
    with pytest.raises(UserError, match=rf"^params.yaml: clean.missing.no_label: row {id_}: span .* beyond the text"):
        clean(rows, lookups('[[5,12,"drug"]]'), missing=filled)
