"""What bench.cpu compares: both sides compute the same, else there is no result."""

import pyarrow as pa
import pytest

from bench import cpu
from bench.workers import cpu as worker
from tests import predicted, tiny_encoder
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from winnow.encoder import models
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.classification import model
from winnow.rows import tables


def test_classifiers_together_and_alone_and_texts_have_one_hash_each(workspace):
    folder = workspace(task={"kind": "classification", "labels": ["COLOUR", "ANIMAL"]})
    rows = make_rows([{"text": text, "label": label} for text, label in sentences(20)])
    rows = rows.append_column("split", pa.array(["dev"] * rows.num_rows))
    tables.write(rows, folder / "rows.parquet")
    tiny_encoder.write(folder / "encoder", [*COLOURS, *ANIMALS, *FILLER])
    folders = [folder / "one", folder / "two"]
    reader = Reader.of(folder / "encoder", 16, 64, start(Compute(threads=1, device="cpu", precision="fp32"), 1))
    for place in folders:
        models.save(model.build(predicted.task(["COLOUR", "ANIMAL"]), reader.folder), reader.folder, place, reader.save)
    together, alone = (worker.predicted(folder / "rows.parquet", 9, folders, 1, shares) for shares in (True, False))
    assert together["sha"] == alone["sha"]
    other = worker.predicted(folder / "rows.parquet", 8, folders, 1, shares=True)
    assert other["sha"] != alone["sha"]
    once, twice = (worker.embedded(folder / "rows.parquet", 5, folder / "encoder", 1) for _ in range(2))
    assert once["sha"] == twice["sha"]
    entry = cpu.compared("work", "peer", (together, alone))
    assert entry["ratio"] == pytest.approx(alone["seconds"] / together["seconds"])
    with pytest.raises(SystemExit, match="do not give the same bytes"):
        cpu.compared("work", "peer", (together, other))
