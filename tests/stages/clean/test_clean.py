"""clean: profiles by source, nothing lost in silence, the same bytes however the rows are cut, mistakes named."""

import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean import __main__ as stage
from stages.clean import survey
from tests.conftest import make_rows, on_machine
from tests.nasty import OFF, ON, TEXTS
from tests.other_tasks import WORDS
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.rows import tables
from winnow.text.cleaning import saved

SECTION = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
TASK = Task(**SECTION)
IGNORED = {"action": "off"}
ALL = {
    "default_profile": "all",
    "profile_of": {},
    "profiles": {"all": ON, "nothing": OFF, "page": OFF | {"strip_markup": True, "collapse_space": "lines"}},
    "boilerplate": {"min_share": 0.1, "min_groups": 5, "min_words": 3, "survey_rows": 1000},
    "missing": {"title": None, "max_length": {}}
    | dict.fromkeys(("title_without_body", "no_text", "cut_off", "no_group", "no_label"), IGNORED),
    "personal_data": {"action": "off", "kinds": ["email"], "regions": [], "names": None},
    "language": {"action": "off", "keep": ["en"], "min_confidence": 0.5},
    "min_words": 3,
    "drop_copyrighted": False,
}


def options(**changes) -> stage.Params:
    return params.parse(ALL | changes, stage.Params, "params.yaml: clean")


def clean(table: pa.Table, **changes) -> tuple[pa.Table, list[dict]]:
    """Return the cleaned rows and the ledger's entries, which account for every row."""
    result = stage.clean_batch(table, stage.Cleaning(options(**changes), TASK, {}, {}))
    entries = result["ledger"].to_pylist()
    dropped = [entry["id"] for entry in entries if entry["action"] == "drop"]
    assert sorted([*result["rows"]["id"].to_pylist(), *dropped]) == sorted(table["id"].to_pylist())
    assert result["rows"].schema == table.schema
    return result["rows"], entries


def cleaned(text: str, heading: str | None = None) -> str:
    rows, _ = clean(make_rows([{"text": text, "meta": {"heading": heading} if heading else {}}]), min_words=1)
    return rows["text"][0].as_py()


@pytest.mark.parametrize(
    "text",
    [
        "the difference was significant (p<0.05)",
        "reach me at <ann@example.org> or <https://example.org/a?b=1&copy=2>",
        "3\N{NO-BREAK SPACE}× 4 naïve “quotes” – Ð\N{NO-BREAK SPACE}< 1.2 straße",
        "the Outcome Measure (PROM) © was created last year",
        "Results showed that it works",
    ],
)
def test_what_only_looks_like_noise_survives(text):
    assert cleaned(text, heading="RESULTS") == " ".join(text.split())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<b>RESULTS:</b> Ten of them did.", "Ten of them did."),
        ("Results: RESULTS: Ten of them did.", "Ten of them did."),
        ("written about: &lt;i&gt;, &amp;#x3b2; is &#x3b2;", "written about: <i>, &#x3b2; is β"),
        ("<p>the patientsâ€™ cafÃ©</p>\n\u200b visits…", "the patients’ café visits"),
    ],
)
def test_rules_work_together(raw, text):
    assert cleaned(raw, heading="RESULTS") == text


def test_every_changed_and_dropped_row_is_in_the_ledger():
    table = make_rows(
        [
            {"text": "plain text that stays"},
            {"text": "some <i>marked</i>  text"},
            {"text": "<p> </p>"},
            {"text": "two words"},
            {"text": "kept by its publisher", "meta": {"copyright": "© them"}},
        ]
    )
    ids = table["id"].to_pylist()
    rows, entries = clean(table, drop_copyrighted=True)
    assert rows["text"].to_pylist() == ["plain text that stays", "some marked text"]
    assert {(entry["id"], entry["action"], entry["rule"]) for entry in entries} == {
        (ids[1], "change", "strip_markup"),
        (ids[1], "change", "collapse_space"),
        (ids[2], "change", "strip_markup"),
        (ids[2], "change", "collapse_space"),
        (ids[2], "drop", "empty_text"),
        (ids[3], "drop", "too_few_words"),
        (ids[4], "drop", "copyrighted"),
    }


