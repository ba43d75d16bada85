"""The bench of errors in spans: what is tuned on is not reported, errors are planted as asked, all from end to end."""

import json

import numpy as np
import pytest

from bench import spans as bench
from tests import tiny_encoder
from winnow.base.errors import UserError
from winnow.kinds.token_classification.scores import noise

DRUGS, REST = ("alzol", "bezol", "cezol"), ("the", "patient", "took", "had", "severe")


def sentence(random: np.random.Generator) -> str:
    lines = []
    for word in random.choice(REST, 6):
        lines.append(f"{word}\tO")
        if random.random() < 0.5:
            lines.append(f"{random.choice(DRUGS)}\tB-drug")
        elif random.random() < 0.3:
            lines += ["bad\tB-ill", "flu\tI-ill"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("corpus"), np.random.default_rng(1)
    (folder / "iob").mkdir()
    for name, count in (("a.tsv", 20), ("b.tsv", 60)):
        text = "\n".join(sentence(random) for _ in range(count))
        (folder / "iob" / name).write_text(text, encoding="utf-8")
    tiny_encoder.write(folder / "base", [*DRUGS, *REST, "bad", "flu"])
    return folder


def test_rows_for_tuning_are_not_reported(folder, tmp_path):
    tuning, reported = (bench.read(folder / "iob", is_tuning, 1000) for is_tuning in (True, False))
    assert (len(tuning.texts), len(reported.texts)) == (20, 60)
    assert reported.groups.tolist() == np.repeat(np.arange(6), 10).tolist()
    (tmp_path / "one.tsv").write_text((folder / "iob/b.tsv").read_text(encoding="utf-8"), encoding="utf-8")
    first, second = (bench.read(tmp_path, is_tuning, 1000) for is_tuning in (True, False))
    assert first.texts + second.texts == reported.texts
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="holds no file"):
        bench.read(tmp_path / "none", True, 5)


def test_so_many_spans_are_wrong_by_the_sort_that_is_asked_for(folder):
    world = bench.World(bench.read(folder / "iob", False, 1000), folder / "base")
    right = set(world.truth.keys(10**6, 2).tolist())
    wanted = round(0.1 * len(right))
    for sort in bench.SORTS:
        given = world.planted(sort, 0.1, 1)
        keys = given.keys(10**6, 2).tolist()
        assert (np.diff(given.first) > 0).all()
        assert (given.first[1:] >= given.end[:-1]).all()
        lost, added = len(right - set(keys)), len(set(keys) - right)
        expected = {"missed": (wanted, 0), "spurious": (0, wanted), "type": (wanted,) * 2, "border": (wanted,) * 2}
        if sort in noise.SORTS:
            assert (lost, added) == expected[sort]
        else:
            assert max(lost, added) < wanted < lost + added


@pytest.mark.parametrize("fit", bench.FITS)
def test_it_is_measured_from_end_to_end(folder, tmp_path, capsys, fit):
    out = tmp_path / "spans.json"
    where = f"--corpus {folder / 'iob'} --base {folder / 'base'} --out {out} --rates 0.1 --seeds 1"
    bench.main(f"{where} --sorts missed --fit {fit}".split())
    made = json.loads(out.read_text(encoding="utf-8"))
    told = [(entry["sort"], entry["by"]) for entry in made]
    assert told == [("missed", by) for by in ("row", "span", "flagged row")]
    assert {entry["fit"] for entry in made} == {fit}
    assert all(0 <= entry[name] <= 1 for entry in made for name in ("ours", "theirs"))
    missed = next(entry for entry in made if entry["sort"] == "missed" and entry["by"] == "row")
    assert missed["ours"] >= missed["theirs"] > 0.5
    assert capsys.readouterr().out.count("\n") == len(made) + 2
