"""Rows that lack something are filled, dropped or noted as params say, each with its ledger entry."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean import missing
from tests.conftest import make_rows
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.rows import tables
from winnow.rows.ledger import Ledger

OFF = {"action": "off"}
SETTINGS = {"title": "meta.title", "max_length": {}} | dict.fromkeys(missing.REASONS, OFF)
FROM_TITLE = {"action": "fill", "fallbacks": [{"field": "meta.title"}]}
OTHER = {"field": "text", "source": "other", "key": "meta.pmid"}


def parse(**changes) -> missing.Missing:
    return params.parse(SETTINGS | changes, missing.Missing, "params.yaml: clean.missing")


def fill(rows: list[dict], found=None, **changes) -> tuple[list[dict], list[tuple]]:
    """Return the rows that stay, and action, rule and reason of each entry; rows are conserved."""
    table = make_rows(rows)
    ledger = Ledger("clean")
    out = missing.fill(table, parse(**changes), ledger, found)
    ledger.check(table.num_rows, out.num_rows)
    assert out.schema.equals(table.schema)
    return out.to_pylist(), [entry[2:5] for entry in ledger.entries]


@pytest.mark.parametrize("text", ["", " \n\t", "\u00a0"])
def test_a_blank_text_is_filled_from_the_first_fallback_that_has_one(text):
    fallbacks = [{"field": "meta.summary"}, {"field": "meta.title"}]
    rows = [{"text": text, "meta": {"summary": " ", "title": "A title"}}, {"text": "A text.", "meta": {"title": "No"}}]
    out, entries = fill(rows, no_text={"action": "fill", "fallbacks": fallbacks})
    assert [row["text"] for row in out] == ["A title", "A text."]
    assert entries == [("change", "no_text", "has no text; taken from meta.title")]


def test_a_filled_text_is_in_the_ledger_with_both_hashes():
    ledger = Ledger("clean")
    missing.fill(make_rows([{"text": "", "meta": {"title": "A title"}}]), parse(no_text=FROM_TITLE), ledger)
    assert ledger.entries[0][5:] == (hashing.text_sha(""), hashing.text_sha("A title"), None)


@pytest.mark.parametrize(
    ("action", "left", "entry"),
    [
        ("off", 1, None),
        ("keep", 1, ("note", "no_text", "has no text")),
        ("drop", 0, ("drop", "no_text", "has no text")),
        ("fill", 1, ("note", "no_text", "has no text; no fallback has one")),
        ("fill_or_drop", 0, ("drop", "no_text", "has no text")),
    ],
)
def test_each_action_does_what_it_says_where_no_fallback_helps(action, left, entry):
    fallbacks = [{"field": "meta.title"}] if action.startswith("fill") else []
    out, entries = fill([{"text": ""}], no_text={"action": action, "fallbacks": fallbacks})
    assert len(out) == left
    assert entries == ([entry] if entry else [])


@pytest.mark.parametrize(
    ("text", "title", "found"),
    [
        ("Wolves in winter", "Wolves in winter.", True),
        ("[WOLVES IN WINTER].", "Wolves in winter", True),
        ("Wolves in winter are hungry.", "Wolves in winter", False),
        ("", "Wolves in winter", False),  # no_text
        ("Wolves", None, False),
        ("", "", False),
    ],
)
def test_a_title_without_body_is_a_text_that_says_its_title_alone(text, title, found):
    rows = [{"text": text, "meta": {} if title is None else {"title": title}}]
    _, entries = fill(rows, title_without_body={"action": "keep"})
    assert entries == ([("note", "title_without_body", "its text is its title")] if found else [])


def test_a_text_that_was_filled_from_the_title_is_not_then_dropped_as_a_title():
    rows = [{"text": "", "meta": {"title": "Wolves"}}]
    out, entries = fill(rows, no_text=FROM_TITLE, title_without_body={"action": "drop"})
    assert (out[0]["text"], len(entries)) == ("Wolves", 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a" * 95, True),
        ("a" * 79, False),
        ("a" * 94 + ".", False),
        ("a" * 94 + '."', False),
        ("a" * 93 + ".)  ", False),
        ("It ends here (ABSTRACT TRUNCATED AT 250 WORDS)", True),
        ("It ends [truncated]", True),
        ("It ends…", True),
        ("It ends ...", True),
        ("It is short", False),
        ("It was truncated", False),
    ],
)
def test_a_text_is_cut_off_in_mid_sentence_at_its_sources_length_or_where_it_says_so(text, found):
    rows = [{"source": "short", "text": text}, {"source": "endless", "text": "a" * 500}]
    _, entries = fill(rows, cut_off={"action": "keep"}, max_length={"short": 100})
    assert [entry[1] for entry in entries] == ["cut_off"] * found


def test_a_cut_off_text_is_filled_by_a_longer_one_only():
    rows = [{"text": "It ends…", "meta": {"short": "It", "long": "It ends in the end."}}]
    fallbacks = [{"field": "meta.short"}, {"field": "meta.long"}]
    out, _ = fill(rows, cut_off={"action": "fill", "fallbacks": fallbacks})
    assert out[0]["text"] == "It ends in the end."


def test_a_group_is_filled_where_a_row_is_its_own():
    id_ = hashing.row_ids("test", ["row-0"])[0]
    rows = [{"group": id_, "meta": {"author": "Ann"}}, {"group": "Bob", "meta": {"author": "Ann"}}, {"group": ""}]
    out, entries = fill(rows, no_group={"action": "fill", "fallbacks": [{"field": "meta.author"}]})
    assert [row["group"] for row in out] == ["Ann", "Bob", ""]
    assert [entry[0] for entry in entries] == ["change", "note"]


def test_rows_that_want_no_label_lack_none():
    rows = [{"purpose": "text"}, {"label": "A"}, {}]
    out, entries = fill(rows, no_label={"action": "drop"})
    assert (len(out), entries) == (2, [("drop", "no_label", "wants a label and has none")])


def folder_of(path, **sources: list[dict]):
    """Write tables of sources, and return their folder."""
    for name, rows in sources.items():
        tables.write(make_rows([row | {"source": name} for row in rows]), path / f"{name}.parquet")
    return path


def test_a_text_comes_from_another_sources_row_with_the_same_key(tmp_path):
    rows = [{"text": "", "meta": {"pmid": "7"}}, {"text": "", "meta": {"pmid": "8"}}, {"text": "", "meta": {}}]
    other = [
        {"text": "", "meta": {"pmid": "7"}},  # blank: the next one is used
        {"text": "Seven.", "meta": {"pmid": "7"}},
        {"text": "Nine.", "meta": {"pmid": "9"}},
        {"text": "No key.", "meta": {}},
    ]
    settings = parse(no_text={"action": "fill", "fallbacks": [OTHER]})
    found = missing.lookups(folder_of(tmp_path, test=rows, other=other), settings)
    assert found["other", "meta.pmid", "text"].to_pylist() == [{"key": "7", "value": "Seven."}]  # what is needed
    out, entries = fill(rows, found, no_text={"action": "fill", "fallbacks": [OTHER]})
    assert [row["text"] for row in out] == ["Seven.", "", ""]
    assert ("change", "no_text", "has no text; taken from text of source 'other' with the same meta.pmid") in entries


def test_of_several_rows_with_one_key_the_first_by_id_fills(tmp_path):
    rows = [{"text": "", "meta": {"pmid": "7"}}]
    other = [{"text": f"Text {number}.", "meta": {"pmid": "7"}} for number in range(20)]
    folder = folder_of(tmp_path, test=rows, other=other)
    settings = parse(no_text={"action": "fill", "fallbacks": [OTHER]})
    found = missing.lookups(folder, settings)["other", "meta.pmid", "text"].to_pylist()
    assert found == [{"key": "7", "value": tables.read(folder / "other.parquet")["text"][0].as_py()}]


def test_a_label_comes_from_another_source_as_one_that_was_given(tmp_path):
    fallback = {"field": "label", "source": "other", "key": "source_key"}
    settings = {"action": "fill", "fallbacks": [fallback]}
    rows = [{"source_key": "k"}, {"source_key": "l"}]
    folder = folder_of(tmp_path, test=rows, other=[{"source_key": "k", "label": "A"}])
    out, _ = fill(rows, missing.lookups(folder, parse(no_label=settings)), no_label=settings)
    assert [(row["label"], row["label_origin"]) for row in out] == [("A", "given"), (None, None)]


def test_a_lookup_that_would_fill_the_memory_stops_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(missing, "MAX_LOOKUP_BYTES", 100)
    rows = [{"text": "", "meta": {"pmid": "7"}}]
    folder = folder_of(tmp_path, test=rows, other=[{"text": "word " * 99, "meta": {"pmid": "7"}}])
    with pytest.raises(UserError, match=r"no_text\.fallbacks: source 'other' would take more than 0 MiB of memory"):
        missing.lookups(folder, parse(no_text={"action": "fill", "fallbacks": [OTHER]}))


def test_a_source_that_is_not_collected_is_named(tmp_path):
    folder = folder_of(tmp_path, test=[{"text": ""}])
    with pytest.raises(UserError, match=r"no_text\.fallbacks: source 'other' is not in collect\.sources; it has test"):
        missing.lookups(folder, parse(no_text={"action": "fill", "fallbacks": [OTHER]}))


def test_without_other_sources_no_file_is_read(tmp_path):
    assert missing.lookups(tmp_path / "nowhere", parse(no_text=FROM_TITLE)) == {}


TEXT = st.sampled_from(["", " ", "Wolves", "wolves.", "It ends…", "A text.", "b" * 99])
ROW = st.fixed_dictionaries(
    {
        "text": TEXT,
        "label": st.sampled_from(["A", None]),
        "purpose": st.sampled_from(["task", "text"]),
        "meta": st.fixed_dictionaries({}, optional={"title": TEXT, "body": TEXT}),
    }
)
ACTIONS = st.sampled_from(["off", "keep", "drop", "fill", "fill_or_drop"])


@settings(max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=8), st.tuples(ACTIONS, ACTIONS, ACTIONS), st.integers(1, 8))
def test_rows_are_conserved_whatever_the_actions_and_the_batches(rows, actions, cut):
    fallbacks = [{"field": "meta.title"}, {"field": "meta.body"}]
    problems = {
        name: {"action": action, "fallbacks": fallbacks if action.startswith("fill") else []}
        for name, action in zip(("no_text", "title_without_body", "cut_off"), actions, strict=True)
    }
    options = parse(**problems, no_label={"action": "keep"}, max_length={"test": 100})
    table = make_rows(rows)
    whole, parts = Ledger("clean"), Ledger("clean")
    out = missing.fill(table, options, whole)
    whole.check(table.num_rows, out.num_rows)
    halves = [missing.fill(part, options, parts) for part in (table.slice(0, cut), table.slice(cut))]
    assert pa.concat_tables(halves).equals(out)
    assert parts.table().equals(whole.table())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"no_text": {"action": "fill"}}, "no_text: fallbacks belong to action fill and fill_or_drop, and these need"),
        ({"no_text": FROM_TITLE | {"action": "drop"}}, "no_text: fallbacks belong to action fill and fill_or_drop"),
        ({"no_text": {"action": "guess"}}, "clean.missing.no_text.action"),
        ({"no_text": FROM_TITLE | {"fallbacks": [{"field": "title"}]}}, r"no_text\.fallbacks\[0\]\.field"),
        (
            {"no_text": FROM_TITLE | {"fallbacks": [{"field": "text", "source": "other"}]}},
            "source and key need each other",
        ),
        (
            {"no_label": FROM_TITLE},
            "no_label is filled from another source's `label` only; annotate.rules label by rule",
        ),
        ({"title": None, "title_without_body": {"action": "keep"}}, "title_without_body needs `title`"),
        ({"max_length": {"test": 5}}, "clean.missing.max_length.test"),
        ({"no_body": {"action": "keep"}}, "clean.missing.no_body: unknown parameter"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        parse(**changes)
