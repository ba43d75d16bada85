"""Agreement, against published worked examples, scikit-learn, and simulations with a known answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stages.agreement import coefficients
from stages.agreement.coefficients import Bootstrap, Estimate

SETTINGS = Bootstrap(resamples=200, confidence=0.95, seed=1)
OUTCOMES = 6


def votes(*reviewers: str) -> np.ndarray:
    """Return votes from one string a reviewer; a dot is a row that they did not judge."""
    return np.array([[-1 if vote == "." else int(vote) for vote in said] for said in reviewers]).T


def alpha(cast: np.ndarray, groups: np.ndarray | None = None, bootstrap: Bootstrap = SETTINGS) -> Estimate:
    groups = np.arange(len(cast)) if groups is None else groups
    return coefficients.alpha(cast, OUTCOMES, groups, bootstrap)[0]


def kappa(cast: np.ndarray, bootstrap: Bootstrap = SETTINGS) -> Estimate:
    return coefficients.kappa(cast[:, 0], cast[:, 1], OUTCOMES, np.arange(len(cast)), bootstrap)


def table(counts: list[list[int]]) -> np.ndarray:
    """Return the votes of two reviewers whose confusion counts these are."""
    return np.array([(i, j) for i, row in enumerate(counts) for j, count in enumerate(row) for _ in range(count)])


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (["0100000010", "1110010000"], 0.095),  # Krippendorff (2011), part A: binary
        (["001132224330", "101112224333"], 0.692),  # part B: two observers, nominal
        (["123321412...", "1233224125.3", ".3332342251.", "1233244125 1.".replace(" ", "")], 0.743),  # part C
        ([".....34121133.3", "1.213343.......", "..21344.21133.4"], 0.691),  # Wikipedia's example
    ],
)
def test_alpha_equals_published_examples(said, value):
    assert alpha(votes(*said)).value == pytest.approx(value, abs=5e-4)


def test_kappa_equals_a_published_example_with_its_interval():
    """Fleiss, Cohen and Everitt (1969): 200 patients, kappa 0.429; R's psych gives 0.32 to 0.53 by asymptotics."""
    found = kappa(table([[106, 10, 4], [22, 28, 10], [2, 12, 6]]), Bootstrap(2000, 0.95, 1))
    assert found.value == pytest.approx(0.429, abs=5e-4)
    assert (found.low, found.high) == pytest.approx((0.32, 0.53), abs=0.015)


@settings(max_examples=30)
@given(arrays(int, st.tuples(st.integers(2, 40), st.just(2)), elements=st.integers(0, 3)))
def test_kappa_equals_scikit_learn(cast):
    import warnings

    from sklearn.metrics import cohen_kappa_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(cast[:, 0], cast[:, 1])
    found = kappa(cast).value
    if found is None:
        assert np.isnan(expected)
    else:
        assert found == pytest.approx(expected)


CAST = arrays(int, st.tuples(st.integers(1, 25), st.integers(1, 5)), elements=st.integers(-1, 3))


@given(CAST, st.permutations(range(4)), st.randoms(use_true_random=False))
def test_coefficients_know_no_names_and_no_order(cast, names, random):
    renamed = np.where(cast < 0, -1, np.array(names)[cast])
    columns = random.sample(range(cast.shape[1]), cast.shape[1])
    rows = random.sample(range(len(cast)), len(cast))
    value = alpha(cast).value
    assert alpha(renamed[:, columns][rows]).value == (None if value is None else pytest.approx(value))
    if cast.shape[1] > 1:
        value = kappa(cast).value
        assert kappa(renamed[rows]).value == (None if value is None else pytest.approx(value))
        assert kappa(renamed[:, ::-1][:, -2:]).value == (None if value is None else pytest.approx(value))


@given(CAST)
def test_coefficients_stay_in_bounds_and_in_their_interval(cast):
    agreement, observed = coefficients.alpha(cast, OUTCOMES, np.arange(len(cast)), SETTINGS)
    assert observed.value is None or 0 <= observed.value <= 1
    for found in (agreement, kappa(cast) if cast.shape[1] > 1 else agreement):
        assert found.value is None or -1 <= found.value <= 1 + 1e-12
        if found.low is not None:
            assert found.low <= found.high <= 1 + 1e-12


@given(CAST)
def test_rows_with_one_vote_tell_nothing_of_agreement(cast):
    alone = np.full((3, cast.shape[1]), -1)
    alone[:, 0] = (0, 1, 1)
    assert alpha(np.vstack([cast, alone])) == alpha(cast)


def test_alpha_of_two_reviewers_nears_kappa_and_alpha_of_chance_is_zero():
    rng = np.random.default_rng(0)
    cast = rng.integers(0, 3, size=(4000, 2))
    assert alpha(cast).value == pytest.approx(0, abs=0.03)
    cast[:2000, 1] = cast[:2000, 0]
    assert alpha(cast).value == pytest.approx(kappa(cast).value, abs=0.001)
    assert alpha(cast).value == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["12.", "..3"], Estimate(None, None, None)),  # no row has two votes
        (["111", "111"], Estimate(None, None, None)),  # one outcome only: agreement by chance is certain
        (["0123", "0123"], Estimate(1.0, None, None)),  # nobody disagrees: no spread to resample
    ],
)
def test_what_the_votes_do_not_define_is_none(said, expected):
    assert alpha(votes(*said)) == expected
    assert kappa(votes(*said)) == expected


def test_equal_settings_give_equal_intervals_and_more_confidence_wider_ones():
    cast = np.random.default_rng(2).integers(0, 2, size=(60, 3))
    assert alpha(cast) == alpha(cast)
    wide, narrow = (alpha(cast, bootstrap=Bootstrap(500, confidence, 1)) for confidence in (0.99, 0.6))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_interval_covers_alpha_about_as_often_as_it_says_where_rows_of_a_group_are_alike():
    """Groups are easy (all agree) or hard (all guess): over rows the interval would be far too narrow."""
    rng = np.random.default_rng(7)

    def sample(groups: int) -> tuple[np.ndarray, np.ndarray]:
        group = np.repeat(np.arange(groups), 8)
        truth = rng.integers(0, 3, size=len(group))
        hard = (rng.random(groups) < 0.5)[group]
        cast = np.where(hard[:, None], rng.integers(0, 3, size=(len(group), 2)), truth[:, None])
        return cast, group

    true = alpha(sample(5000)[0], bootstrap=Bootstrap(2, 0.9, 1)).value
    bootstrap = Bootstrap(200, 0.9, 1)
    samples = [sample(40) for _ in range(120)]
    by_group = [alpha(cast, group, bootstrap) for cast, group in samples]
    by_row = [alpha(cast, None, bootstrap) for cast, _ in samples]
    assert 0.83 <= np.mean([found.low <= true <= found.high for found in by_group]) <= 0.96
    assert np.mean([found.low <= true <= found.high for found in by_row]) < 0.75
