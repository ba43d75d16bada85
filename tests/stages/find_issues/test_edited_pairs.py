"""A decision that edited a text teaches the calibration nothing: its signals are of the text as it is now."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from stages.find_issues import probabilities
from stages.find_issues.calibration import Planted


def table(given_texts: list[str | None] | None) -> SimpleNamespace:
    """Six rows with one signal; people changed the first three and kept the others."""
    columns = {"verdict": ["relabel"] * 3 + ["keep"] * 3}
    rows = pa.table(columns | ({} if given_texts is None else {"given_text": pa.array(given_texts, pa.string())}))
    values = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    labels = np.array(["a"] * 6, dtype=object)
    evidence = SimpleNamespace(noise=lambda labels, known: 0.2)
    found = SimpleNamespace(values=values, names=["signal"])
    is_open = np.zeros(6, dtype=bool)
    return SimpleNamespace(
        known=np.ones(6, dtype=bool),
        open=is_open,
        evidence=evidence,
        labels=labels,
        judged=labels,
        rows=rows,
        found=found,
    )


def planted() -> Planted:
    signals = np.linspace(0, 1, 40)[:, None]
    return Planted(("signal",), signals, signals[:, 0] > 0.7, np.ones(40))


@pytest.mark.parametrize(
    ("given_texts", "rows", "errors"),
    [(None, 6, 3), ([None] * 6, 6, 3), (["old", "old", None, None, None, None], 4, 1)],
)
def test_edited_rows_are_left_out(given_texts, rows, errors):
    _, measured, _ = probabilities.learn(table(given_texts), planted(), 30, 3)
    assert (measured["decisions"]["rows"], measured["decisions"]["errors"]) == (rows, errors)
