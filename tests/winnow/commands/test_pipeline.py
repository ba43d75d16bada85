"""Commands find a stage's files in dvc.yaml."""

import os
from pathlib import Path

import pytest

from winnow.base.errors import UserError
from winnow.commands import pipeline, review

DVC_YAML = """\
stages:
  balance:
    cmd: >-
      python -m stages.balance
      --rows data/labelled.parquet
      --out {out}
  quiet: {{cmd: python -m stages.quiet}}
"""


def write(folder: Path, out: str, time: int) -> None:
    file = folder / "dvc.yaml"
    file.write_text(DVC_YAML.format(out=out))
    os.utime(file, (time, time))


def test_a_file_is_found_by_its_stage_and_option(tmp_path):
    write(tmp_path, "data/training.parquet", 1)
    assert pipeline.path("balance", "out", tmp_path) == Path("data/training.parquet")
    assert pipeline.find("balance", "ledger", tmp_path) is pipeline.find("rounds", "out", tmp_path) is None
    with pytest.raises(UserError, match="there is no stage quiet with --out"):
        pipeline.path("quiet", "out", tmp_path)
    assert pipeline.made("balance", "out", tmp_path) is None
    (tmp_path / "data").mkdir()
    (tmp_path / "data/training.parquet").touch()
    assert pipeline.made("balance", "out", tmp_path) == Path("data/training.parquet")


def test_an_edited_file_is_read_anew(tmp_path):
    write(tmp_path, "data/one.parquet", 1)
    assert pipeline.path("balance", "out", tmp_path) == Path("data/one.parquet")
    write(tmp_path, "data/two.parquet", 2)
    assert pipeline.path("balance", "out", tmp_path) == Path("data/two.parquet")


def test_every_queue_of_the_review_is_made_by_a_stage_of_dvc_yaml():
    root = Path(__file__).parents[3]
    assert all(pipeline.find(*made, root) for made in review.QUEUES.values())