@settings(max_examples=50)
@given(st.lists(TEXTS, max_size=6))
def test_rows_are_conserved_and_each_change_links_to_the_next(texts):
    table = make_rows([{"text": text} for text in texts])
    rows, entries = clean(table, personal_data=ALL["personal_data"] | {"action": "mask"})
    after = dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    for id_, text in zip(table["id"].to_pylist(), texts, strict=True):
        sha = hashing.text_sha(text)
        for entry in (entry for entry in entries if entry["id"] == id_):
            assert entry["before_sha"] == sha
            sha = entry["after_sha"] or sha
        assert id_ not in after or sha == hashing.text_sha(after[id_])


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("text/plain", "the page shows <br> here"),
        ("Text/Plain; charset=utf-8", "the page shows <br> here"),
        ("text/html", "the page shows here"),
        ("text/plain-ish", "the page shows here"),
    ],
)
def test_a_row_that_declares_plain_text_holds_no_markup(declared, text):
    row = {"text": "the page shows <br> here", "meta": {"media_type": declared}}
    rows, entries = clean(make_rows([row, {"text": "the page <b>shows</b> this"}]))
    found = dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    assert set(found.values()) == {text, "the page shows this"}
    assert len([entry for entry in entries if entry["rule"] == "strip_markup"]) == 1 + (text.count("<") == 0)


def test_each_source_follows_its_profile():
    table = make_rows(
        [{"text": "<p>one</p>two  three", "source": name, "source_key": name} for name in ("a", "b", "c")]
    )
    rows, _ = clean(table, profile_of={"b": "nothing", "c": "page"}, min_words=1)
    found = dict(zip(rows["source"].to_pylist(), rows["text"].to_pylist(), strict=True))
    assert found == {"a": "one two three", "b": "<p>one</p>two  three", "c": "one\ntwo three"}


def test_the_ledger_tells_of_words_in_every_script():
    texts = ["。。。", "👍👍", "👍👍👍", "很好", "这家店很好吃", "อร่อย", "one two", "\u3000"]
    rows, entries = clean(make_rows([{"text": text} for text in texts]), profile_of={"test": "nothing"})
    assert set(rows["text"].to_pylist()) == {"👍👍👍", "这家店很好吃", "อร่อย"}
    assert sorted((entry["rule"], entry["reason"]) for entry in entries) == [
        ("empty_text", "no text is left"),
        ("too_few_words", "0 words, the least is 3"),
        *[("too_few_words", "2 words, the least is 3")] * 3,
    ]


def test_boilerplate_that_was_found_is_removed():
    findings = {"test": survey.Findings({"Read our terms of use.": 0.5})}
    table = make_rows([{"text": "The tide  turns. Read our terms of use."}, {"text": "We did Read our terms of use."}])
    result = stage.clean_batch(table, stage.Cleaning(options(), TASK, findings, {}))
    assert result["rows"]["text"].to_pylist() == ["The tide turns.", "We did Read our terms of use."]
    assert "strip_boilerplate" in result["ledger"]["rule"].to_pylist()


def test_a_label_follows_its_text():
    texts = {
        "oak": "<p>one oak  here</p>",
        "elm": "an elm <p>elm",
        "fir": "no fir<script>ash</script>",
        "yew": "one yew",
    }
    labels = {"oak": "oak", "elm": "elm", "fir": "ash fir", "yew": "yew", "ash": "ash"}
    rows = [{"source_key": key, "text": text, "label": labels[key]} for key, text in texts.items()]
    rows += [{"source_key": "ash", "text": "two words<script>ash</script>", "label": "ash"}, {"text": "<p>a b c</p>"}]
    table = make_rows(rows)
    result = stage.clean_batch(table, stage.Cleaning(options(min_words=1), WORDS, {}, {}))
    found = {row["source_key"]: row for row in result["rows"].to_pylist()}
    assert {key: found[key]["label"] for key in labels} == labels | {"fir": "fir", "ash": None}
    assert {key: found[key]["label_origin"] for key in labels} == dict.fromkeys(labels, "given") | {"ash": None}
    assert found["ash"]["text"] == "two words"
    lost = [entry for entry in result["ledger"].to_pylist() if entry["rule"] == "label_lost"]
    assert [(entry["id"], entry["action"]) for entry in lost] == [(found["ash"]["id"], "change")]
    assert result["rows"].schema == table.schema


MAIL = "please write to ann@example.org at once"


@pytest.mark.parametrize(
    ("action", "text"), [("report", MAIL), ("mask", MAIL.replace("ann@example.org", "[EMAIL]")), ("drop", None)]
)
def test_personal_data_is_noted_masked_or_dropped(action, text):
    table = make_rows([{"text": MAIL}, {"text": "nobody is named here"}])
    rows, entries = clean(table, personal_data=ALL["personal_data"] | {"action": action})
    assert rows["text"].to_pylist() == [text for text in (text, "nobody is named here") if text]
    wanted = {"report": "note", "mask": "change", "drop": "drop"}[action]
    assert [(e["id"], e["action"], e["rule"], e["reason"]) for e in entries] == [
        (table["id"][0].as_py(), wanted, "personal_data", "1 email")
    ]


