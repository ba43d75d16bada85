"""clean: each rule, that texts which only look noisy survive, and that nothing is lost in silence."""

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import clean as stage
from tests.conftest import make_rows
from winnow import hashing, params, tables
from winnow.errors import UserError

ALL = {
    "unescape_entities": True,
    "strip_markup": True,
    "fix_encoding": True,
    "normalize_unicode": "NFC",
    "strip_control": True,
    "strip_copyright": True,
    "strip_leading_heading": True,
    "collapse_space": True,
    "min_words": 3,
    "drop_copyrighted": False,
}


def options(**changes) -> stage.Params:
    return params.parse(ALL | changes, stage.Params, "params.yaml: clean")


def cleaned(text: str, heading: str = "", **changes) -> str:
    steps = list(stage.clean_text(text, options(**changes), heading))
    return steps[-1][1] if steps else text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("H<sub>2</sub>O at 10<sup>9</sup> <i>per</i> cell", "H2O at 109 per cell"),
        ("<p>one</p><p>two</p>three<br/>four", "one two three four"),
        ("<ul><li>one</li><li>two</li></ul><h2>Head</h2>body", "one two Head body"),
        ("<td>left</td><td nowrap>right</td>", "left right"),
        ("<jats:p>one</jats:p><jats:p>two <jats:italic>three</jats:italic></jats:p>", "one two three"),
        ('x<mml:math><mml:mi>y</mml:mi><mml:mspace width="1em"/><mml:mn>2</mml:mn></mml:math>', "xy2"),
        ("seen<script>if (a < b) { hide() }</script><style>p { }</style><!-- <b>aside</b> --> here", "seen here"),
        ("&#x3b2;-carotene &amp; &alpha; &lt; 5", "β-carotene & α < 5"),
        ("<a href=\"x?a=1&b=2\" title='1 > 0'>link</a> text", "link text"),
        ("<![CDATA[a < b & c]]> kept", "a < b & c kept"),
        ("twice &amp;lt;i&amp;gt;escaped&amp;lt;/i&amp;gt; &amp;#x3b2;", "twice escaped β"),
        ("three times &amp;amp;amp;gt; 5", "three times > 5"),
    ],
)
def test_markup_becomes_text(raw, text):
    assert cleaned(raw) == text


@pytest.mark.parametrize(
    "text",
    [
        "the difference was significant (p<0.05)",
        "5 < 10 and 10 > 5",
        "p<a and b>c in both arms",
        "x <b and c> y",
        "25 kg/m2<BMI<30 kg/m2",
        "values <LOQ-5530 ng/kg",
        "reach me at <ann@example.org> or <https://example.org/a?b=1&copy=2>",
        "write the <script> tag first",
        "an open comment <!-- never ends",
        "R&D at AT&T; see &c. and &unknown; too",
        "0.4 mM </= [Ca] < 1.0 mM",
        "3\N{NO-BREAK SPACE}× 4 naïve “quotes” – Ð\N{NO-BREAK SPACE}< 1.2 straße",
        "the Outcome Measure (PROM) © was created last year",
        "three groups: (a) old, (b) young, and (c) 2021 births",
        "we ask who holds it. Copyright law changed much. Courts disagree.",
        "NADPH: a cofactor of many enzymes",
        "Results showed that it works",
        "IN CAPITALS ONLY: A TEXT THAT SHOUTS",
        "👩\N{ZERO WIDTH JOINER}🔬 and می\N{ZERO WIDTH NON-JOINER}خواهم stay",
    ],
)
def test_what_only_looks_like_noise_survives(text):
    assert cleaned(text, heading="RESULTS") == " ".join(text.split())


def test_mojibake_is_mended():
    assert cleaned("the patientsâ€™ cafÃ© visits") == "the patients’ café visits"


def test_control_and_zero_width_characters_vanish_and_do_not_crash():
    assert (
        cleaned("zero\u200bwidth so\u00adft \x00nul \x07bell \ud800lone a\u200db") == "zerowidth soft nul bell lone ab"
    )


def test_a_lone_surrogate_passes_the_parser():
    assert cleaned("<b>bold</b> \ud800 text") == "bold ? text"


def test_unicode_is_normalized_as_asked():
    assert cleaned("cafe\u0301 x²", normalize_unicode="NFC") == "café x²"
    assert cleaned("cafe\u0301 x²", normalize_unicode="NFKC") == "café x2"
    assert cleaned("cafe\u0301 x²", normalize_unicode="none") == "cafe\u0301 x²"


