"""A report as Markdown for a pull request: under sixty lines that are seen at once, the rest folded."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from winnow.commands.diff import escaping
from winnow.commands.diff.document import Block, Bullets, Folded, Foreign, Heading, Line, Paragraph, Strong, Table

LONGEST = 59_000  # characters of blocks; .ci/comment.py posts 60,000, and GitHub takes 65,536 of a comment
SEEN = 59  # lines before anything is unfolded; where a change is of many kinds, one line unfolds all parts
LEFT_OUT = "*The rest would not fit into a comment: `winnow diff --format html` has all.*"


def written(blocks: Iterable[Block]) -> str:
    """Return the blocks; folded ones that a comment cannot hold are left out, from the end."""
    seen, folded, size, end = [], [], 0, []
    for block in blocks:
        text = "\n".join(_lines(block))
        if isinstance(block, Folded) and size + len(text) > LONGEST:
            end = [LEFT_OUT]
            break
        (folded if isinstance(block, Folded) else seen).append(text)
        size += len(text.encode()) + 2
    lines = sum(line != "" for text in seen for line in text.split("\n"))
    if folded and lines + len(folded) + len(end) > SEEN:
        folded = [f"<details><summary>More, in {len(folded)} parts</summary>", *folded, "</details>"]
    return "\n\n".join(part for part in (*seen, *folded, *end) if part) + "\n"


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"### {_line(block.line)}"
    elif isinstance(block, Paragraph):
        yield _line(block.line)
    elif isinstance(block, Bullets):
        yield from (f"- {_line(line)}" for line in block.lines)
    elif isinstance(block, Table):
        yield _row([[name] for name in block.header])
        yield "|" + "---|" * len(block.header)
        yield from map(_row, block.rows)
    elif isinstance(block, Folded):
        # Within the tag of a summary, Markdown is not read.
        yield f"<details><summary>{_summary(block.summary)}</summary>"
        for inner in block.blocks:
            lines = list(_lines(inner))
            yield from ["", *lines] if lines else []
        yield from ["", "</details>"]


def _row(cells: Sequence[Line]) -> str:
    return f"| {' | '.join(map(_line, cells))} |"


def _line(line: Line) -> str:
    return "".join(map(_part, line))


def _part(part: str | Foreign | Strong) -> str:
    if isinstance(part, Foreign):
        return escaping.foreign(part.text)
    return f"**{escaping.ours(part.text)}**" if isinstance(part, Strong) else _spaced(part)


def _spaced(text: str) -> str:
    """Return words of ours with the spaces that they begin and end with, which stand between parts."""
    inner = text.strip(" ")
    before, after = text[: len(text) - len(text.lstrip(" "))], text[len(text.rstrip(" ")) :] if inner else ""
    return f"{before}{escaping.ours(inner)}{after}"


def _summary(line: Line) -> str:
    return "".join(_part(part) if isinstance(part, Foreign) else escape(_text(part)) for part in line)


def _text(part: str | Strong) -> str:
    return part if isinstance(part, str) else part.text
