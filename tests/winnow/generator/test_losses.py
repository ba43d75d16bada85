import numpy as np
import pytest
import torch
from accelerate import Accelerator
from transformers import AutoModelForCausalLM, BertConfig, BertModel, Gemma2Config, Gemma2ForCausalLM

from tests import tiny_generator
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.generator.losses import Passes, token_losses
from winnow.generator.template import Encoded, Template

PAIRS = [
    ("Which books are due?", "Emma."),
    ("Which?", "Emma and Persuasion are due today, and none is late. " * 3),
    ("Which books are due today? " * 9, "None."),
    ("And?", "(yet)"),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generator") / "model"
    tiny_generator.write(folder)
    return models.load_model(AutoModelForCausalLM, folder).eval(), Template.of(folder)


def passes(batch_tokens: int) -> Passes:
    return Passes(0, batch_tokens, Accelerator(cpu=True))


def naive(model, row: Encoded) -> np.ndarray:
    """Each token of the response by the whole row's logits, in a pass of its own."""
    with torch.no_grad():
        chances = torch.log_softmax(model(input_ids=torch.tensor([row.ids])).logits[0].double(), -1)
    return np.array([-float(chances[place - 1, row.ids[place]]) for place in range(row.start, len(row.ids))])


@pytest.mark.parametrize("batch_tokens", [1, 300, 10_000])
def test_losses_are_those_of_each_row_by_itself(tiny, batch_tokens):
    model, template = tiny
    rows = [template.encode(*pair) for pair in PAIRS]
    found = token_losses(model, rows, passes(batch_tokens))
    for row, losses in zip(rows, found, strict=True):
        np.testing.assert_allclose(losses, naive(model, row), atol=1e-5)
        assert losses.dtype == np.float32


def test_losses_are_those_of_models_that_bend_their_logits():
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    config = Gemma2Config(vocab_size=50, intermediate_size=16, head_dim=8, final_logit_softcapping=0.1, **shape)
    model = Gemma2ForCausalLM(config).eval()
    rows = [Encoded([1, 2, 3, 4, 5], 2), Encoded([7, 8, 9], 1)]
    for row, losses in zip(rows, token_losses(model, rows, passes(100)), strict=True):
        np.testing.assert_allclose(losses, naive(model, row), atol=1e-5)


def test_a_model_without_a_head_is_refused():
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    with pytest.raises(UserError, match="BertModel has no head over its vocabulary"):
        token_losses(BertModel(BertConfig(vocab_size=20, **shape)), [Encoded([1, 2], 1)], passes(100))


def test_no_rows_have_no_losses(tiny):
    assert token_losses(tiny[0], [], passes(100)) == []
