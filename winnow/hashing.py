"""Stable choices: everything that looks random is a hash of a name, so that added rows move no old one."""

import hashlib


def digest(*parts: object) -> str:
    """Return the hex sha256 of the parts, kept apart by a unit separator."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def unit(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the parts alone."""
    return int(digest(*parts)[:13], 16) / 16**13


def row_id(source: str, source_key: str) -> str:
    """Return a row's id: 16 hex digits of its source and its key there."""
    return digest(source, source_key)[:16]


def text_sha(text: str) -> str:
    """Return the 16 hex digits by which the ledger and decisions name a version of a text."""
    return digest(text)[:16]