@pytest.mark.parametrize(("action", "rows"), [("report", 2), ("drop", 1)])
def test_foreign_languages_are_noted_or_dropped(action, rows):
    german = "Das ist ein ganzer Satz in deutscher Sprache, den niemand für einen englischen hält."
    table = make_rows([{"text": german}, {"text": "This is a whole sentence in English, and nobody doubts it."}])
    left, entries = clean(table, language=ALL["language"] | {"action": action})
    assert left.num_rows == rows
    assert [(e["id"], e["action"], e["rule"]) for e in entries] == [
        (table["id"][0].as_py(), {"report": "note"}.get(action, action), "language")
    ]


def arguments(folder) -> list[str]:
    return [
        f"--raw={folder / 'raw'}",
        f"--out={folder / 'clean.parquet'}",
        f"--cleaning={folder / 'cleaning.json'}",
        f"--ledger={folder / 'ledger.parquet'}",
        f"--metrics={folder / 'clean.json'}",
    ]


def test_sources_become_one_table(workspace):
    folder = workspace(task=SECTION, clean=ALL)
    first = make_rows([{"source": "one", "text": "a text <b>in</b> one", "aux_kind": "x"}], aux=("kind",))
    second = make_rows(
        [{"source": "two", "text": "a text in two"}, {"source": "two", "text": "short", "source_key": "s"}]
    )
    tables.write(first, folder / "raw" / "one.parquet")
    tables.write(second, folder / "raw" / "two.parquet")
    (folder / "raw" / "manifest.json").write_text("{}")
    stage.main(arguments(folder))
    rows = tables.read(folder / "clean.parquet")
    assert rows.schema.names == tables.row_schema(["kind"]).names
    found = {row["source"]: (row["text"], row["aux_kind"]) for row in rows.to_pylist()}
    assert found == {"one": ("a text in one", "x"), "two": ("a text in two", None)}
    assert json.loads((folder / "clean.json").read_text()) == {
        "rows_in": 3,
        "rows_out": 2,
        "changed_share": 0.333333,
        "entries": {"change.strip_markup": 1, "drop.too_few_words": 1},
        "personal_data": {},
        "boilerplate": {},
        "cut_at": {},
    }
    before = (folder / "clean.parquet").read_bytes()
    stage.main(arguments(folder))
    assert (folder / "clean.parquet").read_bytes() == before


def test_how_the_tasks_texts_were_cleaned_is_told(workspace):
    folder = workspace(
        task=SECTION,
        clean=ALL
        | {"profile_of": {"two": "page", "other": "nothing"}}
        | {"personal_data": {"action": "mask", "kinds": ["email"], "regions": [], "names": None}},
    )
    shared = "Read our terms of use. "
    for source, purpose, count in (("one", "task", 40), ("two", "task", 10), ("other", "text", 90)):
        rows = [
            {
                "source": source,
                "source_key": str(n),
                "purpose": purpose,
                "text": f"{shared}And a text <b>number</b> {n}",
            }
            for n in range(count)
        ]
        tables.write(make_rows(rows), folder / "raw" / f"{source}.parquet")
    stage.main(arguments(folder))
    told = saved.read(folder / "cleaning.json")
    assert told.default == "all"
    assert told.profiles.keys() == {"all", "page"}
    assert told.profiles["all"].boilerplate == [shared.strip()]
    assert told.profiles["page"].boilerplate == []
    texts = pa.array([f"{shared}And a text <b>by</b> ann@example.org", "", "a  plain one\n"])
    assert told.clean(texts).to_pylist() == ["And a text by [EMAIL]", "", "a plain one"]
    assert told.clean(texts, "page").to_pylist()[0] == f"{shared}And a text by [EMAIL]"
    # As the stage itself does.
    cleaned = tables.read(folder / "clean.parquet")
    raw = tables.read(folder / "raw" / "one.parquet").sort_by("id")
    own = cleaned.filter(pc.equal(cleaned["source"], "one")).sort_by("id")
    assert told.clean(raw["text"].cast(pa.string()).combine_chunks()).to_pylist() == own["text"].to_pylist()
    with pytest.raises(UserError, match="no cleaning profile 'html'; the model has all, page"):
        told.clean(texts, "html")


def pages(count: int) -> pa.Table:
    return make_rows(
        [{"source": "web", "text": f"<p>Tide {n}  came.</p>Read our <b>terms</b> of use."} for n in range(count)]
    )


def outputs(workspace, **settings) -> list[bytes]:
    folder = workspace(task=SECTION, clean=ALL)
    tables.write(pages(40), folder / "raw" / "web.parquet")
    tables.write(make_rows([{"text": "<i>another</i> one's text"}]), folder / "raw" / "other.parquet")
    with on_machine(**settings):
        stage.main(arguments(folder))
    return [(folder / name).read_bytes() for name in ("clean.parquet", "ledger.parquet", "clean.json")]


