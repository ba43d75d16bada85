import numpy as np
import pyarrow as pa
import pytest

from stages import embed
from tests.conftest import make_rows
from tests.stages.conftest import sentences
from winnow import embeddings, files, tables
from winnow.errors import UserError


def run(folder, encoder_folder, rows: pa.Table):
    tables.write(rows, folder / "rows.parquet")
    embed.main(["--rows", f"{folder}/rows.parquet", "--encoder", str(encoder_folder), "--out", f"{folder}/embeddings"])
    return embeddings.read(folder / "embeddings")


def test_mean_pooling_as_transformers_gives_it_without_padding(encoder_params, encoder_folder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    rows = make_rows([{"text": text, "label": label} for text, label in sentences(40)] + [{"purpose": "text"}])
    ids, vectors = run(encoder_params(), encoder_folder, rows)

    model, tokenizer = AutoModel.from_pretrained(encoder_folder).eval(), AutoTokenizer.from_pretrained(encoder_folder)
    texts = {row["id"]: row["text"] for row in rows.to_pylist() if row["purpose"] == "task"}
    assert sorted(ids) == sorted(texts), "rows that only adapt the encoder are not embedded"
    with torch.inference_mode():
        for id, vector in zip(ids, vectors, strict=True):
            hidden = model(**tokenizer(texts[id], return_tensors="pt")).last_hidden_state[0]
            np.testing.assert_allclose(vector, hidden.mean(0), atol=1e-5)


def test_labels_change_no_byte(encoder_params, encoder_folder):
    folder = encoder_params()
    texts = [text for text, _ in sentences(20)]
    hashes = []
    for label in ("COLOUR", None):
        run(folder, encoder_folder, make_rows([{"text": text, "label": label} for text in texts]))
        hashes.append({file.name: files.sha256(file) for file in (folder / "embeddings").iterdir()})
    assert hashes[0] == hashes[1]


def test_a_table_without_text_is_named(encoder_params, encoder_folder):
    folder = encoder_params()
    with pytest.raises(UserError, match=r"rows\.parquet: column 'text' is missing"):
        run(folder, encoder_folder, make_rows([{}]).drop_columns(["text"]))
