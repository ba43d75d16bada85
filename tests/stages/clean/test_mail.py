"""Mail: header lines, quoted replies and signatures go; what the author wrote stays."""

import pytest

from stages.clean.mail import strip_mail_headers, strip_quotes, strip_signature


@pytest.mark.parametrize(
    "headers",
    [
        "From: Ann <ann@example.org>\nTo: Ben\nSubject: Tides\n\n",
        "From ann@example.org Mon Jan  3 10:01:00 2022\nFrom: Ann\nX-Spam: no\nReceived: from a\n by b\n\n",
        "Subject: a subject\r\n that is folded\r\nDate: today\r\n\r\n",
    ],
)
def test_header_lines_are_removed(headers):
    assert strip_mail_headers(headers + "Dear Ben,\n\nNote: it holds.") == "Dear Ben,\n\nNote: it holds."


@pytest.mark.parametrize(
    "text",
    [
        "Note: it holds.\nSubject: taken",
        "From: the beginning it was clear.\n\nTo: be",
        "Dear Ben,\nFrom: x\nTo: y\n\nz",
    ],
)
def test_what_only_looks_like_headers_stays(text):
    assert strip_mail_headers(text) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Yes.\n\nOn Mon, 3 Jan 2022 at 10:01, Ann <a@b.c> wrote:\n> Is it?\n> Or not?\n", "Yes.\n\n\n"),
        ("Yes.\n\nOn Mon, 3 Jan 2022, Ann Who Has A Long Name\n<ann@example.org> wrote:\n\n> Is it?", "Yes.\n\n\n"),
        ("> Is it?\nYes.\n> Sure?\nQuite.", "Yes.\nQuite."),
        ("Ja.\n\nAm 03.01.2022 um 10:01 schrieb Ann:\n\nStimmt das?", "Ja.\n\n"),
        ("Yes.\n\n-----Original Message-----\nFrom: Ann\nSent: today\n\nIs it?", "Yes.\n\n"),
        ("Yes.\n________________________________\nFrom: Ann\nSent: today\n\nIs it?", "Yes.\n"),
        (
            "See below.\n---------- Forwarded message ---------\nFrom: Ann\nTo: Ben\n\nThe tide turns.",
            "See below.\nThe tide turns.",
        ),
        ("-----Original Message-----\nFrom: Ann\nTo: Ben\n\nThe tide turns.", "The tide turns."),
    ],
)
def test_quoted_mail_is_removed(raw, text):
    assert strip_quotes(raw) == text


@pytest.mark.parametrize(
    "text", ["if a > b\nthen c", "He wrote: no.", "On this he wrote:\nnothing at all", "one -- two\r\nthree"]
)
def test_what_only_looks_quoted_stays(text):
    assert strip_quotes(text) == text


@pytest.mark.parametrize(
    "signature",
    [
        "\n-- \nAnn\nHead of Tides\n+44 20 7946 0000",
        "\n\nBest regards,\nAnn",
        "\n\nMit freundlichen Grüßen\n\nAnn Meier\nGezeiten GmbH",
        "\nThanks,\nAnn\n\nSent from my phone",
        "\r\nGet Outlook for Android\r\n",
        "\nCheers\n-- \nAnn",
    ],
)
def test_a_signature_is_removed(signature):
    assert strip_signature("The tide turns.\nTwice a day." + signature).splitlines() == [
        "The tide turns.",
        "Twice a day.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Thank you",
        "Thanks,\nAnn",
        "Best regards,\n" + "This is a sentence that no signature would hold, as anyone can see.",
        "one\n-- \n" + "\n".join(f"line {number}" for number in range(20)),
        "Many thanks for the tide table\nWhen is the next?",
        "one -- two\r\nthree  ",
    ],
)
def test_what_only_looks_like_a_signature_stays(text):
    assert strip_signature(text) == text
