"""Encoders of every family are adapted and fine-tuned: BERT, RoBERTa, MPNet, DeBERTa, ModernBERT, tiny and random."""

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers

from stages.adapt import __main__ as adapt
from stages.adapt.corpus import Corpus
from stages.finetune import transfer
from tests import predicted
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS, FILLER, sentences
from tests.tiny_encoder import SPECIAL
from winnow.base import params
from winnow.base.errors import UserError
from winnow.encoder import masked_lm, models, pooling
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.classification import few_shot, head, model
from winnow.kinds.job import Job
from winnow.rows import tables
from winnow.training import checkpoints, finetuning

VOCABULARY = {word: number for number, word in enumerate([*SPECIAL, *COLOURS, *ANIMALS, *FILLER])}
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SHAPE |= {"vocab_size": len(VOCABULARY), "max_position_embeddings": 64, "pad_token_id": 0}
ENDS = {"bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
POSITIONS = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
CONFIGS = {
    "bert": transformers.BertConfig(**SHAPE),
    "roberta": transformers.RobertaConfig(**SHAPE, **ENDS),
    "mpnet": transformers.MPNetConfig(**SHAPE, **ENDS),
    "deberta-v2": transformers.DebertaV2Config(**SHAPE, **POSITIONS, norm_rel_ebd="layer_norm"),
    "deberta-v3": transformers.DebertaV2Config(**SHAPE, **POSITIONS, legacy=False),
    "modernbert": transformers.ModernBertConfig(**SHAPE, **ENDS),
}
LABELS = ["COLOUR", "ANIMAL"]


@pytest.fixture(scope="module", params=CONFIGS)
def folder(request, tmp_path_factory):
    """An encoder without a masked-LM head, as sentence encoders come."""
    out = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    transformers.AutoModel.from_config(CONFIGS[request.param]).save_pretrained(out)
    transformers.BertTokenizerFast(vocab=VOCABULARY, model_max_length=64).save_pretrained(out)
    return out


@pytest.fixture
def job(folder, default_params):
    recipe = default_params["finetune"] | {"epochs": 6, "batch_tokens": 128, "frozen_layers": 1}
    recipe |= {"learning_rate": 1e-2, "head_learning_rate": 1e-2, "layer_decay": 0.9}
    recipe = {name: value for name, value in recipe.items() if name in finetuning.Recipe.model_fields}
    rows = make_rows([{"text": text, "label": label} for text, label in sentences(60)])
    return Job(
        task=predicted.task(LABELS),
        rows=rows,
        dev=rows.slice(0, 0),
        auxiliary=rows.slice(0, 0),
        folder=folder,
        max_length=16,
        recipe=params.parse(recipe, finetuning.Recipe, "finetune"),
        patience=None,
        seed=1,
        accelerator=start(Compute(threads=1, device="cpu", precision="fp32"), 1),
    )


def correct(job: Job, classifier) -> float:
    """Return the share of the training rows that a classifier has right."""
    rows = tables.set_column(job.rows, "split", ["train"] * job.rows.num_rows, pa.string())
    found = model.predictor(job.task, rows, job.reader)(job.accelerator.prepare(classifier).eval())
    return float(np.mean(np.array(found["label"].to_pylist()) == np.array(found["predicted"].to_pylist())))


def test_transfer_learns_and_its_folder_gives_the_same_classifier(job, tmp_path):
    classifier = transfer.train(job, transfer.Settings()).model
    assert correct(job, classifier) > 0.9
    models.save(classifier, job.folder, tmp_path / "classifier")
    assert correct(job, head.load(tmp_path / "classifier")) == correct(job, classifier)


def test_few_shot_learns_by_contrast(job, default_params):
    changed = {"pairs": 480, "batch_pairs": 16, "learning_rate": 1e-2, "frozen_layers": 1, "labels_per_class": 8}
    settings = params.parse(default_params["approaches"]["few_shot"] | changed, few_shot.Settings, "few_shot")
    assert correct(job, few_shot.train(job, settings).model) > 0.8


def test_adapt_learns_with_a_fresh_head(folder, default_params):
    changed = {"tokens": 6000, "warmup_tokens": 600, "batch_tokens": 128, "max_length": 32, "learning_rate": 5e-3}
    changed |= {"head_learning_rate": 5e-3}
    changed |= {"objectives": {"masked_lm": 0.5, "position": 0.5}}
    settings = params.parse(default_params["adapt"] | changed, adapt.Params, "adapt")
    texts = [f"{text}. Here {text}." for text, _ in sentences(60)]
    rows = make_rows([{"text": text, "purpose": "text"} for text in texts])
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    adapted, curve, _ = adapt.train(Corpus.of(rows), folder, settings, accelerator, checkpoints.NONE)
    assert {point["phase"] for point in curve} == {"head", "all"}
    losses = [point["loss"] for point in curve if point["objective"] == "masked_lm"]
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.05
    # AutoModel has all that was adapted.
    before, after = models.load_model(transformers.AutoModel, folder).state_dict(), adapted.state_dict()
    moved = {name for name in before if not before[name].equal(after[name])}
    assert {name for name in before if "layer" in name and name.endswith("weight") and before[name].ndim == 2} <= moved


def test_denoise_learns_to_write_a_passage_down_again(folder, default_params):
    changed = {"tokens": 9000, "warmup_tokens": 0, "batch_tokens": 128, "max_length": 32, "learning_rate": 5e-3}
    changed |= {"head_learning_rate": 5e-3, "objectives": {"denoise": 1.0}}
    settings = params.parse(default_params["adapt"] | changed, adapt.Params, "adapt")
    texts = [f"{text.capitalize()}. Here {text}." for text, _ in sentences(60)]
    rows = make_rows([{"text": text, "purpose": "text"} for text in texts])
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    _, curve, _ = adapt.train(Corpus.of(rows), folder, settings, accelerator, checkpoints.NONE)
    losses = [point["loss"] for point in curve]
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.3


def test_the_masked_language_models_head_is_the_models_own(folder):
    words = masked_lm.load(folder).eval()
    ids, mask = torch.tensor([[2, 5, 9, 4, 3]]), torch.ones(1, 5, dtype=torch.int64)
    with torch.inference_mode():
        hidden = words.base_model(input_ids=ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(masked_lm.head_of(words)(hidden), words(input_ids=ids, attention_mask=mask).logits)


def test_no_gradient_goes_through_frozen_layers(job):
    classifier = finetuning.prepare(model.build(job.task, job.folder), job.recipe)
    reached = []
    models.layers_of(classifier)[0].register_full_backward_hook(lambda *_: reached.append(True))
    ids, mask = torch.tensor([[2, 5, 9, 4, 3]]), torch.ones(1, 5, dtype=torch.int64)
    head.logits(classifier, ids, mask).sum().backward()
    below = [name for name, weight in classifier.base_model.named_parameters() if weight.grad is not None]
    assert not reached
    assert below
    assert all(".1." in name or "final_norm" in name for name in below), below


def test_a_text_as_long_as_the_model_reads_is_read_and_a_longer_one_is_refused(folder):
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    family = folder.name.rstrip("0")
    longest = 63 if family in ("mpnet", "roberta") else 64
    reader = Reader.of(folder, longest, 64, accelerator)
    tokens = reader.tokenize(["red owl " * 100])
    assert len(tokens[0]) == longest
    pooling.embed(pooling.load(folder, accelerator), tokens, reader)
    with pytest.raises(
        UserError, match=rf"encoder\.max_length: 65 tokens, but the encoder in .* reads {longest}; lower"
    ):
        Reader.of(folder, 65, 64, accelerator)


def test_of_an_encoder_whose_layers_share_their_weights_only_the_words_are_frozen():
    shape = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 20}
    encoder = transformers.AutoModel.from_config(transformers.AutoConfig.for_model("albert", **shape))
    models.freeze(encoder, 0)
    assert [name for name, weight in encoder.named_parameters() if not weight.requires_grad] == [
        "embeddings.word_embeddings.weight"
    ]
    with pytest.raises(UserError, match=r"share their weights.*set frozen_layers to 0"):
        models.freeze(encoder, 1)
