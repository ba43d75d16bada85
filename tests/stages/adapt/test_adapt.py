import dataclasses
import json
import shutil

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.adapt import __main__ as adapt
from stages.adapt.corpus import Corpus
from tests.conftest import ROOT, make_rows
from tests.stages.conftest import sentences
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.encoder import masked_lm, models
from winnow.rows import tables


@pytest.fixture
def corpus(tmp_path):
    """Rows and their splits: two thirds train, the rest test."""
    rows = make_rows([{"text": text, "purpose": "text"} for text, _ in sentences(90)])
    split = pa.table(
        {
            "id": rows["id"],
            "group": rows["group"],
            "split": pa.array([("train", "train", "test")[n % 3] for n in range(rows.num_rows)]),
        }
    )
    tables.write(rows, tmp_path / "rows.parquet")
    tables.write(split, tmp_path / "split.parquet")
    return rows, split


def run(folder, encoder_folder, name="adapted"):
    adapt.main(
        [
            *("--rows", f"{folder}/rows.parquet", "--split", f"{folder}/split.parquet", "--base", str(encoder_folder)),
            *("--out", f"{folder}/{name}", "--curve", f"{folder}/{name}.csv", "--metrics", f"{folder}/{name}.json"),
            *("--checkpoints", f"{folder}/checkpoints"),
        ]
    )
    return folder / name


