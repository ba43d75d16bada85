"""Header lines: those of a mail at the start of its text, and those that a reply repeats above the earlier mail."""

import re
from typing import Literal

from winnow.text.cleaning.mail.phrases import DAYS, ROLES
from winnow.text.cleaning.unicode import SPACE

# RFC 5322 header lines at the very start; or an mbox "From " line before them.
_NAMES = (
    "from|to|cc|bcc|subject|date|sent|reply-to|sender|message-id|in-reply-to|references|received|return-path|"
    "mime-version|content-[a-z-]+|delivered-to|importance|priority|x-[a-z-]+"
)
HEADERS = rf"(?i)^{SPACE}*(?:>?From \S+ |(?:{_NAMES})[ \t]*:)"
_MBOX = re.compile(r">?From \S+ .*\n")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}+)[ \t]{0,9}:(.{0,1000})")
_KNOWN = re.compile(rf"(?:{_NAMES})\Z", re.I)
# Only programs write these.
_TECHNICAL = re.compile(
    r"(?:message-id|in-reply-to|references|received|return-path|mime-version|content-[a-z-]+|delivered-to|x-[a-z-]+|"
    r"dkim-signature|user-agent|list-[a-z-]+)\Z",
    re.I,
)
_PERSON = re.compile(r"(?:from|to|cc|bcc|sender|reply-to)\Z", re.I)
ADDRESS = re.compile(r"[^\s@<>()\[\]]{1,64}+@[^\s@<>()\[\]]{2,255}")
_RFC_DATE = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d")


def strip_mail_headers(text: str) -> str:
    """Remove a block of header lines (`Name: value`, and lines that continue one) from the start of a text.

    A block has two lines or more, two of them with a known name, the first among them, and ends at an empty line or at
    the end. A form may have lines with these names too: a mail's have an address, a date as RFC 5322 writes it, a line
    that only programs write, or a `Subject` and a time in `Sent`.
    """
    start = text.lstrip()
    mbox = _MBOX.match(start)
    rest = start[mbox.end() :] if mbox else start
    end = _header_end(rest, bool(mbox))
    return rest[end:].lstrip("\r\n") if end else text


def _header_end(text: str, mbox: bool) -> int:
    """Return where a block of header lines ends; 0 where there is none."""
    position, fields = 0, []
    for line in text.splitlines(keepends=True):
        if not line.strip():
            break
        if field := _FIELD.match(line):
            fields.append((field[1], field[2]))
            if len(fields) == 1 and not (mbox or _KNOWN.match(field[1])):
                return 0
        elif not (fields and line[0] in " \t"):
            return 0
        position += len(line)
    return position if _of_a_mail(fields, mbox) else 0


def _of_a_mail(fields: list[tuple[str, str]], mbox: bool) -> bool:
    names = {name.lower() for name, _ in fields}
    if sum(bool(_KNOWN.match(name)) for name, _ in fields) < 2:
        return False
    if mbox or any(_TECHNICAL.match(name) for name in names):
        return True
    # A line of another name is what a form asks for.
    return all(_KNOWN.match(name) or "-" in name for name in names) and (
        any(
            (_PERSON.match(name) and ADDRESS.search(value))
            or (name.lower() == "date" and _RFC_DATE.search(value))
            or (name.lower() == "sent" and "subject" in names and _YEAR_AND_TIME.match(value))
            for name, value in fields
        )
    )


MAX_BLOCK = 30  # lines
REPEATED_FIRST = ("from", "sent", "date")  # GMX and web.de begin with "Gesendet: …", some webmailers with "Date: …"
# "From: …", "*Von:* …", "De : …", "发件人：…".
_REPEATED = re.compile(r"[ \t]{0,9}\*{0,2}([^\W\d_][^\n:：*]{0,24}?)[ \t]?\*{0,2}[ \t\xa0]?[:：]\*{0,2}(.{0,1000})")
_LONGEST_NAME = 41  # characters up to the colon, with what may stand around the name
_WHEN = re.compile(rf"\W*(?:{DAYS})\w{{0,9}}|.*(?:\b\d{{4}}\b|\d[:.h]\d\d)", re.I)
_YEAR_AND_TIME = re.compile(r"(?=.*\b\d{4})(?=.*\b\d{1,2}[:.h]\d{2})")


def repeated_role(line: str) -> tuple[str, str] | None:
    """Return what a header line tells (`from`, `sent`, …) and its value; None where it is none."""
    start = line[:_LONGEST_NAME]
    field = _REPEATED.match(line) if ":" in start or "：" in start else None
    role = ROLES.get(field[1].lower()) if field else None
    return (role, field[2]) if role else None


def repeated_end(lines: list[str], first: int, above: Literal["", "rule", "marker"]) -> int:
    """Return the line after a block of header lines above an earlier mail; `first` where there is none.

    Args:
        above: what stands above them: a rule of underscores, or a marker such as "-----Original Message-----".
    """
    found: dict[str, str] = {}
    last, number = None, first
    end = first
    while number < min(len(lines), first + MAX_BLOCK):
        line = lines[number]
        if (field := repeated_role(line)) and (field[0] == "other" or field[0] not in found):
            last = field[0]
            found[last] = field[1]
            end = number + 1
        elif line.strip():
            # A long list of people, wrapped; else the mail itself.
            if last not in ("to", "other") or not ("@" in line or ";" in line or line[0] in " \t"):
                break
            end = number + 1
        elif not (found and number + 1 < len(lines) and repeated_role(lines[number + 1])):
            break
        if not above and number == first and last not in REPEATED_FIRST:
            return first
        number += 1
    return end if _repeats(found, above) else first


def _repeats(found: dict[str, str], above: str) -> bool:
    """Tell whether header lines are those of a mail: a form has a From and a To as well."""
    named = found.keys()
    if above and "from" in named and (len(named) > 1 if above == "marker" else named & {"sent", "subject"}):
        return True
    if "from" not in named or not named & {"sent", "date"} or not named & {"to", "subject"}:
        return False
    if next(iter(found)) != "from" and not {"to", "subject"} <= named:
        return False
    if any(ADDRESS.search(found.get(role, "")) for role in ("from", "to", "other")):
        return True
    if {"sent", "subject"} <= named:
        return list(found)[:2] == ["from", "sent"] and bool(_WHEN.match(found["sent"]))
    return {"to", "subject", "date"} <= named and bool(_YEAR_AND_TIME.match(found["date"]))
