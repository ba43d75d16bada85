"""The comparison of approaches on one split: what intervals hold, in words and in numbers, and memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import predicted
from winnow.validation import comparison
from winnow.validation.comparison import Params, holds

LABELS = ["A", "B", "C"]
TASK = predicted.task(LABELS)
SETTINGS = Params(baseline="tfidf", pairs=[["dapt", "transfer"]], resamples=400, confidence=0.95, seed=1)


def arm(right: float, seed: int, rows: int = 400):
    """Predictions that are right with a probability; five rows a group, a quarter of them dev."""
    truth, rng = np.arange(rows) % 3, np.random.default_rng(seed)
    said = np.where(rng.random(rows) < right, truth, (truth + rng.integers(1, 3, size=rows)) % 3)
    columns = {
        "id": [f"{n:05d}" for n in range(rows)],
        "group": [f"g{n // 5}" for n in range(rows)],
        "split": ["dev" if (n // 5) % 4 == 0 else "test" for n in range(rows)],
    }
    return predicted.table(columns, truth, np.eye(3)[said] * 0.7 + 0.1, LABELS)


def runs(name: str, right: float, seeds: range) -> dict:
    return {f"{name}-{seed}": arm(right, 100 * seed + len(name)) for seed in seeds}


ARMS = {"tfidf-0": arm(0.6, 0)} | runs("transfer", 0.8, range(1, 6)) | runs("dapt", 0.82, range(1, 6))


def width(of: dict) -> float:
    return of["accuracy_high"] - of["accuracy_low"]


def compare(arms: dict, split: str = "dev", **changed) -> dict:
    return comparison.compare(arms, split, TASK, SETTINGS.model_copy(update=changed))


def test_one_split_is_computed_without_a_row_of_the_other():
    alone = {
        name: table.filter([split == "dev" for split in table["split"].to_pylist()]) for name, table in ARMS.items()
    }
    assert compare(alone) == compare(ARMS)
    assert compare(ARMS)["approaches"]["dapt"]["groups"] == 20


def test_every_approach_is_compared_with_the_baseline():
    assert list(compare(ARMS)["difference"]) == ["dapt-transfer", "dapt-tfidf", "transfer-tfidf"]


def test_two_seeds_are_told_from_five():
    """What two seeds show of the spread between seeds is next to nothing: a percentile of them would be as narrow."""
    few = {name: table for name, table in ARMS.items() if name[-1] in "012"}
    assert width(compare(few)["approaches"]["dapt"]) > 2 * width(compare(ARMS)["approaches"]["dapt"])


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ([["dapt-1", "dapt-2"]], "groups and seeds"),
        ([["tfidf-0"]], "groups; no random number is drawn"),
        ([["dapt-1"]], "groups; one run of dapt: no interval over seeds"),
        ([["dapt-1", "dapt-2"], ["transfer-1", "transfer-2"]], "groups and seeds, paired by seed"),
        ([["dapt-1", "dapt-2"], ["transfer-1", "transfer-3"]], "groups and seeds"),
        ([["dapt-1", "dapt-2"], ["tfidf-0"]], "groups and seeds"),
        ([["dapt-1", "dapt-2"], ["both-1"]], "groups and seeds; one run of both: no interval over seeds"),
        ([["dapt-1"], ["both-1"]], "groups; one run of dapt and of both: no interval over seeds"),
    ],
)
def test_words_say_what_an_interval_holds(arms, words):
    assert holds(arms) == words


def test_the_words_stand_beside_the_numbers():
    found = compare({name: table for name, table in ARMS.items() if name[-1] in "01"})
    assert found["approaches"]["dapt"]["seeds"] == 1
    assert found["approaches"]["dapt"]["interval"] == "groups; one run of dapt: no interval over seeds"
    assert "no random number" in found["approaches"]["tfidf"]["interval"]
    assert "one run of dapt and of transfer" in found["difference"]["dapt-transfer"]["interval"]


def test_many_groups_are_bundled_and_the_interval_is_the_same(monkeypatch):
    arms = {"tfidf-0": arm(0.6, 0, 8000), "dapt-1": arm(0.8, 1, 8000)}
    by_group = compare(arms, pairs=[])["approaches"]["dapt"]
    monkeypatch.setattr(comparison.intervals, "BUNDLES", 200)
    bundled = compare(arms, pairs=[])["approaches"]["dapt"]
    assert (bundled["accuracy"], bundled["groups"]) == (by_group["accuracy"], 400)
    assert width(bundled) == pytest.approx(width(by_group), rel=0.2)


SCRIPT = """
import resource
import numpy as np
import pyarrow as pa
from tests import predicted
from winnow.validation import comparison

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

rows, classes, rng = 150_000, 30, np.random.default_rng(0)
names = pa.array([f"class {number}" for number in range(classes)])
truth = rng.integers(0, classes, rows)

def arm():
    said = np.where(rng.random(rows) < 0.8, truth, rng.integers(0, classes, rows))
    ids = pa.array(np.char.mod("%07d", np.arange(rows)))
    one = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["dev"]).cast(pa.string())
    labels, predicted = names.take(pa.array(truth)), names.take(pa.array(said))
    return pa.table({"id": ids, "group": ids, "split": one, "label": labels, "predicted": predicted})

arms = {"tfidf-0": arm(), "dapt-1": arm()}
settings = comparison.Params(baseline="tfidf", pairs=[], resamples=2000, confidence=0.95)
before = peak()
found = comparison.compare(arms, "dev", predicted.task(names.to_pylist()), settings)
assert found["approaches"]["dapt"]["groups"] == rows
print(peak() - before)
"""


def test_memory_does_not_grow_with_groups_times_resamples():
    """150,000 groups and 30 classes: resamples by groups would take 2.4 GB, and counts by group 1 GB."""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 300
