"""What a mail repeats of earlier ones: quoted lines, and the earlier mail below the reply."""

import re

from winnow.text.cleaning.mail.attributions import COLON, attribution
from winnow.text.cleaning.mail.contacts import ENDED
from winnow.text.cleaning.mail.headers import REPEATED_FIRST, repeated_end, repeated_role
from winnow.text.cleaning.mail.marked_lines import is_own, is_quoted, remainders, run_end
from winnow.text.cleaning.mail.phrases import (
    FORWARD_BEGINS,
    FORWARD_SUBJECT,
    FORWARDED,
    ORIGINAL,
    REPLY_SUBJECT,
    WROTE,
    either,
)
from winnow.text.cleaning.unicode import SPACE

# A quoted line; a line with a colon at its end; a header line; a line of dashes or underscores.
QUOTED = (
    rf"(?m)^{SPACE}*>|[:：]{SPACE}*[\x{{200e}}\x{{200f}}\x{{202a}}-\x{{202e}}\x{{2066}}-\x{{2069}}]*{SPACE}*$|"
    rf"^{SPACE}*\*{{0,2}}[^\n:：*]{{1,26}}\*{{0,2}}[ \t\x{{a0}}]?[:：].*\n{SPACE}*\*{{0,2}}[^\n:：*]{{1,26}}[:：*]|"
    rf"^{SPACE}*[-_=*]{{2}}"
)
MAX_PASSES = 20
_RULE = re.compile(r"[ \t]*[_=-]{8,}[ \t]*\Z")
_DASHES = r"[ \t]{0,9}[-_=*]{2,40}"
# Lotus Notes names the author between the dashes.
_LOTUS = rf"[^\n]{{1,90}}\s{either(WROTE)}[:：]?"
_ORIGINAL = re.compile(rf"{_DASHES} ?(?:{either(ORIGINAL)}|{_LOTUS}) ?{_DASHES}[ \t:：]{{0,9}}\Z", re.I)
_FORWARDED = re.compile(
    rf"(?:{_DASHES} ?{either(FORWARDED)} ?{_DASHES}|[ \t]*{either(FORWARD_BEGINS)}[ \t]{{0,9}}[:：])[ \t:：]{{0,9}}\Z",
    re.I,
)
MIN_MARKER, MAX_MARKER = 8, 120  # characters
_OPENING = tuple("\"'“”„«»‘「『")
_COLONS = (":", "：")


def strip_quotes(text: str) -> str:
    """Remove what a mail repeats of earlier ones; what its author wrote stays, between quotes too.

    - Lines that begin with `>` go, with the line that names their author. Figures, code and prompts behind `>` stay
      where nobody is named, or where a line with a colon leads to them.
    - All goes below a line that a mail program wrote on the author and the date, below "-----Original Message-----",
      and below header lines as Outlook repeats them, if anything stands above.
    - Of a forwarded mail only the marker and its header lines go: it was sent to be read.

    A text that is nothing else stays.
    """
    before = lines = text.replace("\r\n", "\n").split("\n")
    for _ in range(MAX_PASSES):
        rest = _Reply(lines).own_lines()
        if rest == lines:
            break
        lines = rest
    return text if lines == before else "\n".join(lines)


def _has_colon(line: str) -> bool:
    return ":" in line or "：" in line


