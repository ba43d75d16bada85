"""Invented mails that say line by line what is right, and how far from right a text made of one is.

`tests/winnow/text/cleaning/mail_corpus/*.txt` hold them, a file a kind. A line `=== name` begins a mail; each of its
lines begins with two characters:

    (two spaces)   the author's own: it must stay
    "- "           not the author's: it must go
    "> "           the author's own, but sent with "> " before it, as Apple Mail forwards: it must stay without
    "? "           either is right
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "tests/winnow/text/cleaning/mail_corpus"


@dataclass(frozen=True)
class Mail:
    """One mail: its lines with the mark of each, `""` for an empty one."""

    name: str
    lines: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        return "\n".join(f"> {line}" if mark == "> " else line for mark, line in self.lines)

    @property
    def right(self) -> list[str]:
        """The author's own lines, white space made even."""
        return [_even(line) for mark, line in self.lines if mark in ("  ", "> ")]


@dataclass(frozen=True)
class Judged:
    """What became of a mail: shares of the words that had to stay and were lost, and had to go and are left."""

    lost: float
    left: float

    @property
    def right(self) -> bool:
        return not self.lost and not self.left


def mails(folder: Path = FOLDER) -> list[Mail]:
    """Return all mails of a folder.

    Raises:
        ValueError: a line begins with none of the marks, or stands before the first mail.
    """
    return [mail for file in sorted(folder.glob("*.txt")) for mail in _mails(file)]


def _mails(file: Path) -> Iterator[Mail]:
    for part in file.read_text(encoding="utf-8").removeprefix("=== ").split("\n=== "):
        name, *lines = part.rstrip("\n").split("\n")
        marked = [(line[:2], line[2:]) for line in lines]
        if wrong := [mark for mark, _ in marked if mark not in ("  ", "- ", "> ", "? ", "")]:
            raise ValueError(f"{file}: {name}: a line begins with {wrong[0]!r}")
        yield Mail(f"{file.stem}: {name}", tuple(marked))


def judge(mail: Mail, text: str) -> Judged:
    """Compare what a parser made of a mail with what is right; marks of quotes are no words.

    Lines are compared with lines, and words with words where a parser joined or parted lines.
    """
    marked = [(mark, _words(line)) for mark, line in mail.lines]
    parts = [(mark, " ".join(words)) for mark, words in marked if words]
    made = [" ".join(words) for words in map(_words, text.splitlines()) if words]
    kept = _found([line for _, line in parts], made)
    if sum(kept) < len(made):
        parts = [(mark, word) for mark, words in marked for word in words]
        kept = _found([word for _, word in parts], _words(text))
    sizes = {True: {}, False: {}}
    for (mark, part), stays in zip(parts, kept, strict=True):
        sizes[stays][mark] = sizes[stays].get(mark, 0) + len(part.split())
    own = [sum(sizes[stays].get(mark, 0) for mark in ("  ", "> ")) for stays in (False, True)]
    others = [sizes[stays].get("- ", 0) for stays in (False, True)]
    return Judged(own[0] / max(1, sum(own)), others[1] / max(1, sum(others)))


def _found(parts: list[str], made: list[str]) -> list[bool]:
    """Tell of each part of a mail whether it stands in what was made of it, in the same order."""
    kept = [False] * len(parts)
    for block in SequenceMatcher(None, parts, made, autojunk=False).get_matching_blocks():
        kept[block.a : block.a + block.size] = [True] * block.size
    return kept


def _words(text: str) -> list[str]:
    words = (word.strip(">*") for word in text.split())
    return [word for word in words if any(map(str.isalnum, word))]


def _even(line: str) -> str:
    return " ".join(line.split())