@pytest.mark.parametrize(
    "statement",
    [
        "© 2021 Some Society of Somewhere. Published by Someone & Sons, Ltd.",
        "© 2021 The Authors. The Journal of Things published by Someone Ltd. on behalf of The Society.",
        "© 2021 S. Karger AG, Basel.",
        "(Some Database Record (c) 2021 ABC, all rights reserved).",
        "This article is protected by copyright. All rights reserved.",
        "Copyright © 2020 The Author(s). Published by Someone B.V. All rights reserved.",
        "Copyright 2020 by the authors.",
    ],
)
def test_copyright_statements_are_removed(statement):
    assert cleaned(f"We found a thing. It holds in NZ N. {statement}") == "We found a thing. It holds in NZ N."


@pytest.mark.parametrize(
    "statement",
    [
        "(Some Database Record (c) 2021 ABC, all rights reserved).",
        "This article is protected by copyright. All rights reserved.",
        "All rights reserved.",
        "Copyright © 2020 Us.",
    ],
)
def test_a_statement_does_not_take_a_sentence_without_a_full_stop_along(statement):
    assert cleaned(f"We found a thing {statement}") == "We found a thing"


def test_a_copyright_statement_in_the_middle_stays():
    body = "One was here. " * 5
    text = f"{body}© 2021 The Society. {body}".strip()
    assert cleaned(text) == text


@pytest.mark.parametrize(
    ("raw", "heading"),
    [
        ("RESULTS: Ten of them did.", ""),
        ("METHODS AND RESULTS: Ten of them did.", ""),
        ("AIMS: Ten of them did.", ""),
        ("<b>RESULTS:</b> Ten of them did.", ""),
        ("Results - Ten of them did.", "RESULTS"),
        ("Results. Ten of them did.", "RESULTS"),
        ("Conclusions:Ten of them did.", "CONCLUSION"),
        ("Conclusion: RESULTS: Ten of them did.", "CONCLUSIONS"),
        ("Aim (main): Ten of them did.", "Aim (main)"),
    ],
)
def test_a_leading_heading_is_removed(raw, heading):
    assert cleaned(raw, heading) == "Ten of them did."


@pytest.mark.parametrize(
    ("name", "text", "without"),
    [
        ("strip_markup", "some <i>thin</i> ice", "some <i>thin</i> ice"),
        ("unescape_entities", "some &amp;lt; thing", "some &lt; thing"),
        ("fix_encoding", "some cafÃ© visits", "some cafÃ© visits"),
        ("strip_control", "some\u200b thing", "some\u200b thing"),
        ("strip_copyright", "Some thing is. © 2021 Us.", "Some thing is. © 2021 Us."),
        ("strip_leading_heading", "RESULTS: some thing", "RESULTS: some thing"),
        ("collapse_space", "some  thing", "some  thing"),
    ],
)
def test_each_rule_can_be_switched_off(name, text, without):
    assert cleaned(text, **{name: False}) == without
    assert cleaned(text) != without


FRAGMENTS = st.one_of(
    st.sampled_from(["<i>", "</i>", "<p>", "<b", ">", "<", "<!--", "-->", "<script>", "</script>", "<![CDATA[", "]]>"]),
    st.sampled_from(["&", "&lt;", "&amp;", "amp;", "lt;", "&#x3b2;", "&amp;lt;i&amp;gt;"]),
    st.sampled_from(["RESULTS", "Results", ":", " - ", ".", "METHODS:"]),
    st.sampled_from(["© 2021 Us.", "All rights reserved.", "(c) 2020", "Published by Us Ltd.", "Copyright"]),
    st.sampled_from(["â€™", "Ã©", "Â\u00a0", "\u00a0", "\u200b", "\x00", "\u0301", "\n\n", "＜", "ﬁ", "x²", "\ud800"]),
    st.sampled_from(["a word", "We found it", "was 5", "p", " "]),
    st.text(max_size=6),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(FRAGMENTS, max_size=14).map("".join), st.sampled_from(["", "RESULTS", "Method"]))
