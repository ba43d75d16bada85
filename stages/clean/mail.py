"""Rules on e-mail in plain text: header lines, quoted replies, signatures.

Small rules of our own: the libraries for this (mail-parser-reply, email-reply-parser) backtrack without bound on
hostile text. Lines matter here, so these rules run before white space is collapsed.
"""

import re

from stages.clean.unicode import SPACE

# RFC 5322 header lines at the very start, of which at least one is known; or an mbox "From " line before them.
_NAMES = (
    "from|to|cc|bcc|subject|date|sent|reply-to|sender|message-id|in-reply-to|references|received|return-path|"
    "mime-version|content-[a-z-]+|delivered-to|importance|priority|x-[a-z-]+"
)
HEADERS = rf"(?i)^{SPACE}*(?:>?From \S+ |(?:{_NAMES})[ \t]*:)"
_MBOX = re.compile(r">?From \S+ .*\n")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*[ \t]*:")
_KNOWN = re.compile(rf"(?:{_NAMES})[ \t]*:", re.I)


def strip_mail_headers(text: str) -> str:
    """Remove a block of header lines (`Name: value`, and lines that continue one) from the start of a text.

    A block has two lines or more, two of them with a known name, the first among them, and ends at an empty line or at
    the end.
    """
    start = text.lstrip()
    mbox = _MBOX.match(start)
    rest = start[mbox.end() :] if mbox else start
    end = _header_end(rest) if mbox or _KNOWN.match(rest) else 0
    return rest[end:].lstrip("\r\n") if end else text


def _header_end(text: str) -> int:
    """Return where a block of header lines ends; 0 where there is none."""
    position, fields, known = 0, 0, 0
    for line in text.splitlines(keepends=True):
        if not line.strip():
            break
        if _FIELD.match(line):
            fields, known = fields + 1, known + bool(_KNOWN.match(line))
        elif not (fields and line[0] in " \t"):
            return 0
        position += len(line)
    return position if known >= 2 else 0


_WROTE = (
    r"wrote|writes|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|skrev|napisał\(a\)|написал|пишет|写道|kirjoitti"
)
QUOTED = (
    rf"(?im)^{SPACE}*>|(?:{_WROTE})[^\n]*:[ \t\r]*$|-{{2,}} ?(?:original|forwarded) (?:message|appointment)|"
    r"^begin forwarded message|^_{8,}[ \t\r]*\n\s*from:"
)
# "On Mon, 3 Jan 2022 at 10:01, Ann <a@b.c> wrote:", wrapped over up to two lines; it names a day, a time or an address.
_ATTRIBUTION = re.compile(
    rf"^(?=[^\n]*(?:\n[^\n]+)?(?:{_WROTE}))(?:on|am|le|el|il|em|op|den|w dniu|in)\b"
    rf"(?=[^\n]*[\d@])[^\n]{{0,200}}(?:\n(?!>)[^\n]{{0,200}})?\b(?:{_WROTE})[^\n]{{0,100}}:[ \t]*$"
    rf"|^(?=[^\n]*(?:{_WROTE})[ \t]*:[ \t]*$)(?!>)[^\n]{{0,150}}[@\d][^\n]{{0,80}}\b(?:{_WROTE})[ \t]*:[ \t]*$",
    re.I | re.M,
)
_ORIGINAL = re.compile(
    r"^[ \t]*-{2,} ?original (?:message|appointment) ?-{2,}[ \t]*$|^_{8,}[ \t]*\n\s*(?=from:)", re.I | re.M
)
_FORWARDED = re.compile(r"^[ \t]*(?:-{2,} ?forwarded message ?-{2,}|begin forwarded message:)[ \t]*\n\s*", re.I | re.M)


def strip_quotes(text: str) -> str:
    """Remove what a mail repeats of earlier ones; what its author wrote stays, between quotes too.

    Lines that begin with `>` go, with the line that names their author. Without such lines, all that follows the
    author's line or "-----Original Message-----" goes, if anything stands before it. Of a forwarded mail only the
    marker and its header lines go: it was sent to be read.
    """
    lines = text.replace("\r\n", "\n")
    rest = _without_quotes(lines)
    return text if rest == lines else rest


def _without_quotes(text: str) -> str:
    if match := _FORWARDED.search(text):
        text = text[: match.start()] + strip_mail_headers(text[match.end() :])
    if match := _ORIGINAL.search(text):
        before, after = text[: match.start()], text[match.end() :]
        text = before if before.strip() else strip_mail_headers(after)
    if match := _ATTRIBUTION.search(text):
        before, after = text[: match.start()], text[match.end() :]
        text = before + after if after.lstrip().startswith(">") or not before.strip() else before
    if ">" not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))


_CLOSINGS = (
    r"(?:(?:with )?(?:best|kind|kindest|warm|many) (?:regards|wishes|thanks)|(?:best )?regards|sincerely(?: yours)?|"
    r"yours (?:sincerely|faithfully|truly)|cheers|thanks(?: again| in advance)?|thank you|best|"
    r"(?:mit )?(?:freundlichen|besten|liebe|viele) gr(?:ü|ue)(?:ß|ss)en?|cordialement|saludos(?: cordiales)?|"
    r"atentamente|cordiali saluti|met vriendelijke groet(?:en)?)"
)
_SENT_FROM = r"(?:sent from my [^\n]{1,40}|sent (?:from|with|via) [A-Z][^\n]{1,40}|get outlook for [^\n]{1,40})"
SIGNED = rf"(?im)^--{SPACE}*$|^[ \t]*{_CLOSINGS}[ \t]*[,.!]?{SPACE}*$|^[ \t]*{_SENT_FROM}{SPACE}*$"
_DELIMITER = re.compile(r"--[ \t]*")  # RFC 3676, 4.3
_CLOSING = re.compile(rf"[ \t]*{_CLOSINGS}[ \t]*[,.!]?[ \t]*", re.I)
_DEVICE = re.compile(rf"[ \t]*{_SENT_FROM}[ \t]*", re.I)
MAX_SIGNATURE_LINES = 12
MAX_NAME_LINES = 6
MAX_NAME_LINE = 60  # characters; longer ones are sentences


def strip_signature(text: str) -> str:
    """Remove a signature from the end: below `--`, from a closing phrase on, or "Sent from my …".

    A text that is nothing else stays.
    """
    rest = text.replace("\r\n", "\n")
    while (shorter := _without_signature(rest)) is not None:
        text = rest = shorter
    return text


def _without_signature(text: str) -> str | None:
    """Cut at the first of the last lines that begins a signature; None where there is none."""
    head, *lines = text.rstrip().rsplit("\n", MAX_SIGNATURE_LINES + 1)
    for number, line in enumerate(lines):
        after = [line for line in lines[number + 1 :] if line.strip()]
        if _begins_signature(line, after):
            return "\n".join([head, *lines[:number]]).rstrip() or None
    return None


def _begins_signature(line: str, after: list[str]) -> bool:
    if _DEVICE.fullmatch(line):
        return not after
    if _CLOSING.fullmatch(line):
        return len(after) <= MAX_NAME_LINES and all(len(line) <= MAX_NAME_LINE for line in after)
    return _DELIMITER.fullmatch(line) is not None