def choose_train(corpus):
    rows, split = corpus
    chosen = [name == "train" for name in split["split"].to_pylist()]
    return rows.filter(pa.array(chosen)).sort_by("id")


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_learns_the_domain_and_writes_a_loadable_encoder(encoder_params, encoder_folder, corpus):
    from transformers import AutoModel, AutoTokenizer

    folder = encoder_params(adapt={"tokens": 6000, "learning_rate": 5e-3, "interpolation": 1.0})
    out = run(folder, encoder_folder)
    AutoModel.from_pretrained(out)
    assert AutoTokenizer.from_pretrained(out).mask_token == "[MASK]"
    metrics = json.loads((folder / "adapted.json").read_text(encoding="utf-8"))
    loss = metrics["held_out_loss"]["masked_lm"]
    assert loss["after"] < 0.8 * loss["before"]
    assert metrics["documents"] == 60 - adapt.hold_out(choose_train(corpus), seed=1).sum()
    phases = [line.split(",")[1] for line in (folder / "adapted.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert phases == sorted(phases, reverse=True)
    assert set(phases) == {"head", "all"}


def test_equal_runs_are_equal_bytes(encoder_params, encoder_folder, corpus):
    folder = encoder_params()
    hashes = [
        {file.name: files.sha256(file) for file in run(folder, encoder_folder, name).iterdir()}
        for name in ("one", "two")
    ]
    assert hashes[0] == hashes[1]


def test_interpolation_is_a_mean_of_base_and_adapted(encoder_params, encoder_folder, corpus):
    base = weights(encoder_folder)
    arms = {}
    for share in (0.0, 0.5, 1.0):
        arms[share] = weights(run(encoder_params(adapt={"interpolation": share}), encoder_folder, f"share-{share}"))
    key = "encoder.layer.1.output.dense.weight"
    assert arms[0.0][key].equal(base[key])
    assert not arms[1.0][key].equal(base[key])
    assert arms[0.5][key].allclose((base[key] + arms[1.0][key]) / 2, atol=1e-6)
    assert arms[1.0]["pooler.dense.weight"].equal(base["pooler.dense.weight"]), "a masked LM has no pooler: kept"


@pytest.mark.parametrize("objective", ["position", "order", "denoise", "contrast"])
def test_objectives_of_spans_learn_without_a_masked_lm_head(
    encoder_params, encoder_folder, documents, objective, monkeypatch
):
    monkeypatch.setattr(adapt, "HELD_OUT", 0.25)
    shares = {"masked_lm": 0.0, "position": 0.0, objective: 1.0}
    folder = encoder_params(
        adapt={"tokens": 20000, "learning_rate": 3e-3, "interpolation": 1.0, "warmup_tokens": 0, "objectives": shares}
        | {"dropout": 0.1},
    )
    run(folder, encoder_folder)
    held_out = json.loads((folder / "adapted.json").read_text(encoding="utf-8"))["held_out_loss"]
    assert list(held_out) == [objective]
    assert 0.01 < held_out[objective]["after"] < held_out[objective]["before"]
    losses = [
        float(line.split(",")[3]) for line in (folder / "adapted.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    part = len(losses) // 4
    assert sum(losses[-part:]) < 0.8 * sum(losses[:part])


def test_a_single_document_held_out_has_nothing_to_be_told_from(encoder_params, encoder_folder, documents, monkeypatch):
    monkeypatch.setattr(adapt, "HELD_OUT", 0.0)  # the least: one document
    shares = {"masked_lm": 1.0, "contrast": 1.0}
    folder = encoder_params(adapt={"objectives": shares, "dropout": 0.1})
    run(folder, encoder_folder)
    held_out = json.loads((folder / "adapted.json").read_text(encoding="utf-8"))["held_out_loss"]
    assert list(held_out) == ["masked_lm"]


def test_objectives_share_the_tokens_and_alternate(encoder_params, encoder_folder, documents):
    folder = encoder_params(adapt={"tokens": 6000, "objectives": {"masked_lm": 1.0, "position": 2.0}})
    run(folder, encoder_folder)
    lines = (folder / "adapted.csv").read_text(encoding="utf-8").splitlines()[1:]
    steps = [line.split(",") for line in lines if line.split(",")[1] == "all"]
    first, seen = int(next(line for line in reversed(lines) if ",head," in line).split(",")[0]), {}
    for tokens, _, objective, *_ in steps:
        seen[objective] = seen.get(objective, 0) + int(tokens) - first
        first = int(tokens)
    assert seen["position"] / sum(seen.values()) == pytest.approx(2 / 3, abs=0.05)
    assert (
        {step[2] for step in steps[: len(steps) // 4]} == {step[2] for step in steps[-len(steps) // 4 :]} == set(seen)
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"objectives": {"masked_lm": 0.0}}, "give one of them a share"),
        ({"objectives": {"contrast": 1.0}, "dropout": 0.0}, "set dropout to 0.1"),
        ({"objectives": {"contrast": 1.0}, "dropout": 0.1}, "no head to warm up; set warmup_tokens to 0"),
        (
            {"tokens": 2000, "warmup_tokens": 27733},
            r"warmup_tokens \(27733\) are read on top of tokens \(2000\), and are",
        ),
        ({"objectives": {"guess": 1.0}}, "objectives"),
        ({"sources": ["nowhere"]}, "no row is of 'nowhere'; sources: test"),
    ],
)
def test_what_cannot_be_is_told(encoder_params, encoder_folder, corpus, changes, told):
    with pytest.raises(UserError, match=told):
        run(encoder_params(adapt=changes), encoder_folder)


def test_dropout_is_the_parameters_and_not_the_bases(encoder_params, encoder_folder, corpus, tmp_path):
    still = tmp_path / "still"
    shutil.copytree(encoder_folder, still)
    configuration = json.loads((still / "config.json").read_text(encoding="utf-8"))
    assert configuration["hidden_dropout_prob"] > 0
    configuration |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (still / "config.json").write_text(json.dumps(configuration), encoding="utf-8")

    def curve(dropout: float, base) -> bytes:
        run(encoder_params(adapt={"dropout": dropout}), base)
        return (tmp_path / "adapted.csv").read_bytes()

    assert curve(0.0, encoder_folder) == curve(0.0, still)
    assert curve(0.1, encoder_folder) == curve(0.1, still)
    assert curve(0.0, encoder_folder) != curve(0.1, encoder_folder)


def test_no_text_of_dev_or_test_unless_transductive(corpus, options):
    rows, split = corpus
    documents = Corpus.of(rows)
    train = {row["id"] for row in split.to_pylist() if row["split"] == "train"}
    chosen = adapt.choose(documents, split, options)
    assert set(chosen.ids) == train
    texts = dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    assert chosen.texts == [texts[id] for id in chosen.ids]
    assert adapt.choose(documents, split, options.model_copy(update={"transductive": True})).rows.num_rows == 90
    with pytest.raises(UserError, match="too little text"):
        adapt.choose(documents, tables.set_column(split, "split", ["test"] * split.num_rows, pa.string()), options)


@pytest.fixture(scope="session")
def tokenizer(encoder_folder):
    return models.load_tokenizer(encoder_folder)


@pytest.fixture(scope="session")
def options():
    """The default params."""
    return params.load("adapt", adapt.Params, ROOT / "params.yaml")


@pytest.fixture(scope="session")
def masking(tokenizer, options):
    """The masking of the default params."""
    return masked_lm.Masking(tokenizer, options.mask_share, options.seed)


@settings(max_examples=50)
@given(words=st.lists(st.integers(5, 20), max_size=40), share=st.floats(0.01, 0.99), epoch=st.integers(0, 2000))
def test_masks_are_a_pure_function_of_seed_epoch_and_passage(tokenizer, masking, words, share, epoch):
    masking = dataclasses.replace(masking, share=share)
    tokens = [tokenizer.cls_token_id, *words, tokenizer.sep_token_id]
    masked, targets = masking.apply(tokens, "key", epoch)
    assert (masked, targets) == masking.apply(tokens, "key", epoch)
    chosen = [place for place, target in enumerate(targets) if target != -100]
    assert len(chosen) == (max(1, round(share * len(words))) if words else 0)
    assert all(targets[place] == tokens[place] for place in chosen)
    assert all(masked[place] == tokens[place] for place in range(len(tokens)) if place not in chosen)
    assert not {0, len(tokens) - 1} & set(chosen), "special tokens are never masked"


def test_masks_differ_between_epochs(tokenizer, masking):
    tokens = [tokenizer.cls_token_id, *range(5, 20), tokenizer.sep_token_id]
    chosen = [masking.apply(tokens, "key", epoch)[1] for epoch in range(10)]
    assert len(set(map(tuple, chosen))) > 5


def test_loss_at_masked_places_equals_that_of_transformers(encoder_folder, tokenizer, masking):
    import torch

    model = masked_lm.load(encoder_folder).eval()
    rows = [masking.apply(models.tokenize(tokenizer, [text], 32)[0], text, 0) for text, _ in sentences(8)]
    ids, attention = models.pad([ids for ids, _ in rows], tokenizer.pad_token_id, torch.device("cpu"))
    targets, _ = models.pad([targets for _, targets in rows], -100, torch.device("cpu"))
    ours = masked_lm.loss(model, ids, attention, targets)
    theirs = model(input_ids=ids, attention_mask=attention, labels=targets).loss
    torch.testing.assert_close(ours, theirs)


def test_a_long_document_becomes_passages_that_lose_no_token(tokenizer):
    words = [text for text, _ in sentences(30)]
    rows = make_rows([{"text": " ".join(words)}, {"text": words[0]}]).select(["id", "text"])
    cut = masked_lm.passages(rows["id"].to_pylist(), rows["text"].to_pylist(), tokenizer, 16)
    assert max(map(len, cut.tokens)) == 16
    assert len(set(cut.keys)) == len(cut.keys)
    inner = [token for passage in cut.tokens for token in passage[1:-1]]
    whole = [models.tokenize(tokenizer, [text], 10_000)[0][1:-1] for text in rows["text"].to_pylist()]
    assert inner == [token for row in whole for token in row]


def test_one_document_alone_is_refused(encoder_params, encoder_folder, tmp_path):
    folder = encoder_params()
    rows = make_rows([{"text": "the red cat"}])
    tables.write(rows, folder / "rows.parquet")
    tables.write(pa.table({"id": rows["id"], "split": ["train"]}), folder / "split.parquet")
    with pytest.raises(UserError, match="two documents"):
        run(folder, encoder_folder)
    assert not (folder / "adapted").exists()


def test_two_documents_of_different_purposes_are_one_to_learn_and_one_to_hold_out():
    rows = make_rows([{"text": "the red cat", "purpose": "task"}, {"text": "a blue dog", "purpose": "text"}])
    assert adapt.hold_out(rows, seed=1).sum() == 1


def test_a_negative_budget_is_named(encoder_params, encoder_folder, corpus):
    with pytest.raises(UserError, match=r"adapt\.tokens: .*greater than 0.*-5"):
        run(encoder_params(adapt={"tokens": -5}), encoder_folder)
