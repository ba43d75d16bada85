"""What reads texts for a model: batches that hold every row once, and a folder that says how its model reads."""

import numpy as np
import pytest

from tests import tiny_encoder
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader


@pytest.fixture
def reader(tmp_path):
    tiny_encoder.write(tmp_path / "encoder", "red green cat".split())
    return Reader.of(tmp_path / "encoder", 4, 8, start(Compute(threads=1, device="cpu", precision="fp32"), 1))


def test_texts_are_cut_and_every_row_comes_once_in_batches_of_the_budget(reader):
    tokens = reader.tokenize(["red", "red green cat red green", "cat", "green cat"])
    assert [len(row) for row in tokens] == [3, 4, 3, 4]
    batches = list(reader.batches(tokens, "reading"))
    assert sorted(np.concatenate([rows for rows, _, _ in batches]).tolist()) == [0, 1, 2, 3]
    for rows, ids, mask in batches:
        assert ids.shape == mask.shape
        assert ids.numel() <= 8
        for row, own, kept in zip(rows, ids.tolist(), mask.sum(dim=1).tolist(), strict=True):
            assert own[:kept] == tokens[row]


def test_a_model_s_folder_says_how_it_reads(reader):
    reader.save(reader.folder)
    assert Reader.load(reader.folder, 8, reader.accelerator).max_length == 4


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_a_folder_that_does_not_say_so_is_named(reader, content):
    message = r"reader\.json: does not say max_length; run `dvc repro finetune`"
    with pytest.raises(UserError, match=message):
        Reader.load(reader.folder, 8, reader.accelerator)
    (reader.folder / "reader.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        Reader.load(reader.folder, 8, reader.accelerator)
