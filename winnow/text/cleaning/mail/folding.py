"""Texts in one case: what a slow pattern of many phrases needs is looked for in them first.

Python's patterns try each phrase at each place, and take ten times as long where they ignore case. Few lines hold
anything of a phrase, which a search for plain characters tells.
"""

import re
from collections.abc import Iterator

# Letters that are one under `re.I`, though `str.lower` keeps them apart.
_SAME = dict(
    zip(
        "ıİſςµϐϵϑϰϖϱϕ\u0345\u1fbe\u1fd3\u1fe3ẛ\u1c80\u1c81\u1c82\u1c83\u1c84\u1c85\u1c86\u1c87\u1c88\ufb05",
        "iisσμβεθκπρφιι\u0390\u03b0ṡвдосттъѣ\ua64b\ufb06",
        strict=True,
    )
)
_APART = re.compile(f"[{''.join(_SAME)}Σ]")
_PART = re.compile(r"\\.|\[[^\]]*\]|\(\?:|\{\d+,\d+\}|.", re.S)


def folded(text: str) -> str:
    """Return a text in lower case, character by character, so that what `re.I` takes for the same is the same."""
    if not text.isascii() and _APART.search(text):
        text = _APART.sub(lambda match: _SAME.get(match[0], "σ"), text)  # Σ is ς in lower case at a word's end
    return text.lower()


class Literals:
    """What each match of a pattern holds: of each alternative the longest run of characters, folded.

    Args:
        pattern: `(?:…|…)`, in lower case, of characters, classes, groups and the repeats `?`, `*` and `{m,n}`.
    """

    def __init__(self, pattern: str) -> None:
        self.all = tuple(dict.fromkeys(_longest_runs(pattern)))
        self.ascii = tuple(filter(str.isascii, self.all))

    def stand_in(self, text: str) -> bool:
        """Tell whether a text in lower case, `folded`, holds one of them; else the pattern matches nothing of it."""
        # Twice as fast as `any`.
        for literal in self.ascii if text.isascii() else self.all:  # noqa: SIM110
            if literal in text:
                return True
        return False


def _longest_runs(pattern: str) -> Iterator[str]:
    runs, depth = [""], 0
    for part in [*_PART.findall(folded(pattern))[1:-1], "|"]:
        if part == "|" and not depth:
            yield max(runs, key=len)
            runs = [""]
        elif part in ("(?:", ")"):
            depth += 1 if part == "(?:" else -1
            runs.append("")
        elif depth:
            continue
        elif part[0] in "?*{":
            runs[-1] = runs[-1][:-1]
            runs.append("")
        elif part[0] in ".[" or (part[0] == "\\" and part[1].isalnum()):
            runs.append("")
        else:
            runs[-1] += part[-1]
