"""Boilerplate: sentences and lines that stand in many rows of a source, found rather than listed.

As line-level deduplication in CCNet (Wenzek et al. 2020, arXiv:1911.00359), but by the share of a source's rows and in
several groups, so that it means the same in a small source and in a large one. Counting takes 64-bit hashes of a
bounded number of rows, never their texts.
"""

import re
from collections.abc import Collection, Iterable
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow.base.params import Section
from winnow.text import sentences
from winnow.text.cleaning.unicode import SPACE
from winnow.text.words import words

COUNTS = pa.schema([("unit", pa.uint64()), ("group", pa.uint64())])
# More alternatives than this make the search for suspects slower than the rule.
MAX_PATTERN = 20_000


class Boilerplate(Section):
    """Section `clean.boilerplate` of params.yaml: what counts as shared by many rows."""

    min_share: float = Field(0.01, gt=0, le=1)
    """A sentence is boilerplate if it stands in this share of the source's rows."""

    min_groups: int = Field(20, ge=2)
    """And in at least so many groups, so that one person's habit is none."""

    min_words: int = Field(4, ge=1)
    """And if it has so many words: shorter sentences are common by chance."""

    survey_rows: int = Field(20_000, ge=1)
    """Rows of each source that are looked at. reports/metrics/clean.json lists what was found."""


def units(text: str) -> Iterable[str]:
    """Return a text's sentences and lines, white space made even."""
    return map(_even, sentences.split(text)[0])


def count(texts: Iterable[str], groups: Iterable[str], min_words: int) -> pa.Table:
    """Return the distinct units of each text, as hashes: columns `unit` and `group` (uint64), one row a pair."""
    # So many words in Latin letters between spaces: nearly all sentences of many languages are known by a glance.
    surely = re.compile(rf"[^A-Za-z]*+(?:[A-Za-z][^ ]*+ [^A-Za-z]*+){{{min_words - 1}}}[A-Za-z]")
    hashes, owners = [], []
    for text, group in zip(texts, groups, strict=True):
        found = {unit for unit in units(text) if surely.match(unit) or len(words(unit)) >= min_words}
        hashes += map(_hash, found)
        owners += [_hash(group)] * len(found)
    return pa.table([pa.array(hashes, pa.uint64()), pa.array(owners, pa.uint64())], schema=COUNTS)


def shared(counts: pa.Table, rows: int, settings: Boilerplate) -> dict[int, float]:
    """Return the hash of each unit that is boilerplate, with the share of `rows` in which it stands.

    Args:
        counts: of all rows, as `count` returns it.
        rows: how many rows were counted.
    """
    unit, group = (counts[name].to_numpy() for name in ("unit", "group"))
    order = np.lexsort((group, unit))
    unit, group = unit[order], group[order]
    hashes, starts, numbers = np.unique(unit, return_index=True, return_counts=True)
    often = numbers >= settings.min_share * rows
    found = {}
    for hash_, start, number in zip(hashes[often], starts[often], numbers[often], strict=True):
        if len(np.unique(group[start : start + number])) >= settings.min_groups:
            found[int(hash_)] = int(number) / rows
    return found


def named(texts: Iterable[str], wanted: Collection[int]) -> dict[str, int]:
    """Return the units whose hashes are `wanted`, with them; reads no more texts than it must."""
    missing, found, texts = set(wanted), {}, iter(texts)
    while missing and (text := next(texts, None)) is not None:
        for unit in units(text):
            if (hash_ := _hash(unit)) in missing:
                missing.remove(hash_)
                found[unit] = hash_
    return found


def pattern(found: Iterable[str]) -> str:
    """Return an RE2 pattern that every text with one of the units matches."""
    alternatives = "|".join(f"{SPACE}+".join(map(_escape, unit.split())) for unit in sorted(found))
    return alternatives if len(alternatives) <= MAX_PATTERN else ""


def _escape(word: str) -> str:
    return re.sub(r"([^\w])", lambda match: rf"\x{{{ord(match[1]):x}}}", word)


def strip_boilerplate(text: str, found: Collection[str]) -> str:
    """Remove the sentences and lines that stand in `found`."""
    parts, between = sentences.split(text)
    kept, gap, removed = [], "", False
    for separator, unit in zip(["", *between], parts, strict=True):
        gap = gap if "\n" in gap or not separator else separator
        if _even(unit) in found:
            removed = True
        else:
            kept += [gap, unit] if kept else [unit]
            gap = ""
    return "".join(kept) if removed else text


def _even(unit: str) -> str:
    return " ".join(unit.split())


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
