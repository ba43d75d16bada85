import numpy as np
import pytest
import torch

from stages.adapt.objectives.contrast import Contrast
from stages.adapt.objectives.denoise import DELETED, Denoise
from stages.adapt.objectives.learner import Learner
from stages.adapt.objectives.order import Order
from stages.adapt.objectives.position import PARTS, Position
from stages.adapt.objectives.spans import Documents
from tests.conftest import make_rows
from tests.stages.conftest import sentences
from winnow.encoder import masked_lm, models
from winnow.training.masked import MaskedLM

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def tokenizer(encoder_folder):
    return models.load_tokenizer(encoder_folder)


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
    together = model.pooled(*models.pad(rows, tokenizer.pad_token_id, CPU))
    alone = [model.pooled(*models.pad([row], tokenizer.pad_token_id, CPU)) for row in rows]
    torch.testing.assert_close(together, torch.cat(alone))


def test_position_is_the_cross_entropy_of_the_spans_place(documents, tokenizer, learner):
    objective = Position(documents, tokenizer, 1, 32, CPU)
    model, rows = learner(objective, "position"), np.arange(10)
    loss, weight = objective.loss(model, rows, 3)
    spans = [documents.draw(row, 3, "position", 1, 3) for row in rows]
    assert list(objective.read(3)) == [span.tokens for span in spans]
    pooled = model.pooled(*models.pad(objective.read(3), tokenizer.pad_token_id, CPU))
    truth = torch.tensor([int(span.middle * PARTS) for span in spans])
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(objective.head(pooled), truth))
    assert weight == 10
    assert 0 <= truth.min() < truth.max() < PARTS


def test_order_turns_half_of_the_pairs_and_asks_which(documents, tokenizer, learner):
    objective = Order(documents, tokenizer, 1, 32, CPU)
    model, rows = learner(objective, "order"), np.arange(10)
    turned = []
    for epoch in range(20):
        for row in rows:
            with torch.no_grad():
                loss, weight = objective.loss(model, rows[row : row + 1], epoch)
                pair = documents.draw_pair(row, 3, "order", 1, epoch)
                assert objective.read(epoch)[row] == pair[0].tokens + pair[1].tokens
                states = [model.pooled(*models.pad([span.tokens], tokenizer.pad_token_id, CPU)) for span in pair]
                said = [objective.head(torch.cat(states[::way], dim=1)).log_softmax(1)[0] for way in (1, -1)]
            assert weight == 1
            as_it_stands, the_other = -said[0][0], -said[1][1]
            turned.append(abs(loss - the_other) < abs(loss - as_it_stands))
            assert min(abs(loss - the_other), abs(loss - as_it_stands)) < 1e-5
    assert 70 < sum(turned) < 130


def test_denoise_keeps_a_share_of_the_words_in_their_order(documents, tokenizer, learner):
    objective = Denoise(documents, tokenizer, 1, learner(Contrast(documents, tokenizer, 1, CPU), "c").body.config, CPU)
    for epoch in range(5):
        for row in range(10):
            whole, left = objective.read(epoch)[row], objective.deleted(row, epoch)
            assert left == objective.deleted(row, epoch)
            assert len(left) == 2 + max(1, round((1 - DELETED) * (len(whole) - 2)))
            assert (left[0], left[-1]) == (whole[0], whole[-1])
            rest = iter(whole)
            assert all(token in rest for token in left), "in their order"


def test_denoise_says_each_word_from_the_vector_and_the_words_before(documents, tokenizer, learner):
    config = learner(Contrast(documents, tokenizer, 1, CPU), "c").body.config
    objective = Denoise(documents, tokenizer, 1, config, CPU)
    model = learner(objective, "denoise")
    table = model.encoder.get_input_embeddings()
    whole = torch.tensor([objective.read(0)[0]])
    vector = torch.ones(1, 32)
    with torch.no_grad():
        said = objective.head(vector, table(whole))
        changed = whole.clone()
        changed[0, 4] = tokenizer.mask_token_id
        other = objective.head(vector, table(changed))
        torch.testing.assert_close(said[:, :4], other[:, :4])
        assert not torch.allclose(said[:, 4:], other[:, 4:])
        assert not torch.allclose(said, objective.head(-vector, table(whole)))
        parts = [objective.loss(model, rows, 0) for rows in (np.arange(4), np.arange(4, 10))]
        loss, weight = objective.loss(model, np.arange(10), 0)
    torch.testing.assert_close(loss, sum(part * own for part, own in parts) / weight)
    assert weight == sum(len(tokens) - 1 for tokens in objective.read(0))


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
    objective = MaskedLM(
        masked_lm.passages(rows["id"].to_pylist(), rows["text"].to_pylist(), tokenizer, 16),
        masked_lm.Masking(tokenizer, 0.5, 1),
        CPU,
    )
    model = learner(objective, "masked_lm")
    whole, weight = objective.loss(model, np.arange(12), 2)
    parts = [objective.loss(model, part, 2) for part in (np.arange(5), np.arange(5, 12))]
    torch.testing.assert_close(whole, sum(loss * own for loss, own in parts) / weight)
    assert weight == sum(own for _, own in parts)
