"""What messages say: which parts count, what is mended, and what is told of the rest."""

import pytest

from winnow.readers.mime.bodies import Body
from winnow.readers.mime.parts import HTML, PLAIN, parsed

NEC = b"\x1b$BCmJ8-!$G$9\x1b(B"
LONG = "<p>" + "A long story about a ferry. " * 20 + "</p>"


def message(head: str, *parts: str, end: str = "--b--\n") -> bytes:
    """A message; each part begins with its own headers, and "b" is the boundary."""
    return (f"Subject: x\n{head}\n\n" + "".join(f"--b\n{part}\n" for part in parts) + (end if parts else "")).encode()


def mixed(*parts: str, kind: str = "mixed", **options) -> bytes:
    return message(f"Content-Type: multipart/{kind}; boundary=b", *parts, **options)


def said(data: bytes) -> tuple[str, list[str]]:
    body = Body(parsed(data))
    return body.text(), body.doubts


def leaf(kind: str, text: str, *lines: str) -> str:
    return "\n".join([f"Content-Type: {kind}", *lines, "", text])


PLAIN_PART, HTML_PART = leaf(PLAIN, "plain"), leaf(HTML, "<p>page</p>")
FORWARD = "---------- Forwarded message ----------\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (message("X: y"), ""),
        (message("X: y") + b"text", "text"),
        (message("Content-Type: text/html") + b"<p>a &lt;br&gt; b</p>", "a <br> b"),
        (message("Content-Type: text/plain") + b"a <br> b\n<server>\n", "a <br> b\n<server>\n"),
        (message("Content-Type: text/plain") + b"R&amp;D", "R&amp;D"),
        (message("Content-Type: nonsense") + b"text", "text"),
        (message("Content-Type: text/markdown") + b"# text", "# text"),
        (message("Content-Type: application/xhtml+xml") + b"<html><p>a</p></html>", "a"),
        # alternatives
        (mixed(PLAIN_PART, HTML_PART, kind="alternative"), "plain"),
        (mixed(HTML_PART, PLAIN_PART, kind="alternative"), "plain"),
        (mixed(leaf(PLAIN, " \n"), HTML_PART, kind="alternative"), "page"),
        (mixed(leaf(PLAIN, "Your mailer shows no HTML."), leaf(HTML, LONG), kind="alternative"), LONG[3:-5]),
        (mixed(leaf(PLAIN, "Yes, please."), leaf(HTML, "<p>Yes, please.</p>"), kind="alternative"), "Yes, please."),
        (mixed(leaf("text/enriched", "rich"), HTML_PART, kind="alternative"), "page"),
        (mixed(leaf("text/enriched", "<bold>rich</bold>"), leaf("application/x", "?"), kind="alternative"), "rich"),
        (mixed(PLAIN_PART, leaf("text/calendar", "BEGIN"), kind="alternative"), "plain"),
        (mixed(leaf(PLAIN, "one"), leaf(PLAIN, "two"), kind="alternative"), "two"),
        (
            mixed(
                leaf(PLAIN, ""),
                leaf("multipart/related; boundary=c", "--c\nContent-Type: text/html\n\n<p>rooted</p>\n--c--"),
                kind="alternative",
            ),
            "rooted",
        ),
        (
            mixed(
                leaf("multipart/alternative; boundary=c", f"--c\n{PLAIN_PART}\n--c\n{HTML_PART}\n--c--"),
                leaf(PLAIN, "____\nfooter"),
            ),
            "plain\n\n____\nfooter\n",
        ),
        # parts that add up
        (mixed(HTML_PART, leaf(PLAIN, "____\nfooter")), "page\n\n____\nfooter\n"),
        (mixed(HTML_PART, leaf(PLAIN, "ERROR", "Content-Disposition: inline; filename=a.log")), "page\n\nERROR\n"),
        (mixed(leaf(PLAIN, "Scanned, no virus."), HTML_PART), "Scanned, no virus.\n\npage\n"),
        (mixed(PLAIN_PART, leaf(PLAIN, "secret", "Content-Disposition: attachment")), "plain"),
        (mixed(PLAIN_PART, leaf(PLAIN, "secret", "Content-Disposition: file; filename=a")), "plain"),
        (mixed(PLAIN_PART, leaf("image/png", "x"), leaf(PLAIN, "end")), "plain\n\nend\n"),
        (mixed("\nno headers", PLAIN_PART, kind="unheard-of"), "no headers\n\nplain\n"),
        (mixed(HTML_PART, leaf(PLAIN, "not shown"), kind="related"), "page"),
        (
            message(
                'Content-Type: multipart/related; boundary=b; start="<2@x>"',
                leaf(PLAIN, "no", "Content-ID: <1@x>"),
                leaf(PLAIN, "root", "Content-ID: <2@x>"),
            ),
            "root",
        ),
        (mixed(PLAIN_PART, leaf("application/pgp-signature", "sig"), kind="signed"), "plain"),
        (mixed(leaf(PLAIN, "It failed."), leaf("message/delivery-status", "Status: 5"), kind="report"), "It failed."),
        # messages within
        (
            mixed(PLAIN_PART, leaf("message/rfc822", "From: a@b\nSubject: =?utf-8?q?=C3=A9?=\nX: y\n\nold")),
            f"plain\n\n{FORWARD}From: a@b\nSubject: é\n\nold\n",
        ),
        (mixed(PLAIN_PART, leaf("message/rfc822", "S: x\n\nold", "Content-Disposition: attachment")), "plain"),
        (message("Content-Type: message/rfc822") + b"From: a@b\n\n", f"{FORWARD}From: a@b\n"),
        (
            message("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64") + b"U3ViamVjdDogYQoKYg==",
            f"{FORWARD}Subject: a\n\nb",
        ),
        (
            mixed("\nSubject: 1\n\none", "\nSubject: 2\n\ntwo", kind="digest"),
            f"{FORWARD}Subject: 1\n\none\n\n{FORWARD}Subject: 2\n\ntwo\n",
        ),
        # lines
        (b"Subject: x\r\n\r\none\r\ntwo\r\n", "one\ntwo\n"),
        (b"Subject: x\r\rone\rtwo", "one\ntwo"),
        (b"Subject: x\n\n\xef\xbb\xbfmarked", "marked"),
        (b"Subject: x\n\na\0b", "a\0b"),
        (message("Content-Type: text/plain; format=flowed") + b"one \ntwo\n-- \nAnn", "one two\n-- \nAnn"),
        (message("Content-Type: text/plain; format=flowed; delsp=yes") + "注 \n文".encode(), "注文"),
        (message("Content-Type: text/enriched") + b"a\nb\n\n<<c", "a b\n<c"),
        (message("Content-Type: text/richtext") + b"a<nl>b<lt>c<comment>d</comment>", "a\nb<c"),
        # charsets
        (message("Content-Type: text/plain; charset=iso-8859-1") + b"20 \x80", "20 €"),
        (message("Content-Type: text/html") + b'<meta charset="windows-1251"><p>\xc3\xe4\xe5', "Где"),
        (message("Content-Type: text/html; charset=us-ascii") + b"<meta charset='koi8-r'>\xe7\xc4\xc5", "Где"),
        (message("Content-Type: text/html; charset=utf-8") + b"<meta charset='koi8-r'>\xc3\xa9", "é"),
        (message("Content-Type: application/xhtml+xml") + b"<?xml version='1.0' encoding='koi8-r'?><p>\xe7", "Г"),
        (message("Content-Type: text/plain; charset=iso-2022-jp") + NEC, "注文①です"),
        # transfer encodings
        (message("Content-Transfer-Encoding: base64") + b"SGVsbG8=", "Hello"),
        (message("Content-Transfer-Encoding: BASE64 (x)") + b"SGVs\r\n bG8", "Hello"),
        (message("Content-Transfer-Encoding: base64") + b"SGVsbG8=\n____\nA list", "Hello\n____\nA list"),
        (message("Content-Transfer-Encoding: base64") + b"SGVs\n-----\nA list", "Hel\n-----\nA list"),
        (message("Content-Transfer-Encoding: base64") + b"SGVsbG8=\nV29ybGQ=", "HelloWorld"),
        (message("Content-Transfer-Encoding: base64") + b"SG*V!s\0bG8=", "Hello"),
        (message("Content-Transfer-Encoding: quoted-printable") + b"a=3D=20b=\nc=  \nd=zz=c3=a9", "a= bcd=zzé"),
        (message("Content-Transfer-Encoding: x-uuencode") + b"begin 644 a\n#0V%T\n`\nend\n", "Cat"),
        (message("Content-Transfer-Encoding: nonsense") + b"as it is", "as it is"),
        # boundaries
        (mixed(PLAIN_PART, HTML_PART, end=""), "plain\n\npage\n"),
        (message('Content-Type: multipart/mixed; boundary="b c"') + b"pre\n--b c\n\nhi\n--b c--", "hi"),
        (message("Content-Type: multipart/mixed; boundary=b") + b"--b  \n\nhi\n--b--  ", "hi"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b--\r\n", "hi"),
        (message("Content-Type: multipart/mixed; boundary=b") + b"--b--\n", "\n"),
    ],
)
def test_what_messages_say(data, text):
    assert said(data) == (text, [])