def test_processes_and_batches_change_no_byte(workspace):
    expected = outputs(workspace)
    assert json.loads(expected[2])["boilerplate"] == {"web": {"Read our terms of use.": 1}}
    assert outputs(workspace, batch_rows=7) == expected
    assert outputs(workspace, batch_rows=15, processes=2) == expected


def test_the_length_at_which_a_source_cuts_is_found_and_used(workspace):
    cut = ALL["missing"] | {"cut_off": {"action": "drop"}}
    folder = workspace(task=SECTION, clean=ALL | {"missing": cut})
    texts = [f"{n:02} is the number of this tide that nev" for n in range(12)] + ["A tide that came and went."] * 3
    tables.write(make_rows([{"source": "chat", "text": text} for text in texts]), folder / "raw" / "chat.parquet")
    stage.main(arguments(folder))
    metrics = json.loads((folder / "clean.json").read_text())
    assert metrics["cut_at"] == {"chat": len(texts[0])}
    assert metrics["entries"] == {"drop.cut_off": 12}


def test_no_row_left_is_an_error_and_writes_nothing(workspace):
    folder = workspace(task=SECTION, clean=ALL)
    tables.write(make_rows([{"text": "<p></p>"}, {"text": "one"}]), folder / "raw" / "one.parquet")
    with pytest.raises(UserError, match=r"no row is left of 2 after cleaning.*empty_text.*too_few_words"):
        stage.main(arguments(folder))
    assert sorted(path.name for path in folder.iterdir()) == ["dvc.yaml", "params.yaml", "raw"]


def test_no_source_is_an_error(workspace):
    folder = workspace(task=SECTION, clean=ALL)
    (folder / "raw").mkdir()
    with pytest.raises(UserError, match="no source's Parquet file"):
        stage.main(arguments(folder))


def test_ids_that_two_sources_share_are_an_error(workspace):
    folder = workspace(task=SECTION, clean=ALL)
    table = make_rows([{"text": "one and the same row"}])
    tables.write(table, folder / "raw" / "one.parquet")
    tables.write(table, folder / "raw" / "two.parquet")
    with pytest.raises(UserError, match=f"id {table['id'][0]} stands twice"):
        stage.main(arguments(folder))


def test_a_missing_column_is_an_error(workspace):
    folder = workspace(task=SECTION, clean=ALL)
    tables.write(make_rows([{}]).drop_columns(["group"]), folder / "raw" / "one.parquet")
    with pytest.raises(UserError, match=r"one\.parquet: column 'group' is missing"):
        stage.main(arguments(folder))


def test_bytes_that_are_not_utf8_are_an_error(workspace):
    folder = workspace(task=SECTION, clean=ALL)
    table = make_rows([{"text": "abc def ghi"}])
    broken = pa.array([b"a lone \xed\xa0\x80 surrogate"], pa.binary()).view(pa.string())
    table = table.set_column(table.schema.get_field_index("text"), tables.ROW.field("text"), broken)
    (folder / "raw").mkdir()
    pq.write_table(table, folder / "raw" / "one.parquet")
    with pytest.raises(UserError, match=r"one\.parquet: does not follow the data contract"):
        stage.main(arguments(folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_words": 0}, r"clean\.min_words"),
        ({"min_words": "3"}, r"clean\.min_words"),
        ({"profiles": {"all": ON | {"normalize_unicode": "NFX"}}}, r"clean\.profiles\.all\.normalize_unicode"),
        ({"profiles": {}}, r"clean\.profiles"),
        ({"default_profile": "web"}, "default_profile names profile 'web'; profiles has all, nothing, page"),
        ({"profile_of": {"one": "web"}}, "one names profile 'web'"),
        ({"profile_of": {"two": "page"}}, r"clean\.profile_of: no source 'two' in .*raw; it has one"),
        ({"strip_tags": True}, r"clean\.strip_tags: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(workspace, change, message):
    folder = workspace(task=SECTION, clean=ALL | change)
    tables.write(make_rows([{}]), folder / "raw" / "one.parquet")
    with pytest.raises(UserError, match=message):
        stage.main(arguments(folder))


def test_the_repositorys_parameters_are_valid(default_params):
    assert params.parse(default_params["clean"], stage.Params, "clean")


def test_the_metrics_count_personal_data_by_kind(workspace):
    folder = workspace(task=SECTION, clean=ALL | {"personal_data": ALL["personal_data"] | {"action": "report"}})
    (folder / "raw").mkdir()
    rows = [{"text": "please write to ann@example.org or bob@example.org"}, {"text": MAIL}, {"text": "nobody is here"}]
    tables.write(make_rows(rows), folder / "raw/test.parquet")
    stage.main(arguments(folder))
    assert json.loads((folder / "clean.json").read_text())["personal_data"] == {"email": 3}
