"""How near a tool's text of an HTML fragment is to what a person who reads the rendered fragment would type.

The fragments and their texts are in tests/fixtures/html_fragments.json, made by hand: `html` (the rendering rules of
the HTML standard decide), `xml` (the rules of that vocabulary decide, as in journal records) and `plain` (no markup at
all: people who typed angle brackets, whose words must not be lost). `or` holds texts that are as right as `text`.
"""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

FRAGMENTS = Path(__file__).parent.parent / "tests/fixtures/html_fragments.json"
# Soft hyphen, zero-width space, direction marks, word joiner, byte order mark: a reader of the page sees none of them.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def fragments() -> list[dict]:
    """Return the set: dicts of `name`, `kind`, `html`, `text` and, in some, `or` (a list of str)."""
    return json.loads(FRAGMENTS.read_text(encoding="utf-8"))


def normal(text: str) -> str:
    """Return the text in NFC, without invisible characters, each run of white space as one space."""
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def accepted(fragment: dict) -> list[str]:
    """Return every right text of a fragment, normalized."""
    return [normal(text) for text in [fragment["text"], *fragment.get("or", [])]]


def exact(fragment: dict, text: str) -> bool:
    """Return whether a tool's text is one of the right ones, after normalization."""
    return normal(text) in accepted(fragment)


def token_f1(expected: str, text: str) -> float:
    """Return the harmonic mean of precision and recall over words, as multisets; 1.0 if both have none."""
    wanted, found = Counter(expected.split()), Counter(text.split())
    if not wanted or not found:
        return float(wanted == found)
    return 2 * (wanted & found).total() / (wanted.total() + found.total())


def score(texts: list[str], kinds: tuple[str, ...] = ("html", "xml", "plain")) -> dict[str, float]:
    """Return the share of exact matches and the mean token F1 over the fragments of some kinds.

    Args:
        texts: what a tool made of `fragments()`, in their order.
    """
    pairs = [(item, text) for item, text in zip(fragments(), texts, strict=True) if item["kind"] in kinds]
    f1 = [max(token_f1(right, normal(text)) for right in accepted(item)) for item, text in pairs]
    return {"exact": sum(exact(*pair) for pair in pairs) / len(pairs), "token_f1": sum(f1) / len(pairs)}
