"""What a newcomer does first: `winnow init` on a file, emptied folders, and the pipeline up to where models begin."""

import shutil
import sys

import pytest

from tests.generality import intents
from tests.pipeline.clone import Clone
from winnow.base import params
from winnow.people import decisions

INIT = "from winnow.commands.cli import main; main()"
KEPT = ("data/decisions.csv", "data/frozen", "data/rounds", "data/test", "rules")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in which `winnow init` was run on a CSV, and `dvc repro` up to the last check before models."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "clone").mkdir()
    intents.write(folder)
    made = Clone(folder / "clone", folder, lambda sources: None, {})
    command = [sys.executable, "-c", INIT, "init", str(folder / "intents.csv"), "--yes", "--labels"]
    made.call(*command, ",".join(intents.INTENTS))
    made.call("dvc", "repro", "validate")
    return made


def test_the_pipeline_runs_on_what_init_writes(clone):
    rows = clone.rows("data/labelled.parquet")
    assert {row["source_key"] for row in rows} <= {str(number) for number in range(1, len(intents.rows()) + 1)}
    assert {row["label"] for row in rows} - {None} == set(intents.INTENTS)
    assert {row["split"] for row in rows} == {"train", "dev", "test"}
    assert params.read(clone.folder / "params.yaml")["collect"]["sources"][0]["path"] == "intents.csv"


def test_what_people_may_delete_is_optional(clone):
    for name in KEPT:
        path = clone.folder / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    out = clone.call("dvc", "repro", "validate")
    assert "made, since it was missing or empty" in out
    assert decisions.read(clone.folder / "data/decisions.csv") == []
    for name in ("frozen", "rounds", "test"):
        for file in (clone.folder / "data" / name).iterdir():
            file.unlink()
    (clone.folder / "data/decisions.csv").write_text("")
    out = clone.call("dvc", "repro", "validate")
    assert "Running stage 'inputs'" in out
    assert "Running stage 'split'" not in out
