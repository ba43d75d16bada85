"""Charsets: what their names mean to browsers and mailers, and what bytes are of which no name tells it.

Names mean what the WHATWG Encoding Standard lists (`webencodings`): iso-8859-1 is windows-1252, gb2312 is gb18030,
shift_jis is windows-31j. Mail has some that the web has not (utf-7, iso-2022-kr, DOS code pages), and misspelt ones.
US-ASCII with other bytes, an unknown name and no name tell nothing: then UTF-8 is certain where the bytes are valid
UTF-8, and anything else is a guess (chardet), of which the reader tells.
"""

import codecs
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import webencodings
from webencodings.labels import LABELS

UTF_8, LATIN = "utf-8", "cp1252"
ISO_2022_JP, EUC_JP = "iso-2022-jp", "euc-jp"
MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# What Python's codec of a WHATWG name lacks, another has; the first counts where none reads all.
_CODECS = {
    "gbk": ("gb18030",),
    "big5": ("big5hkscs", "cp950"),
    "shift_jis": ("cp932", "shift_jis_2004"),
    "euc-jp": (EUC_JP,),
    "iso-2022-jp": (ISO_2022_JP,),
}
# Names of mail, without punctuation, that the web's standard lacks or refuses.
_OF_MAIL = {
    "csiso2022kr": "iso2022_kr",
    "hzgb2312": "hz",
    "iso2022kr": "iso2022_kr",
    "iso2022jp1": ISO_2022_JP,
    "iso2022jp2": ISO_2022_JP,
    "iso2022jp3": ISO_2022_JP,
    "cp50220": ISO_2022_JP,
    "cp50221": ISO_2022_JP,
    "cp51932": EUC_JP,
    "unicode11utf7": "utf-7",
    "unicode20utf7": "utf-7",
    "csunicode11utf7": "utf-7",
    "cp65000": "utf-7",
    "cp65001": UTF_8,
    "cp936": "gb18030",
    "cp54936": "gb18030",
    "cp10000": "mac-roman",
    "cp10007": "mac-cyrillic",
    "macce": "mac-latin2",
    "maccentraleurope": "mac-latin2",
}
_ASCII = frozenset("ascii usascii ansix341968 ansix341986 iso646us iso646irv1991 csascii 646 us".split())
# Codecs of Python that are no charset of a text.
_NO_CHARSETS = frozenset("idna punycode unicode-escape raw-unicode-escape mbcs oem undefined".split())
_SEVEN_BITS = ("utf-7", "iso2022", ISO_2022_JP, "hz")
_SHIFTING = (*_SEVEN_BITS, "utf-32", "cp037", "cp500", "cp1026", "cp1140")  # in which ASCII's bytes are others' too
_JAPANESE_SHIFT = re.compile(rb"\x1b\$[@B(]")
# Of bytes that Windows-1252 explains nearly as well, it is the likelier charset.
_RATIO, _LEAD, _LEAST = 1.5, 0.005, 0.1  # the least is for charsets of two bytes a character
_LATIN = frozenset("cp1250 cp1252 cp1254 cp1257 cp1258".split())
_ONE_BYTE = frozenset("cp1251 cp1253 cp1255 cp1256 cp874 koi8-r koi8-u".split())
_BESIDE_ASCII = re.compile(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]")
_BESIDE_EACH_OTHER = re.compile(rb"[\x80-\xff]{2,}")
_GBK = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x81-\xfe][0-9][\x81-\xfe][0-9]|[\x00-\x7f]++|.", re.S)


class Decoded(NamedTuple):
    """A text, and what is doubtful about it."""

    text: str
    doubt: str | None = None


def decode(data: bytes, label: str | None, likely: Iterable[str] = ()) -> Decoded:
    """Return bytes as text, without a byte-order mark.

    Args:
        label: the charset's name as it came; None: no name.
        likely: other names that count where `label` tells nothing: the charset of the message around.
    """
    for mark, name in MARKS:
        if data.startswith(mark):
            return _read(data[len(mark) :], (name,), label)
    found = codecs_of(label) if label else ()
    if data.isascii():
        # UTF-16 without a zero byte, not even for a space, is what a program wrote that only says so.
        shifting = found[:1] and (found[0].startswith(_SHIFTING) or (found[0].startswith("utf-16") and b"\0" in data))
        if not shifting and not _JAPANESE_SHIFT.search(data):
            return Decoded(data.decode("ascii"))
        found = found if shifting else (ISO_2022_JP,)
    elif found[:1] and found[0].startswith(_SEVEN_BITS):
        found = ()
    elif found[:1] and found[0].startswith("utf-16") and b"\0" not in data and _strictly(data, UTF_8) is not None:
        found = (UTF_8,)
    return _read(data, found, label) if found else _guess(data, label, likely)


