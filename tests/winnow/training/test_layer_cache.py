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


def trained(folder, seed: int) -> transformers.PreTrainedModel:
    """Return a model of the folder's encoder that has learnt something in its top layer and head alone."""
    model = build(folder)
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in [*models.layers_of(model)[2].parameters(), *getattr(*head.output_layer(model)).parameters()]:
            weight.add_(torch.randn_like(weight) / 10)
    return model


def test_models_compute_once_what_they_have_in_common(folder, accelerator, reader):
    plain = [trained(folder, seed) for seed in (1, 2, 3)]
    prints = {str(number): layer_cache.fingerprints(model) for number, model in enumerate(plain)}
    assert [prints["0"][depth] == prints["1"][depth] for depth in range(3)] == [True, True, False]
    common, runs = layer_cache.Common(prints), []
    for number in range(3):
        model = trained(folder, number + 1)
        own, attention = models.layers_of(model)[0], []
        first = next(module for module in own.modules() if isinstance(module, torch.nn.Linear))
        first.register_forward_hook(lambda *_, attention=attention: attention.append(1))
        for rows in ([0, 1, 2, 3], [1], [2, 0]):
            ids, mask = models.pad([TOKENS[row] for row in rows], PADDING, accelerator.device)
            with torch.inference_mode():
                with common.attached(str(number), model):
                    shared = head.logits(model, ids, mask)
                alone = head.logits(plain[number], ids, mask)
            torch.testing.assert_close(shared, alone, atol=1e-5, rtol=1e-4)
        runs.append(len(attention))
    assert runs[0] >= 1
    assert runs[1:] == [0, 0]
    ids, mask = models.pad([[2, 20, 21, 3]], PADDING, accelerator.device)
    with torch.inference_mode():  # afterwards a model computes any text itself
        assert torch.equal(head.logits(model, ids, mask), head.logits(plain[2], ids, mask))


def test_models_of_other_encoders_and_a_lone_one_have_nothing_in_common(folder, accelerator):
    one, other = build(folder), build(folder)
    with torch.no_grad():
        other.get_input_embeddings().weight.add_(1e-3)
    prints = {"one": layer_cache.fingerprints(one), "other": layer_cache.fingerprints(other)}
    for names in (["one", "other"], ["one"]):
        common = layer_cache.Common({name: prints[name] for name in names})
        ids, mask = models.pad(TOKENS, PADDING, accelerator.device)
        with torch.inference_mode(), common.attached("one", one):
            head.logits(one, ids, mask)
        assert not common._of


def test_no_more_is_kept_than_memory_holds(folder, accelerator, monkeypatch):
    monkeypatch.setattr(layer_cache, "MAX_BYTES", 0)
    shared, (one, two) = layer_cache.Shared(2), (trained(folder, seed) for seed in (1, 2))
    for model in (one, two):
        for rows in ([0], [2]):
            ids, mask = models.pad([TOKENS[row] for row in rows], PADDING, accelerator.device)
            with torch.inference_mode(), shared.attached(model):
                found = head.logits(model, ids, mask)
            with torch.inference_mode():
                torch.testing.assert_close(found, head.logits(model, ids, mask))
    assert len(shared._states) == 1
