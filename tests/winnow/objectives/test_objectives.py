import numpy as np
import pytest
import torch

from tests.conftest import make_rows
from tests.stages.conftest import sentences
from winnow import encoder, masked_lm
from winnow.objectives.contrast import Contrast
from winnow.objectives.learner import Learner
from winnow.objectives.masked import MaskedLM
from winnow.objectives.position import PARTS, Position
from winnow.objectives.spans import Documents

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def tokenizer(encoder_folder):
    return encoder.load_tokenizer(encoder_folder)


@pytest.fixture(scope="session")
def documents(tokenizer):
    words = [text.capitalize() + "." for text, _ in sentences(60)]
    texts = [" ".join(words[start : start + 6]) for start in range(0, 60, 6)]
    return Documents([f"d{number}" for number in range(10)], texts, tokenizer, 32)


@pytest.fixture
def learner(encoder_folder):
    def build(objective, name):
        torch.manual_seed(1)
        return Learner(masked_lm.load(encoder_folder), {name: objective.head} if objective.head else {}).eval()

    return build


def test_pooled_states_do_not_hang_on_padding(documents, tokenizer, learner):
    model = learner(Contrast(documents, tokenizer, 1, CPU), "contrast")
    rows = [documents.draw(0, 3, "x").tokens, documents.draw(1, 1, "y").tokens]
    together = model.pooled(*encoder.pad(rows, tokenizer.pad_token_id, CPU))
    alone = [model.pooled(*encoder.pad([row], tokenizer.pad_token_id, CPU)) for row in rows]
    torch.testing.assert_close(together, torch.cat(alone))


def test_position_is_the_cross_entropy_of_the_spans_place(documents, tokenizer, learner):
    objective = Position(documents, tokenizer, 1, 32, CPU)
    model, rows = learner(objective, "position"), np.arange(10)
    loss, weight = objective.loss(model, rows, 3)
    spans = [documents.draw(row, 3, "position", 1, 3) for row in rows]
    assert objective.read(3) == [span.tokens for span in spans]
    pooled = model.pooled(*encoder.pad(objective.read(3), tokenizer.pad_token_id, CPU))
    truth = torch.tensor([int(span.middle * PARTS) for span in spans])
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(objective.head(pooled), truth))
    assert weight == 10
    assert 0 <= truth.min() < truth.max() < PARTS


def test_contrast_is_lowest_where_a_row_is_nearest_to_itself(documents, tokenizer, learner):
    objective = Contrast(documents, tokenizer, 1, CPU)
    model, rows = learner(objective, "contrast"), np.arange(10)
    same, _ = objective.loss(model, rows, 0)  # without dropout both views are one
    model.train()
    torch.manual_seed(3)
    differs, _ = objective.loss(model, rows, 0)
    assert same < differs
    with torch.no_grad():
        for weight in model.encoder.parameters():
            weight.zero_()
    assert objective.loss(model, rows, 0)[0].item() == pytest.approx(np.log(10), abs=0.05), "all alike: a guess"


def test_masked_lm_weighs_by_masked_places(tokenizer, learner):
    rows = make_rows([{"text": text} for text, _ in sentences(12)]).select(["id", "text"])
    objective = MaskedLM(masked_lm.passages(rows, tokenizer, 16), tokenizer, 1, 0.5, CPU)
    model = learner(objective, "masked_lm")
    whole, weight = objective.loss(model, np.arange(12), 2)
    parts = [objective.loss(model, part, 2) for part in (np.arange(5), np.arange(5, 12))]
    torch.testing.assert_close(whole, sum(loss * own for loss, own in parts) / weight)
    assert weight == sum(own for _, own in parts)
