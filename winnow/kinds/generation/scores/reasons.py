"""What speaks against a response, in words that a curator understands."""

from collections.abc import Mapping

import numpy as np

from winnow.kinds.generation.columns import Signs
from winnow.kinds.task import spelled

MOST = 3  # signs that are told of a row
LONGEST = 40  # characters of a response that are repeated
LAST = 4  # words of an ending that are repeated
LIKELIER = 3.0  # times as often a sign so strong comes with a planted error as with a given response

# What each sign means. Those that are not here mean what another one does.
WORDS: Mapping[str, str] = {
    "misplaced": "the response reads as the answer to another prompt: {percent} of those to similar prompts fit better",
    "misplaced_words": "{percent} of the responses to similar prompts have more words of this prompt than its own has",
    "mismatch": "its meaning is far from what prompts like this get",
    "ifd": "the prompt makes the response hardly more likely to a language model",
    "loss": "a language model holds the response to be unlikely",
    "strange": "it is unlike the responses to similar prompts",
    "repetition": "it repeats itself",
    "echo": "{percent} of its runs of four words are the prompt's",
    "echoed": "it repeats {percent} of the prompt",
    "boilerplate": "{percent} of its runs of five words are those of many other responses",
    "short": "it is shorter than responses to similar prompts",
    "long": "it is longer than responses to similar prompts",
}
ENDING = ("unfinished", "last_word", "ending")
EXPECTED = ("worst", "excess", "tail")
# Signs of which the strongest speaks for all.
ALIKE = (
    ("misplaced", "misplaced_words", "mismatch", "strange"),
    ("ifd", "loss"),
    ("echo", "echoed"),
    ("short", "long"),
    ENDING,
    EXPECTED,
)


def in_words(responses: np.ndarray, signs: Signs, odds: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Return what speaks against each response, the weightiest first; nothing where no sign is strong.

    Args:
        responses: (rows,) the responses in question; None where there is none.
        signs: of these.
        odds: (rows,) float of each sign, how many times as often one so strong comes with an error.
    """
    return [
        [] if response is None else _of_row(response, row, signs, odds)
        for row, response in enumerate(responses.tolist())
    ]


def _of_row(response: str, row: int, signs: Signs, odds: Mapping[str, np.ndarray]) -> list[str]:
    strength = {name: float(own[row]) for name, own in odds.items() if own[row] >= LIKELIER}
    told: dict[tuple[str, ...], str] = {}
    for name, _ in sorted(strength.items(), key=lambda item: (-item[1], item[0])):
        alike = next((names for names in ALIKE if name in names), (name,))
        if alike not in told and (sentence := _sentence(name, response, row, signs)):
            told[alike] = sentence
    return list(told.values())[:MOST]


def _sentence(name: str, response: str, row: int, signs: Signs) -> str | None:
    if name == "unsupported":
        return _unsupported(response, signs.facts[row])
    if name in ENDING:
        return f"it seems to be cut: it ends in {spelled(' '.join(response.split()[-LAST:])[-LONGEST:])}"
    if name in EXPECTED:
        start, end = signs.worst[row]
        return None if start < 0 else f"its least expected words are {_placed(response, int(start), int(end))}"
    if name not in WORDS:
        return None
    return WORDS[name].format(percent=f"{100 * signs.values[name][row]:.0f} %")


def _unsupported(response: str, places: list[tuple[int, int]]) -> str | None:
    if not places:
        return None
    quoted = ", ".join(_placed(response, start, end) for start, end in places[:MOST])
    more = f" and {len(places) - MOST} more" if len(places) > MOST else ""
    return f"{quoted}{more} {'is' if len(places) == 1 else 'are'} not in the prompt"


def _placed(response: str, start: int, end: int) -> str:
    return f"{_quoted(response, start, end)} at {start}-{end}"


def _quoted(response: str, start: int, end: int) -> str:
    text = response[start:end]
    return spelled(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def odds(value: np.ndarray, wrong: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return how many times as often a sign at least so strong comes with an error as without, (asked,) float64.

    Args:
        value: (asked,) float; nan: not known, which tells nothing.
        wrong, right: (some,) float, the sign in planted errors and in given responses.
    """
    wrong, right = (np.sort(own[np.isfinite(own)]) for own in (wrong, right))

    def at_least(own: np.ndarray) -> np.ndarray:
        return (len(own) - np.searchsorted(own, value, "left") + 0.5) / (len(own) + 1)

    return np.where(np.isfinite(value), at_least(wrong) / at_least(right), 1.0)
