"""Rule on links: addresses of the web and of files on it, dropped or replaced by a token."""

import regex

from winnow.text.words import JOINED_LETTERS

TOKEN = "[URL]"
LINK = r"(?i)(?:https?|ftp)://|www\."

# The last character is no punctuation: that belongs to the sentence. Angle brackets, as in <https://…>, go with it.
# Where a sentence goes on right behind a link (请看https://example.org/a。谢谢), its letters end it, and so does
# punctuation beyond ASCII; of an address that holds such letters (…/wiki/北京) they stay.
_ENDS = rf"""\s<>"'`\[\]{{}}{JOINED_LETTERS}[\p{{P}}--[\x00-\x7f]]"""
_LINK = regex.compile(rf"(?V1i)<?(?<![A-Za-z0-9_])(?:(?:https?|ftp)://|www\.)[^{_ENDS}]*[^{_ENDS}.,;:!?]>?")
_EMPTY_BRACKETS = regex.compile(r"\(\s*\)|\[\s*\]|（\s*）|「\s*」|『\s*』|【\s*】|《\s*》|〈\s*〉")


def _bare(match: regex.Match, replacement: str) -> str:
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
    return text if dropped == text else _EMPTY_BRACKETS.sub("", dropped)
