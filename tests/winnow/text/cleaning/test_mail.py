"""Mail: header lines, quoted replies and signatures go; what the author wrote stays."""

import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bench import mail_corpus
from winnow.text.cleaning import mail
from winnow.text.cleaning.mail import strip_mail_headers, strip_quotes, strip_signature

MAILS = mail_corpus.mails()
RULES = ((strip_mail_headers, mail.HEADERS), (strip_quotes, mail.QUOTED), (strip_signature, mail.SIGNED))


def own(text: str) -> list[str]:
    """The lines of a text that hold something, white space made even."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def cleaned(text: str) -> str:
    for rule, _ in RULES:
        text = rule(text)
    return text


@pytest.mark.parametrize("sent", MAILS, ids=lambda sent: sent.name)
def test_the_authors_words_stay_and_the_rest_goes(sent):
    for text in (sent.text, sent.text.replace("\n", "\r\n"), f"{sent.text}\n\n"):
        once = cleaned(text)
        assert own(once) == sent.right
        assert cleaned(once) == once


@pytest.mark.parametrize(("rule", "suspects"), RULES)
def test_a_search_finds_every_mail_that_a_rule_changes(rule, suspects):
    texts = [text for sent in MAILS for text in (sent.text, sent.text.replace("\n", "\r\n"), sent.text.upper())]
    found = pc.match_substring_regex(pa.array(texts), suspects).to_pylist()
    assert [text for text, hit in zip(texts, found, strict=True) if not hit and rule(text) != text] == []


@pytest.mark.parametrize(
    "closing",
    """Beste Grüße; Bester Gruß; Liebe Grüße; Danke im Voraus; Freundlich grüßt; Einen schönen Tag noch; Tschüss;
    Bonne journée,; Bises; À bientôt; Amitiés; Hasta pronto; Besos; Salutacions cordials; Beijos; At.te; Grato;
    Buona giornata; Gr.; Fijne dag; Tack på förhand; Takk; Kram; De bedste hilsner; Ystävällisesti; Terv.;
    Z pozdrowieniami; Hezký den; S poštovanjem; Lep pozdrav; Srdačan pozdrav,; С поштовањем; С уважение,; Pagarbiai;
    Ar cieņu; Lugupidamisega; Всего наилучшего; Заранее благодарю; Hormat kami; با احترام; 祝您工作愉快; 顺颂商祺; 以上;
    수고하세요; Have a nice day; Talk soon,; Warmly; Thanks and best regards,""".split(";"),
)
def test_a_closing_with_a_name_below_goes(closing):
    for name in ("Ana Novak", "Иван Петров", "山田太郎"):
        assert (
            cleaned(f"Order 12\n\nThe lamp is dark.\n\n{closing.strip()}\n{name}\n") == "Order 12\n\nThe lamp is dark."
        )
    assert cleaned("Order 12\n\nThe lamp is dark.\n\n홍길동 드림\n") == "Order 12\n\nThe lamp is dark."


@pytest.mark.parametrize(
    "own_words",
    [
        "Lovely lamp\nAnn",  # begins as a closing does
        "Bestellung\nAnna",
        "Takeaway\nAnn",
        "Danke\n\nWo ist sie?",
        "Pozdrav\n\nGdje je paket?",
        "Salam\n\nDi mana paket saya?",
        "Buona giornata\n\nDov'è la lampada?",
        "Molim rezervaciju.\n\nOd: Split\nDo: Hvar\nDatum: 5.5.2026\nOsoba: 2",
        "Prosim za rezervacijo.\n\nOd: Koper\nZa: Izola\nDatum: 5.5.2026 10:00",
        "I wish to travel.\n\nDate: 5.5.2026 10:00\nFrom: Dover\nTo: Calais\nPersons: 2",
        "Please call back.\n\nDate: 5.5.2026\nFrom: ann@example.org\nTo: the sales office\nPersons: 2",
        "أريد الحجز.\n\nمن: القاهرة\nإلى: الإسكندرية\nالتاريخ: 5 مايو",
    ],
)
def test_words_and_forms_that_look_like_a_closing_or_headers_stay(own_words):
    assert cleaned(f"Order 12\n\n{own_words}\n").strip() == f"Order 12\n\n{own_words}"


def test_a_postscript_within_a_signature_stays_and_a_lecturers_title_is_none():
    assert (
        cleaned("Cancel it.\n\n-- \nAnn Lee\nExample Ltd\nP.S. I need the bill.")
        == "Cancel it.\n\nP.S. I need the bill."
    )
    assert cleaned("Stornieren.\n\nViele Grüße\nPD Dr. med. Anna Muster\nKlinik am See") == "Stornieren."


@pytest.mark.parametrize(
    "block",
    [
        'Gesendet: Montag, 05. Januar 2026 um 09:12 Uhr\nVon: "Ann" <ann@example.org>\nAn: Bob\nBetreff: RE: 5',
        "Date: Mon, 5 Jan 2026 09:12:00 +0000\nFrom: Ann Lee <ann@example.org>\nTo: Bob\nSubject: RE: 5",
        "Šalje: Ann Lee <ann@example.org>\nPoslano: 5. siječnja 2026. 9:12\nPrima: Bob\nPredmet: RE: 5",
        "Od: Ann Lee <ann@example.org>\nPoslano: ponedeljek, 05. januar 2026 09:12\nZa: Bob\nZadeva: RE: 5",
        "От: Ann Lee <ann@example.org>\nИзпратено: понеделник, 5 януари 2026 г. 9:12\nДо: Bob\nОтносно: RE: 5",
        "Nuo: Ann Lee <ann@example.org>\nIšsiųsta: 2026 m. sausio 5 d. 09:12\nKam: Bob\nTema: RE: 5",
        "Saatja: Ann Lee <ann@example.org>\nSaadetud: 5. jaanuar 2026 9:12\nAdressaat: Bob\nTeema: RE: 5",
        "من: Ann Lee <ann@example.org>\nتم الإرسال: 05 يناير, 2026 09:12 ص\nإلى: Bob\nالموضوع: RE: 5",
        "از: Ann Lee <ann@example.org>\nارسال شده: 2026-01-05 09:12\nبه: Bob\nموضوع: RE: 5",
    ],
)
def test_headers_that_outlook_repeats_go_in_further_languages(block):
    assert cleaned(f"Cancel it now.\n\n{block}\n\nWhat shall I do?").strip() == "Cancel it now."


@pytest.mark.parametrize(
    "line",
    [
        "На пн, 5.01.2026 г. в 9:12 Ann Lee <ann@example.org> написа:",
        "Missatge de Ann Lee <ann@example.org> del dia dl., 5 de gen. 2026 a les 9:12:",
        "2026-01-05, pr, 09:12 Ann Lee <ann@example.org> rašė:",
    ],
)
def test_a_line_that_names_the_author_goes_in_further_languages(line):
    assert cleaned(f"Cancel it.\n\n{line}\n\n> Red?\n> Ann").strip() == "Cancel it."
    assert own(cleaned(f"{line}\n> Red?\n\nNo, blue.\n> Large?\nSmall.")) == ["No, blue.", "Small."]


HOSTILE = [
    ">", ">\n", "\n> ", "On On On ", "wrote:", "wrote:\n", "On 1 @ wrote:\n", "a:\n", "From: a@b.cd\n", "Thanks\n",
    "--\n", "________\n", "-- original message --\n", "Begin forwarded message:\n", "Sent from my iPhone\n",
    "sent from my ", "On Mon, 5 Jan 2026 at 09:12, Ann <a@b.cd>\nwrote:\n", "unsubscribe ", "veuillez agréer ", "P.S. ",
    "@", "1", " ", "____\nunsubscribe http://\n", "From: x\nSent: y\nTo: z@a.bc\nSubject: q\n\n",
    "> " + "a " * 35 + "\nbe\n",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_megabyte_of_one_thing_is_soon_read(hostile):
    text = "x.\n" + hostile * (1_000_000 // len(hostile)) + "x"
    for rule, suspects in RULES:
        start = time.process_time()
        rule(text)
        pc.match_substring_regex(pa.array([text]), suspects)
        assert time.process_time() - start < 4, rule.__name__  # a second and less where nothing else runs


@pytest.mark.parametrize(
    "headers",
    [
        "From: Ann <ann@example.org>\nTo: Ben\nSubject: Tides\n\n",
        "From ann@example.org Mon Jan  3 10:01:00 2022\nFrom: Ann\nX-Spam: no\nReceived: from a\n by b\n\n",
        "Subject: a subject\r\n that is folded\r\nDate: Mon, 3 Jan 2022 10:01:00 +0000\r\n\r\n",
        "From: Ann\nSent: 3 January 2022 10:01\nTo: Ben\nSubject: Tides\n\n",
        "Date: 3 May\nSubject: Tides\nUser-Agent: a program\nOrganization: Us\n\n",
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
        "Subject: parking\nDate: 3 May\n\nIt is full.",
        "From: Ann <ann@example.org>\nSubject: refund\nItem: kettle\n\nIt leaks.",
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
    assert own(strip_quotes(raw)) == own(text)


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


ARMOR = """-----BEGIN PGP SIGNATURE-----
Comment: GPGTools

iQEzBAEBCAAdFiEEd3v7
=k0hT
-----END PGP SIGNATURE-----
"""
SIGNED = f"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

The tide turns at six.
- From noon on there is no boat.
- - Bring a lamp.
- a rope

- --{" "}
Ann Brook
{ARMOR}"""
SAID = "The tide turns at six.\nFrom noon on there is no boat.\n- Bring a lamp.\n- a rope"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_frame_of_a_signed_mail_goes(end):
    frame = SIGNED.replace("\n", end)
    assert cleaned(frame).splitlines() == SAID.splitlines()
    assert cleaned(f"Hello{end}{end}{frame}").splitlines() == ["Hello", "", *SAID.splitlines()]
    footer = "_______________\nTo unsubscribe from the list: https://lists.example.org\n"
    assert cleaned(frame + footer.replace("\n", end)).splitlines() == SAID.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "Why does -----BEGIN PGP SIGNED MESSAGE----- stand above it?\nAnd what is\n-----BEGIN PGP SIGNATURE-----\nfor?",
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nIt is cut off he",
        "Mine reads\n-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----\nIs that right?",
    ],
)
def test_a_part_of_a_frame_is_text(text):
    assert strip_signature(text) == text
