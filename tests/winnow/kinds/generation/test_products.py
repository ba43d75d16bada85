"""Adapted layers give what peft's own give, and teach the adapter the same."""

import copy

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, Qwen2Config, Qwen2ForCausalLM

from tests import tiny_generator
from winnow.generator import adapters
from winnow.generator.adapters import LoRA
from winnow.generator.losses import response_losses
from winnow.generator.template import Encoded
from winnow.kinds.generation import products

ROWS = [Encoded([5, 6, 7, 8, 9], 2), Encoded([11, 12, 13], 1), Encoded([3, 1, 4, 1, 5, 9, 2, 6], 5)]
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny_generator.write(folder)
    return AutoModelForCausalLM.from_pretrained(folder)


def with_bias():
    """Return a model whose linear layers have biases."""
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=50, num_key_value_heads=1, **SHAPE))
    for name, weights in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weights)
    return model


def adapted(model, frozen_layers: int = 0, dropout: float = 0.0, seed: int = 1):
    """Return a copy of a model with an adapter whose matrices are all other than zero."""
    torch.manual_seed(seed)
    found = adapters.attached(copy.deepcopy(model), LoRA(rank=4, alpha=8), frozen_layers, dropout)
    for name, weights in found.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.1)
    return found.train()


def learnt(model, bf16: bool = False):
    """Return what each token of the rows costs, and the gradients of their mean by name."""
    model.zero_grad()
    with torch.autocast("cpu", enabled=bf16):
        losses = response_losses(model, ROWS, 0, torch.device("cpu"))
    losses.mean().backward()
    return losses.detach(), {name: each.grad for name, each in model.named_parameters() if each.grad is not None}


@pytest.mark.parametrize("frozen_layers", [0, 1])
@pytest.mark.parametrize("biased", [False, True])
def test_losses_and_gradients_are_those_of_peft(llama, frozen_layers, biased):
    torch.manual_seed(0)
    model = adapted(with_bias() if biased else llama, frozen_layers)
    losses, gradients = learnt(model)
    with products.fused(model):
        own_losses, own = learnt(model)
    torch.testing.assert_close(own_losses, losses, atol=1e-5, rtol=1e-5)
    assert own.keys() == gradients.keys()
    assert len(own) == 2 * 7 * (2 - frozen_layers)
    for name, gradient in gradients.items():
        torch.testing.assert_close(own[name], gradient, atol=1e-6, rtol=1e-4, msg=name)


def test_in_bf16_they_are_as_near_to_those_of_fp32_as_peft_s(llama):
    wrong = {"theirs": np.zeros(2), "ours": np.zeros(2)}
    for seed in range(12):  # of one adapter either may be nearer, by a third
        model = adapted(llama, seed=seed)
        exact, true = learnt(model)
        found = {"theirs": learnt(model, bf16=True)}
        with products.fused(model):
            found["ours"] = learnt(model, bf16=True)
        for name, (losses, gradients) in found.items():
            of_gradients = sum(float((gradients[each].float() - true[each]).norm()) for each in true)
            wrong[name] += float((losses - exact).norm()), of_gradients
        assert {gradient.dtype for gradient in found["ours"][1].values()} == {torch.float32}
    assert (wrong["ours"] < 1.25 * wrong["theirs"]).all(), wrong


def test_an_input_that_changed_in_place_is_cast_anew():
    cast, tensor = products.Cast(keeps_weights=True), torch.ones(3)
    assert cast.inputs(tensor, torch.bfloat16) is cast.inputs(tensor, torch.bfloat16)
    tensor.add_(1)
    assert cast.inputs(tensor, torch.bfloat16).tolist() == [2, 2, 2]


def test_what_is_no_plain_layer_of_lora_stays_peft_s_and_all_is_afterwards(llama):
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=2, n_positions=16))  # Conv1D
    for model in (adapted(llama, dropout=0.1), adapted(gpt2)):
        with products.fused(model):
            assert not any("forward" in vars(module) for module in model.modules())
    model = adapted(llama)
    with products.fused(model):
        assert sum("forward" in vars(module) for module in model.modules()) == 14
    assert not any("forward" in vars(module) for module in model.modules())


def test_weights_are_not_kept_twice_where_memory_is_short(llama, monkeypatch):
    monkeypatch.setattr(products, "MAX_BYTES", 0)
    model = adapted(llama)
    exact, _ = learnt(model, bf16=True)
    with products.fused(model):
        own, _ = learnt(model, bf16=True)
        cast = next(module for module in model.modules() if "forward" in vars(module)).forward.args[1]
        assert not cast._weights
    torch.testing.assert_close(own, exact, atol=0.05, rtol=0.05)
