"""A language model's losses as signs: means of what it says, and where it is surprised the most."""

import numpy as np
import pytest
from accelerate import Accelerator
from transformers import AutoModelForCausalLM

from tests import tiny_generator
from winnow.encoder import models
from winnow.generator import losses
from winnow.generator.losses import Passes
from winnow.generator.template import Template
from winnow.kinds.generation.signs import reading
from winnow.kinds.generation.signs.reading import LanguageModel

PROMPTS = ["Which books are due?", "Which?", "Are they due today?"]
RESPONSES = ["Emma and Persuasion.", "Emma.", "Emma."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("generator") / "model"
    tiny_generator.write(made)
    return made


def test_the_terms_of_ifd_are_losses_with_the_prompt_and_without(folder):
    found = LanguageModel(folder, 256, 64, Accelerator(cpu=True)).read(PROMPTS, RESPONSES)
    template, model = Template.of(folder), models.load_model(AutoModelForCausalLM, folder)
    passes = Passes(template.padding, 64, Accelerator(cpu=True))
    given = losses.token_losses(
        model, [template.encode(*pair) for pair in zip(PROMPTS, RESPONSES, strict=True)], passes
    )
    alone = losses.token_losses(model, [template.alone(response) for response in RESPONSES], passes)
    np.testing.assert_allclose(found.values["loss"], [own.mean() for own in given], rtol=1e-5)
    np.testing.assert_allclose(found.values["loss_alone"], [own.mean() for own in alone], rtol=1e-5)
    np.testing.assert_allclose(found.values["ifd"], found.values["loss"] / found.values["loss_alone"], rtol=1e-5)
    np.testing.assert_allclose(found.values["ending"], [own[-1] for own in given], rtol=1e-5)
    for row, own in enumerate(given):
        start, end = found.worst[row]
        token = template.encode(PROMPTS[row], RESPONSES[row]).response[int(own[:-1].argmax())]
        assert RESPONSES[row][start:end] == template.tokenizer.decode([token])


def test_a_response_without_room_is_not_known(folder):
    long = LanguageModel(folder, 16, 64, Accelerator(cpu=True)).read(["Which?"], ["Emma. " * 40])
    assert np.isnan(long.values["loss"]).all()
    assert long.worst.tolist() == [[-1, -1]]


def test_no_pair_is_no_sign(folder):
    assert not len(LanguageModel(folder, 64, 64, Accelerator(cpu=True)).read([], []).values["loss"])


def test_what_the_losses_of_tokens_say():
    found = reading.measured(np.array([1, 5, 3, 2.0]), np.array([4, 4, 1, 2.0]))
    assert found["loss"] == pytest.approx(2.75)
    assert (found["worst"], found["ending"], found["excess"]) == (5, 2, 2)
    assert found["tail"] == 5
    assert found["gain"] == pytest.approx(0)
    assert reading.measured(np.array([1.0, 2]), np.array([1.0]))["excess"] == 0