def codecs_of(label: str) -> tuple[str, ...]:
    """Return the codecs that read a charset, by Python's names or this module's; none where its name tells nothing."""
    return _codecs_of(label[:100])


@lru_cache(maxsize=1000)
def _codecs_of(label: str) -> tuple[str, ...]:
    name = label.partition("*")[0].strip(" \t\r\n\"'`;:,.<>()[]\\").lower()
    bare = "".join(re.findall("[a-z0-9]+", name))
    bare = re.sub("^charset", "", bare)
    if bare in _ASCII:
        return ()
    if bare.startswith(("utf8", "xutf8")):  # utf-8;, utf8mb4, utf-8n
        return (UTF_8,)
    bare = re.sub(r"^(?:iso)?8859(?=\d)", "iso8859", bare)
    bare = re.sub(r"^(?:x|ms|oem|win|windows|ibm|dos|pc|codepage|cp)*(?=\d{3,5}$)", "cp", bare)
    known = _BARE_LABELS.get(bare) or _BARE_LABELS.get(bare.removeprefix("x"))
    if bare in _OF_MAIL or known in (None, "replacement", "x-user-defined"):
        return _of_python(_OF_MAIL[bare]) if bare in _OF_MAIL else _of_python(name) or _of_python(bare)
    return _CODECS.get(known) or (webencodings.lookup(known).codec_info.name,)


_BARE_LABELS = {re.sub("[^a-z0-9]", "", label): name for label, name in LABELS.items()}
_BARE_LABELS |= {"cp949": "euc-kr", "cp932": "shift_jis", "cp950": "big5", "cp20866": "koi8-r", "cp21866": "koi8-u"}


def _of_python(name: str) -> tuple[str, ...]:
    if name in (ISO_2022_JP, EUC_JP):
        return (name,)
    try:
        found = codecs.lookup(name).name
        "".encode(found)  # what is no encoding of text refuses text
    except (LookupError, ValueError):
        return ()
    return () if found.replace("_", "-") in _NO_CHARSETS else (found,)


def _read(data: bytes, names: tuple[str, ...], label: str | None) -> Decoded:
    """Read bytes as they were declared; where that cannot be, as UTF-8 or a guess, or with U+FFFD for what is none."""
    for name in names:
        text = _strictly(data, name)
        if text is not None:
            return Decoded(text)
    if names == ("gb18030",) and b"\x80" in data:  # the euro of code page 936
        mended = b"".join("€".encode("gb18030") if token == b"\x80" else token for token in _GBK.findall(data))
        if mended != data:
            return _read(mended, names, label)
    told = f"charset '{label}'" if label else f"charset {names[0]}"
    if names[0] != UTF_8 and b"\0" not in data and (text := _strictly(data, UTF_8)) is not None:
        return Decoded(text, f"{told}: the text is not, but UTF-8")
    if names[0] == UTF_8 and data.decode(UTF_8, "ignore").isascii():
        return _guess(data, label, ())
    text = _replacing(data, names[0])
    lost = text.count("\ufffd")
    return Decoded(text, f"{told}: {lost} place{'s' * (lost > 1)} cannot be read and became U+FFFD")


def _guess(data: bytes, label: str | None, likely: Iterable[str]) -> Decoded:
    text = _strictly(data, UTF_8)
    if text is not None:
        return Decoded(text)
    told = f"charset '{label}' does not tell what the bytes are" if label else "no charset is told"
    for other in likely:
        for name in codecs_of(other):
            if (text := _strictly(data, name)) is not None:
                return Decoded(text, f"{told}; read as {other}, as the rest of the message")
    name = guessed(data)
    text = _strictly(data, name)
    return Decoded(_replacing(data, name) if text is None else text, f"{told}; read as {name}, a guess")


