"""Entities of HTML: decoded once, as a browser decodes them."""

import html
import re
from functools import lru_cache
from html.entities import html5

ENTITY = r"&#?\w"

# Most entities come again and again: so many are kept as they were read.
_KEPT = 4096

# Well-formed; or one of the old names and numbers that HTML knows without a semicolon, before a space or punctuation.
_ENTITY = re.compile(
    r"&(?:(#[0-9]{1,7}+|#[xX][0-9a-fA-F]{1,6}+);?|([A-Za-z][A-Za-z0-9]{1,31}+);|([A-Za-z]{2,6}+[1-4]{0,2}+)(?![\w=;]))?"
)


def decode_entities(text: str) -> str:
    """Decode each known entity once; `&copy=1` of a link and `R&D` stay as they are."""
    return _ENTITY.sub(lambda match: _entity(*match.groups()) or match[0], text) if "&" in text else text


@lru_cache(maxsize=_KEPT)
def _entity(number: str | None, name: str | None, old: str | None) -> str | None:
    """Return the character of an entity, given the groups of `_ENTITY`; None if it is none."""
    if number or (name and f"{name};" in html5) or (old and old in html5):
        return html.unescape(f"&{number or name or old};")
    return None


def protect_entities(text: str) -> str:
    """Return a text of which a parser decodes what `decode_entities` would, and nothing else."""
    return _ENTITY.sub(_protect, text) if "&" in text else text


def _protect(match: re.Match) -> str:
    """Leave to the parser what is an entity, and escape what is none."""
    if _entity(*match.groups()) is None:
        return "&amp;" + match[0][1:]
    return match[0] if match[0].endswith(";") else match[0] + ";"
