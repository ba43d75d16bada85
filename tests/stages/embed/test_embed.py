import numpy as np
import pyarrow as pa
import pytest

from stages.embed import __main__ as embed
from tests.conftest import make_rows
from tests.stages.conftest import sentences
from winnow.base import files
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.rows import tables


def run(folder, encoder_folder, rows: pa.Table):
    tables.write(rows, folder / "rows.parquet")
    embed.main(["--rows", f"{folder}/rows.parquet", "--encoder", str(encoder_folder), "--out", f"{folder}/embeddings"])
    return embeddings.read(folder / "embeddings")


def test_mean_pooling_as_transformers_gives_it_without_padding(encoder_params, encoder_folder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    rows = make_rows([{"text": text, "label": label} for text, label in sentences(40)])
    ids, vectors = run(encoder_params(), encoder_folder, rows)

    model, tokenizer = AutoModel.from_pretrained(encoder_folder).eval(), AutoTokenizer.from_pretrained(encoder_folder)
    texts = {row["id"]: row["text"] for row in rows.to_pylist()}
    assert sorted(ids) == sorted(texts)
    with torch.inference_mode():
        for id, vector in zip(ids, vectors, strict=True):
            hidden = model(**tokenizer(texts[id], return_tensors="pt")).last_hidden_state[0]
            np.testing.assert_allclose(vector, hidden.mean(0), atol=1e-5)


def test_of_sources_of_text_the_first_rows_by_id_are_embedded_and_change_no_task_row(encoder_params, encoder_folder):
    task = [{"text": text, "label": label} for text, label in sentences(20)]
    texts = [
        {"text": text, "source": source, "purpose": "text"} for source in ("far", "near") for text, _ in sentences(9)
    ]
    rows = make_rows(task + texts)
    ids, vectors = run(encoder_params(), encoder_folder, rows)
    sources = dict(zip(rows["id"].to_pylist(), rows["source"].to_pylist(), strict=True))
    lowest = [sorted(id for id in sources if sources[id] == source)[:2] for source in ("far", "near")]
    assert ids[20:] == sorted(lowest[0] + lowest[1])
    alone, without = run(encoder_params(embed={"text_rows": 0}), encoder_folder, rows)
    assert ids[:20] == alone == sorted(id for id in sources if sources[id] == "test")
    assert vectors[:20].tobytes() == without.tobytes()


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
