"""Licences as sources state them: which a hub knows by name, which forbid to pass texts on, which say too little."""

import re
from collections.abc import Iterable

# What the Hugging Face Hub names in a card's `license`.
NAMED = frozenset(
    "apache-2.0 mit isc unlicense cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 "
    "cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0 odc-by odbl pddl gfdl gpl-2.0 gpl-3.0 lgpl-3.0 agpl-3.0 mpl-2.0 "
    "bsd-2-clause bsd-3-clause etalab-2.0 open-mdw".split()
)
OTHER = "other"
# A cleaned text is a derivative, which -nd- licences forbid to share.
FORBIDS = re.compile(
    r"\bnd\b|no[- ]deriv|all rights reserved|proprietary|confidential|internal use"
    r"|\bno[nt]?[ -](?:to |be )*redistribut",
    re.I,
)


def name(licence: str) -> str:
    """Return a licence as a hub names it; `other` where it has no name."""
    plain = re.sub(r"[\s_]+", "-", re.sub(r"\blicen[cs]e\b|\bversion\b", "", licence.lower()).strip())
    return plain if plain in NAMED else OTHER


def names(licences: Iterable[str]) -> list[str]:
    """Return licences as a hub names them, each once."""
    return sorted({name(licence) for licence in licences})


def forbids(licence: str) -> bool:
    """Return whether a licence forbids to pass a cleaned text on."""
    return name(licence) == OTHER and bool(FORBIDS.search(licence))


def is_clear(licence: str) -> bool:
    """Return whether a licence allows to pass a text on, as far as its name tells."""
    return name(licence) != OTHER
