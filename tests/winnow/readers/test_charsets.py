"""Charsets as browsers and mailers read them: names, what codecs of Python lack, and bytes that nothing names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.readers import charsets

NEC = b"\x1b$BCmJ8-!$G$9\x1b(B"  # with a character that NEC added to JIS X 0208


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("iso-8859-1", b"I can\x92t pay 20 \x80 \x96 \x93no\x94\x85", "I can’t pay 20 € – “no”…"),
        ("latin1", b"\x8e\x9e", "Žž"),
        ("ISO_8859-1:1987", b"\x80", "€"),
        ("windows-1252", b"\x81\x8d\x8f\x90\x9d", "\x81\x8d\x8f\x90\x9d"),  # undefined: controls, as in browsers
        ("iso-8859-9", "Sipariş ‘iptal’ 20 €".encode("cp1254"), "Sipariş ‘iptal’ 20 €"),
        ("iso-8859-15", b"\xa4", "€"),
        ("latin-9", b"\xa4", "€"),
        ("8859_2", "Zażółć".encode("iso8859-2"), "Zażółć"),
        ("gb2312", "镕炉喆".encode("gbk"), "镕炉喆"),
        ("x-gbk", "镕".encode("gbk"), "镕"),
        ("gbk", "20 €㐀".replace("€", "").encode("gb18030") + b"\x80", "20 㐀€"),
        ("windows-936", "镕".encode("gbk"), "镕"),
        ("big5", b"\xb8\xcc\xab\xed \xf9\xd8\xf9\xda", "裡恆 裏恒"),
        ("big5", b"\xa3\xe1", "€"),  # of code page 950
        ("shift_jis", "①㈱テスト".encode("cp932"), "①㈱テスト"),
        ("x-sjis", "～".encode("cp932"), "～"),
        ("windows-31j", "髙".encode("cp932"), "髙"),
        ("euc-jp", b"\xad\xa1\xad\xea \xc3\xed\xca\xb8", "①㈱ 注文"),
        ("x-euc-jp", b"\x8e\xb1\x8f\xb0\xa1\xa1\xc1", "ｱ丂～"),
        ("iso-2022-jp", NEC, "注文①です"),
        ("csISO2022JP", b"\x1b$@CmJ8\x1b(J5\x1b(I1\x1b(B.", "注文5ｱ."),
        ("iso-2022-jp", b"\x1b$BCm\n\x1b(Bx", "注\nx"),  # a line that ends within
        ("iso-2022-jp", b"\x1b$(D0!\x1b(B", "丂"),
        ("iso-2022-jp-2", b"\x1b$(C>H\x1b(B", "안"),
        ("euc-kr", "햏 뷁".encode("cp949"), "햏 뷁"),
        ("ks_c_5601-1987", "뷁".encode("cp949"), "뷁"),
        ("iso-2022-kr", "한국".encode("iso2022_kr"), "한국"),
        ("hz-gb-2312", "中国".encode("hz"), "中国"),
        ("iso-8859-8-i", "שלום".encode("iso8859-8"), "שלום"),
        ("logical", "שלום".encode("iso8859-8"), "שלום"),
        ("windows-874", "คำ€".encode("cp874"), "คำ€"),
        ("tis-620", "คำ".encode("cp874"), "คำ"),
        ("iso-8859-11", "คำ“”".encode("cp874"), "คำ“”"),
        ("x-mac-roman", "Gerät ∑".encode("mac-roman"), "Gerät ∑"),
        ("x-mac-cyrillic", "Привет".encode("mac-cyrillic"), "Привет"),
        ("koi8-u", "їжак".encode("koi8-u"), "їжак"),
        ("koi8-ru", "Привет".encode("koi8-r"), "Привет"),
        ("cp-850", "Gerät".encode("cp850"), "Gerät"),
        ("IBM437", "Gerät".encode("cp437"), "Gerät"),
        ("DOS-866", "Привет".encode("cp866"), "Привет"),
        ("windows1251", "Привет".encode("cp1251"), "Привет"),
        ("win-1251", "Привет".encode("cp1251"), "Привет"),
        ("cp1251;", "Привет".encode("cp1251"), "Привет"),
        ("utf-7", b"Hi Mom +Jjo-!", "Hi Mom ☺!"),
        ("unicode-1-1-utf-7", b"+AOk-", "é"),
        ("unicode-1-1-utf-8", "é".encode(), "é"),
        ("utf8", "é".encode(), "é"),
        ("utf8mb4", "🐝".encode(), "🐝"),
        ('"UTF-8"', "é".encode(), "é"),
        ("utf-8*en", "é".encode(), "é"),
        ("cp65001", "é".encode(), "é"),
        ("utf-16", "é x".encode("utf-16-le"), "é x"),
        ("utf-16", b"only says so", "only says so"),
        ("utf-16", "nur für uns".encode(), "nur für uns"),
        ("iso-2022-jp", "Gerät".encode(), "Gerät"),
        ("iso-8859-1", b"\xef\xbb\xbf\xc3\xa9", "é"),  # a mark beats the name
        ("us-ascii", b"\xff\xfe" + "é".encode("utf-16-le"), "é"),
        ("us-ascii", "Gerät 20 €".encode(), "Gerät 20 €"),
        (None, "Gerät".encode(), "Gerät"),
        (None, NEC, "注文①です"),
        ("x-unknown", b"plain", "plain"),
        ("", b"plain", "plain"),
    ],
)
def test_what_names_mean(label, data, text):
    assert charsets.decode(data, label) == (text, None)


@pytest.mark.parametrize("label", ["us-ascii", "ANSI_X3.4-1968", None, "unknown-8bit", "x-unknown", "default", "ANSI"])
@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Das Gerät läuft nicht", "cp1252"),
        ("naïve “x”", "cp1252"),
        ("café x", "cp1252"),
        ("Où est ma commande ? Déjà payée", "cp1252"),
        ("Můj účet nefunguje", "cp1250"),
        ("Sipariş iptal için", "cp1254"),
        ("Где мой заказ", "cp1251"),
        ("Где мой заказ, я жду две недели", "koi8-r"),
        ("Παρακαλώ ακυρώστε την παραγγελία μου", "cp1253"),
        ("שלום עולם אני רוצה לבטל", "cp1255"),
        ("رقم الطلب خمسة", "cp1256"),
        ("คำสั่งซื้อของฉัน", "cp874"),
        ("注文をキャンセルしたい", "cp932"),
        ("我的订单还没有到", "gb18030"),
        ("我的訂單還沒有到", "big5"),
        ("주문을 취소하고 싶습니다", "cp949"),
    ],
)
def test_bytes_that_no_name_explains_are_guessed_and_told(label, text, charset):
    decoded = charsets.decode(text.encode(charset), label)
    assert decoded.text == text
    assert decoded.doubt.endswith(", a guess")
    assert repr(label) in decoded.doubt if label else "no charset is told" in decoded.doubt


@pytest.mark.parametrize(
    "label", ["idna", "rot13", "hex", "base64", "undefined", "unicode_escape", "a\0b", "é", "x" * 999]
)
def test_names_that_are_no_charset(label):
    assert charsets.codecs_of(label) == ()
    assert charsets.decode(b"na\xefve", label).text == "naïve"


def test_what_the_message_names_elsewhere_is_likelier_than_a_guess():
    data = "Да".encode("koi8-r")
    assert charsets.decode(data, None, ["x-unknown", "koi8-r"]) == (
        "Да",
        "no charset is told; read as koi8-r, as the rest of the message",
    )


@pytest.mark.parametrize(
    ("label", "data", "text", "doubt"),
    [
        (
            "utf-8",
            b"Gr\xc3\xb6\xc3\x9fe \xff",
            "Größe \ufffd",
            "charset 'utf-8': 1 place cannot be read and became U+FFFD",
        ),
        ("utf-8", b"na\xefve", "naïve", "charset 'utf-8' does not tell what the bytes are; read as cp1252, a guess"),
        ("big5", "20 € für “uns”".encode(), "20 € für “uns”", "charset 'big5': the text is not, but UTF-8"),
        ("euc-kr", b"a\xff\xff", "a\ufffd\ufffd", "charset 'euc-kr': 2 places cannot be read and became U+FFFD"),
        ("euc-jp", b"a\xff\xc3\xed", "a\ufffd注", "charset 'euc-jp': 1 place cannot be read and became U+FFFD"),
        ("windows-1253", b"\xaa", "\ufffd", "charset 'windows-1253': 1 place cannot be read and became U+FFFD"),
        ("utf-16", b"a\0b\0c", "ab\ufffd", "charset 'utf-16': 1 place cannot be read and became U+FFFD"),
    ],
)
def test_what_cannot_be_read_is_told(label, data, text, doubt):
    assert charsets.decode(data, label) == (text, doubt)


@given(st.binary(max_size=300), st.one_of(st.none(), st.sampled_from(sorted(charsets.LABELS)), st.text(max_size=12)))
def test_no_bytes_and_no_name_raise(data, label):
    text, doubt = charsets.decode(data, label)
    assert "\ufffd" not in text or doubt or "\ufffd".encode() in data or not data.isascii()


@given(st.text(st.characters(codec="cp1252", exclude_categories=["Cc"])))
def test_every_text_of_windows_1252_is_read_as_it_was(text):
    assert charsets.decode(text.encode("cp1252"), "iso-8859-1") in [(text, None), (text.removeprefix("ï»¿"), None)]
