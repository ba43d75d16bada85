"""E-mails and citations: nothing of a text that was put in is lost."""

import re
from email.message import EmailMessage
from pathlib import Path

from lxml import etree

from stages.collect.sources.file import LocalFiles
from tests.fuzz.targets import Target, expect
from tests.fuzz.targets.rows import collect

FIELDS = {
    "text": ["subject", "body"],
    "key": "message_id",
    "group": "thread",
    "published": "date",
    "meta": ["from", "to", "plain", "html", "headers"],
}
HEAD = (
    b"From: Ann <ann@example.org>\r\nTo: bo@example.org\r\nDate: Fri, 5 Mar 2021 10:00:00 +0100\r\n"
    b"Message-ID: <1@example.org>\r\nReferences: <0@example.org>\r\n"
)
PARTS = (
    b'Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
    b"Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=C3=BC=C3=9Fe =\r\nweiter \r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n"
    b"Content-Type: text/plain\r\n\r\nplain\r\n--c\r\n"
    b"Content-Type: text/html\r\n\r\n<html><body><p>page</p>\r\n--c--\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@example.org\r\nSubject: in\r\n\r\ninner\r\n--b\r\n"
    b"Content-Type: application/pdf; name*0*=utf-8''%41; name*1=\"b.pdf\"\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n"
)
UUENCODED = b"Subject: file\r\n\r\nbefore\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\nafter\r\n"
JAPANESE = (
    b"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n"
    b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B\r\n"
)
ENRICHED = b"Subject: rich\r\nContent-Type: text/enriched\r\n\r\n<bold>a</bold> <<b>\r\n\r\n"
MAILS = [HEAD + body for body in (b"Subject: hello\r\n\r\nA text.\r\n", PARTS, UUENCODED, JAPANESE, ENRICHED)]
TOKENS = [
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"\r\n--c\r\n",
    b"\r\n\r\n",
    b"Content-Type: ",
    b"text/html",
    b"multipart/related",
    b"message/rfc822",
    b"charset=",
    b"boundary=",
    b"base64",
    b"quoted-printable",
    b"=?utf-8?Q?",
    b"?=",
    b"=\r\n",
    b"=C3",
    b"begin 644 a\r\n",
    b"\nFrom ",
    b">From ",
    b"From a@b Fri Mar  5 10:00:00 2021\n",
    b"Content-Length: 10\n",
    b"Content-Disposition: attachment",
    b"<html>",
    b"<div>",
    b"<table><tr><td>",
]


MOST_MESSAGES = 20  # Python's writer takes a millisecond each


def eml(data: bytes, folder: Path) -> None:
    """Read one message."""
    (folder / "m.eml").write_bytes(data)
    entry = {"kind": "file", "path": "m.eml", "format": "eml", "columns": FIELDS}
    found = collect(entry, LocalFiles, folder)
    expect(found in (1, None), f"one message gave {found} rows")


def mbox(data: bytes, folder: Path) -> None:
    """Read a mailbox."""
    (folder / "m.mbox").write_bytes(data)
    entry = {"kind": "file", "path": "m.mbox", "format": "mbox", "columns": FIELDS}
    collect(entry, LocalFiles, folder)


def written(data: bytes, folder: Path) -> None:
    """Let Python's own library write texts as the parts of messages in an mbox, and read them back."""
    from winnow.readers import mail

    said = data.decode("utf-8", "replace").replace("\r", "\n").split("\x1e")
    said = [text.removeprefix("\ufeff") for text in said]  # at the start of a part it is a byte-order mark
    texts = [text for text in said if text.strip()][:MOST_MESSAGES]
    box = b""
    for number, text in enumerate(texts):
        message = EmailMessage()
        message["From"], message["Subject"] = "a@example.org", f"number {number}"
        message.set_content(text, cte=("base64", "8bit")[number % 2])
        if number % 3 == 1:
            message.add_alternative(f"<p>{number}</p>", subtype="html")
        if number % 3 == 2:
            message.add_attachment(b"data", maintype="application", subtype="pdf", filename="ü.pdf")
        quoted = re.sub(rb"^(>*From )", rb">\1", message.as_bytes(), flags=re.M)  # mboxrd
        box += b"From a@example.org Fri Mar  5 10:00:00 2021\n" + quoted + b"\n"
    with (folder / "m.mbox").open("w+b") as stream:
        stream.write(box)
        stream.seek(0)
        if not texts:
            return
        found = list(mail.read(stream, "m.mbox", ["body"], mail.split_mbox))
    expect(len(found) == len(texts), f"{len(texts)} messages gave {len(found)}")
    for text, one in zip(texts, found, strict=True):
        expect(
            one.problem is None and text.split() == (one.values[0] or "").split(),
            f"'{text[:200]}' became '{one.values}'",
        )


