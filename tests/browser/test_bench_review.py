"""The bench of the review page, on a short queue."""

from argparse import Namespace

import pyarrow as pa
import pytest

from bench import review
from tests.browser.conftest import CHROMIUM
from winnow.rows import tables


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium; .ci/run installs it")
@pytest.mark.parametrize("kind", review.KINDS)
def test_it_times_the_start_the_first_row_and_decisions(kind, tmp_path):
    tables.write_sorted(pa.table({"text": ["first text", "second text", "third text"]}), tmp_path / "rows.parquet")
    review.make(tmp_path, tmp_path / "rows.parquet", kind, 30)
    found = review.run(tmp_path, kind, 5, Namespace(queue_rows=30, presses=3))
    assert [entry["unit"] for entry in found] == ["s", "ms", "ms", "ms"]
    assert all(0 < entry["ours"] < 60_000 for entry in found)
    assert len((tmp_path / "data/decisions.csv").read_text().splitlines()) == 1 + 5 + 3
