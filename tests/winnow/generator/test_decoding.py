import random

import pytest
import torch
from accelerate import Accelerator
from transformers import AutoModelForCausalLM

from tests import tiny_generator
from winnow.encoder import models
from winnow.generator.decoding import answers
from winnow.generator.losses import Passes

MOST = 12


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generator") / "model"
    tiny_generator.write(folder)
    model = models.load_model(AutoModelForCausalLM, folder).eval()
    with torch.no_grad():  # else its first token follows for ever
        for weight in model.parameters():
            weight *= 8 if weight.ndim > 1 else 1
    return model


def naive(model, prompt: list[int], ends: list[int]) -> tuple[list[int], float]:
    """Greedy decoding of one prompt that reads all of it again for each token."""
    ids, loss = list(prompt), 0.0
    for _ in range(MOST):
        with torch.no_grad():
            chances = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0, -1], -1)
        ids.append(int(chances.argmax()))
        loss -= float(chances.max())
        if ids[-1] in ends:
            break
    return ids[len(prompt) :], loss


@pytest.mark.parametrize("batch_tokens", [1, 10_000])
def test_answers_are_those_of_each_prompt_by_itself(tiny, batch_tokens):
    draw = random.Random(1)
    prompts = [[draw.randrange(300) for _ in range(length)] for length in (7, 1, 40, 3, 12)]
    free = [naive(tiny, prompt, [])[0] for prompt in prompts]
    ends = [free[1][3], free[2][6]]  # so that some end early, each at its own place
    found = answers(tiny, prompts, ends, MOST, Passes(0, batch_tokens, Accelerator(cpu=True)))
    for prompt, written in zip(prompts, found, strict=True):
        ids, loss = naive(tiny, prompt, ends)
        assert written.ids == ids
        assert written.loss == pytest.approx(loss, abs=1e-4)
    assert len({len(written.ids) for written in found}) > 1


def test_no_prompts_have_no_answers(tiny):
    assert answers(tiny, [], [0], MOST, Passes(0, 100, Accelerator(cpu=True))) == []
