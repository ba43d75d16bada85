"""A report as one HTML page without a script and without links to elsewhere, with plots before and after."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files as resources

from winnow.base import page
from winnow.commands.diff import escaping, plots
from winnow.commands.diff.document import (
    Block,
    Bullets,
    Folded,
    Foreign,
    Heading,
    Line,
    Paragraph,
    Plot,
    Strong,
    Table,
)

TEXT = 400  # characters of a text of others


def written(found: Mapping, blocks: Iterable[Block]) -> str:
    """Return the page: the blocks, and the plots before those that are folded."""
    from markupsafe import Markup

    seen, folded = [], []
    for block in blocks:
        (folded if isinstance(block, Folded) else seen).append(block)
    everything = [*seen, *plots.of(found), *folded]
    body = "\n".join(line for block in everything for line in _lines(block))
    style = resources(__package__).joinpath("templates/diff.css").read_text(encoding="utf-8")
    title = f"Winnow: {found['base']['name']} → {found['head']['name']}"
    return (
        page.environment(__package__)
        .get_template("diff.html")
        .render(policy=page.policy(style, ""), style=Markup(style), title=escaping.visible(title), body=Markup(body))
    )


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"<h1>{_line(block.line)}</h1>"
    elif isinstance(block, Paragraph):
        yield f"<p>{_line(block.line)}</p>"
    elif isinstance(block, Bullets):
        yield from ["<ul>", *(f"<li>{_line(line)}</li>" for line in block.lines), "</ul>"]
    elif isinstance(block, Table):
        head = "".join(f"<th>{escape(name)}</th>" for name in block.header)
        yield f"<table><thead><tr>{head}</tr></thead><tbody>"
        yield from (f"<tr>{''.join(f'<td>{_line(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
        yield "</tbody></table>"
    elif isinstance(block, Plot):
        yield f"<p>{' '.join(block.pictures)}</p>"
    elif isinstance(block, Folded):
        yield f"<details><summary>{_line(block.summary)}</summary>"
        yield from (line for inner in block.blocks for line in _lines(inner))
        yield "</details>"


def _line(line: Line) -> str:
    return "".join(map(_part, line))


def _part(part: str | Foreign | Strong) -> str:
    if isinstance(part, Foreign):
        return f"<bdi><code>{escape(escaping.visible(part.text, TEXT)) or '(empty)'}</code></bdi>"
    text = escape(escaping.visible(part.text if isinstance(part, Strong) else part, 10 * TEXT))
    return f"<strong>{text}</strong>" if isinstance(part, Strong) else _edges(part, text)


def _edges(part: str, text: str) -> str:
    """Return words of ours with a space where they begin or end with one."""
    return f"{' ' * part.startswith(' ')}{text}{' ' * (part.endswith(' ') and bool(text))}"
