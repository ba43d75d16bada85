"""The alternative annotator test: an example worked by hand, and simulated people."""

import numpy as np
import pytest
from scipy import stats

from stages.apply_decisions import alt_test

# Ten items, three people, and an annotator. The columns that follow are worked by hand.
PEOPLE = {
    "ana": dict(enumerate("AAAAAABBBB")),
    "bo": dict(enumerate("AAAAABBBBB")),
    "cy": dict(enumerate("AAAABBBBBA")),
}
ANNOTATOR = dict(enumerate("AAAAAABBBA"))
# For each person, on each item: (annotator, person) agree with the other two at least as well as the other of the two.
# ana and the annotator differ on item 9 only: bo says B, cy says A, so it is even.
# bo differs on 5 (ana A, cy B: even) and 9 (ana B, cy A: even).
# cy differs on 4 (ana and bo A: the annotator's A wins) and on 5 (ana A, bo B: even).
ADVANTAGE = {"ana": 1.0, "bo": 1.0, "cy": 1.0}
DIFFERENCE = {"ana": [0] * 10, "bo": [0] * 10, "cy": [0, 0, 0, 0, -1, 0, 0, 0, 0, 0]}


def test_a_worked_example():
    found = alt_test.run(ANNOTATOR, PEOPLE, 0.2, 10)
    assert found.advantage == ADVANTAGE
    shifted = np.array(DIFFERENCE["cy"]) - 0.2
    expected = stats.wilcoxon(shifted, alternative="less").pvalue  # fewer than 30 items
    assert found.p_values == {"ana": 0.0, "bo": 0.0, "cy": pytest.approx(expected)}
    # By hand: all ten differences are negative, so the rank sum of positive ones is 0: one of 2^10 sign patterns.
    assert expected < 0.01
    assert found.winning_rate == 1.0


def test_items_that_one_person_alone_has_judged_do_not_count():
    people = {"ana": {0: "A", 1: "A", 2: "A"}, "bo": {0: "A", 1: "B"}, "cy": {3: "A"}}
    found = alt_test.run(dict.fromkeys(range(4), "A"), people, 0.2, 1)
    assert set(found.p_values) == {"ana", "bo"}
    # Item 0 is even; item 1: bo's B disagrees with ana, the annotator's A agrees.
    assert found.advantage == {"ana": 1.0, "bo": 1.0}
    assert set(alt_test.run({0: "A"}, people, 0.2, 2).p_values) == set()
    assert alt_test.run({}, {}, 0.2, 1) == alt_test.Result({}, {}, 0.0)


def test_from_thirty_items_on_it_is_a_t_test():
    rng = np.random.default_rng(0)
    people, annotator = simulate(40, [0.8, 0.8, 0.8], 0.8, rng)
    found = alt_test.run(annotator, people, 0.1, 30)
    others = [people["p1"], people["p2"]]
    agree = {who: np.array([sum(o[i] == of[i] for o in others) for i in range(40)]) for who, of in
             (("annotator", annotator), ("person", people["p0"]))}  # fmt: skip
    wins = agree["annotator"] >= agree["person"], agree["person"] >= agree["annotator"]
    difference = wins[1].astype(int) - wins[0].astype(int)
    t = (difference.mean() - 0.1) / (difference.std(ddof=1) / np.sqrt(40))
    assert found.p_values["p0"] == pytest.approx(stats.t.cdf(t, 39))


def simulate(items: int, people: list[float], annotator: float, rng) -> tuple[dict, dict]:
    """Return answers of people and of an annotator, each right as often as it says, of four labels."""
    truth = rng.integers(4, size=items)

    def answers(right: float) -> dict[int, str]:
        wrong = (truth + rng.integers(1, 4, size=items)) % 4
        said = np.where(rng.random(items) < right, truth, wrong)
        return dict(enumerate(map(str, said)))

    return {f"p{number}": answers(right) for number, right in enumerate(people)}, answers(annotator)


def rate(annotator: float, epsilon: float = 0.15, runs: int = 60) -> float:
    """How often an annotator passes, of simulated samples of 100 items by three people who are right in 85 %."""
    rng = np.random.default_rng(1)
    passed = [
        alt_test.run(said, people, epsilon, 30).winning_rate >= 0.5
        for people, said in (simulate(100, [0.85] * 3, annotator, rng) for _ in range(runs))
    ]
    return float(np.mean(passed))


def test_an_annotator_as_good_as_people_passes_and_a_bad_one_fails():
    assert rate(0.85) > 0.75
    assert rate(0.95) > 0.95
    assert rate(0.6) < 0.05
    assert rate(0.25) == 0.0


def test_without_a_bonus_for_being_cheap_an_equal_annotator_rarely_passes():
    assert rate(0.85, epsilon=0.0) < 0.1


def test_the_false_discovery_rate_is_that_of_benjamini_and_yekutieli():
    """As many as the largest k whose k-th smallest of m p-values is at most 0.05 k / (m (1 + 1/2 + … + 1/m))."""
    rng, differs = np.random.default_rng(3), 0
    for _ in range(40):
        people, annotator = simulate(50, [0.8] * 4, 0.8, rng)
        found = alt_test.run(annotator, people, 0.1, 30)
        ordered = sorted(found.p_values.values())
        bounds = [0.05 * k / (4 * (1 + 1 / 2 + 1 / 3 + 1 / 4)) for k in (1, 2, 3, 4)]
        discoveries = max(
            [k for k, (p, bound) in enumerate(zip(ordered, bounds, strict=True), 1) if p <= bound], default=0
        )
        assert found.winning_rate == discoveries / 4
        differs += discoveries != sum(p <= 0.05 for p in ordered)
    assert differs > 5
