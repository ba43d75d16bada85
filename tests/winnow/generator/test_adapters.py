"""Adapters of language models: what is saved loads again, and nothing but safetensors does."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests import tiny_generator
from winnow.base.errors import UserError
from winnow.generator import adapters
from winnow.generator.adapters import LoRA


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    tiny_generator.write(folder)
    return folder


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder)


@pytest.fixture
def adapter(base, tmp_path):
    """A folder with an adapter that changes what the model says, and that model."""
    torch.manual_seed(1)
    model = adapters.attached(load(base), LoRA(rank=2, alpha=4), 1, 0.0)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.normal_()
    model.save_pretrained(tmp_path)
    adapters.settle(tmp_path, base)
    return tmp_path, model


def test_an_adapter_is_merged_into_its_model(adapter, base):
    folder, model = adapter
    ids = torch.arange(5, 15)[None]
    with torch.no_grad():
        wanted, plain = model.eval()(ids).logits, load(base).eval()(ids).logits
        got = adapters.merged(load(base), folder).eval()(ids).logits
    torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(plain, wanted, atol=1e-2)
    assert adapters.base_of(folder) == base


def test_an_adapter_in_a_pickle_is_not_read(adapter, base):
    folder, _ = adapter
    (folder / adapters.WEIGHTS).unlink()
    torch.save({}, folder / "adapter_model.bin")
    with pytest.raises(UserError, match=r"has no adapter_model\.safetensors"):
        adapters.merged(load(base), folder)


def test_no_layer_is_left_for_an_adapter(base):
    with pytest.raises(UserError, match="frozen_layers is 2, but the model has 2 layers"):
        adapters.attached(load(base), LoRA(), 2, 0.0)
