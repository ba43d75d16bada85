"""The alternative annotator test: may an automatic annotator take a person's place?

Calderon, Reichart & Dror, "The Alternative Annotator Test for LLM-as-a-Judge: How to Statistically Justify Replacing
Human Annotators with LLMs", ACL 2025. Each person in turn is left out: on how many items does the annotator agree with
the others at least as well as that person does? The test asks for three people or more, and 50 to 100 items.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np

FALSE_DISCOVERIES = 0.05  # rate among the people for whom the annotator is found to stand
NORMAL_ROWS = 30  # from so many items on, Student's t test; below, Wilcoxon's signed ranks, as the authors advise


@dataclass(frozen=True)
class Result:
    """What the test found.

    Attributes:
        p_values: by person, of the hypothesis that the annotator stands for them less well than they do, by `epsilon`.
        advantage: by person, the share of items on which the annotator agrees with the others at least as well.
        winning_rate: share of the people for whom the hypothesis is rejected; 0 where nobody could be tested.
    """

    p_values: dict[str, float]
    advantage: dict[str, float]
    winning_rate: float


def run(
    annotator: Mapping[Hashable, Hashable],
    people: Mapping[str, Mapping[Hashable, Hashable]],
    epsilon: float,
    min_items: int,
) -> Result:
    """Return the test of an annotator against people.

    Args:
        annotator: its answer to each item.
        people: each person's answers to items.
        epsilon: how much less often than a person the annotator may agree with the others: what it saves is worth that
            much. The authors' advice: 0.2 for experts, 0.15 for trained people, 0.1 for a crowd.
        min_items: people who share fewer items with others are not tested.
    """
    from scipy.stats import false_discovery_control

    p_values, advantage = {}, {}
    for name in sorted(people):
        wins = _wins(annotator, people, name)
        if len(wins) >= min_items:
            p_values[name] = _p_value(wins[:, 1] - wins[:, 0], epsilon)
            advantage[name] = float(wins[:, 0].mean())
    if not p_values:
        return Result({}, {}, 0.0)
    # Benjamini-Yekutieli (2001): the tests depend on one another, all being of the same items.
    adjusted = false_discovery_control(list(p_values.values()), method="by")
    return Result(p_values, advantage, float(np.mean(adjusted <= FALSE_DISCOVERIES)))


def _wins(annotator: Mapping, people: Mapping[str, Mapping], name: str) -> np.ndarray:
    """Return who agrees better with the others, (items, 2) int: for each item that a person shares with others, whether
    the annotator does at least as well as the person, and whether the person does at least as well as the annotator.
    """
    wins = []
    for item, own in people[name].items():
        others = [answers[item] for other, answers in people.items() if other != name and item in answers]
        if others and item in annotator:
            of_annotator, of_person = others.count(annotator[item]), others.count(own)
            wins.append((of_annotator >= of_person, of_person >= of_annotator))
    return np.array(wins, dtype=int).reshape(-1, 2)


def _p_value(difference: np.ndarray, epsilon: float) -> float:
    """Return the one-sided p-value of "the mean difference is epsilon or more".

    Args:
        difference: (items,) int in -1..1, the person's advantage over the annotator.
    """
    from scipy.stats import ttest_1samp, wilcoxon

    if (difference == difference[0]).all():  # no variance, no test
        return 0.0 if difference[0] < epsilon else 1.0
    if len(difference) < NORMAL_ROWS:
        return float(wilcoxon(difference - epsilon, alternative="less").pvalue)
    return float(ttest_1samp(difference, epsilon, alternative="less").pvalue)
