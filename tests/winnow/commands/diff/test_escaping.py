"""Text of others is shown and never obeyed, in Markdown and in HTML."""

import html as entities
import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.winnow.commands.diff.project import PARAMS, Project, State, changed, rows
from winnow.commands import cli
from winnow.commands.diff import escaping, html, markdown
from winnow.commands.diff.document import Bullets, Folded, Foreign, Heading, Paragraph, Strong, Table

HOSTILE = [
    "| a | b |",
    "@everyone look",
    "![x](http://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "</code></details><script>alert(1)</script>",
    "<!-- hidden -->",
    "`code` and ``more``",
    "# heading",
    "- item",
    "1. item",
    "***bold*** __bold__ ~~gone~~",
    "https://evil.example www.evil.example me@evil.example",
    "#123 GH-1 org/repo#7 !5 $x$ :smile: ^note [^1]",
    "line\n\n# two\r\n| x |",
    "&lt;b&gt; &#60;i&#62; &amp;",
    "\\`escaped\\`",
    "$$\\frac{1}{2}$$",
    "```\nfence\n```",
    "> quote",
    "[!WARNING]",
]
SOURCE = "<script>@everyone</script>\u202e"
READER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
TAGS = {"p", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "h3", "strong", "details", "summary"}


class Tags(HTMLParser):
    """The tags of a page and, of each `code`, the text in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.codes: list[str] = []
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag):
        if tag == "code":
            self.tags.append("/code")

    def handle_data(self, data):
        inside = self.tags and self.tags.count("code") > self.tags.count("/code")
        if inside:
            self.codes[-1] += data
        else:
            self.outside.append(data)


def page(text: str) -> Tags:
    """A text of others at each place of a report, as a reader of Markdown shows it."""
    line = [Foreign(text)]
    blocks = [
        Heading(["Winnow: ", *line]),
        Paragraph([Strong("Word."), " before ", *line, " after"]),
        Paragraph(line),
        Bullets([line]),
        Table(["one", "two"], [[line, line]]),
        Folded(["more: ", *line], [Paragraph(line), Table(["one"], [[line]])]),
    ]
    return Tags(READER.render(markdown.written(blocks)))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_stands_in_code_as_it_is(text):
    shown = page(text)
    assert set(shown.tags) <= TAGS | {"/code"}
    assert shown.codes == [" ".join(text.split())] * 9
    outside = "".join(shown.outside)
    assert " ".join(outside.split()) == "Winnow: Word. before after one two more: one"


@given(st.text(max_size=60))
def test_any_text_stands_in_code(text):
    shown = page(text)
    assert set(shown.tags) <= TAGS | {"/code"}
    expected = escaping.isolated(escaping.visible(text)) or "(empty)"
    assert shown.codes == [expected] * 9


@given(st.text(alphabet="a1@#!:^%$~&.w/`*_[]<>|\\(){}' ", max_size=40))
def test_names_within_our_sentences_are_no_markup(text):
    shown = Tags(READER.render(f"x {escaping.ours(text)} x\n"))
    assert shown.tags == ["p"]
    plain = "".join(shown.outside).replace("\u2060", "")
    assert " ".join(plain.split()) == " ".join(f"x {text} x".split())


@pytest.mark.parametrize("text", ["@ana", "#12", "org/repo#12", "!7", ":smile:", "^a", "~label", "&12", "$a$"])
def test_no_mention_reference_or_emoji_within_our_sentences(text):
    """GitHub and GitLab look for these in the text that is left; a word joiner stands between sign and word."""
    shown = entities.unescape(escaping.ours(text))
    assert not re.search(r"[@#!:^~&$](?=\w)", shown)


@pytest.mark.parametrize("text", ["GH-12", "class GH-1 of it", "TEAM-7", "601305161a55", "at deadbee", "a" * 40])
def test_no_name_within_our_sentences_is_an_issue_s_or_a_commit_s(text):
    shown = entities.unescape(escaping.ours(text))
    assert not re.search(r"[A-Za-z]-\d|\b[0-9a-f]{7,40}\b", shown)
    assert shown.replace("\u2060", "") == text


@pytest.mark.parametrize(
    "address", ["http://evil.example", "www.evil.example", "ftp://evil.example", "WWW.evil.example"]
)
def test_no_address_becomes_a_link(address):
    for text in (escaping.foreign(address), escaping.ours(address)):
        assert "://" not in text
        assert "www." not in text.lower()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("right\u202eto left", "right\\u202eto left"),
        ("isolate\u2066d", "isolate\\u2066d"),
        ("bell\x07", "bell\\u0007"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("filler\u3164", "filler\\u3164"),
        ("private\ue000", "private\\ue000"),
        ("soft\u00adhyphen", "soft\\u00adhyphen"),
        ("selected\ufe0f", "selected\\ufe0f"),
        ("half\ud800", "half\\ud800"),
    ],
)
def test_what_nobody_sees_is_spelled(text, shown):
    assert escaping.visible(text) == shown
    assert shown.replace("\\", "&#92;") in markdown.written([Paragraph([Foreign(text)])])


def test_marks_do_not_pile_up():
    assert escaping.visible("a" + "\u0301" * 6) == "a" + "\u0301" * 4 + "\\u0301" * 2
    assert escaping.visible("नमस्ते สวัสดี") == "नमस्ते สวัสดี"


def test_text_from_right_to_left_stays_within_its_bounds():
    assert escaping.foreign("שלום") == "<code>&#8296;שלום&#8297;</code>"
    assert escaping.foreign("plain") == "<code>plain</code>"


@pytest.mark.parametrize("sign", ["a", "`", "|", "\u200b", "\u0301", " ", "@", "www."])
def test_a_megabyte_takes_no_time_and_no_room(sign):
    begun = time.monotonic()
    text = escaping.foreign(sign * 1_000_000)
    ours = escaping.ours(sign * 1_000_000)
    assert time.monotonic() - begun < 0.5
    assert len(text) < 4000
    assert len(ours) < 8000


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A project whose classes, texts, sources, reviewers, rules, parameters and files are hostile."""
    project = Project(tmp_path_factory.mktemp("hostile"))
    base = State(rows(300), params=PARAMS | {"@team": {"<b>": "| x |"}})
    dev = [row.id for row in base.rows if row.split == "dev"]
    train = [row.id for row in base.rows if row.split == "train"]
    base.rows = changed(base, train[:50], source=SOURCE)
    project.commit(base, "base")
    texts = dict(zip(dev, HOSTILE * 9, strict=False))
    new = [replace(row, text=f"{row.label.lower()} {texts[row.id]}") if row.id in texts else row for row in base.rows]
    new = changed(replace(base, rows=new), train[:30], label="WATER")
    gone = set(train[30:50])
    state = replace(
        base,
        rows=[row for row in new if row.id not in gone],
        right=0.4,
        entries=[(id, "clean", "drop", "![rule](http://evil.example) @all") for id in gone],
        decided=[f'{dev[0]},0,FRUIT,keep,,"@ana | <b>",2026-11-01,,'],
        params=PARAMS | {"@team": {"<b>": "| y | </details>"}},
        code={"stages/<img src=x>.py": "b" * 64},
        device="![d](http://evil.example)",
    )
    project.commit(state, "head")
    return project


