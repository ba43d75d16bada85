"""What an edit changes of a response, in one line: words that went `[-so-]`, words that came `{+so+}`, as in Git."""

import regex
from rapidfuzz.distance import LCSseq

WORDS = regex.compile(r"\w+|[^\w\s]|\s+")
NEAR = 8  # words and spaces that are told on either side of a change
MOST_WORDS = 4000  # of a side: beyond, comparing takes more than a moment
MOST = 600  # characters


def told(before: str, after: str) -> str:
    """Return the words that lead from one response to another, those around them, and `…` for what else stays."""
    old, new = (WORDS.findall(text)[:MOST_WORDS] for text in (before, after))
    steps = list(LCSseq.opcodes(old, new))
    parts, gone, come = [], [], []
    for place, step in enumerate(steps):
        own, other = old[step.src_start : step.src_end], new[step.dest_start : step.dest_end]
        if step.tag == "equal":
            parts += [_marked("[-", gone, "-]"), _marked("{+", come, "+}")]
            parts.append(_around(own, place == 0, place == len(steps) - 1))
            gone, come = [], []
        else:
            gone, come = gone + own, come + other
    parts += [_marked("[-", gone, "-]"), _marked("{+", come, "+}")]
    line = " ".join("".join(parts).split())
    return line if len(line) <= MOST else f"{line[:MOST]}…"


def _marked(opening: str, words: list[str], closing: str) -> str:
    return f"{opening}{''.join(words)}{closing}" if words else ""


def _around(words: list[str], is_first: bool, is_last: bool) -> str:
    before, after = ([] if is_first else words[:NEAR]), ([] if is_last else words[-NEAR:])
    if len(words) <= len(before) + len(after):
        return "".join(words)
    return f"{''.join(before)}…{''.join(after)}"
