"""The bench of wrong responses runs from end to end, and what it plants and compares is what it says."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bench import labels
from bench import pairs as bench
from stages.score.__main__ import Params
from tests import tiny_encoder
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.generation import members, plants
from winnow.kinds.generation.signs.reading import NAMES, Read

ROOT = Path(__file__).parents[2]
WORDS = "owl vole moss stone grass bat mouse trout gale slate".split()
ROWS = 100


class Reading:
    """A language model that knows each response of its prompt, and counts what it was asked."""

    def __init__(self):
        self.asked = []

    def read(self, prompts, responses) -> Read:
        self.asked += zip(prompts, responses, strict=True)
        fits = [
            set(response.lower().split()) <= set(prompt.split()) for prompt, response in self.asked[-len(prompts) :]
        ]
        return Read({name: np.where(fits, 0.5, 2.0) for name in NAMES}, np.full((len(prompts), 2), -1))


@pytest.fixture
def models(monkeypatch, tmp_path) -> Reading:
    draw = np.random.default_rng(1)
    pairs = [draw.choice(WORDS, 5) for _ in range(ROWS)]
    prompts = [bench.ASKED + f"the {' and the '.join(own)} in year {1900 + row}" for row, own in enumerate(pairs)]
    titles = [f"the {own[0]} and the {own[1]} in year {1900 + row}" for row, own in enumerate(pairs)]
    seen = np.array([[word in own for word in WORDS] for own in pairs], dtype=np.float32)
    vectors = np.hstack([seen, np.zeros((ROWS, 22), np.float32)])
    tiny_encoder.write(tmp_path / "encoder", [*WORDS, "the", "and", "in", "year"])
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 0)
    reading = Reading()

    def loaded(base, generator, cache) -> bench.Models:
        reader = Reader.of(tmp_path / "encoder", 32, 512, accelerator)
        kept = bench.Kept(reading, cache / "losses.json")
        return bench.Models(Params(method="probe"), reader, members.Generator(kept, 1000))

    monkeypatch.chdir(ROOT)  # which has params.yaml
    monkeypatch.setattr(bench, "read", lambda *_: ([str(row) for row in range(ROWS)], prompts, titles))
    monkeypatch.setattr(bench, "loaded", loaded)
    monkeypatch.setattr(labels, "encoded", lambda texts, base, cache: vectors)
    return reading


def run(tmp_path) -> tuple[list[dict], list[dict]]:
    out = tmp_path / "pairs.json"
    bench.main(f"--base base --generator g --cache {tmp_path} --out {out} --rows {ROWS} --seeds 1 2 --peers".split())
    with out.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return json.loads(out.read_text(encoding="utf-8")), list(csv.DictReader(file))


def test_the_bench_runs_from_end_to_end_and_asks_of_no_pair_twice(models, tmp_path):
    entries, runs = run(tmp_path)
    asked = len(models.asked)
    assert asked == len(set(models.asked))
    assert {row["wrong"] for row in runs if row["sort"] == "all"} == {"10"}
    by_peer = {entry["peer"]: entry for entry in entries if entry["sort"] == "all"}
    assert {"ifd", "loss", "together", "tiered", "misplaced", "unsupported"} <= set(by_peer)
    [best] = [name for name, entry in by_peer.items() if entry["goal"]]
    single = {name: entry["theirs"] for name, entry in by_peer.items() if name not in ("together", "tiered")}
    assert single[best] == max(single.values())
    for name, entry in by_peer.items():
        own = [float(row["average_precision"]) for row in runs if (row["detector"], row["sort"]) == (name, "all")]
        assert entry["theirs"] == pytest.approx(np.mean(own), abs=1e-5)
    assert by_peer["tiered"]["ours"] > 0.4  # by chance one in ten
    assert run(tmp_path)[0] == entries
    assert len(models.asked) == asked


def test_errors_are_of_all_sorts_alike_and_say_what_the_detector_s_do_not(models, tmp_path):
    data = bench.prepared(bench.read(), tmp_path, tmp_path)
    given, sorts = bench.planted(data, 0.2, 1)
    assert ((given != data.truth) == (sorts != "")).all()
    counts = {sort: int((sorts == sort).sum()) for sort in plants.SORTS}
    assert sum(counts.values()) == 20
    assert min(counts.values()) >= 2
    assert not set(bench.PHRASES) & set(plants.PHRASES)
    assert any(phrase in response for phrase in bench.PHRASES for response in given[sorts == "boilerplate"])
