"""The bench of language models on a tiny one: our sides learn and score the same, and no packed row sees another."""

import argparse
import copy
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from bench import pairs, train_generator
from bench.workers import train_generator as workers
from tests import chat_templates, tiny_generator
from tests.conftest import forget_precision
from winnow.generator import adapters
from winnow.generator.adapters import LoRA
from winnow.generator.losses import response_losses
from winnow.generator.template import Template
from winnow.training import layer_cache

WORDS = "owl vole moss stone grass bat mouse trout gale slate".split()
PROMPTS = [pairs.ASKED + " ".join(WORDS[: 2 + row % 7]) for row in range(12)]
TITLES = [" ".join(WORDS[row % 4 : row % 4 + 1 + row % 5]) for row in range(12)]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The rows of each work by name, and the model's folder; every process of the bench begins without a precision."""
    forget_precision()
    monkeypatch.setattr(layer_cache, "MAX_BYTES", layer_cache.MAX_BYTES)  # "uncached" sets it in a process of its own
    tiny_generator.write(tmp_path / "model")
    monkeypatch.setattr(pairs, "read", lambda downloads, count, part: ([""] * count, PROMPTS[:count], TITLES[:count]))
    given = {"generator": tmp_path / "model", "downloads": tmp_path, "rows": 9, "unread": 3, "scored": 12}
    (tmp_path / "rows").mkdir()
    found, told = train_generator.prepare(argparse.Namespace(**given, frozen=1), tmp_path / "rows")
    assert 0 <= told["padding"] < 1
    yield {work: str(file) for work, file in found.items()}, str(tmp_path / "model")
    forget_precision()


def test_our_sides_and_the_plain_loop_read_the_same_and_learn(files):
    found, model = files
    for work in (train_generator.ALL, train_generator.UPPER):
        data = json.loads(Path(found[work]).read_text(encoding="utf-8"))
        tokens = data["epochs"] * sum(len(ids) for ids, _ in data["train"])
        sides = [workers.plain(found[work], model)]
        for how in ("stage", "packed") if work == train_generator.ALL else ("stage", "uncached"):
            forget_precision()
            sides.append(workers.winnow(how, found[work], model))
        assert {side["tokens"] for side in sides} == {tokens}
        assert all(side["seconds"] > 0 < side["processor"] for side in sides)
        assert sides[0]["start_loss"] == pytest.approx(sides[1]["start_loss"], rel=train_generator.TOLERANCE)
        assert sides[1]["loss"] == pytest.approx(sides[2]["loss"], rel=1e-2)
        assert all(side["loss"] < side["start_loss"] for side in sides)
    forget_precision()
    scored = workers.winnow_score(found[train_generator.SCORING], model)
    assert scored["start_loss"] == pytest.approx(sides[1]["start_loss"], rel=0.1)


@pytest.mark.parametrize("family", ["CHATML", "LLAMA_3", "GEMMA", "MISTRAL", "PHI_3", "ZEPHYR", "HERMES"])
def test_no_packed_row_sees_another(tmp_path, family):
    tiny_generator.write(tmp_path, getattr(chat_templates, family))
    template = Template.of(tmp_path)
    rows = [template.encode(*pair) for pair in zip(PROMPTS[:4], TITLES[:4], strict=True)]
    torch.manual_seed(1)
    model = adapters.attached(AutoModelForCausalLM.from_pretrained(tmp_path), LoRA(rank=2, alpha=4), 0, 0.0)
    for name, weights in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.3)
    packed = copy.deepcopy(model)
    apart = torch.cat([response_losses(model, [row], template.padding, torch.device("cpu")) for row in rows])
    with workers.attention_by_rows(packed):
        together = workers.packed_losses(packed, rows)
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-4)
    for losses in (apart, together):
        losses.mean().backward()
    for one, other in zip(model.parameters(), packed.parameters(), strict=True):
        if one.requires_grad:
            torch.testing.assert_close(other.grad, one.grad, atol=1e-6, rtol=1e-3)
    # One sequence without bounds between the rows is another thing: it is that which the test would find.
    ids = torch.tensor([[token for row in rows for token in row.ids]])
    targets = torch.tensor(rows[-1].response)
    logits = model(input_ids=ids).logits[0, -len(targets) - 1 : -1]
    leaked = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    assert not torch.allclose(leaked, apart[-len(targets) :], atol=1e-3)


def side(rate: float, start_loss: float = 2.0, **more) -> dict:
    return {
        **{"tokens": 100, "processor": 100 / rate, "seconds": 200 / rate, "start_loss": start_loss, "loss": 1.0},
        **{"precision": "fp32", "largest": 1, "versions": {}},
        **more,
    }


def test_the_ratio_is_the_median_of_the_rounds_and_losses_must_agree():
    ours, theirs = [side(30), side(40), side(10)], [side(10), side(10), side(10)]
    made = train_generator.entry("work", "peer", ours, theirs, 3)
    assert (made["ours"], made["theirs"], made["ratio"]) == (30, 10, 3)
    assert made["rounds"] == made["wall"] == [3, 4, 1]
    with pytest.raises(SystemExit, match=r"peer has a loss of 2\.1000 before it learns, Winnow of 2\.0000"):
        train_generator.entry("work", "peer", ours, [side(10, 2.1)] * 3, 3)
    failed = train_generator.entry("work", "peer", ours, [{"error": "no such option"}], 3)
    assert (failed["theirs"], failed["reason"]) == (None, "no such option")
