"""How two samples of texts differ: tests whose false alarms are counted together, and figures that say what differs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from winnow.statistics import testing, two_sample
from winnow.text import language
from winnow.text.words import scripts, terms

PERMUTATIONS = 999
LEVEL = 0.05  # chance of a false alarm, all tests together
LEAST_ROWS = two_sample.FOLDS  # fewer cannot be compared
SHOWN_WORDS, SHOWN_SHARES = 12, 6
LEAST_SHARE = 0.01  # a rarer language or class is not told
CLEAR = 3.0  # standard errors by which a word's frequency must differ


@dataclass(frozen=True)
class Answers:
    """What a model says of texts.

    Attributes:
        labels: (rows,) str.
        sure: (rows,) float, the probability of each; None: the kind of task does not tell.
    """

    labels: Sequence[str]
    sure: np.ndarray | None


@dataclass(frozen=True)
class Test:
    """One comparison.

    Attributes:
        found: in words, what was measured.
        p: how often chance alone gives as much; all tests together, after Holm (1979).
    """

    found: str
    p: float

    @property
    def differs(self) -> bool:
        """Whether there is a measurable difference."""
        return self.p < LEVEL


@dataclass(frozen=True)
class Compared:
    """How new texts differ from old ones.

    Attributes:
        tests: by what they compare.
        scores: (new rows,) float, higher is less like the old ones; held out.
        figures: what to know beside, by name, in words.
    """

    tests: dict[str, Test]
    scores: np.ndarray
    figures: dict[str, str]

    @property
    def differing(self) -> list[str]:
        """What differs measurably."""
        return [name for name, test in self.tests.items() if test.differs]


def compare(old: Sequence[str], new: Sequence[str], answers: tuple[Answers, Answers], seed: int) -> Compared:
    """Return how texts differ.

    Args:
        old, new: texts, at least `LEAST_ROWS` each; no two of one group.
        answers: what a model says of old texts that it did not learn from, which may be none, and of the new ones.
    """
    bags = [[terms(text) for text in texts] for texts in (old, new)]
    apart = two_sample.tell_apart(
        kernel([*bags[0], *bags[1]]), np.arange(len(old) + len(new)) >= len(old), PERMUTATIONS, seed
    )
    tests = {
        "words": (
            f"a classifier puts a new text above an old one {_percent(apart.auc)} of the time "
            f"({_percent(apart.low)} to {_percent(apart.high)}; 50 % by chance)",
            apart.p,
        ),
        "lengths": _lengths(old, new),
    }
    before, after = answers
    if len(before.labels) >= LEAST_ROWS:
        tests["predicted labels"] = _labels(before.labels, after.labels, seed)
        if before.sure is not None and after.sure is not None:
            tests["confidence"] = _confidence(before.sure, after.sure)
    adjusted = testing.holm(np.array([p for _, p in tests.values()]))
    named = {name: Test(found, float(p)) for (name, (found, _)), p in zip(tests.items(), adjusted, strict=True)}
    return Compared(named, apart.scores[len(old) :], figures(old, new, bags))


def kernel(bags: Sequence[list[str]]) -> np.ndarray:
    """Return the products of texts' TF-IDF vectors of unit length, (texts, texts) float32; of no words, zero."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=lambda bag: bag, sublinear_tf=True, min_df=2, dtype=np.float32)
    try:
        matrix = vectorizer.fit_transform(bags)
    except ValueError:  # no word stands in two texts
        return np.zeros((len(bags), len(bags)), np.float32)
    return (matrix @ matrix.T).toarray()


def least_visible(old: int, new: int) -> float:
    """Return the AUC from which on a difference between so many rows would show, nearly always."""
    error = np.sqrt((old + new + 1) / (12 * old * new))
    return float(min(1.0, 0.5 + (1.645 + 1.282) * error))


def figures(old: Sequence[str], new: Sequence[str], bags: Sequence[Sequence[list[str]]]) -> dict[str, str]:
    """Return what to know beside the tests: words that no other old text has, telling words, languages, scripts."""
    rows = [Counter(word for bag in own for word in set(bag)) for own in bags]
    known, unknown = (
        _share(sum(rows[0][word] <= alone for bag in own for word in bag), sum(map(len, own)))
        for own, alone in ((bags[0], 1), (bags[1], 0))
    )
    told = {"words of no other old text": f"{known} of an old text's, {unknown} of a new one's"}
    if telling := telling_words(*rows, len(old), len(new)):
        told["more often in new text"] = ", ".join(telling)
    told["languages"] = _beside(*(_languages(texts) for texts in (old, new)))
    told["scripts"] = _beside(scripts(old), scripts(new))
    return told


def telling_words(old: Counter, new: Counter, old_rows: int, new_rows: int) -> list[str]:
    """Return the words that clearly more of the new texts have, the clearest first.

    Args:
        old, new: in how many texts each word stands.
    """
    scores = {}
    for word, count in new.items():
        share = (old[word] + count) / (old_rows + new_rows)
        error = np.sqrt(max(share * (1 - share), 1e-12) * (1 / old_rows + 1 / new_rows))
        scores[word] = (count / new_rows - old[word] / old_rows) / error
    clearest = sorted(scores, key=lambda word: (-scores[word], word))[:SHOWN_WORDS]
    return [word for word in clearest if scores[word] >= CLEAR and new[word] > 2]


def _lengths(old: Sequence[str], new: Sequence[str]) -> tuple[str, float]:
    from scipy.stats import ks_2samp

    lengths = [np.array(list(map(len, texts))) for texts in (old, new)]
    medians = [f"{np.median(own):.0f}" for own in lengths]
    return f"median {medians[0]} characters before, {medians[1]} now", float(ks_2samp(*lengths).pvalue)


def _labels(old: Sequence[str], new: Sequence[str], seed: int) -> tuple[str, float]:
    names = {label: number for number, label in enumerate(dict.fromkeys([*old, *new]))}
    first, second = (np.array([names[label] for label in labels], int) for labels in (old, new))
    apart, p = two_sample.permuted(first, second, PERMUTATIONS, seed)
    shares = [Counter(labels) for labels in (old, new)]
    moved = sorted(names, key=lambda name: -abs(shares[1][name] / len(new) - shares[0][name] / len(old)))
    told = ", ".join(
        f"{name} {_share(shares[0][name], len(old))} before, {_share(shares[1][name], len(new))} now"
        for name in moved[:3]
    )
    return f"{_percent(apart)} of the labels moved: {told}", p


def _confidence(old: np.ndarray, new: np.ndarray) -> tuple[str, float]:
    from scipy.stats import ks_2samp

    found = f"median probability {np.median(old):.2f} of dev rows, {np.median(new):.2f} of new ones"
    return found, float(ks_2samp(old, new).pvalue)


def _languages(texts: Sequence[str]) -> dict[str, float]:
    codes = Counter(code for code, _ in language.detect(list(texts)))
    return {"unknown" if code == language.UNKNOWN else code: n / len(texts) for code, n in codes.most_common()}


def _beside(old: Mapping[str, float], new: Mapping[str, float]) -> str:
    """Return shares of two samples in words, the commonest first."""
    names = sorted({*old, *new}, key=lambda name: -max(old.get(name, 0), new.get(name, 0)))
    told = [name for name in names if max(old.get(name, 0), new.get(name, 0)) >= LEAST_SHARE][:SHOWN_SHARES]
    return ", ".join(f"{name} {_percent(old.get(name, 0))} before, {_percent(new.get(name, 0))} now" for name in told)


def _share(part: int, whole: int) -> str:
    return _percent(part / whole if whole else 0.0)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.1 else f"{100 * share:.1f} %"