def report(hostile, monkeypatch, capsys, format_: str) -> str:
    monkeypatch.chdir(hostile.folder)
    cli.main(["diff", "base", "head", "--format", format_])
    return capsys.readouterr().out


def test_a_hostile_project_in_markdown(hostile, monkeypatch, capsys):
    text = report(hostile, monkeypatch, capsys, "markdown")
    shown = Tags(READER.render(text))
    assert set(shown.tags) <= TAGS | {"/code"}
    assert not re.search(r"[@#!](?=\w)", "".join(shown.outside))
    assert "://" not in text
    assert "<script>@everyone</script>\\u202e" in shown.codes
    assert "\u202e" not in text
    assert len(text) < 65_536
    assert text.count("<details>") == text.count("</details>")


def test_a_hostile_project_in_html(hostile, monkeypatch, capsys):
    text = report(hostile, monkeypatch, capsys, "html")
    shown = Tags(text)
    own = {"html", "head", "meta", "title", "style", "body", "main", "h1", "bdi", "svg", "text", "line", "circle"}
    assert set(shown.tags) <= TAGS | own | {"/code"}
    assert {"svg", "circle", "details"} <= set(shown.tags)
    assert "<script>@everyone</script>\\u202e" in shown.codes
    assert "default-src 'none'" in entities.unescape(text)
    assert not re.search(
        r"(src|href)=", re.sub(r"&[#\w]+;", "", text.replace("src=x onerror", "").replace("src=x", ""))
    )


def test_a_hostile_project_in_json(hostile, monkeypatch, capsys):
    found = json.loads(report(hostile, monkeypatch, capsys, "json"))
    assert found["data"]["removed"]["by_source"] == {SOURCE: 20}


def test_a_comment_that_would_be_too_long_ends_in_time():
    blocks = [Paragraph(["seen"])] + [Folded([f"part {n}"], [Bullets([[Foreign("x|" * 60)]] * 40)]) for n in range(20)]
    text = markdown.written(blocks)
    assert len(text.encode()) < 65_536
    assert text.endswith(f"{markdown.LEFT_OUT}\n")
    assert text.count("<details>") == text.count("</details>") >= 1


def test_equal_values_are_equal_bytes(hostile, monkeypatch, capsys):
    first = report(hostile, monkeypatch, capsys, "html")
    assert report(hostile, monkeypatch, capsys, "html") == first
    assert html.TEXT > escaping.LONGEST
