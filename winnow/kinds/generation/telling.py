"""How decisions.csv tells responses and prompts: each decision is one physical line, whatever is in them.

The label that a person saw is told by a hash, the one that a person wrote by its text. A text that a cell would not
give back as it is stands as a JSON string with at least one escape, in its quotes: one with line breaks, control
characters or white space at its ends, or that would be read as one of these two forms. Any other text, quotes and
backslashes included, stands as it is.
"""

import json
from itertools import islice

import regex

from winnow.base import hashing

HASH = "sha256:"
_HASHED = regex.compile(rf"{HASH}[0-9a-f]{{16}}")
_BREAKING = regex.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SIGN = regex.compile(r"\X")  # with its marks, and with what emoji are joined of
_SURROGATE = regex.compile(r"[\ud800-\udfff]")


def short(response: str, most: int) -> str:
    """Return a response in one line; a longer one is cut behind so many characters, as people see them."""
    line = " ".join(response.split())
    end = next(islice(_SIGN.finditer(line), most, None), None)
    return line if end is None else f"{line[: end.start()].rstrip()}…"


def fingerprint(response: str) -> str:
    """Return the hash by which a response is told."""
    return HASH + hashing.text_sha(response)


def is_fingerprint(cell: str) -> bool:
    """Return whether a cell is the hash of a response."""
    return _HASHED.fullmatch(cell) is not None


def told(response: str) -> str:
    """Return a response as a line of text; `read` gives it back."""
    at_ends = response[:1].isspace() or response[-1:].isspace()
    needs = at_ends or _BREAKING.search(response) or is_fingerprint(response) or _unquoted(response) is not None
    if not needs:
        return response
    inside = json.dumps(response, ensure_ascii=False)[1:-1]
    inside = _BREAKING.sub(lambda found: _escaped(found[0]), inside)
    if "\\" not in inside:
        first, last = inside[0], inside[1:]
        inside = inside[:-1] + _escaped(inside[-1]) if inside[-1].isspace() else _escaped(first) + last
    return f'"{inside}"'


def read(cell: str) -> str:
    """Return the response that a cell tells; a cell that is no string of JSON with an escape is the response itself."""
    unquoted = _unquoted(cell)
    return cell if unquoted is None else unquoted


def _unquoted(cell: str) -> str | None:
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"' or "\\" not in cell:
        return None
    try:
        found = json.loads(cell)
    except ValueError:
        return None
    return None if not isinstance(found, str) or _SURROGATE.search(found) else found


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
