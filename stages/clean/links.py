"""Rule on links: addresses of the web and of files on it, dropped or replaced by a token."""

import re

TOKEN = "[URL]"
LINK = r"(?i)(?:https?|ftp)://|www\."

# The last character is no punctuation: that belongs to the sentence. Angle brackets, as in <https://…>, go with it.
_LINK = re.compile(r"""<?\b(?:(?:https?|ftp)://|www\.)[^\s<>"'`\[\]{}]*[^\s<>"'`\[\]{}.,;:!?]>?""", re.I)


def _bare(match: re.Match, replacement: str) -> str:
    """Return what stands for a link: a closing bracket that was not opened in it is not part of it."""
    link = match[0]
    tail = ""
    while link.endswith(")") and link.count(")") > link.count("("):
        link, tail = link[:-1], ")" + tail
    return replacement + tail


def replace_links(text: str) -> str:
    """Replace each web address by the token `[URL]`."""
    return _LINK.sub(lambda match: _bare(match, TOKEN), text)


def drop_links(text: str) -> str:
    """Remove each web address, and brackets that held nothing else."""
    dropped = _LINK.sub(lambda match: _bare(match, ""), text)
    return text if dropped == text else re.sub(r"\(\s*\)|\[\s*\]", "", dropped)
