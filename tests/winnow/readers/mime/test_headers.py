"""Headers: encoded words of all sorts, raw bytes, parameters in parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.readers.mime import headers
from winnow.readers.mime.parts import parsed


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        (b"  long\r\n\tand longer ", "long and longer"),
        (b"=?utf-8?q?na=C3=AFve?=", "naïve"),
        (b"=?UTF-8?b?R3LDtg==?= =?utf-8?Q?=C3=9Fe?=", "Größe"),  # two words, one charset in two cases
        (b"=?utf-8?b?R3LD?= =?utf-8?b?tsOfZQ==?=", "Größe"),  # split within a character
        (b"=?utf-8?q?Gr=C3?=\r\n =?utf-8?q?=B6=C3=9Fe?=", "Größe"),
        (b"=?iso-2022-jp?B?GyRCQ20=?= =?iso-2022-jp?B?SjgbKEI=?=", "注文"),  # split within a shift
        (b"=?utf-7?Q?+AGE-?= =?utf-7?Q?+AGI?=", "ab"),
        (b"=?gb2312?B?6UbCr7XEtqm1pQ==?=", "镕炉的订单"),
        (b"=?shift_jis?B?h0CHioNlg1iDZw==?=", "①㈱テスト"),
        (b"=?euc-kr?B?wWTBZCDB1rmu?=", "햏햏 주문"),
        (b"=?iso-8859-8-i?B?+ezl7SDy5ezt?=", "שלום עולם"),
        (b"=?windows-874?B?pNPK0einq9fpzQ==?=", "คำสั่งซื้อ"),
        (b"=?big5?B?rXGz5vnW+dg=?=", "訂單碁裏"),
        (b"=?iso-8859-1*de?Q?Gr=F6=DFe?=", "Größe"),  # with a language, RFC 2231
        (b"=?iso-8859-1?Q?20_=80?=", "20 €"),
        (b"a =?utf-8?q?b?= c =?utf-8?q?d?=", "a b c d"),
        (b"=?utf-8?q?a_?= =?utf-8?q?b?=", "a b"),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        (b"x=?utf-8?q?a?=y", "xay"),
        (b'"=?utf-8?q?M=C3=BCller=2C_Ann?=" <a@example.org>', '"Müller, Ann" <a@example.org>'),
        (b"(=?utf-8?q?a?=)", "(a)"),
        (b"=?utf-8?Q?with raw spaces =C3=A9?=", "with raw spaces é"),
        (b"=?utf-8?q??=", ""),
        (b"=?utf-8?q?=?=", "="),
        (b"=?utf-8?q?=C3=a9_=zz?=", "é =zz"),
        (b"=?utf-8?B?SGVsbG8?=", "Hello"),  # without padding
        (b"=?utf-8?B?SGVs\r\n bG8=?=", "Hello"),
        (b"=?utf-8?B?SGVsbG8=V29ybGQ=?=", "HelloWorld"),
        (b"=?utf-8?b?A?=", "=?utf-8?b?A?="),
        (b"=?x-none?b?AAAA?=", "=?x-none?b?AAAA?="),
        (b"=?utf-8?q?never closed", "=?utf-8?q?never closed"),
        (b"=?utf-8?x?unknown?=", "=?utf-8?x?unknown?="),
        (b"2 =? 3 ?=", "2 =? 3 ?="),
        ("naïve 注文".encode(), "naïve 注文"),  # RFC 6532
        ("naïve ".encode() + b"=?utf-8?q?=C3=A9?=", "naïve é"),
        (b"\x1b$BCmJ8\x1b(B", "注文"),
        (b"", ""),
    ],
)
def test_headers_as_people_read_them(data, text):
    assert headers.text(data) == (text, None)


@pytest.mark.parametrize(
    ("data", "likely", "text", "doubt"),
    [
        (b"na\xefve", (), "naïve", "no charset is told; read as cp1252, a guess"),
        (
            b"=?none?q?na=EFve?=",
            (),
            "naïve",
            "charset 'none' does not tell what the bytes are; read as cp1252, a guess",
        ),
        (b"\xc4\xc1", ["koi8-r"], "да", "no charset is told; read as koi8-r, as the rest of the message"),
        (b"=?utf-8?q?a=C3=A9=FF?=", (), "aé\ufffd", "charset 'utf-8': 1 place cannot be read and became U+FFFD"),
    ],
)
def test_what_is_doubtful_is_told(data, likely, text, doubt):
    assert headers.text(data, likely) == (text, doubt)


@pytest.mark.parametrize(
    ("line", "value", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("Text/PLAIN; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('text/plain; charset="utf-8"', "text/plain", {"charset": "utf-8"}),
        ("text/plain;charset=utf-8;format=flowed", "text/plain", {"charset": "utf-8", "format": "flowed"}),
        ("text/plain charset=koi8-r", "text/plain", {"charset": "koi8-r"}),  # the semicolon is missing
        ("text/plain; charset = utf-8 ;", "text/plain", {"charset": "utf-8"}),
        ('text/plain; charset="utf-8', "text/plain", {"charset": "utf-8"}),
        ("text/plain; charset*=us-ascii'en'utf-8", "text/plain", {"charset": "utf-8"}),
        (r'multipart/mixed; boundary="a \"b\" ; c"', "multipart/mixed", {"boundary": 'a "b" ; c'}),
        ("multipart/mixed;\r\n\tboundary==_x", "multipart/mixed", {"boundary": "=_x"}),
        ("a/b; name*0=one; name*1=two", "a/b", {"name": "onetwo"}),
        ("a/b; name*1*=%C3%A4; name*0*=utf-8''x", "a/b", {"name": "xä"}),
        ("a/b; name*=iso-8859-1'de'Gr%F6%DFe", "a/b", {"name": "Größe"}),
        ("a/b; name*=none", "a/b", {"name": "none"}),
        ("text", "", {}),
        ("", "", {}),
        ("; charset=utf-8", "", {"charset": "utf-8"}),
    ],
)
def test_parameters(line, value, parameters):
    assert headers.field(parsed(f"Content-Type: {line}\n\n".encode()).headers, "content-type") == (value, parameters)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (b'Content-Disposition: attachment; filename="a.log"', "a.log"),
        (b"Content-Disposition: attachment; filename*=utf-8''%E6%B3%A8.txt", "注.txt"),
        (b'Content-Type: text/plain; name="=?iso-8859-1?q?Gr=F6=DFe.txt?="', "Größe.txt"),
        (b"Content-Type: text/plain", None),
    ],
)
def test_names_of_files(lines, name):
    assert headers.file_name(parsed(lines + b"\n\n").headers) == name


@given(st.binary(max_size=200))
def test_no_bytes_raise(data):
    headers.text(data)
    headers.text(data.replace(b"\x00", b"=?utf-8?q?").replace(b"\x01", b"?="))
    message = parsed(b"Content-Type: " + data.replace(b"\n", b"").replace(b"\r", b"") + b"\n\n")
    headers.field(message.headers, "content-type")
    headers.file_name(message.headers)