def citations(inner: str) -> bytes:
    """Return a file of two citations."""
    article = (
        "<PubmedArticle><MedlineCitation><PMID Version='1'>{}</PMID><Article><Journal><Title>J</Title><JournalIssue>"
        "<PubDate><Year>2020</Year><Month>Feb</Month></PubDate></JournalIssue></Journal>"
        "<ArticleTitle>A <i>title</i></ArticleTitle><Abstract>{}</Abstract>"
        "<Language>eng</Language></Article></MedlineCitation></PubmedArticle>"
    )
    deleted = "<DeleteCitation><PMID Version='1'>3</PMID></DeleteCitation>"
    both = article.format(1, inner) + article.format(2, inner)
    return f"<?xml version='1.0'?><PubmedArticleSet>{both}{deleted}</PubmedArticleSet>".encode()


SECTIONS = (
    "<AbstractText Label='AIM' NlmCategory='A'>One &lt; <sub>two</sub>.</AbstractText>"
    "<AbstractText Label='X' NlmCategory='B'>Three.</AbstractText>"
)


def medline(data: bytes, folder: Path) -> None:
    """Read citations: each abstract is a row or a refusal, of what another parser finds."""
    rows = ("sections", "abstracts")[data[0] % 2 if data else 0]
    (folder / "m.xml").write_bytes(data[1:])
    found = collect({"kind": "file", "path": "m.xml", "format": "medline", "rows": rows}, LocalFiles, folder)
    if found is None:
        return
    try:
        root = etree.fromstring(data[1:], etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return
    there = 0
    for article in root.iter("PubmedArticle"):
        if article.getparent() is not root:
            return
        texts = article.findall("MedlineCitation/Article/Abstract/AbstractText")
        is_labelled = any(text.get("Label") or text.get("NlmCategory") for text in texts)
        there += len(texts) * is_labelled if rows == "sections" else bool(texts) and not is_labelled
    numbers = [number.text for number in root.iter("PMID")]
    if len(set(numbers)) == len(numbers):
        expect(found == there, f"{there} abstracts gave {found} rows")


TARGETS = {
    "eml": Target(eml, MAILS, TOKENS),
    "mbox": Target(
        mbox,
        [
            b"".join(b"From a@b Fri Mar  5 10:00:00 2021\n" + one + b"\n" for one in MAILS),
            b"From x\nA: b\nContent-Length: 3\n\nabc\n",
        ],
        TOKENS,
    ),
    "written": Target(
        written,
        ["One.\x1eZwei ü\n\nFrom here\x1e日本語".encode(), b"begin 644 a\n--b\n-- \nx\x1e \n>From a\n.\n"],
        [b"\x1e", b"\nFrom a@b Fri Mar  5 10:00:00 2021\n", b"=3D", b"-- \n", b"\n--===="],
    ),
    "medline": Target(
        medline,
        [
            bytes([0]) + citations(SECTIONS),
            bytes([1]) + citations("<AbstractText>All &amp; <b>one</b>.</AbstractText><AbstractText/>"),
        ],
        [
            b"<AbstractText>",
            b"</AbstractText>",
            b"<PMID Version='2'>1</PMID>",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
            b"&b;",
            b"<?x?>",
            b"<![CDATA[",
            b"xmlns='a'",
            b"<Month>13</Month>",
            b"<MedlineDate>2020 Winter</MedlineDate>",
            b"<Year>99999</Year>",
            b"</PubmedArticle>",
            b"encoding='utf-16'",
        ],
    ),
}
