"""What a message says: its parts as one text, and what of them could not be read.

- `multipart/alternative` gives one part: the plain one, or the HTML where that says far more (`STUB`). Nowhere else
  is a part left out because there is another: parts add up in their order, a list's footer and an inline file too.
- `related` gives its root, `signed` and `report` their first part. Forwarded messages (`message/rfc822`, `digest`)
  stand below a line and their main headers, as mailers forward them. Attachments are no text.
- Other types are not read: data (`text/calendar`) and sealed parts stand in `doubts`, and everything where the message
  has no text else.
"""

import re
from collections.abc import Iterator, Sequence

from winnow.readers import charsets
from winnow.readers.charsets import Decoded
from winnow.readers.mime import headers, pages, parts, texts, transfer
from winnow.readers.mime.parts import HTML, MESSAGES, PLAIN, Part

STUB = 300  # characters; a shorter plain part that says a tenth of the HTML beside it is no alternative to it
FORWARDED = "---------- Forwarded message ----------"
_FORWARDED_HEADERS = ("From", "Date", "Subject", "To")
# Text for programs. Any other text/… is read as text/plain is (RFC 2046, section 4.1.4).
_DATA = frozenset(
    f"text/{name}"
    for name in "calendar csv tab-separated-values vcard x-vcard directory xml css javascript ecmascript rtf "
    "x-amp-html watch-html rfc822-headers x-vcalendar json yaml".split()
)
_SEALED = {
    "multipart/encrypted": "encrypted",
    "application/pkcs7-mime": "signed or encrypted by S/MIME",
    "application/x-pkcs7-mime": "signed or encrypted by S/MIME",
    "message/partial": "a piece of a message",
    "message/external-body": "text that is somewhere else",
}
_PAGES = (HTML, "application/xhtml+xml")
_PAGE = re.compile(r"\s{0,1000}(?:<!doctype html|<html)\b", re.I)
_BOUNDARY = re.compile(rb"(?:\A|[\r\n])--([^\r\n]{1,200}?)[ \t]*\r?\n[ \t]*\r?\n?(?=[!-9;-~]{1,100}[ \t]*:|\r?\n)")


