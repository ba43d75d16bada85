"""HTML bodies as plain text with lines: what an earlier mail said stands behind `>`, as in a plain mail.

Quotes are `<blockquote>`, whatever program made them, but for those that only indent; what Yahoo puts below its line of
attribution; and GMX's `quoted-content`. The rest is `winnow.text.cleaning.markup`.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from winnow.text.cleaning.markup import strip_markup

DEEPEST = 50  # quotes within each other that marks tell
MOST_NESTED = 10_000  # blocks; quotes in a page that has more, which none has, are not told
# Noncharacters of Unicode, which no text holds: they stand for what the tags say while the tags are taken out.
_OPEN, _ANSWERED, _CLOSE, _BREAK, _BLOCK, _PARAGRAPH, _SPACE, _TAB = map(chr, range(0xFDD0, 0xFDD8))
_MARKS = re.compile("[\ufdd0-\ufdef]")
_BOUNDS = re.compile(f"([\n{_OPEN}{_ANSWERED}{_CLOSE}{_BREAK}{_BLOCK}{_PARAGRAPH}])")
_LAYOUT = str.maketrans({"\n": _BREAK, " ": _SPACE, "\t": _TAB})
_SPECIAL = re.compile("<(?:blockquote|div|pre|li)\\b|quoted-content|white-space:|<p [^>]{0,200}(?:Mso|margin)", re.I)
_QUOTES = 'blockquote, [class*="yahoo_quoted"], [name="quoted-content"]'
_LAID_OUT = 'pre, [style*="white-space:pre" i], [style*="white-space: pre" i]'
# A line of its own, without a blank line around it: so mailers write lines. Any other `<p>` has one.
_LINES = 'pre, div, li, p[class^="Mso"], p[style*="margin:0" i], p[style*="margin: 0" i]'
_INDENT = re.compile(
    r"margin(?:-left)?\s*:\s*(?:0(?:px)?\s+0(?:px)?\s+0(?:px)?\s+)?40px.{0,200}border\s*:\s*none", re.I
)
_WHITE = " \t\n\r\f"


def text(page: str) -> str:
    """Return what an HTML body says."""
    page = _MARKS.sub("", page)
    if _SPECIAL.search(page) and _nested(page) <= MOST_NESTED:
        page = _marked(page)
    return _lines(strip_markup(page))


def _nested(page: str) -> int:
    """Return how deeply blocks are nested at most; a parser takes the square of it in time."""
    deepest = depth = 0
    for tag in re.finditer("<(/?)(?:blockquote|div)\\b", page, re.I):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    return deepest


def charset(page: bytes) -> str | None:
    """Return the charset that a page names in its head."""
    match = re.search(rb"<meta\b[^>]{0,400}?\bcharset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,60})", page[:4096], re.I)
    match = match or re.match(rb"\s{0,99}<\?xml\b[^>]{0,200}?\bencoding\s{0,9}=\s{0,9}[\"']([\w.:-]{1,60})", page[:400])
    if not match:
        return None
    name = match[1].decode("ascii", "replace")
    return "utf-8" if name.lower().startswith("utf-16") else name  # or the tag could not have been read


def _marked(page: str) -> str:
    """Return a page with marks around its quotes and lines, and for the line breaks that count."""
    root = LexborHTMLParser(page)
    for node in root.css(_QUOTES):
        if node.tag != "blockquote" or not _indents(node):
            node.insert_before(_ANSWERED if "yahoo_quoted" in (node.attributes.get("class") or "") else _OPEN)
            node.insert_after(_CLOSE)
    within: set[int] = set()  # nodes of what was laid out already, so that each is visited once
    for node in root.css(_LAID_OUT):
        parts = [] if node.mem_id in within else list(node.traverse(include_text=True))
        within.update(part.mem_id for part in parts)
        for part in parts:
            if part.tag == "-text":
                part.replace_with((part.text_content or "").replace("\r\n", "\n").translate(_LAYOUT))
    for selector, mark in ((_LINES, _BLOCK), ("p", _PARAGRAPH)):
        for node in root.css(selector):
            if not _may_be_hidden(node):
                node.insert_before(mark)
                node.insert_after(mark)
                node.unwrap()
    # What line breaks are left are white space.
    return ((root.body.inner_html if root.body else root.html) or "").replace("\n", " ")


def _may_be_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or "display" in (attributes.get("style") or "").lower()


def _indents(node: LexborNode) -> bool:
    """Return whether a blockquote is no quote: Gmail and Apple Mail indent so."""
    attributes = node.attributes
    quoting = attributes.get("type") or attributes.get("cite") or "quote" in (attributes.get("class") or "")
    return not quoting and bool(_INDENT.search(attributes.get("style") or ""))


def _lines(text: str) -> str:
    """Return a text without marks: quotes behind `>`, white space even, one blank line at most between two others."""
    lines, content = _Lines(), ""
    for token in [*_BOUNDS.split(text), _BLOCK]:
        if not _BOUNDS.fullmatch(token):
            content = token
            continue
        if token in ("\n", _BREAK) or content.strip(_WHITE):
            lines.add(" ".join(content.split()).replace(_SPACE, " ").replace(_TAB, "\t").rstrip())
        content = ""
        if token == _PARAGRAPH:
            lines.add("")
        elif token in (_OPEN, _ANSWERED):
            lines.open(token)
        elif token == _CLOSE:
            lines.close()
    return lines.text()


class _Lines:
    """Lines with the depth of the quotes around them."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._open: list[str] = []  # `_OPEN`; `_ANSWERED` before its line of attribution; "" for what is no quote
        self._depth = 0
        self._blank = False  # whether a blank line stands before the next
        self._fresh = True  # whether a quote just began or ended: blank lines say nothing there

    def open(self, kind: str) -> None:
        """Begin a quote, which sets its line of attribution apart from what stands above."""
        above = [line for depth, line in self._lines[-2:] if depth == self._depth]
        if kind == _OPEN and len(above) == 2 and all(above) and above[1].endswith(":"):
            self._lines.insert(-1, (self._depth, ""))
        self._open.append(kind)
        self._depth += kind == _OPEN
        self._blank, self._fresh = self._blank and kind != _OPEN, True

    def close(self) -> None:
        """End a quote, if one is open."""
        if self._open:
            self._depth -= self._open.pop() == _OPEN
            self._blank, self._fresh = False, True

    def add(self, line: str) -> None:
        """Add a line; of blank ones, one where another line follows."""
        if not line:
            self._blank = not self._fresh
            return
        if self._blank:
            self._lines.append((self._depth, ""))
            self._blank = False
        self._lines.append((self._depth, line))
        self._fresh = False
        if self._open and self._open[-1] == _ANSWERED:
            # A line of attribution, or the header of a forwarded mail, which is no quote.
            self.close()
            self.open(_OPEN if line.endswith(":") else "")

    def text(self) -> str:
        """Return the lines, quoted ones behind their marks."""
        marks = [">" * min(depth, DEEPEST) for depth, _ in self._lines]
        return "\n".join(
            f"{mark} {line}".strip(" ") if mark else line for mark, (_, line) in zip(marks, self._lines, strict=True)
        )
