"""One span of a text: where it begins and ends, and its type."""

import json
from typing import TypeAlias

SHOWN = 60  # characters of a label, and of a span's text, that a message repeats

Span: TypeAlias = tuple[int, int, str]


def trimmed(span: Span, text: str) -> Span | None:
    """Return a span of a text without the white space at its borders; None if nothing else is in it."""
    start, end, name = span
    inside = text[start:end]
    bare = inside.strip()
    if not bare:
        return None
    start += len(inside) - len(inside.lstrip())
    return start, start + len(bare), name


def told(span: Span) -> str:
    """Return a span as messages name it."""
    start, end, name = span
    return f"[{start}, {end}, {json.dumps(name, ensure_ascii=False)}]"


def quoted(text: str, span: Span) -> str:
    """Return what stands in a span, for messages."""
    inside = text[span[0] : span[1]]
    return json.dumps(inside if len(inside) <= SHOWN else f"{inside[:SHOWN]}…", ensure_ascii=False)
