"""The cache gives what the frozen layers give, for encoders whose layers return tensors and for those with tuples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

from tests import tiny_encoder
from winnow.encoder import models
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.training import layer_cache
from winnow.training.layer_cache import LayerCache

SHAPE = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 50}
# A layer of BERT returns a tensor, one of MPNet and of DeBERTa a tuple; ModernBERT asks its layers for attributes.
CONFIGS = [
    transformers.BertConfig(**SHAPE),
    transformers.MPNetConfig(**SHAPE),
    transformers.DebertaV2Config(**SHAPE, relative_attention=True, pos_att_type=["p2c", "c2p"]),
    transformers.ModernBertConfig(
        **SHAPE, pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3
    ),
]
TOKENS = [[2, 7, 8, 3], [2, 9, 3], [2, 10, 11, 12, 13, 14, 3], [2, 9, 3]]
PADDING = 0


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda config: config.model_type)
def folder(request, tmp_path_factory):
    torch.manual_seed(1)
    out = tmp_path_factory.mktemp("encoder")
    transformers.AutoModel.from_config(request.param).save_pretrained(out)
    return out


@pytest.fixture
def accelerator():
    return start(Compute(threads=1, device="cpu", precision="fp32"), 1)


@pytest.fixture
def reader(tmp_path, accelerator):
    tiny_encoder.write(tmp_path, [])
    return Reader.of(tmp_path, 16, 8, accelerator)


def build(folder) -> transformers.PreTrainedModel:
    torch.manual_seed(1)
    return head.build(folder, ["a", "b"]).eval()


def test_a_model_gives_the_same_with_the_cache_as_without(folder, accelerator, reader):
    cache = LayerCache(build(folder), 2, TOKENS, reader)
    plain, cached = build(folder), build(folder)
    for rows in ([0, 1, 2, 3], [1], [2, 0]):
        ids, mask = models.pad([TOKENS[row] for row in rows], PADDING, accelerator.device)
        with torch.no_grad(), cache.attached(cached):
            torch.testing.assert_close(
                head.logits(cached, ids, mask), head.logits(plain, ids, mask), atol=1e-5, rtol=1e-4
            )


def test_afterwards_a_model_computes_any_text_itself(folder, accelerator, reader):
    plain, used = build(folder), build(folder)
    ids, mask = models.pad([[2, 20, 21, 3]], PADDING, accelerator.device)
    cache = LayerCache(used, 2, TOKENS, reader)
    with pytest.raises(KeyError), cache.attached(used):  # it knows no such text, and a step that fails leaves no trace
        head.logits(used, ids, mask)
    with torch.no_grad():
        assert torch.equal(head.logits(used.eval(), ids, mask), head.logits(plain, ids, mask))


def test_what_memory_does_not_hold_is_not_kept(folder, accelerator, reader, monkeypatch):
    assert layer_cache.make(build(folder), 0, TOKENS, reader) is None
    assert isinstance(layer_cache.make(build(folder), 2, TOKENS, reader), LayerCache)
    monkeypatch.setattr(layer_cache, "MAX_BYTES", 1000)
    assert layer_cache.make(build(folder), 2, TOKENS, reader) is None


def test_the_frozen_layers_are_not_run_and_the_others_learn(folder, accelerator, reader):
    cache = LayerCache(build(folder), 2, TOKENS, replace(reader, batch_tokens=64))
    model = build(folder)
    models.freeze(model, 2)
    stack = next(module for module in model.modules() if isinstance(module, torch.nn.ModuleList) and len(module) == 3)
    for parameter in stack[:2].parameters():
        parameter.fill_(torch.nan)  # would show in the logits
    ids, mask = models.pad(TOKENS, PADDING, accelerator.device)
    with cache.attached(model):
        logits = head.logits(model, ids, mask)
    assert torch.isfinite(logits).all()
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in stack[2].parameters() if parameter.requires_grad)
    assert np.isfinite([parameter.grad.norm().item() for parameter in stack[2].parameters()]).all()
