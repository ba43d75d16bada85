"""Rows are counted once, in words of every script."""

import numpy as np
import pyarrow as pa

from stages.represent.rows import Rows, Sample
from tests.conftest import make_rows
from winnow.kinds.classification.labels import Task

TEXTS = {"en": "The cat’s 3.5 kg.", "hi": "यह अच्छी किताब है।", "zh": "这家店很好吃。", "th": "อาหารดี", "none": "…"}


def test_a_row_s_words_are_counted_in_every_script():
    table = make_rows([{"text": text, "source": name, "source_key": name} for name, text in TEXTS.items()])
    table = table.append_column("tied", pa.array([False] * len(TEXTS)))
    table = table.append_column("referred", pa.array([True] * len(TEXTS)))
    found = Rows(Task(kind="classification", labels=["A", "B"]), Sample(9), Sample(9))
    found.read(table, lambda text: np.empty(0, np.int32), set())
    counted = {name: profile.words()["total"] for name, profile in found.profiles.items()}
    assert counted == {"en": 4, "hi": 4, "zh": 6, "th": 6, "none": 0}
    assert found.everything.words()["total"] == 20
    assert found.everything.words()["median"] == 4
