"""The bench of duplicates: its pairs spread over all similarities, and its judge knows good from bad."""

import random

import pytest

from bench import deduplicate as bench
from bench.workers import deduplicate as worker
from winnow.rows import tables


@pytest.fixture(scope="module")
def made() -> list[list[str]]:
    draw = random.Random(1)
    return bench.families([" ".join(f"w{draw.randrange(2000)}" for _ in range(60)) for _ in range(50)], 40, seed=1)


def test_families_spread_over_all_similarities_and_depend_on_the_seed(made):
    shares = [share for family in made for share in bench.similarities(family).values()]
    assert all(sum(low <= share < low + 0.2 for share in shares) > 50 for low in (0.0, 0.2, 0.4, 0.6))
    assert sum(share >= bench.THRESHOLD for share in shares) > 100
    assert all(len(family) == 1 + bench.COPIES for family in made)
    texts = [family[0] for family in made]
    assert bench.families(texts, 5, seed=1) == bench.families(texts, 5, seed=1) != bench.families(texts, 5, seed=2)


def test_the_judge_finds_what_is_missed_and_what_is_wrongly_dropped(made, tmp_path):
    ids = bench.write_corpus(made, tmp_path / "ours", tmp_path / "theirs")
    truth = [bench.similarities(family) for family in made]
    every = {id for family in ids for id in family}
    assert set(tables.read(tmp_path / "theirs", ["id", "text"])["id"].to_pylist()) == every
    assert bench.judge(every, ids, truth) == (0.0, 1.0)
    recall, precision = bench.judge({family[0] for family in ids}, ids, truth)
    assert recall == 1.0
    assert 0 < precision < 1
    best = set()
    for family, pairs in zip(ids, truth, strict=True):  # keep what is similar to nothing that is kept
        for place, id in enumerate(family):
            if not any(
                share >= bench.THRESHOLD and place == two and family[one] in best for (one, two), share in pairs.items()
            ):
                best.add(id)
    assert bench.judge(best, ids, truth) == (1.0, 1.0)


def test_our_stage_takes_the_parameters_and_the_corpus_of_the_bench(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # and back: the bench's process goes where its parameters are
    bench.write_corpus(made, tmp_path / "ours", tmp_path / "theirs")
    bench.write_params(tmp_path / "params.yaml")
    kept = worker.drop("winnow", str(tmp_path / "ours"), str(tmp_path))["kept"]
    assert 0 < len(kept) < sum(map(len, made))