def guessed(data: bytes) -> str:
    """Return the likeliest charset of bytes that are not UTF-8."""
    import chardet  # only where there are such bytes

    # Lines of ASCII alone tell nothing, and there may be many.
    beyond = b"\n".join(line for line in data.splitlines() if not line.isascii())
    found = chardet.detect_all(beyond, ignore_threshold=True, encoding_era=chardet.EncodingEra.MODERN_WEB)
    # Letters beyond ASCII stand beside those of ASCII in Latin scripts, and beside each other in all others.
    apart = len(_BESIDE_EACH_OTHER.findall(beyond)) > len(_BESIDE_ASCII.findall(beyond))
    shares: dict[str, float] = {}
    for one in found:
        for name in codecs_of(one["encoding"] or "")[:1]:
            if name in _LATIN or (apart if name in _ONE_BYTE else one["confidence"] >= _LEAST):
                shares.setdefault(name, one["confidence"])
    best = max(shares, key=shares.get, default=LATIN)
    surely = shares.get(best, 0) > _RATIO * shares.get(LATIN, 0) + _LEAD and best != UTF_8
    return best if surely and _strictly(data, best) != _strictly(data, LATIN) else LATIN


def _strictly(data: bytes, name: str) -> str | None:
    if name in (ISO_2022_JP, EUC_JP):
        text = _japanese(data, name)
        return None if "\ufffd" in text else text
    try:
        table = _table(name)
        return codecs.charmap_decode(data, "strict", table)[0] if table else data.decode(name)
    except (ValueError, LookupError):
        return None


def _replacing(data: bytes, name: str) -> str:
    if name in (ISO_2022_JP, EUC_JP):
        return _japanese(data, name)
    table = _table(name)
    return codecs.charmap_decode(data, "replace", table)[0] if table else data.decode(name, "replace")


@lru_cache
def _table(name: str) -> str | None:
    """Return the characters of a Windows code page, whose undefined bytes are C1 controls in browsers."""
    if not re.fullmatch(r"(?:cp|windows-)(?:125\d|874)", name):
        return None
    characters = [bytes([byte]).decode(name, "ignore") for byte in range(256)]
    return "".join(character or (chr(byte) if byte < 0xA0 else "\ufffe") for byte, character in enumerate(characters))


# Python's codecs of EUC-JP and ISO-2022-JP lack what NEC and IBM added to JIS X 0208 (①, ㈱), and read "～" as "〜".
_EUC = re.compile(rb"[\x00-\x7f]++|\x8f[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|[\xa1-\xfe]{2}|.", re.S)
_ESCAPE = re.compile(rb"\x1b(\([BHIJ]|\$@|\$B|\$\(D)")
_FURTHER = re.compile(rb"\x1b(?:\$A|\$\([COPQ]|[.N])")
_PAIRED = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))


def _japanese(data: bytes, name: str) -> str:
    if name == ISO_2022_JP:
        for codec in ("iso2022_jp_2", "iso2022_jp_2004") if _FURTHER.search(data) else ():
            try:
                return data.decode(codec)
            except ValueError:
                continue
        first, *runs = _ESCAPE.split(data)
        pairs = zip(runs[::2], runs[1::2], strict=True)
        data = first + b"".join(_as_euc(escape, run) for escape, run in pairs)
    return "".join(map(_characters, _EUC.findall(data)))


def _as_euc(escape: bytes, run: bytes) -> bytes:
    if escape.startswith(b"("):
        return re.sub(rb"[\x21-\x5f]", lambda one: bytes([0x8E, one[0][0] | 0x80]), run) if escape == b"(I" else run
    run = run.translate(_PAIRED)
    return re.sub(rb"[\xa1-\xfe]{2}", lambda two: b"\x8f" + two[0], run) if escape == b"$(D" else run


def _characters(token: bytes) -> str:
    return token.decode("ascii") if token.isascii() else _character(token)


@lru_cache(maxsize=10_000)
def _character(token: bytes) -> str:
    if token[:1] == b"\x8f":
        return token.decode("euc_jp", "replace")[:1]
    if token[:1] == b"\x8e" and len(token) == 2:
        return token[1:].decode("cp932")
    if len(token) == 1:
        return "\ufffd"
    row, cell = token[0] - 0xA0, token[1] - 0xA0  # to the bytes of Shift_JIS, whose codec is the browsers'
    lead = (row + 1) // 2 + (0x80 if row <= 62 else 0xC0)
    trail = cell + (0x9E if row % 2 == 0 else 0x3F if cell <= 63 else 0x40)
    return bytes([lead, trail]).decode("cp932", "replace")[:1]
