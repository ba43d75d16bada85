"""Numbers and names of a response, by their places, and which of them its prompt does not support."""

import unicodedata
from collections.abc import Set

import regex

_NUMBER = r"(?<![\p{L}\p{N}])\p{Nd}+(?:[.,]\p{Nd}+)*"
# A capital within a word, or one that begins a word; a word that begins a sentence is a name only by the former.
_NAME = r"(?<![\p{L}\p{N}])(?:\p{Lu}[\p{L}\p{M}\p{N}]*|[\p{Ll}\p{N}]++\p{Lu}[\p{L}\p{M}\p{N}]*)(?:[-'’][\p{L}\p{N}]+)*"
_FACT = regex.compile(rf"(?P<number>{_NUMBER})|(?P<name>{_NAME})")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_SENTENCE = regex.compile(r"(?:^|[.!?。！？:\n]|[-*•]\s)[\s\"'“‘(\[]*")
STEM = 5  # characters by which words of one root are alike: Japan, Japanese


def facts(text: str) -> list[tuple[int, int]]:
    """Return where numbers and names stand in a text, (start, end) in its characters."""
    begins = {match.end() for match in _SENTENCE.finditer(text)}
    return [
        match.span()
        for match in _FACT.finditer(text)
        if match["number"] or match.start() not in begins or any(sign.isupper() for sign in match[0][1:])
    ]


def is_number(fact: str) -> bool:
    """Return whether one of `facts` is a number."""
    return unicodedata.category(fact[0]) == "Nd" and not any(sign.isalpha() for sign in fact)


def forms(text: str) -> frozenset[str]:
    """Return what a text supports: its numbers, and its words by their first letters."""
    numbers = {_number(match[0]) for match in regex.finditer(r"\p{Nd}+(?:[.,]\p{Nd}+)*", text)}
    return frozenset(numbers | {word[:STEM] for word in _WORD.findall(text.casefold())})


def unsupported(response: str, support: Set[str]) -> list[tuple[int, int]]:
    """Return the places of the facts of a response that its prompt, of which `support` are the `forms`, does not hold.

    A fact that the response repeats is told once.
    """
    found: dict[str, tuple[int, int]] = {}
    for start, end in facts(response):
        fact = response[start:end]
        if not _is_supported(fact, support):
            found.setdefault(fact, (start, end))
    return list(found.values())


def _is_supported(fact: str, support: Set[str]) -> bool:
    if is_number(fact):
        return _number(fact) in support
    return all(word[:STEM] in support for word in _WORD.findall(fact.casefold()))


def _number(text: str) -> str:
    """Return a number without the commas between its thousands, and without zeros that say nothing."""
    plain = regex.sub(r",(?=\p{Nd}{3}(?!\p{Nd}))", "", text).replace(",", ".")
    plain = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain)
    whole, point, part = plain.partition(".")
    part = part.rstrip("0") if point and "." not in part else part
    return f"{whole.lstrip('0') or '0'}{'.' + part if part else ''}"
