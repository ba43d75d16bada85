import gc
import tracemalloc

import pyarrow as pa
import pytest

from stages.adapt.objectives.spans import Documents
from winnow.encoder import masked_lm, models
from winnow.encoder.tokens import CHUNK


def corpus(documents: int):
    text = "The red cat sees the old dog and the mouse. " * 10
    return pa.table({"id": [f"d{number}" for number in range(documents)], "text": [text] * documents})


@pytest.mark.parametrize("kind", ["spans", "passages"])
def test_a_corpus_takes_few_bytes_a_token(encoder_folder, kind):
    tokenizer, rows = models.load_tokenizer(encoder_folder), corpus(CHUNK + 1)
    ids, texts = rows["id"].to_pylist(), rows["text"].to_pylist()

    def make():
        if kind == "spans":
            return Documents(ids, texts, tokenizer, 64)
        return masked_lm.passages(ids, texts, tokenizer, 64)

    make()  # what libraries keep from their first call
    gc.collect()
    tracemalloc.start()
    made = make()
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tokens = sum(map(len, tokenizer(texts)["input_ids"]))
    assert made
    assert kept < 8 * tokens


def test_passages_have_the_keys_and_tokens_of_one_call(encoder_folder):
    tokenizer, rows = models.load_tokenizer(encoder_folder), corpus(CHUNK + 1)
    how = {"truncation": True, "max_length": 64, "return_overflowing_tokens": True}
    whole = tokenizer(rows["text"].to_pylist(), **how)
    made = masked_lm.passages(rows["id"].to_pylist(), rows["text"].to_pylist(), tokenizer, 64)
    assert list(made.tokens) == whole["input_ids"]
    documents = enumerate(whole["overflow_to_sample_mapping"])
    assert made.keys == [f"d{document}:{number}" for number, document in documents]
