"""The works of bench/train.py on a tiny encoder; sentence-transformers is not installed here."""

import argparse

import numpy as np
import pytest

from bench import train
from bench.workers import train as workers
from tests import tiny_encoder
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from winnow.rows import tables


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The texts of each work and the encoder's folder with a masked-LM head, as the bench writes them."""
    monkeypatch.setattr(train, "HELD_OUT", 10)
    encoder_folder = tmp_path / "encoder"
    tiny_encoder.write(encoder_folder, COLOURS + ANIMALS + FILLER)
    read = workers._section

    def with_shallow(name: str) -> dict:
        """One frozen layer of the tiny encoder's two."""
        shallow = {"frozen_layers": 1}
        return read(name) | ({"finetune": shallow} if name == "score" else shallow if name == "finetune" else {})

    monkeypatch.setattr(workers, "_section", with_shallow)
    rows = make_rows([{"text": text, "label": label} for text, label in sentences(40)])
    tables.write(rows, tmp_path / "rows.parquet")
    written = tmp_path / "written"
    written.mkdir()
    places = {"rows": tmp_path / "rows.parquet", "text": tmp_path / "rows.parquet", "base": encoder_folder}
    found = train.prepare(argparse.Namespace(**places, documents=30, labelled=20, embedded=12), written)
    return {work: str(file) for work, file in found.items()}, str(written / "base")


@pytest.fixture
def anew():
    """Return a function that lets accelerate forget its precision; the bench runs each side in its own process."""
    from accelerate.state import AcceleratorState

    def forget() -> None:
        AcceleratorState._reset_state(reset_partial_state=True)

    yield forget
    forget()


def test_both_sides_read_as_many_tokens_and_learn(files, anew):
    found, base = files
    pairs = {
        "MLM": (workers.winnow_mlm, workers.trainer_mlm, (True,)),
        "fine-tuning": (workers.winnow_classify, workers.trainer_classify, ()),
        "K-fold scores": (workers.winnow_folds, workers.trainer_folds, ()),
    }
    for work, (ours, theirs, first) in pairs.items():
        anew()
        one = ours(found[work], base)
        anew()
        other = theirs(*first, found[work], base)
        # Blocks of equal length leave the last tokens out.
        assert one["tokens"] - 128 < other["tokens"] <= one["tokens"]
        for result in (one, other):
            assert result["seconds"] > 0
            assert 0 < result["loss"] < 6


def test_one_epoch_reads_half_of_two(files, anew):
    found, base = files
    anew()
    once = workers.winnow_classify_once(found["fine-tuning, time"], base)
    anew()
    assert 2 * once["tokens"] == workers.winnow_classify(found["fine-tuning"], base)["tokens"]


def test_embeddings_are_written_and_their_arithmetic_counted(files, tmp_path):
    found, base = files
    out = tmp_path / "vectors.npy"
    result = workers.winnow_embed(found["embedding"], base, str(out))
    vectors = np.load(out)
    assert vectors.shape == (12, 32)
    # Two layers of four 32 x 32 and two 32 x 64 products, two operations each; attention comes on top.
    linear = 2 * 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert linear < result["inside"]["flops_per_token"] < 2 * linear
    assert 0.3 < sum(result["inside"]["profile"].values()) <= 1.01
    assert train.cosine(vectors, 3 * vectors) == pytest.approx(1)
    assert train.cosine(vectors, -vectors) == pytest.approx(-1)
