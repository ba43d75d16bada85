"""Rules of kind model: token classifiers of any scheme of tags vote with what transformers' pipeline finds."""

import json

import pytest

from tests import tiny_encoder
from tests.winnow.labelling.conftest import make_rule, row
from winnow import kinds
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.kinds.classification import head
from winnow.kinds.token_classification.labels import Task

TASK = Task(kind="token_classification", labels=["drug", "illness"])
TEXTS = ["red hard sweet grey and red", "grey", "and sweet red hard red hard sweet and grey hard"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    tiny_encoder.write(folder, "sweet hard red grey and".split())
    return folder


@pytest.fixture(autouse=True)
def compute(workspace):
    return workspace(compute={"threads": 1, "device": "cpu", "precision": "fp32"})


def teacher(base, tmp_path, tags, **values):
    """Return a rule whose model has these tags, from random weights, and where it stands."""
    import torch

    torch.manual_seed(1)
    model = head.build(base, tags)
    with torch.no_grad():  # so that its tags differ from word to word
        model.classifier.weight.mul_(40)
    models.save(model, base, tmp_path / "theirs")
    return make_rule(kind="model", folder="theirs", max_length=16, **({"min_confidence": 0.01} | values))


def votes(rule, tmp_path, texts=TEXTS):
    return [json.loads(vote) for vote in rule.voter(tmp_path, TASK).vote([row(text) for text in texts])]


def test_it_votes_for_what_the_pipeline_finds(base, tmp_path):
    from transformers import pipeline

    rule = teacher(base, tmp_path, ["B-drug", "O", "I-drug", "B-DIS", "I-DIS"], label_map={"DIS": "illness"})
    said = votes(rule, tmp_path)
    find = pipeline("token-classification", str(tmp_path / "theirs"), aggregation_strategy="simple")
    names = {"drug": "drug", "DIS": "illness"}
    assert said == [[[e["start"], e["end"], names[e["entity_group"]]] for e in find(text)] for text in TEXTS]
    assert any(said)
    assert rule.origin == "model"


def test_a_folder_of_ours_is_read_by_the_strategy_that_it_names(tmp_path):
    from transformers import pipeline

    base, texts = tmp_path / "base", ["redhard sweet greyred", "red hardgreyhard"]
    tiny_encoder.write(base, "sweet hard red grey ##hard ##red ##grey".split())
    tags = ["O", "B-drug", "I-drug", "B-illness", "I-illness"]
    rule, found = teacher(base, tmp_path, tags), {}
    for strategy in ("simple", "average"):
        kinds.save_task(TASK.model_copy(update={"aggregation": strategy}), tmp_path / "theirs")
        find = pipeline("token-classification", str(tmp_path / "theirs"), aggregation_strategy=strategy)
        found[strategy] = [[[e["start"], e["end"], e["entity_group"]] for e in find(text)] for text in texts]
        assert votes(rule, tmp_path, texts) == found[strategy]
    assert found["simple"] != found["average"]


def test_unsure_spans_and_types_that_mean_nothing_are_left_out(base, tmp_path):
    tags = ["O", "B-drug", "I-drug", "B-DIS", "I-DIS"]
    every = votes(teacher(base, tmp_path, tags, label_map={"DIS": "illness"}), tmp_path)
    drugs = votes(teacher(base, tmp_path, tags, label_map={"DIS": None}), tmp_path)
    assert drugs == [[span for span in spans if span[2] == "drug"] for spans in every]
    assert drugs != every
    assert votes(teacher(base, tmp_path, tags, label_map={"DIS": None}, min_confidence=1), tmp_path) == [[], [], []]


def test_other_schemes_of_tags_are_read(base, tmp_path):
    for tags in (["O", "drug"], ["O", "B-drug", "I-drug", "E-drug", "S-drug"], ["O", "U-drug", "L-drug", "B-drug"]):
        said = votes(teacher(base, tmp_path, tags), tmp_path)
        assert all(TASK.is_label(json.dumps(spans, separators=(",", ":"))) for spans in said)
        assert any(said)


def test_what_is_no_token_classifier_is_refused(base, tmp_path):
    with pytest.raises(UserError, match="'mine': the model's label 'gene'"):
        votes(teacher(base, tmp_path, ["O", "B-gene", "I-gene"]), tmp_path)
    with pytest.raises(UserError, match="no output is named O"):
        votes(teacher(base, tmp_path, ["drug", "illness"]), tmp_path)
    (tmp_path / "theirs/config.json").write_text('{"architectures": ["BertForSequenceClassification"]}')
    with pytest.raises(UserError, match="is a BertForSequenceClassification; needs a token classifier"):
        votes(make_rule(kind="model", folder="theirs", max_length=16, min_confidence=0.5), tmp_path)
    (tmp_path / "theirs/config.json").write_text("[]")
    with pytest.raises(UserError, match="no model"):
        votes(make_rule(kind="model", folder="theirs", max_length=16, min_confidence=0.5), tmp_path)