@pytest.mark.parametrize(
    ("data", "text", "doubts"),
    [
        (mixed(PLAIN_PART, leaf("text/calendar", "x")), "plain", ["part 2 (text/calendar) is not read"]),
        (
            mixed(PLAIN_PART, leaf("text/csv", "x", "Content-Disposition: inline; filename=a.csv")),
            "plain",
            ["part 2 (text/csv, 'a.csv') is not read"],
        ),
        (
            mixed(leaf("application/pdf", "x"), leaf("image/png", "y", "Content-Disposition: attachment")),
            "",
            ["no text: its parts are application/pdf, image/png (attached), which are not read"],
        ),
        (
            mixed(leaf("application/pgp-encrypted", "x"), kind="encrypted"),
            "",
            ["the message (multipart/encrypted) is not read: encrypted"],
        ),
        (
            message("Content-Type: application/pkcs7-mime") + b"x",
            "",
            ["the message (application/pkcs7-mime) is not read: signed or encrypted by S/MIME"],
        ),
        (
            mixed(PLAIN_PART, end="--b--\nadvertisement"),
            "plain",
            ["what stands below the last part of the message (multipart/mixed) is not read"],
        ),
        (
            message("Content-Type: multipart/mixed", PLAIN_PART, HTML_PART),
            "plain\n\npage\n",
            ["the message (multipart/mixed) does not say where its parts begin; told by their lines '--…'"],
        ),
        (
            message("Content-Type: multipart/alternative; boundary=wrong", PLAIN_PART, HTML_PART),
            "plain",
            ["the message (multipart/alternative) does not say where its parts begin; told by their lines '--…'"],
        ),
        (
            message("Content-Type: multipart/mixed; boundary=b") + b"text alone",
            "text alone",
            ["the message (multipart/mixed) has no parts; read as text"],
        ),
        (
            message("Content-Type: multipart/mixed; boundary=b") + b"text alone\r\n--b--\r\nand below\r\n",
            "text alone\n\nand below\n",
            ["the message (multipart/mixed) has no parts; read as text"],
        ),
        (
            message("Content-Type: text/plain") + b"<html><body><p>page</p></body></html>",
            "page",
            ["the message (text/plain) is a page of HTML, and read so"],
        ),
        (
            message("X: y") + b"see\nbegin 644 a.txt\n#0V%T\n`\nend\nbye",
            "see\nbye",
            ["the message (text/plain) holds a file in uuencode, 'a.txt': left out"],
        ),
        (
            mixed(leaf("text/plain; charset=x-none", "")[:-1] + "\nna").replace(b"na\n", b"na\xefve\n"),
            "naïve",
            ["part 1 (text/plain): charset 'x-none' does not tell what the bytes are; read as cp1252, a guess"],
        ),
    ],
)
def test_what_is_not_read_for_certain_is_told(data, text, doubts):
    assert said(data) == (text, doubts)


@pytest.mark.parametrize("text", ["begin 644 the day\nwith joy\nend", "begin 644 a\n#0V%T\nand no end", "begin\nend"])
def test_a_text_that_speaks_of_uuencode_stays(text):
    assert said(message("X: y") + text.encode()) == (text, [])


def test_parts_as_they_came():
    data = mixed(PLAIN_PART, HTML_PART, leaf(PLAIN, "a\xe9", "Content-Disposition: attachment"), leaf(PLAIN, "end"))
    body = Body(parsed(data))
    assert body.of_type(PLAIN) == "plain\nend"
    assert body.of_type(HTML) == "<p>page</p>"
    assert body.doubts == []
