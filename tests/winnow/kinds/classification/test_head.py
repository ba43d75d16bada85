"""The loss and its options, and the rates of layers."""

import numpy as np
import pytest

from tests import tiny_encoder
from winnow.encoder import models
from winnow.kinds.classification import head
from winnow.training import loop


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, ["red", "cat"])
    return head.build(folder, ["a", "b", "c"])


def tensors():
    import torch

    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.2], [1.0, 0.0, 0.0]])
    return logits, torch.tensor([0, 1, 2, 1]), torch.tensor([1.0, 2.0, 0.5, 1.0])


def test_focal_loss_as_in_its_paper():
    import torch

    logits, truth, weights = tensors()
    right = torch.softmax(logits, 1)[torch.arange(4), truth]
    expected = (weights * (1 - right) ** 2 * -right.log()).sum() / weights.sum()
    torch.testing.assert_close(head.Loss(focus=2.0).of(logits, truth, weights), expected)
    sure = torch.tensor([[99.0, 0.0, 0.0]], requires_grad=True)
    head.Loss(focus=0.5).of(sure, truth[:1], weights[:1]).backward()
    assert torch.isfinite(sure.grad).all()


def test_logit_adjustment_asks_more_of_rare_classes():
    import torch

    logits, truth, weights = tensors()
    shift = torch.tensor(np.log([0.9, 0.08, 0.02]), dtype=torch.float32)
    expected = torch.nn.functional.cross_entropy(logits + shift, truth, reduction="none")
    expected = (expected * weights).sum() / weights.sum()
    torch.testing.assert_close(head.Loss(shift=shift).of(logits, truth, weights), expected)


def test_each_layer_learns_at_a_share_of_the_rate_of_the_one_above(model):
    groups = loop.parameter_groups(model.base_model, model, loop.Rates(1.0, 9.0, 0.0, models.rate_factors(model, 0.5)))
    rates = {id(weight): group["lr"] for group in groups for weight in group["params"]}
    expected = {"classifier": 9.0, "encoder.layer.1": 1.0, "encoder.layer.0": 0.5, "embeddings": 0.25}
    for name, parameter in model.named_parameters():
        [rate] = [rate for part, rate in expected.items() if part in name]
        assert rates[id(parameter)] == rate, name


def test_without_decay_the_groups_are_those_of_two_rates(model):
    plain = loop.parameter_groups(model.base_model, model, loop.Rates(1.0, 9.0, 0.1))
    assert [(group["lr"], group["weight_decay"]) for group in plain] == [(1, 0.1), (1, 0), (9, 0.1), (9, 0)]


def test_the_output_layer_is_found(model):
    parent, name = head.output_layer(model)
    assert getattr(parent, name) is model.classifier
