"""HTML bodies as text: lines, quotes of every mailer behind `>`, and what is laid out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.readers.mime import pages

GMAIL = (
    '<div dir="ltr">Thanks!</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Jan 5, 2026 '
    'at 9:12 AM Shop &lt;<a href="mailto:s@example.org">s@example.org</a>&gt; wrote:<br></div><blockquote '
    'class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px">It is on its way.<br></blockquote></div>'
)
YAHOO = (
    '<div>Thanks!</div><div id="ydp5yahoo_quoted_1" class="ydp5yahoo_quoted"><div><div>On Monday, January 5, 2026, '
    "Shop &lt;s@example.org&gt; wrote: </div><div><br></div><div>It is on</div><div>its way.</div></div></div>"
)
OUTLOOK = (
    '<p class="MsoNormal">Thanks!<o:p></o:p></p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p\n'
    'class="MsoNormal"><b>From:</b> Shop &lt;s@example.org&gt; <br><b>Sent:</b> Monday<br><b>To:</b> Ann<br>\n'
    "<b>Subject:</b> Order 5</p></div><p>It is on its way.</p>"
)
OUTLOOK_WEB = (
    '<div>Thanks!</div><hr tabindex="-1" style="display:inline-block"><div id="divRplyFwdMsg" dir="ltr"><font>'
    "<b>Von:</b> Shop<br><b>Gesendet:</b> Montag<br><b>Betreff:</b> Order 5</font><div>&nbsp;</div></div>"
    "<div>Unterwegs.</div>"
)
FORWARDED = "----- Forwarded Message -----\nFrom: a\ntext\nx"
HEADERS = "From: Shop <s@example.org>\nSent: Monday\nTo: Ann\nSubject: Order 5"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>a\nb</p>\n<p>c&nbsp;&amp; d</p>", "a b\n\nc & d"),
        ("a<br>b<br><br><br><br>c", "a\nb\n\nc"),
        ("<html><head><title>t</title><style>p{}</style></head><body><div>a</div><div>b</div></body></html>", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("<p>a</p><div style='display:none'>preview</div>", "a"),
        ("<div>a</div>\n<div><br></div><div>b<br></div><div><div>c</div></div>", "a\n\nb\nc"),
        ("<div>a<p>b</p></div><div>c</div>", "a\n\nb\n\nc"),
        ("<ul><li>a</li>\n<li>b</li></ul>", "a\nb"),
        (
            "<p class=MsoNormal>Regards,</p>\n<p class=MsoNormal>Ann</p><p class=MsoNormal>&nbsp;</p><p>x</p>",
            "Regards,\nAnn\n\nx",
        ),
        ("<div>mine</div><div style='display:none'>hidden</div><div hidden>too</div>", "mine"),
        ("<!-- c --><p>x<script>y</script></p>", "x"),
        ("<blockquote>q</blockquote>mine", "> q\nmine"),
        ("<blockquote type=cite><p>q</p></blockquote><p>a</p><blockquote type=cite>r</blockquote>", "> q\na\n> r"),
        ("<blockquote>a<blockquote>b</blockquote>c</blockquote>", "> a\n>> b\n> c"),
        ("<blockquote>a<br><br>b</blockquote>", "> a\n>\n> b"),
        ("<blockquote>never closed", "> never closed"),
        ("</blockquote>mine", "mine"),
        ("<BLOCKQUOTE>a</BLOCKQUOTE>", "> a"),
        ("mine<blockquote style='display:none'>q</blockquote>", "mine"),
        ('<blockquote style="margin:0 0 0 40px;border:none;padding:0px">mine</blockquote>', "mine"),
        ('<blockquote type="cite" style="margin:0 0 0 40px;border:none">q</blockquote>', "> q"),
        (
            "<p>Yes.</p><div>Am 5.1. schrieb Ann:<br></div><blockquote>q</blockquote>",
            "Yes.\n\nAm 5.1. schrieb Ann:\n> q",
        ),
        ("<div>Yes.</div><div>Ann wrote:</div><blockquote>q</blockquote>", "Yes.\n\nAnn wrote:\n> q"),
        (GMAIL, "Thanks!\n\nOn Mon, Jan 5, 2026 at 9:12 AM Shop <s@example.org> wrote:\n> It is on its way."),
        (YAHOO, "Thanks!\n\nOn Monday, January 5, 2026, Shop <s@example.org> wrote:\n> It is on\n> its way."),
        ("<div class=yahoo_quoted>----- Forwarded Message -----<br>From: a<br>text</div>x", FORWARDED),
        (OUTLOOK, f"Thanks!\n\n{HEADERS}\n\nIt is on its way."),
        (OUTLOOK_WEB, "Thanks!\n\nVon: Shop\nGesendet: Montag\nBetreff: Order 5\n\nUnterwegs."),
        ('<div name="quote"><b>Von:</b> Shop<div name="quoted-content">q</div></div>', "Von: Shop\n> q"),
        ("<p>a\nb</p><pre>x\n  y\n\n\tz</pre><p>c\nd</p>", "a b\n\nx\n  y\n\n\tz\n\nc d"),
        ("<pre>&gt; q\nmine</pre>", "> q\nmine"),
        ("<div style='white-space: pre-wrap'>a\nb</div>", "a\nb"),
        ("a \ufdd0b", "a b"),  # the marks themselves
    ],
)
def test_pages_as_text(page, text):
    assert pages.text(page) == text


@pytest.mark.parametrize(
    ("page", "charset"),
    [
        (b'<meta charset="koi8-r">', "koi8-r"),
        (b"<META http-equiv=Content-Type content='text/html; charset=windows-1251'>", "windows-1251"),
        (b"<meta name=x><meta charset = 'big5' >", "big5"),
        (b"<?xml version='1.0' encoding='koi8-r'?>", "koi8-r"),
        (b'<meta charset="utf-16">', "utf-8"),
        (b"<p>charset=koi8-r</p>", None),
        (b"<meta" + b" " * 10_000, None),
    ],
)
def test_charsets_that_pages_name(page, charset):
    assert pages.charset(page) == charset


@pytest.mark.parametrize("part", ["<blockquote>", "<blockquote>a<br>", "<pre>", "<div style='white-space:pre'>a "])
def test_pages_nested_without_end_are_read_soon(part):
    assert len(pages.text(part * 5_000)) < 60 * 5_000


MARKUP = st.sampled_from(
    ["<p>", "</p>", "<blockquote>", "</blockquote>", "<pre>", "</pre>", "<br>", "<div class=yahoo_quoted>", "<div>"]
    + ["</div>", "<li>", ">", "\ufdd0", "a", "b:", " ", "\n"]
)


@given(st.lists(MARKUP, max_size=30))
def test_no_page_raises_and_no_word_is_lost(parts):
    page = "".join(parts)
    assert pages.text(page).count("a") == parts.count("a")