@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_cleaning_twice_is_cleaning_once(form, text, heading):
    once = cleaned(text, heading, normalize_unicode=form)
    assert cleaned(once, heading, normalize_unicode=form) == once
    assert once == " ".join(once.split())


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cn", "Zs", "Zl", "Zp"]), max_size=40))
def test_markup_never_swallows_escaped_text(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert stage.strip_markup(f"<i>{escaped}</i>") == text


@pytest.mark.parametrize(
    "hostile",
    [
        "<a ",
        "<a x=",
        '<a x="',
        "<a " + "x " * 20,
        "<p>",
        "<!--",
        "<![CDATA[",
        "<?xml ",
        "</",
        "&amp;",
        "© ",
        "(c) ",
        "Published by ",
        "A ",
        "RESULTS, ",
        "a\u200d",
        "Ã©",
        "e\u0301",
    ],
)
def test_hostile_repetition_stays_fast(hostile):
    text = hostile * (20_000 // len(hostile))
    start = time.perf_counter()
    cleaned(text)
    assert time.perf_counter() - start < 5


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
    rows, ledger = stage.clean(table, options(drop_copyrighted=True))
    ledger.check(table.num_rows, rows.num_rows)
    assert rows["text"].to_pylist() == ["plain text that stays", "some marked text"]
    assert rows.schema == table.schema
    entries = {(entry[0], entry[2], entry[3]) for entry in ledger.entries}
    assert entries == {
        (ids[1], "change", "strip_markup"),
        (ids[1], "change", "collapse_space"),
        (ids[2], "change", "strip_markup"),
        (ids[2], "change", "collapse_space"),
        (ids[2], "drop", "empty_text"),
        (ids[3], "drop", "too_few_words"),
        (ids[4], "drop", "copyrighted"),
    }


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(FRAGMENTS, max_size=8).map("".join), max_size=6))
def test_rows_are_conserved_and_each_change_links_to_the_next(texts):
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    table = make_rows([{"text": text} for text in texts])
    rows, ledger = stage.clean(table, options())
    ledger.check(table.num_rows, rows.num_rows)
    after = dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    for id_, text in zip(table["id"].to_pylist(), texts, strict=True):
        sha = hashing.text_sha(text)
        for entry in (entry for entry in ledger.entries if entry[0] == id_):
            assert entry[5] == sha
            sha = entry[6] or sha
        assert id_ not in after or sha == hashing.text_sha(after[id_])


def arguments(folder) -> list[str]:
    return [
        f"--raw={folder / 'raw'}",
        f"--out={folder / 'clean.parquet'}",
        f"--ledger={folder / 'ledger.parquet'}",
        f"--metrics={folder / 'clean.json'}",
    ]


def test_sources_become_one_table(workspace):
    folder = workspace(clean=ALL)
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
    }
    before = (folder / "clean.parquet").read_bytes()
    stage.main(arguments(folder))
    assert (folder / "clean.parquet").read_bytes() == before


def test_no_row_left_is_an_error_and_writes_nothing(workspace):
    folder = workspace(clean=ALL)
    tables.write(make_rows([{"text": "<p></p>"}, {"text": "one"}]), folder / "raw" / "one.parquet")
    with pytest.raises(UserError, match=r"no row is left of 2 after cleaning.*empty_text.*too_few_words"):
        stage.main(arguments(folder))
    assert sorted(path.name for path in folder.iterdir()) == ["params.yaml", "raw"]


def test_no_source_is_an_error(workspace):
    folder = workspace(clean=ALL)
    (folder / "raw").mkdir()
    with pytest.raises(UserError, match="no source's Parquet file"):
        stage.main(arguments(folder))


def test_ids_that_two_sources_share_are_an_error(workspace):
    folder = workspace(clean=ALL)
    table = make_rows([{"text": "one and the same row"}])
    tables.write(table, folder / "raw" / "one.parquet")
    tables.write(table, folder / "raw" / "two.parquet")
    with pytest.raises(UserError, match=f"id {table['id'][0]} stands twice"):
        stage.main(arguments(folder))


def test_a_missing_column_is_an_error(workspace):
    folder = workspace(clean=ALL)
    tables.write(make_rows([{}]).drop_columns(["group"]), folder / "raw" / "one.parquet")
    with pytest.raises(UserError, match=r"one\.parquet: column 'group' is missing"):
        stage.main(arguments(folder))


def test_bytes_that_are_not_utf8_are_an_error(workspace):
    folder = workspace(clean=ALL)
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
        ({"normalize_unicode": "NFX"}, r"clean\.normalize_unicode"),
        ({"strip_tags": True}, r"clean\.strip_tags: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(workspace, change, message):
    folder = workspace(clean=ALL | change)
    with pytest.raises(UserError, match=message):
        stage.main(arguments(folder))


def test_the_repositorys_parameters_are_valid(default_params):
    assert params.parse(default_params["clean"], stage.Params, "clean")
