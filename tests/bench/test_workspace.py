"""The benches' workspace: the stages of dvc.yaml run in it as they stand."""

import json

import pytest

from bench import engine, scale, workspace
from tests.conftest import make_rows
from winnow.rows import tables


@pytest.fixture
def place(tmp_path):
    texts = [" ".join(f"w{(n * k) % 211}" for n in range(20, 60)) for k in range(2, 60)]
    rows = [{"text": text, "label": ("METHODS", "RESULTS")[n % 2]} for n, text in enumerate(texts)]
    tables.write(make_rows(rows), tmp_path / "base.parquet")
    folder = tmp_path / "workspace"
    folder.mkdir()
    workspace.make(folder, tmp_path / "base.parquet", 0.5)
    return folder


def test_a_stage_runs_in_it_by_the_command_of_dvc_yaml(place):
    usage = workspace.run("collect", place, processes=2)
    assert usage.tree > 10**7
    [source] = (place / "data/raw").glob("*.parquet")
    assert tables.read(source).num_rows == tables.read(place / "data/sources/corpus-000.parquet").num_rows
    assert workspace.disk(place) > 10**5


def test_a_stage_that_fails_stops_the_bench_with_its_own_message(place):
    with pytest.raises(SystemExit, match=r"stage deduplicate: .*not found"):
        workspace.run("deduplicate", place)


def test_the_slope_of_linear_and_of_quadratic_time():
    assert scale.slope([1, 10, 100], [3, 30, 300]) == pytest.approx(1)
    assert scale.slope([1, 10, 100], [1, 100, 10_000]) == pytest.approx(2)


def test_engines_are_timed_and_must_write_the_same_bytes(place, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "ENGINES", {name: engine.ENGINES[name] for name in ("one process", "two processes")})
    command = f"--base {tmp_path}/base.parquet --folder {tmp_path} --out {tmp_path}/engine.json --megabytes 0.3"
    engine.main(command.split())
    one, two = json.loads((tmp_path / "engine.json").read_text(encoding="utf-8"))
    assert one["ratio"] == 1
    assert two["theirs"] == one["ours"] > 0
    sums = iter("ab")
    monkeypatch.setattr(engine.files, "sha256", lambda path: next(sums))
    with pytest.raises(SystemExit, match="not write the same bytes"):
        engine.main(command.split())
