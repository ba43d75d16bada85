"""kind folder, and the one form that every kind ends in: families, shards, vocabularies, and what cannot be loaded."""

import json

import numpy as np
import pytest

from tests import families
from tests.stages.fetch_model.conftest import content
from winnow.base.errors import UserError
from winnow.encoder import models, pooling
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader

WEIGHTS = "model.safetensors"


@pytest.fixture
def local(tmp_path):
    folder = tmp_path / "models/local/owl"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def fetch(stage):
    return lambda folder="owl": stage(kind="folder", folder=folder)


def put(folder, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("family", families.NAMES)
def test_every_family_is_fetched_and_embeds(family, local, fetch):
    families.write(family, local, max_shard_size="20KB")
    out = fetch()
    assert {"config.json", WEIGHTS, "tokenizer.json"} <= set(content(out))
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 0)
    reader = Reader.of(out, 16, 64, accelerator)
    tokens = reader.tokenize(["the owl hears moss", "old stone"])
    assert models.load_tokenizer(out).unk_token_id not in tokens[0]
    vectors = pooling.embed(pooling.load(out, accelerator), tokens, reader)
    assert vectors.shape == (2, 32)
    assert np.isfinite(vectors).all()


def test_weights_in_half_precision_are_trained_in_full(local, fetch, encoder):
    import torch
    from transformers import AutoModel

    put(local, encoder)
    model = AutoModel.from_pretrained(local).half()
    model.save_pretrained(local)
    loaded = models.load_model(AutoModel, fetch())
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}


def test_a_tokenizer_is_made_from_a_vocabulary(local, fetch, encoder):
    vocabulary = json.loads(encoder["tokenizer.json"])["model"]["vocab"]
    put(local, {name: data for name, data in encoder.items() if not name.startswith("tokenizer")})
    (local / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = models.load_tokenizer(fetch())
    assert tokenizer.is_fast
    assert tokenizer("The owl")["input_ids"] == [2, *(vocabulary[word] for word in ("the", "owl")), 3]


def test_a_tokenizer_that_cannot_be_made(local, fetch, encoder):
    families.write("deberta-v2", local)
    (local / "tokenizer.json").unlink()
    (local / "spm.model").write_bytes(b"no sentence piece")
    with pytest.raises(UserError, match=r"owl: no tokenizer\.json, and transformers cannot make it from the "):
        fetch()


def test_a_tokenizer_without_its_vocabulary(local, fetch, encoder):
    """transformers makes one of special pieces alone, and says nothing."""
    put(local, {name: data for name, data in encoder.items() if not name.startswith("tokenizer")})
    (local / "spm.model").write_bytes(b"of another family")
    with pytest.raises(UserError, match="the tokenizer has 5 word pieces, the model 19: they are not of one model"):
        fetch()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "`gpt2` is no family of encoders"),
        ({"model_type": "bart"}, "`bart` is no family of encoders"),
        ({"model_type": "owlformer"}, r"transformers [\d.]+ cannot load it: .*owlformer"),
        ({"num_hidden_layers": 3}, r"16 weights of the encoder are missing, such as encoder\.layer\.2\."),
        ({"hidden_size": 64}, r"transformers [\d.]+ cannot load it: "),
        ({"pad_token_id": [0]}, r"owl: config\.json: pad_token_id is \[0\], and no whole number"),
    ],
)
def test_what_cannot_work_is_refused_now(local, fetch, encoder, change, message):
    config = json.loads(encoder["config.json"]) | change
    put(local, encoder | {"config.json": json.dumps(config).encode()})
    with pytest.raises(UserError, match=message):
        fetch()


def test_the_tokenizer_of_another_model_is_refused(local, fetch, encoder):
    tokenizer = json.loads(encoder["tokenizer.json"])
    tokenizer["model"]["vocab"]["moss"] = 999
    put(local, encoder | {"tokenizer.json": json.dumps(tokenizer).encode()})
    with pytest.raises(UserError, match="the tokenizer has 1000 word pieces, the model 19: they are not of one model"):
        fetch()


def test_a_model_that_counts_positions_from_no_padding_token_is_refused(local, fetch):
    families.write("roberta", local)
    config = json.loads((local / "config.json").read_text()) | {"pad_token_id": None}
    put(local, {"config.json": json.dumps(config).encode()})
    with pytest.raises(UserError, match=r"owl: config\.json: pad_token_id is null, but the model type roberta counts"):
        fetch()


def test_a_tokenizer_without_a_padding_token_is_refused(local, fetch, encoder):
    """It loads, and would stop the first batch of texts of different lengths."""
    config = json.loads(encoder["tokenizer_config.json"]) | {"pad_token": None}
    put(local, encoder | {"tokenizer_config.json": json.dumps(config).encode()})
    with pytest.raises(UserError, match=r"owl: the model cannot read two short texts: .*padding token"):
        fetch()


def test_a_pointer_of_git_lfs_and_a_cut_file_are_told_apart(local, fetch, encoder):
    put(local, encoder | {WEIGHTS: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"})
    with pytest.raises(UserError, match=r"model\.safetensors is a pointer of Git LFS; run `git lfs pull`"):
        fetch()
    put(local, {WEIGHTS: encoder[WEIGHTS][:-7]})
    with pytest.raises(UserError, match=r"owl: model\.safetensors: damaged, or no safetensors: "):
        fetch()


def test_a_folder_that_is_not_there(fetch):
    with pytest.raises(UserError, match="models/local/elk: no such folder; put the model there and run `dvc add"):
        fetch("elk")


@pytest.mark.parametrize("folder", ["../base", "/etc", "a/../../b", "", ".hidden"])
def test_a_folder_elsewhere_is_refused(fetch, folder):
    with pytest.raises(UserError, match=r"params\.yaml: fetch_model\.folder: "):
        fetch(folder)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"[]", b"{"])
def test_a_configuration_that_is_none_is_named(local, fetch, encoder, content):
    put(local, encoder | {"config.json": content})
    with pytest.raises(UserError, match=r"config\.json: not (valid JSON|a JSON object)"):
        fetch()
