"""Rules on notices: copyright statements, marks of a text that was cut off."""

import re

from winnow.text.cleaning.unicode import SPACE

# After a full stop and before a capital (unless the stop is an initial's, as in "S. Karger") or a mark; or before a
# set phrase.
_SENTENCE = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][)\]]))\s+(?:(?<![\s(][A-Z]\.\s)(?=[^\W\d_a-z])|(?=[©(\[]|Copyright\b))"
    r"|\s+(?=This article is protected by copyright|All rights reserved|Copyright ©|\([^()]{0,40}\(c\)\s(?:19|20)\d\d)"
)
MAX_STATEMENT = 400  # characters; longer sentences hold more than a statement
_HINTS = (
    "©",
    "(c)",
    "copyright",
    "rights reserved",
    "rights are reserved",
    "published by",
    "open access",
    "open-access",
)
COPYRIGHT = "(?i)" + "|".join(map(re.escape, _HINTS))
_COPYRIGHT = re.compile(
    r"^[\s(\[]*(?:©|\(c\)\s*(?:19|20)\d\d|copyright[\s,:]*(?:©|\(c\)|by\b|(?:19|20)\d\d))"
    r"|^.{0,80}\ball rights (?:are )?reserved\b|\b(?:is|are) protected by copyright\b"
    r"|^published by(?:\s+\S+){1,10}$"
    r"|^(?:this is an )?open[- ]access article\b.{0,80}\b(?:licen[cs]e|distributed|published|under)\b",
    re.I,
)
# What may follow a statement: "The Journal of X published by Y Ltd. on behalf of Z."
_PUBLISHER = re.compile(r"\bpublished by\b|\bon behalf of\b", re.I)


def strip_copyright(text: str, first: int = 1, last: int = 4) -> str:
    """Remove sentences that state a copyright among the first and the last ones; a mid-text discussion stays.

    Args:
        text: any text.
        first: how many sentences at the start may be a statement.
        last: how many at the end; publishers add up to four ("© 2021 X. Published by Y. All rights reserved. …").
    """
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS):
        return text
    sentences = _SENTENCE.split(text)
    kept, after_statement = [], False
    for position, sentence in enumerate(sentences):
        at_edge = position < first or position >= len(sentences) - last
        after_statement = (
            at_edge
            and len(sentence) <= MAX_STATEMENT
            and bool(_COPYRIGHT.search(sentence) or (after_statement and _PUBLISHER.search(sentence)))
        )
        if not after_statement:
            kept.append(sentence)
    return text if len(kept) == len(sentences) else " ".join(kept)


# At the very end only: "[truncated]", "(more)", "(ABSTRACT TRUNCATED AT 250 WORDS)", "… Read more", "…", "...".
_WHAT = "(?:abstract|article|comment|content|message|output|post|summary|text)"
_REMARK = rf"(?:{_WHAT} )?(?:truncated|clipped|cut off|continued|snip(?:ped)?|(?:read )?more)(?: at [0-9]+ [a-z]+)?"
_DOTS = r"(?:…|\.\.\.+)"
_MARK = (
    rf"(?:{_DOTS} ?(?:(?:read )?more|continue reading)?|[\[(] ?{_DOTS}? ?{_REMARK} ?{_DOTS}? ?[\])]|\[ ?{_DOTS} ?\])"
)
CUT = rf"(?i){_MARK}{SPACE}*$"
_CUT = re.compile(rf"{_MARK}\Z", re.I)
_LONGEST_MARK = 80  # characters


def strip_truncation_mark(text: str) -> str:
    """Remove what tells at the end of a text that it goes on elsewhere."""
    short = text.rstrip()
    while match := _CUT.search(short, max(0, len(short) - _LONGEST_MARK)):
        text = short = short[: match.start()].rstrip()
    return text
