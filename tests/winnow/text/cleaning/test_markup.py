"""Markup: fragments become text, and what only looks like markup survives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.text.cleaning import markup
from winnow.text.cleaning.markup import decode_entities, strip_markup, strip_scripts


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("H<sub>2</sub>O at 10<sup>9</sup> <i>per</i> cell", "H2O at 10^9 per cell"),
        ("<p>one</p><p>two</p>three<br/>four", "\none\n\ntwo\nthree\nfour"),
        ("<p>one\ntwo</p>", "\none two\n"),
        ("one <b>bold</b>\ntwo", "one bold\ntwo"),
        ("<pre>one\n  two</pre>", "\none\n  two\n"),
        ("<tr><td>left</td><td nowrap>right</td></tr>", "\n\tleft\tright\n"),
        ("<ul><li>one<li>two</ul>", "\n\none\ntwo\n"),
        ("<jats:p>one</jats:p><jats:p>two <jats:italic>three</jats:italic></jats:p>", "\none\n\ntwo three\n"),
        ('x<mml:math><mml:mi>y</mml:mi><mml:mspace width="1em"/><mml:mn>2</mml:mn></mml:math>', "xy2"),
        ("seen<script>if (a < b) { hide() }</script><style>p { }</style><!-- <b>aside</b> --> here", "seen here"),
        ("<!--[if IE]><p>old</p><![endif]-->new<![if !IE]>er<![endif]>", "newer"),
        ("&#x3b2;-carotene &amp; &alpha; &lt; 5", "β-carotene & α < 5"),
        ("caf&eacute au lait &lt 3 &#169 2020", "café au lait < 3 © 2020"),
        ("<a href=\"x?a=1&b=2\" title='1 > 0'>link</a> text", "link text"),
        ('<a href="x"class="y">tight</a><br/class=z>line', "tight\nline"),
        ("<![CDATA[a < b & c]]> kept", "a < b & c kept"),
        ("Write &lt;b&gt; in <code>code</code>", "Write <b> in code"),
        ("<p>bold <b>never closed", "\nbold never closed"),
        ("<p hidden>not seen</p><p style='display: none'>nor this</p>seen", "\n\nseen"),
        ("<template>x</template><noscript>y</noscript><svg><title>z</title></svg><ruby>A<rp>(</rp></ruby>", "\nA"),
        ("<head><title>Tab</title></head>shown", "\n\n\nshown"),
        ('<img alt="a chart" src="x.png">seen', "seen"),
        ('a text that was cut <a href="https://exam', "a text that was cut "),
        ("one<p>two", "one\ntwo"),
        ("<p>one\r\ntwo</p>", "\none two\n"),
        ("<table><tr><td>cell</table> and <b>R&amp;D</b>", "\n\n\tcell\n and R&D"),
        ("<div hidden><p hidden>not</p>seen</div><template hidden>nor this</template>shown", "\nshown"),
        ('<script>w(\'<a title="\')</script> a "text"', ' a "text"'),
        ("&copy<b>right</b> and &am<i>p;</i>", "©right and &amp;"),
    ],
)
def test_markup_becomes_text(raw, text):
    assert strip_markup(raw) == text


@pytest.mark.parametrize(
    "text",
    [
        "the difference was significant (p<0.05)",
        "5 < 10 and 10 > 5",
        "p<a and b>c in both arms",
        "x <b and c> y",
        "x<b>y",
        "25 kg/m2<BMI<30 kg/m2",
        "values <LOQ-5530 ng/kg",
        "Dear <name>, your code is <code here>",
        "reach me at <ann@example.org> or <https://example.org/a?b=1&copy=2>",
        "write the <script> tag first",
        "an open comment <!-- never ends",
        "R&D at AT&T; see &c. and &unknown; too",
        "0.4 mM </= [Ca] < 1.0 mM",
    ],
)
def test_what_only_looks_like_markup_survives(text):
    assert strip_markup(text) == text


def test_scripts_may_stay_while_tags_go_and_the_other_way_round():
    text = "<b>one</b><script>two()</script><STYLE>three</STYLE >"
    assert strip_markup(text) == "one"
    assert strip_markup(text, scripts=False) == "onetwo()three"
    assert strip_scripts(text) == "<b>one</b>"
    assert strip_scripts("write the <script> tag first") == "write the <script> tag first"


def test_scripts_that_hide_one_another_take_no_recursion():
    hidden = "<scr" * 2000 + "<script></script>" + "ipt></script>" * 2000
    assert strip_markup(hidden).startswith("<scr<scr")


def test_entities_are_decoded_once():
    text = "three times &amp;amp;amp;gt; 5 &amp;#x3b2;"
    assert decode_entities(text) == "three times &amp;amp;gt; 5 &#x3b2;"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("&lt;p&gt;Hello &amp;amp; goodbye, 5 &amp;lt; 6&lt;/p&gt;", "\nHello & goodbye, 5 < 6\n"),
        ("<![CDATA[<p>5 &lt; 6</p>]]>", "\n5 < 6\n"),
        ("Tom &amp; Ann <b>AT&amp;T</b>, p &lt;0.05 &amp;nbsp;", "Tom & Ann AT&T, p <0.05 \u00a0"),
        ("&lt;script&gt;x()&lt;/script&gt;Hello 10&lt;sup&gt;6&lt;/sup&gt;", "Hello 10^6"),
        ("write &amp;lt;br&amp;gt; in the page", "write <br> in the page"),
    ],
)
def test_markup_that_was_escaped_once_more_is_unescaped_once_first(raw, text):
    assert strip_markup(raw, escaped=True) == text


def test_a_lone_surrogate_passes_the_parser():
    assert strip_markup("<textarea>bold</textarea> \ud800 text") == "bold ? text"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cn", "Zs", "Zl", "Zp"]), max_size=40))
def test_markup_never_swallows_escaped_text(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert strip_markup(f"<i>{escaped}</i>") == text
    assert strip_markup(f"<i>{escaped}</i><x/>") == text


WORDS = ["a word", "β", " ", "\n", "&lt;", "R&D", "5 < 6", "<br/>", "<hr>", "<!-- aside -->", "<unknown>", "x<y>z", "x"]
TAGS = [
    "b",
    "i",
    "sub",
    "div",
    "li",
    "a href='y'",
    'p class="z"',
    "h2",
    "EM",
    "ul",
    "td",
    "my-tag",
    "jats:title",
    "font/",
]


def nested(words: list[str], tags: list[str]) -> st.SearchStrategy[str]:
    def element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(
            lambda tag, parts, closed: f"<{tag}>{''.join(parts)}{f'</{tag.split()[0]}>' if closed else ''}",
            st.sampled_from(tags),
            st.lists(inner, max_size=3),
            st.booleans(),
        )

    return st.lists(st.recursive(st.sampled_from(words), element, max_leaves=8), max_size=4).map("".join)


@given(nested(WORDS, TAGS))
def test_the_way_without_a_parser_gives_what_the_parser_does(text):
    assert strip_markup(f"{text}<textarea></textarea>") == strip_markup(f"{text}<wbr>")


HARD = [
    "table",
    "tr",
    "td",
    "p hidden",
    "template",
    "svg",
    "title",
    "textarea",
    "pre",
    "script",
    "select",
    "noscript",
    "b",
]


@given(st.lists(nested([*WORDS, "</p>", "</table>", "<!-- open", "&#0;"], HARD), min_size=2, max_size=6))
def test_a_text_leaves_nothing_behind_in_the_parser(texts):
    together = [strip_markup(text) for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markup._reader, "kept", 0)  # a parser for each
        patch.setattr(markup._reader, "left", 0)
        assert [strip_markup(text) for text in texts] == together


def test_the_parser_is_made_anew_before_it_holds_much(monkeypatch):
    monkeypatch.setattr(markup._reader, "kept", 1000)
    monkeypatch.setattr(markup._reader, "left", 0)
    parsers = []
    for number in range(100):
        assert strip_markup(f"<table><tr><td>{number}</table>") == f"\n\n\t{number}\n"
        parsers += [markup._reader.root.parser] if markup._reader.root.parser not in parsers else []
    assert 2 <= len(parsers) <= 6
