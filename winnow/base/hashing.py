"""Stable choices: everything that looks random is a hash of a name, so that added rows move no old one."""

import hashlib
from collections.abc import Iterable


def digest(*parts: object) -> str:
    """Return the hex sha256 of the parts, kept apart by a unit separator."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def unit(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the parts alone."""
    return int(digest(*parts)[:13], 16) / 16**13


def row_ids(source: str, source_keys: Iterable[str]) -> list[str]:
    """Return the ids of rows of one source, 16 hex digits each, by their keys there."""
    start = hashlib.sha256(f"{source}\x1f".encode("utf-8", "surrogatepass"))
    ids = []
    for key in source_keys:
        hash_ = start.copy()
        hash_.update(key.encode("utf-8", "surrogatepass"))
        ids.append(hash_.hexdigest()[:16])
    return ids


def text_sha(text: str) -> str:
    """Return the 16 hex digits by which the ledger and decisions name a version of a text."""
    return digest(text)[:16]