class Body:
    """The texts of a message.

    Attributes:
        doubts: what of those that were asked for could not be read, or not for certain.
    """

    def __init__(self, message: Part, likely: Sequence[str] = ()) -> None:
        self._message, self._likely = message, likely
        self._read: dict[int, tuple[str, list[str]]] = {}  # each part's characters and doubts, by identity
        self._left_out: list[str] = []  # types of parts without text
        self.doubts: list[str] = []

    def text(self) -> str:
        """Return what the message says."""
        text = self._render(self._message, "")
        if self._left_out and not text.strip():
            self.doubts.append(f"no text: its parts are {', '.join(dict.fromkeys(self._left_out))}, which are not read")
        return text

    def of_type(self, kind: str) -> str:
        """Return the parts of a type, text/plain or text/html, as they came; attachments left out."""
        return "\n".join(self._of_type(self._message, kind, ""))

    def _render(self, part: Part, number: str) -> str:
        """Return what a part and those in it say.

        Args:
            number: of the part, as IMAP counts: 1.2; empty for the message.
        """
        kind = part.kind
        if part.attached:
            self._left_out.append(f"{kind} (attached)")
        elif kind in _SEALED:
            self.doubts.append(f"{_name(part, number)} is not read: {_SEALED[kind]}")
        elif part.parts is not None:
            return self._together(part, number)
        elif kind.startswith("multipart/"):
            return self._mended(part, number)
        elif kind in _DATA:
            self.doubts.append(f"{_name(part, number)} is not read")
        elif kind.startswith("text/") or kind in _PAGES:
            return self._readable(part, number)
        else:
            self._left_out.append(kind)
        return ""

    def _together(self, part: Part, number: str) -> str:
        if part.kind in MESSAGES:
            (child,) = part.parts
            return "\n".join(filter(None, [self._forwarded(child), self._render(child, number)]))
        if part.epilogue.strip():
            self.doubts.append(f"what stands below the last part of {_name(part, number)} is not read")
        if part.kind == "multipart/alternative":
            return self._alternative(part, number)
        pairs = list(zip(part.parts, _numbers(part, number), strict=True))
        if part.kind == "multipart/related" and pairs:
            pairs = [pairs[_root(part)]]
        elif part.kind in ("multipart/signed", "multipart/report"):
            pairs = pairs[:1]
        return _joined([self._render(child, place) for child, place in pairs])

    def _alternative(self, part: Part, number: str) -> str:
        """Return the part that says it best; what could not be read in the others does not matter then."""
        before, found = len(self.doubts), []
        for child, place in zip(part.parts, _numbers(part, number), strict=True):
            text = self._render(child, place)
            found.append((_shape(child), text, self.doubts[before:]))
            del self.doubts[before:]
        # The plain one, or HTML; of other kinds, and of several, the last.
        order = {PLAIN: 2, HTML: 1}
        full = sorted((one for one in found if one[1].strip()), key=lambda one: order.get(one[0], 0))
        if not full:
            self.doubts += [doubt for _, _, doubts in found for doubt in doubts]
            return ""
        chosen = full[-1]
        if chosen[0] == PLAIN and len(chosen[1].strip()) < STUB:
            pages_ = [one for one in full if one[0] == HTML and len(one[1]) > 10 * len(chosen[1].strip())]
            chosen = pages_[-1] if pages_ else chosen
        self.doubts += chosen[2]
        return chosen[1]

    def _forwarded(self, message: Part) -> str:
        stored = [(name, headers.stored(message.headers, name.lower())) for name in _FORWARDED_HEADERS]
        lines = [f"{name}: {headers.text(value, self._likely).text}" for name, value in stored if value]
        return "\n".join([FORWARDED, *lines, ""]) if lines else ""

    def _mended(self, part: Part, number: str) -> str:
        """Return what a multipart says whose boundary is missing or wrong."""
        data = part.bytes()
        found = _BOUNDARY.search(data)
        if not found:
            if data.strip():
                self.doubts.append(f"{_name(part, number)} has no parts; read as text")
            return self._text(part, PLAIN, number)
        self.doubts.append(f"{_name(part, number)} does not say where its parts begin; told by their lines '--…'")
        again = parts.with_boundary(part, data, found[1], depth=len(number.split(".")))
        return self._together(again, number)

    def _readable(self, part: Part, number: str) -> str:
        kind, parameters = part.kind, part.type.parameters
        text = self._text(part, kind, number)
        if kind in _PAGES:
            return pages.text(text)
        if kind in ("text/enriched", "text/richtext"):
            return texts.enriched(text) if kind == "text/enriched" else texts.rich(text)
        if _PAGE.match(text):
            self.doubts.append(f"{_name(part, number)} is a page of HTML, and read so")
            return pages.text(text)
        if parameters.get("format", "").lower() == "flowed":
            return texts.flowed(text, parameters.get("delsp", "").lower() == "yes")
        return text

    def _text(self, part: Part, kind: str, number: str) -> str:
        """Return the characters of a part; each part is decoded once."""
        if id(part) not in self._read:
            data, doubts = part.bytes(), []
            if kind == PLAIN:
                data, files = transfer.without_files(data)
                doubts = [
                    f"{_name(part, number)} holds a file in uuencode, '{name.decode('utf-8', 'replace')}': left out"
                    for name, _ in files
                ]
            decoded = self._decoded(part, data, kind)
            doubts += [f"{_name(part, number)}: {decoded.doubt}"] if decoded.doubt else []
            self._read[id(part)] = decoded.text, doubts
        text, doubts = self._read[id(part)]
        self.doubts += [doubt for doubt in doubts if doubt not in self.doubts]
        return text

    def _decoded(self, part: Part, data: bytes, kind: str) -> Decoded:
        label = part.type.parameters.get("charset")
        if kind in _PAGES and not (label and charsets.codecs_of(label)):
            label = pages.charset(data) or label
        text, doubt = charsets.decode(data, label, self._likely)
        return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), doubt)

    def _of_type(self, part: Part, kind: str, number: str) -> Iterator[str]:
        if part.attached:
            return
        if part.parts is not None:
            for child, place in zip(part.parts, _numbers(part, number), strict=True):
                yield from self._of_type(child, kind, place)
        elif part.kind == kind:
            yield self._text(part, kind, number)


def _numbers(part: Part, number: str) -> list[str]:
    """Return the numbers of the parts within a part, as IMAP counts them."""
    return [f"{number}.{place}" if number else str(place) for place in range(1, len(part.parts) + 1)]


def _shape(part: Part) -> str:
    """Return whether an alternative is plain or HTML, by itself or as the root of what it consists of."""
    if part.parts is None or part.kind in MESSAGES:
        return part.kind
    shapes = {_shape(child) for child in part.parts if not child.attached}
    return HTML if HTML in shapes else PLAIN if PLAIN in shapes else part.kind


def _root(part: Part) -> int:
    start = part.type.parameters.get("start", "").strip().encode()
    ids = [(headers.stored(child.headers, "content-id") or b"").strip() for child in part.parts]
    return ids.index(start) if start and start in ids else 0


def _name(part: Part, number: str) -> str:
    """Return how a reason names a part."""
    file = headers.file_name(part.headers)
    return f"{f'part {number}' if number else 'the message'} ({part.kind}{f', {file!r}' if file else ''})"


def _joined(texts_: Sequence[str]) -> str:
    full = [text for text in texts_ if text.strip()]
    if len(full) == 1:
        return full[0]
    return "\n\n".join(text.strip("\n") for text in full) + "\n" * bool(full)
