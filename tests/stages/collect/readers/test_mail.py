"""E-mails in our own words: parts, charsets, broken headers, mboxes and threads."""

import io
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.readers import mail
from winnow.base.errors import UserError

BODY = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=80)


def read(data: bytes, split=mail.split_file, threads=None, where="box/spam/1.eml") -> list[dict | str]:
    records = mail.read(io.BytesIO(data), where, mail.FIELDS, split, threads)
    return [record.problem or dict(zip(mail.FIELDS, record.values, strict=True)) for record in records]


def letter(body: str = "hello", html: str | None = None, **headers: str) -> bytes:
    message = EmailMessage()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message.as_bytes(policy=SMTP)


@given(plain=BODY, html=BODY, subject=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60))
def test_what_pythons_own_package_writes_is_read(plain, html, subject):
    found = read(letter(plain, f"<p>{html}</p>", Subject=subject))[0]
    assert found["subject"] == subject
    assert found["plain"] == plain + "\n" * (not plain.endswith("\n")) or not plain
    assert found["html"] == f"<p>{html}</p>\n"
    assert found["body"] == (found["plain"] if plain.strip() else found["html"])


def test_every_field():
    data = letter(
        "The kettle is on.",
        "<p>The kettle is on.</p>",
        Message_ID="<1@tea.example>",
        Date="Tue, 3 Mar 2020 09:30:00 +0100",
        From="Ada <ada@tea.example>",
        To="Bo <bo@tea.example>",
        Subject="Tea at four",
        X_Mailer="pot 1.0",
    )
    found = read(data)[0]
    assert found == {
        "file": "box/spam/1.eml",
        "folder": "spam",
        "message_id": "<1@tea.example>",
        "thread": None,
        "date": "2020-03-03T09:30:00+01:00",
        "from": "Ada <ada@tea.example>",
        "to": "Bo <bo@tea.example>",
        "subject": "Tea at four",
        "body": "The kettle is on.\n",
        "plain": "The kettle is on.\n",
        "html": "<p>The kettle is on.</p>\n",
        "headers": found["headers"],
    }
    assert "X-Mailer: pot 1.0\n" in found["headers"]


def test_attachments_are_no_text():
    message = EmailMessage()
    message.set_content("see the file")
    message.add_attachment("secret recipe", filename="recipe.txt")
    found = read(message.as_bytes())[0]
    assert (found["body"], found["html"]) == ("see the file\n", "")


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        (b"text/plain; charset=iso-8859-1", b"na\xefve", "naïve"),
        (b"text/plain; charset=utf-8", "naïve".encode(), "naïve"),
        (b"text/plain", "naïve".encode(), "naïve"),
        (b"text/plain", b"na\xefve \x93x\x94", "naïve “x”"),
        (b"text/plain; charset=x-unknown", b"na\xefve", "naïve"),
        (b"text/plain; charset=utf-8", b"na\xefve", "na\ufffdve"),
        (b"text/plain; charset=idna", b"na\xefve", "naïve"),
    ],
)
def test_charsets(header, body, expected):
    data = b"Subject: x\nContent-Type: " + header + b"\nContent-Transfer-Encoding: 8bit\n\n" + body
    assert read(data)[0]["body"] == expected


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        (b"=?utf-8?q?na=C3=AFve?=", "naïve"),
        ("naïve".encode(), "naïve"),
        (b"na\xefve", "naïve"),
        (b"=?x-none?b?AAAA?=", "=?x-none?b?AAAA?="),
        (b"=?utf-8?b?A?=", "=?utf-8?b?A?="),
        (b"long\n\tand longer", "long and longer"),
        (b"", ""),
    ],
)
def test_subjects(line, subject):
    assert read(b"Subject: " + line + b"\n\nbody")[0]["subject"] == subject


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 45 Mar 2020 09:30:00 +0100", "99999999999999999999"])
def test_a_date_that_is_none(date):
    assert read(f"Subject: x\nDate: {date}\n\nbody".encode())[0]["date"] is None


@given(st.binary(max_size=200))
def test_no_bytes_raise(data):
    assert len(read(b"Subject: x\n" + data)) == 1


@pytest.mark.parametrize("data", [b"", b"no header at all", b"\n\nbody"])
def test_what_is_no_mail(data):
    assert read(data) == ["no e-mail: it has no header lines"]


def test_a_mail_nested_without_end():
    data = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000))
    assert read(data) == ["its parts are nested too deeply"]


def test_a_file_that_is_no_mail(monkeypatch):
    monkeypatch.setattr(mail, "MAX_DOCUMENT", 20)
    assert read(b"Subject: x\n\n" + b"x" * 20) == ["longer than 20 bytes"]
    assert (
        read(b"From a\nS: x\n\n" + b"x\n" * 20 + b"\nFrom b\nS: y\n\nz\n", mail.split_mbox)[0] == "longer than 20 bytes"
    )


def test_an_mbox():
    box = (
        b"From a@b Tue Mar  3\nSubject: one\n\nFirst.\nFrom here on.\n>From now\n\nFrom c@d\nSubject: two\n\nSecond.\n"
    )
    assert [(found["subject"], found["body"]) for found in read(box, mail.split_mbox)] == [
        ("one", "First.\nFrom here on.\nFrom now\n\n"),
        ("two", "Second.\n"),
    ]
    places = [place for place, *_ in mail.split_mbox(io.BytesIO(box), "in.mbox")]
    assert places == ["in.mbox, message 1", "in.mbox, message 2"]
    assert read(b"\n", mail.split_mbox) == []


def test_a_file_that_is_no_mbox():
    with pytest.raises(UserError, match=r"1\.eml: no mbox: it must begin with a line 'From …'; is it one message"):
        read(letter(), mail.split_mbox)


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Tea", "tea"),
        ("Re: Tea", "tea"),
        ("RE: Fwd: [pots] re[2]:  Tea  time (fwd)", "tea time"),
        ("AW: WG: Tee", "tee"),
        ("Re:", "re:"),
        ("[pots]", "[pots]"),
        ("Reality: tea", "reality: tea"),
        ("", ""),
    ],
)
def test_base_subjects(subject, base):
    assert mail.base_subject(subject) == base


def threads_of(*letters: bytes) -> list[str | None]:
    threads = mail.Threads(letters)
    return [read(letter, threads=threads)[0]["thread"] for letter in letters]


def test_threads_by_references_reply_and_subject():
    first = letter(Message_ID="<1@x>", Subject="Tea")
    reply = letter(Message_ID="<2@x>", In_Reply_To="<1@x>", Subject="Re: Tea")
    renamed = letter(Message_ID="<3@x>", References="<0@x> <2@x>", Subject="Coffee instead")
    by_subject = letter(Message_ID="<4@x>", Subject="Fwd: coffee  INSTEAD")
    other = letter(Message_ID="<5@x>", Subject="Cake")
    nothing = letter(X="y")
    a, b, c, d, e, f = threads_of(first, reply, renamed, by_subject, other, nothing)
    assert a == b == c == d
    assert a != e
    assert f is None
    assert len(a) == 16
    # Whatever the order, the thread has one name.
    assert threads_of(other, by_subject, renamed, reply, first)[1:] == [a] * 4


def test_messages_without_any_link_are_no_threads():
    assert threads_of(letter(X="y")) == [None]
    assert mail.Threads([]).of({}) is None


def test_a_column_that_mails_do_not_have():
    with pytest.raises(UserError, match="column 'text' is missing; it has file, folder, message_id, thread, date"):
        list(mail.read(io.BytesIO(b""), "1.eml", ["text"], mail.split_file))
