"""Finds the names of long lists in texts, in any script: whole words, the longest name first.

A text is read as units: a run of letters, digits and marks; in scripts without spaces (Han, Hiragana, Thai, Lao, Khmer,
Burmese) each character with its marks; every other sign by itself. White space and hyphens do not count, so that
`TNF-alpha` is `TNF alpha`, and `IL - 2`, as corpora of tokens have it, is `IL-2`. Each unit that a name holds is one
character to an Aho-Corasick automaton: what it finds begins and ends at a unit, and its time does not depend on the
number of names.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Literal, TypeAlias

import regex

from winnow.base.errors import UserError
from winnow.text.words import fold

Span: TypeAlias = tuple[int, int, str]
Case = Literal["capitals", "any", "exact"]

# Characters that nobody sees stand inside words; a zero-width space parts them.
_UNSPACED = r"\p{Ideographic}\p{Script=Hiragana}\p{Line_Break=SA}"
_UNIT = regex.compile(
    rf"(?V1)[{_UNSPACED}][\p{{M}}[\p{{Cf}}--\u200b]]*+"
    rf"|[[\p{{L}}\p{{N}}\p{{M}}--[{_UNSPACED}]][\p{{Cf}}--\u200b]]++"
    r"|[^\s\x1c-\x1f\u200b]"  # what Python takes for white space too
)
_ASCII_UNIT = re.compile(r"[0-9A-Za-z]++|\S")  # the same, several times as fast
_HIDDEN = regex.compile(r"\p{Cf}")
_LETTERS = regex.compile(r"[a-z]{3,}")
_SIBILANT = ("s", "x", "z", "ch", "sh")
_FIRST, _SURROGATES, _LAST = 0x100, (0xD800, 0xE000), 0x110000  # code points that stand for units
_UNKNOWN = "\x00"  # a unit that no name holds


class Gazetteer:
    """Names of types, and what finds them.

    Attributes:
        names: how many there are.
        ambiguous: how many of them have more than one type; they are never found.
    """

    def __init__(
        self, names: Iterable[tuple[str, str]], case: Case = "capitals", plurals: bool = False, where: str = "gazetteer"
    ) -> None:
        """Make the automata.

        Args:
            names: each with its type. One without a letter, digit or sign is left out.
            case: which names are found only as they are written: those of which every letter is a capital
                (`capitals`; `WAS` is no verb), none (`any`) or all (`exact`).
            plurals: whether the English plural or singular of a name's last word is the name too.
            where: what the lists are of, for errors.

        Raises:
            UserError: the names hold more different words than there are characters that stand for one (1.1 million).
        """
        folded, written = _Automaton(_folded), _Automaton(_written)
        self.names = 0
        for name, type_ in names:
            is_exact = case == "exact" or (case == "capitals" and name.isupper())
            self.names += (written if is_exact else folded).add(name, type_, plurals)
        self._automata = [each for each in (folded, written) if each.build(where)]
        self.ambiguous = sum(each.ambiguous for each in self._automata)

    def find(self, text: str) -> list[Span]:
        """Return the names in a text, (start, end, type) in characters of the text, sorted; no two overlap.

        Of names that overlap, the first one stays, and of those that begin alike the longest.
        """
        pattern = _ASCII_UNIT if text.isascii() else _UNIT
        units = [match.span() for match in pattern.finditer(text)] if self._automata else []
        hits = [hit for automaton in self._automata for hit in automaton.find(text, units)]
        return longest(hits)


def longest(found: Iterable[Span]) -> list[Span]:
    """Return those of some spans that stay: of overlapping ones the first, of those that begin alike the longest.

    Of one place with two types, none stays.
    """
    types: dict[tuple[int, int], set[str]] = defaultdict(set)
    for start, end, type_ in found:
        types[start, end].add(type_)
    kept, reached = [], 0
    for start, end in sorted(types, key=lambda place: (place[0], -place[1])):
        if start >= reached:
            reached = end
            if len(own := types[start, end]) == 1:
                kept.append((start, end, *own))
    return kept


class _Automaton:
    """Names that are compared in one form of their units, and the automaton that finds them."""

    def __init__(self, form: Callable[[str], str]) -> None:
        self._form = form
        self._types: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._variants: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._codes: dict[str, str] = {}
        self.ambiguous = 0

    def add(self, name: str, type_: str, plurals: bool) -> bool:
        """Add a name; return whether there is anything in it."""
        units = tuple(self._units(name))
        if not units:
            return False
        self._types[units].add(type_)
        if plurals:
            for last in inflected(units[-1]):
                self._variants[(*units[:-1], last)].add(type_)
        return True

    def build(self, where: str) -> bool:
        """Make what finds the names; return whether there are any."""
        import ahocorasick_rs

        self.ambiguous = sum(len(types) > 1 for types in self._types.values())
        # A name that stands in the list is no plural of another.
        known = {units: types for units, types in (self._variants | self._types).items() if len(types) == 1}
        words = sorted({unit for units in known for unit in units})
        self._codes = dict(zip(words, _characters(), strict=False))
        if len(self._codes) < len(words):
            raise UserError(
                f"{where}: the lists hold {len(words):,} different words, and a gazetteer tells {len(self._codes):,} "
                f"apart; make several rules of them, or leave out names that no text has"
            )
        patterns = {"".join(self._codes[unit] for unit in units): next(iter(types)) for units, types in known.items()}
        self._found = list(patterns.values())
        self._code = lru_cache(maxsize=1 << 18)(self._coded)
        if patterns:
            self._finder = ahocorasick_rs.AhoCorasick(list(patterns))
        self._types, self._variants = {}, {}
        return bool(patterns)

    def find(self, text: str, units: list[tuple[int, int]]) -> Iterator[Span]:
        """Yield all names in a text, whose units are given."""
        code = self._code
        codes = [code(text[start:end]) for start, end in units]
        if "" in codes:
            units = [unit for unit, own in zip(units, codes, strict=True) if own]
        for pattern, first, last in self._finder.find_matches_as_indexes("".join(codes), overlapping=True):
            yield units[first][0], units[last - 1][1], self._found[pattern]

    def _coded(self, unit: str) -> str:
        """Return the character of a unit; nothing where it does not count."""
        form = self._form(unit)
        return self._codes.get(form, _UNKNOWN) if form else ""

    def _units(self, name: str) -> Iterator[str]:
        return (form for unit in _UNIT.findall(name) if (form := self._form(unit)))


def _characters() -> Iterator[str]:
    """Yield characters that stand for units."""
    yield from map(chr, range(_FIRST, _SURROGATES[0]))
    yield from map(chr, range(_SURROGATES[1], _LAST))


def _folded(unit: str) -> str:
    """Return a unit without case; nothing for a hyphen."""
    form = fold(unit).strip()
    return "" if form == "-" or unicodedata.category(unit[0]) == "Pd" else form


def _written(unit: str) -> str:
    """Return a unit as it is written; nothing for a hyphen."""
    if unicodedata.category(unit[0]) == "Pd" or fold(unit) == "-":
        return ""
    return unicodedata.normalize("NFKC", _HIDDEN.sub("", unit))


def inflected(word: str) -> set[str]:
    """Return the English plurals of a word, and what it may be the plural of; of no other script.

    An abbreviation in capitals takes a small s.
    """
    if word.isascii() and word.isalpha() and word.isupper():
        return {f"{word}s"}
    if not _LETTERS.fullmatch(word):
        return set()
    forms = set()
    if word.endswith(_SIBILANT):
        forms.add(f"{word}es")
    elif word.endswith("y") and word[-2] not in "aeiou":
        forms.add(f"{word[:-1]}ies")
    else:
        forms.add(f"{word}s")
    if word.endswith("is"):  # diagnosis, diagnoses
        forms.add(f"{word[:-2]}es")
    if word.endswith("ies") and len(word) > 4:
        forms.add(f"{word[:-3]}y")
    elif word.endswith("es") and word[:-2].endswith(_SIBILANT):
        forms |= {word[:-2], word[:-1]}
        if word.endswith("ses"):
            forms.add(f"{word[:-2]}is")
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        forms.add(word[:-1])
    return {form for form in forms if len(form) > 2}
