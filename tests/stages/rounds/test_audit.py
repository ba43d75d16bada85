"""The estimate of wrong labels is unbiased, and its interval holds the truth as often as it says."""

import math

import numpy as np
import pytest

from stages.rounds import audit
from stages.rounds.audit import Cell, Certainty, Estimate, Share
from winnow.statistics import intervals

# Rows, errors and sampled rows of each split's cell: like the default data; no error unflagged; few rows, most drawn.
DESIGNS = {
    "like the default data": {
        "flagged": [(330, 130, 34), (59, 20, 6), (100, 40, 12)],
        "unflagged": [(2900, 60, 34), (500, 10, 6), (1000, 20, 90)],
    },
    "nothing unflagged": {"flagged": [(330, 130, 34), (100, 40, 12)], "unflagged": [(2900, 0, 34), (1000, 0, 90)]},
    "a blind detector": {"flagged": [(330, 15, 34), (100, 5, 12)], "unflagged": [(2900, 150, 34), (1000, 50, 90)]},
    "small": {"flagged": [(60, 30, 50)], "unflagged": [(100, 10, 50)]},
}
TRIALS = 1500


def sampled(design: dict, rng: np.random.Generator) -> dict[str, Share]:
    return {
        name: audit.share(
            [Cell(rows, drawn, int(rng.hypergeometric(errors, rows - errors, drawn))) for rows, errors, drawn in cells]
        )
        for name, cells in design.items()
    }


@pytest.mark.parametrize("name", DESIGNS)
def test_the_total_is_unbiased_and_its_interval_covers(name):
    design, rng = DESIGNS[name], np.random.default_rng(1)
    truth = sum(errors for cells in design.values() for _, errors, _ in cells)
    found = [audit.total(list(sampled(design, rng).values()), 0.95) for _ in range(TRIALS)]
    values = np.array([each.value for each in found])
    assert abs(values.mean() - truth) < 4 * values.std() / math.sqrt(TRIALS)
    covered = np.mean([each.low - 1e-9 <= truth <= each.high + 1e-9 for each in found])
    assert 0.93 <= covered <= 0.995
    # No wider than it must be: an interval of 50 % misses often.
    rng = np.random.default_rng(1)
    half = [audit.total(list(sampled(design, rng).values()), 0.5) for _ in range(TRIALS)]
    assert np.mean([each.low <= truth <= each.high for each in half]) < 0.8


@pytest.mark.parametrize("name", DESIGNS)
def test_the_interval_of_recall_covers(name):
    design, rng = DESIGNS[name], np.random.default_rng(2)
    flagged = sum(errors for _, errors, _ in design["flagged"])
    truth = flagged / (flagged + sum(errors for _, errors, _ in design["unflagged"]))
    found = [audit.recall(*sampled(design, rng).values(), Certainty(0.95, seed)) for seed in range(300)]
    found = [each for each in found if each]
    assert np.mean([each.low <= truth <= each.high for each in found]) >= 0.9


def test_wilson_equals_the_one_for_whole_numbers():
    found = audit.wilson(Share(population=100, value=0.8, effective=50), 0.95)
    assert (found.low, found.high) == pytest.approx(intervals.wilson(40, 50))


def test_cells_count_by_their_rows_and_one_that_nobody_judged_is_like_the_others():
    cells = [Cell(90, 10, 1), Cell(10, 10, 5)]
    assert audit.share(cells).value == pytest.approx(0.9 * 0.1 + 0.1 * 0.5)
    more = audit.share([*cells, Cell(100, 0, 0)])
    assert (more.value, more.population) == (audit.share(cells).value, 200)
    assert more.effective < audit.share(cells).effective  # nothing is known for sure about rows that nobody judged
    assert audit.share([Cell(5, 0, 0)]) is None
    assert audit.share([]) is None


def test_where_all_rows_were_judged_nothing_is_left_to_chance():
    whole = audit.share([Cell(10, 10, 3), Cell(1, 1, 0)])
    assert audit.total([whole], 0.95) == Estimate(pytest.approx(3), pytest.approx(3), pytest.approx(3))
    assert audit.recall(whole, audit.share([Cell(5, 5, 0)]), Certainty(0.95, 1)) == Estimate(1.0, 1.0, 1.0)


def test_a_stratum_without_an_error_in_its_sample_widens_the_interval():
    flagged = audit.share([Cell(100, 50, 20)])
    both = audit.total([flagged, audit.share([Cell(1000, 50, 0)])], 0.95)
    alone = audit.total([flagged], 0.95)
    assert both.value == alone.value
    assert both.high > alone.high + 30


def test_recall_needs_an_error():
    assert audit.recall(audit.share([Cell(9, 3, 0)]), audit.share([Cell(9, 3, 0)]), Certainty(0.95, 1)) is None


def test_what_is_left_is_never_below_nothing():
    assert Estimate(5.0, 1.0, 9.0).less(4) == Estimate(1.0, 0.0, 5.0)
    assert Estimate(5.0, 1.0, 9.0).less(20) == Estimate(0.0, 0.0, 0.0)
    assert Estimate(0.5, 0.25, 1.0).named("share", 100) == {"share": 50, "share_low": 25, "share_high": 100}
