"""A report as blocks, from which Markdown and HTML are written.

Words of ours are `str`; what comes from anybody's data, a name, a label, a text, is `Foreign`, which no format may take
for markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Foreign:
    """Text that others wrote."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Words of ours that stand out."""

    text: str


Line = Sequence[str | Foreign | Strong]


@dataclass(frozen=True)
class Heading:
    """A heading."""

    line: Line


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of one line."""

    line: Line


@dataclass(frozen=True)
class Bullets:
    """A list."""

    lines: Sequence[Line]


@dataclass(frozen=True)
class Table:
    """A table."""

    header: Sequence[str]
    rows: Sequence[Sequence[Line]]


@dataclass(frozen=True)
class Plot:
    """Pictures side by side where there is room, which Markdown leaves out: a table beside them says the same."""

    pictures: Sequence[str]


@dataclass(frozen=True)
class Folded:
    """Blocks that are seen on request."""

    summary: Line
    blocks: "Sequence[Block]" = field(default_factory=tuple)


Block = Heading | Paragraph | Bullets | Table | Plot | Folded
