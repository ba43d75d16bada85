"""Text parts that are no HTML as plain text: format=flowed (RFC 3676), text/enriched (RFC 1896), text/richtext."""

import re
from collections.abc import Iterator

SEPARATOR = "-- "  # the line before a signature, whose space is no soft break


def flowed(text: str, delsp: bool = False) -> str:
    """Return a text of `format=flowed` with its paragraphs in one line each; `>` marks stay, as `>> `.

    Args:
        delsp: the space before a soft break is none of the text.
    """
    return "\n".join(_paragraphs(text, delsp))


def _paragraphs(text: str, delsp: bool) -> Iterator[str]:
    depth, open_ = 0, []
    for line in text.split("\n"):
        content = line.lstrip(">")
        here = len(line) - len(content)
        content = content.removeprefix(" ")
        if open_ and (here != depth or content == SEPARATOR):
            yield _quoted(depth, "".join(open_).rstrip(" "))
            open_ = []
        depth = here
        if content.endswith(" ") and content != SEPARATOR:
            open_.append(content[:-1] if delsp else content)
        else:
            yield _quoted(depth, "".join([*open_, content]))
            open_ = []
    if open_:
        yield _quoted(depth, "".join(open_).rstrip(" "))


def _quoted(depth: int, line: str) -> str:
    return ">" * depth + (" " if depth and line else "") + line


_COMMAND = re.compile(r"<<|</?[A-Za-z0-9-]{1,60}>|\n+|[^<\n]++|<")


def enriched(text: str) -> str:
    """Return the text of text/enriched: a single line break is a space, excerpts are quoted by `>`."""
    out: list[str] = []
    depth = unfilled = hidden = 0
    for token in _COMMAND.findall(text):
        name = token[1:-1].lower() if len(token) > 2 and token[0] == "<" else ""
        if name in ("param", "/param"):
            hidden = max(hidden + (1 if name == "param" else -1), 0)
        elif name in ("nofill", "/nofill"):
            unfilled = max(unfilled + (1 if name == "nofill" else -1), 0)
        elif name in ("excerpt", "/excerpt"):
            depth = max(depth + (1 if name == "excerpt" else -1), 0)
            out.append("\n" + ">" * depth + " " * bool(depth))
        elif not name and not hidden:
            if token[0] == "\n":
                breaks = len(token) if unfilled else len(token) - 1
                out.append(("\n" + ">" * depth + " " * bool(depth)) * breaks or " ")
            else:
                out.append("<" if token == "<<" else token)
    return _tidy("".join(out))


_RICH = {"nl": "\n", "np": "\n\n", "lt": "<", "paragraph": "\n", "/paragraph": "\n"}


def rich(text: str) -> str:
    """Return the text of text/richtext (RFC 1341): line breaks are `<nl>`, comments go."""
    out: list[str] = []
    hidden = 0
    for token in _COMMAND.findall(text):
        name = token[1:-1].lower() if len(token) > 2 and token[0] == "<" else ""
        if name in ("comment", "/comment"):
            hidden = max(hidden + (1 if name == "comment" else -1), 0)
        elif not hidden:
            out.append(_RICH.get(name, "") if name else " " if token[0] == "\n" else token)
    return _tidy("".join(out))


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