class _Reply:
    """One reading of a mail, line by line, from the top."""

    def __init__(self, lines: list[str]) -> None:
        self.given, self.lines = lines, list(lines)
        self.kept: list[str] = []
        self.words = 0  # lines of the author's own
        self.last = ""  # of them
        first = next(filter(str.strip, lines), "")
        is_reply = _has_colon(first) and bool(REPLY_SUBJECT.match(first))
        self.forward = _has_colon(first) and bool(FORWARD_SUBJECT.match(first))
        self.subject = first if is_reply or self.forward else None
        self.named = self.introduced = False  # somebody was named as the author of quotes; in the line just above
        self.mark: str | None = None  # another mark of quotes than `>`
        self.remainders = remainders(lines)
        self.next_quoted, self.answers = -1, False

    def own_lines(self) -> list[str]:
        number = 0
        while number < len(self.lines):
            line = self.lines[number]
            if not (start := line.lstrip()):
                self.kept.append(line)
                number += 1
            elif (after := self._after(number, start)) is None:
                break
            elif after > number:
                number = after
            else:
                self._keep([line])
                number += 1
        return self.kept if any(map(str.strip, self.kept)) else self.given

    def _keep(self, lines: list[str]) -> None:
        self.kept += lines
        if lines[0] != self.subject:
            self.words += len(lines)
            self.last = lines[-1]
        self.introduced = False

    def _after(self, number: int, start: str) -> int | None:
        """Return the line after the one that goes here, the same line where none goes, None where all below goes."""
        if start[0] == ">":
            return self._quoted(number)
        if number in self.remainders or self._is_marked(start):
            return number + 1
        # A marker begins with dashes, or ends with a colon.
        if MIN_MARKER <= len(start) <= MAX_MARKER and (start[0] in "-_=*" or start.rstrip(" \t").endswith(_COLONS)):
            if _FORWARDED.match(start):
                return self._forwarded(number + 1)
            if _ORIGINAL.match(start) or _RULE.match(start):
                return self._marked(number)
        if not _has_colon(start):
            return number
        if (role := repeated_role(start)) and role[0] in REPEATED_FIRST and not self._led_to():
            end = repeated_end(self.lines, number, "")
            if end > number:
                return self._earlier(end)
        return self._attributed(number) if COLON.search(start) else number

    def _is_marked(self, start: str) -> bool:
        """Tell whether a line is quoted by an old client's mark; a row of a table begins with one, and ends with it."""
        return bool(self.mark) and start.startswith(self.mark) and not start[1:].rstrip().endswith("|")

    def _quoted(self, number: int) -> int:
        end = run_end(self.lines, number)
        lines = self.lines[number:end]
        if not self.introduced and is_own(lines, self.named, self._led_to()):
            self._keep(lines)
        self.introduced = False
        return end

    def _led_to(self) -> bool:
        """Tell whether the author's own last line ends with a colon."""
        return bool(COLON.search(self.last))

    def _marked(self, number: int) -> int | None:
        """Take a line such as "-----Original Message-----", or a rule above header lines."""
        below = self._next(number + 1)
        is_rule = not _ORIGINAL.match(self.lines[number].lstrip())
        end = repeated_end(self.lines, below, "rule" if is_rule else "marker")
        if end == below and (is_rule or self._is_mentioned(number)):
            return number
        return self._earlier(max(end, number + 1))

    def _is_mentioned(self, number: int) -> bool:
        """Tell whether a marker without header lines below stands within the author's own lines."""
        below = self.lines[number + 1] if number + 1 < len(self.lines) else ""
        return bool(self.kept and self.kept[-1].strip() and below.strip())

    def _forwarded(self, number: int) -> int:
        first = self._next(number)
        if self._is_mentioned(number - 1) and not repeated_role(self.lines[number].lstrip("> ")):
            return number - 1
        # Apple Mail may quote what it forwards.
        for quoted in range(first, run_end(self.lines, first)):
            self.lines[quoted] = re.sub(r"^\s*> ?", "", self.lines[quoted], count=1)
        first = self._next(first)
        return self._next(repeated_end(self.lines, first, "marker"))

    def _earlier(self, end: int) -> int | None:
        """Take header lines up to `end`, and the earlier mail below them where this one is a reply."""
        return None if self.words and not self.forward else self._next(end)

    def _attributed(self, number: int) -> int | None:
        below = self._next(number + 1)
        line = self.lines[below].lstrip() if below < len(self.lines) else ""
        mark = next((mark for mark in (">", "| ", "%") if line.startswith(mark)), None)
        found = attribution(self.lines, number, quoted=mark is not None)
        above = self.lines[number - found.lines + 1 : number] if found else []
        if not found or (above and self.kept[-len(above) :] != above):
            return number
        if not mark and (not found.sure or line.startswith(_OPENING) or (found.sure == 1 and not self._says_more())):
            return number
        is_last = not mark and self.words > len(above) and not self._answers_below(number)
        del self.kept[len(self.kept) - len(above) :]
        self.words -= len(above)
        self.last = ""
        if is_last:
            return None
        self.named = True
        self.introduced = mark == ">"
        self.mark = mark if mark not in (None, ">") else self.mark
        return number + 1

    def _says_more(self) -> bool:
        """Tell whether more stands above than a line that may be the subject."""
        return self.words > 1 or self.last.rstrip().endswith(ENDED)

    def _answers_below(self, number: int) -> bool:
        """Tell whether quotes with a mark stand further down that no line of their own introduces."""
        if self.next_quoted <= number:
            after = range(number + 1, len(self.lines))
            self.next_quoted = next((n for n in after if is_quoted(self.lines[n])), len(self.lines))
            above = (self.lines[n] for n in range(self.next_quoted - 1, -1, -1) if self.lines[n].strip())
            self.answers = self.next_quoted < len(self.lines) and not COLON.search(next(above, ""))
        return self.answers

    def _next(self, number: int) -> int:
        """Return the first line that is not empty, from `number` on."""
        while number < len(self.lines) and not self.lines[number].strip():
            number += 1
        return number
