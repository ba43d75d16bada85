"""profile and drift: a profile does not depend on batches, a distance is 0 for the same and grows with the change."""

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from stages.validate import profile
from tests.conftest import make_rows
from tests.other_tasks import WORDS
from winnow.base import params
from winnow.base.errors import UserError
from winnow.validation import drift

OFF = {"warn": None, "fail": None}
MEASURES = list(drift.Drift.model_fields)


def thresholds(**changes) -> drift.Drift:
    return params.parse(dict.fromkeys(MEASURES, OFF) | changes, drift.Drift, "drift")


def described(rows: list[dict], cuts: Sequence[int] = (), words: int = 50, sample_rows: int = 1000) -> dict:
    part = profile.Part(words, sample_rows, WORDS)
    table = make_rows(rows)
    edges = [0, *sorted(cuts), len(rows)]
    for start, end in pairwise(edges):
        part.add(table.slice(start, max(end - start, 0)).select(profile.COLUMNS))
    return part.result()


TEXTS = st.lists(st.text(max_size=30), min_size=1, max_size=12)


@given(TEXTS, st.lists(st.integers(0, 12), max_size=3))
def test_a_profile_does_not_depend_on_how_rows_are_cut_into_batches(texts, cuts):
    rows = [
        {"text": text, "label": "AB"[n % 2] if n % 3 else None, "group": f"g{n // 2}"} for n, text in enumerate(texts)
    ]
    whole = described(rows)
    cut = described(rows, [min(cut, len(rows)) for cut in cuts])
    assert whole == cut
    assert whole["rows"] == len(texts)
    assert whole["groups"] == (len(texts) + 1) // 2
    for name in ("labels", "sources", "years", "characters"):
        assert sum(whole[name].values()) == pytest.approx(1)


def test_a_profile_tells_words_lengths_years_and_what_is_not_there():
    rows = [
        {"text": "Żółw, żółw and 12 más.", "label": "A"},
        {"text": "and", "published": None},
        {"text": "and never counted", "published": None},
    ]
    found = described(rows, words=2, sample_rows=2)
    assert found["words"] == pytest.approx({"żółw": 2 / 6, "and": 2 / 6, "": 2 / 6})
    assert found["labels"] == pytest.approx({"A": 1 / 3, "none": 2 / 3})
    assert found["years"] == pytest.approx({"2020": 1 / 3, "none": 2 / 3})
    lengths = {len(row["text"]) for row in rows}
    assert all(any(low < int(bound) <= low * 1.3 + 1 for low in lengths) for bound in found["characters"])


def whole(rows: list[dict]) -> dict:
    return {"train": described(rows)}


def test_the_same_dataset_has_no_drift_and_another_has_all_of_it():
    one = whole([{"text": "red fish swim", "label": "A"}] * 4)
    found = drift.compare(json.loads(json.dumps(one)), one, thresholds(rows={"warn": 0.1, "fail": 0.2}))
    assert found["status"] == "ok"
    assert {(e["value"], e["status"]) for parts in found["measures"].values() for e in parts.values()} == {(0.0, "ok")}

    other = whole([{"text": "blue " * 200, "label": "B", "published": None}] * 6)
    found = drift.compare(other, one, thresholds(rows={"warn": 0.5, "fail": 0.6}, words={"warn": 0.1, "fail": 0.9}))
    values = {name: parts["train"]["value"] for name, parts in found["measures"].items()}
    assert values == pytest.approx(
        {"rows": 0.5, "groups": 0.5, "labels": 1, "sources": 0, "years": 1, "characters": 1, "words": 1}
    )
    assert found["measures"]["rows"]["train"]["status"] == "warn"
    assert found["measures"]["labels"]["train"]["status"] == "ok"
    assert found["status"] == "fail"
    (doubt,) = drift.doubts(found)
    assert doubt.what == "words of train drifted by 1, of which chance explains 0"
    assert doubt.gate == "validate.drift.words.fail"


@pytest.mark.parametrize(("classes", "rows"), [(2, 60), (77, 400), (1000, 1000)])
def test_two_draws_of_one_dataset_do_not_drift_and_two_of_others_do(classes, rows):
    """Of 1,000 classes a thousand rows never have equal shares: 0.36 is what chance makes of them."""
    rng = np.random.default_rng(classes)

    def drawn(shares: np.ndarray) -> dict:
        counts = rng.multinomial(rows, shares)
        one = described([{}])
        return {"dev": one | {"rows": rows, "labels": {f"{n}": c / rows for n, c in enumerate(counts.tolist()) if c}}}

    even, tilted = np.full(classes, 1 / classes), np.r_[0.5, np.full(classes - 1, 0.5 / (classes - 1))]
    tilted = tilted if classes > 2 else np.array([0.95, 0.05])
    limits = thresholds(labels={"warn": 0.02, "fail": 0.1})
    for shares, status in ((even, "ok"), (tilted, "fail")):
        found = drift.compare(drawn(shares), drawn(even), limits)
        assert found["measures"]["labels"]["dev"]["status"] == status


def test_a_split_that_is_new_or_gone_drifted_all_the_way():
    one = whole([{}] * 4)
    for now, then in ((one, one | {"dev": one["train"]}), (one | {"dev": one["train"]}, one)):
        found = drift.compare(now, then, thresholds())
        assert {parts["dev"]["value"] for parts in found["measures"].values()} == {1.0}


def test_without_a_reference_or_with_that_of_another_dataset_nothing_is_measured():
    one, other = whole([{}] * 4), whole([{"source": "other"}] * 4)
    assert drift.compare(one, None, thresholds()) == {
        "reference": "none: `winnow freeze` sets it",
        "status": "ok",
        "measures": {},
    }
    found = drift.compare(one, other, thresholds(rows={"warn": 0.01, "fail": 0.01}))
    assert found["reference"].startswith("another dataset")
    assert found["measures"] == {}


SHARES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 1), min_size=1)


def normal(shares: dict) -> dict:
    return {key: value / sum(shares.values()) for key, value in shares.items()}


@given(SHARES, SHARES)
def test_jensen_shannon_is_its_definition(first, second):
    first, second = normal(first), normal(second)
    keys = {*first, *second}
    mean = {key: (first.get(key, 0) + second.get(key, 0)) / 2 for key in keys}
    expected = sum(
        share * np.log2(share / mean[key]) / 2 for shares in (first, second) for key, share in shares.items()
    )
    assert drift.jensen_shannon(first, second) == pytest.approx(expected, abs=1e-9)
    assert 0 <= drift.jensen_shannon(first, second) <= 1 + 1e-9
    assert drift.jensen_shannon(first, first) == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the p-value, which nobody asks for
@given(*[st.lists(st.integers(1, 200), min_size=1, max_size=40)] * 2)
def test_kolmogorov_smirnov_is_scipy_s(first, second):
    def shares(values: list[int]) -> dict[str, float]:
        return {str(value): values.count(value) / len(values) for value in set(values)}

    expected = ks_2samp(first, second).statistic
    assert drift.kolmogorov_smirnov(shares(first), shares(second)) == pytest.approx(expected, abs=1e-9)


def test_a_reference_survives_its_file_and_a_file_that_is_none_is_named(tmp_path):
    path = tmp_path / "profile.json"
    assert drift.read_reference(path) is None
    one = whole([{}] * 3)
    path.write_text(json.dumps(one))
    assert drift.read_reference(path) == one
    for text in ("{", "[]", '{"train": {}}', '{"train": {"rows": 1}}', "3"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"profile\.json: is no profile"):
            drift.read_reference(path)
