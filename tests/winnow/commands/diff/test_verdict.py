"""How differences are written."""

import pytest

from winnow.commands.diff import verdict


@pytest.mark.parametrize(
    ("ends", "written"),
    [
        ((0.012, 0.004, 0.02), "+1.2 points (+0.4 to +2.0)"),
        ((0.1, 0.000065, 0.2), "+10.0 points (+0.0065 to +20.0)"),
        ((-0.0004, -0.01, 0.0003), "−0.04 points (−1.0 to +0.03)"),
        ((0, 0, 0), "0 points (0 to 0)"),
    ],
)
def test_a_difference_keeps_its_digits_however_small(ends, written):
    assert verdict.shown(dict(zip(("value", "low", "high"), ends, strict=True)), is_share=True) == written
