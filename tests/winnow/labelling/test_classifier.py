"""Kind model: real classifiers of both kinds, tiny; what is none is refused before it says anything."""

import json
import shutil

import numpy as np
import pytest

from tests import tiny_encoder
from tests.winnow.labelling.conftest import make_rule, row, vote
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.kinds.classification import head

TEXTS = ["sweet and red", "hard and grey", "red", "grey grey hard sweet"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    tiny_encoder.write(folder, "sweet hard red grey and".split())
    return folder


@pytest.fixture(scope="module")
def files(base, tmp_path_factory):
    """A folder of rules with a classifier as `finetune` makes it, and one of texts as transformers' Trainer does."""
    from transformers import AutoModelForSequenceClassification

    folder = tmp_path_factory.mktemp("rules")
    models.save(head.build(base, ["FRUIT", "STONE"]), base, folder / "ours")
    names = {"id2label": {0: "food", 1: "mineral", 2: "other"}, "label2id": {"food": 0, "mineral": 1, "other": 2}}
    model = models.load_model(AutoModelForSequenceClassification, base, num_labels=3, **names)
    models.save(model, base, folder / "theirs")
    return folder


@pytest.fixture(autouse=True)
def compute(workspace):
    return workspace(compute={"threads": 1, "device": "cpu", "precision": "fp32"})


def model(folder: str, min_confidence: float = 0.01, **values):
    return make_rule(kind="model", folder=folder, min_confidence=min_confidence, max_length=16, **values)


THEIRS = {"label_map": {"food": "FRUIT", "mineral": "STONE", "other": None}}


def expected(folder, auto_class) -> np.ndarray:
    """Class probabilities one text at a time, by transformers alone."""
    import torch

    tokenizer, loaded = models.load_tokenizer(folder), models.load_model(auto_class, folder).eval()
    with torch.inference_mode():
        each = [loaded(**tokenizer(text, return_tensors="pt")).logits for text in TEXTS]
        logits = torch.cat([logits if logits.dim() == 2 else logits.mean(dim=1) for logits in each])
        return torch.softmax(logits.double(), dim=-1).numpy()


def test_a_classifier_of_finetune_votes_for_what_it_predicts(files):
    from transformers import AutoModelForTokenClassification

    chances = expected(files / "ours", AutoModelForTokenClassification)
    best = [("FRUIT", "STONE")[number] for number in chances.argmax(axis=1)]
    rule, rows = model("ours"), [row(text) for text in TEXTS]
    assert vote(rule, *rows, files=files) == best
    assert rule.origin == "model"
    bound = float(np.median(chances.max(axis=1)))
    sure = [label if chance >= bound else None for label, chance in zip(best, chances.max(axis=1), strict=True)]
    assert vote(model("ours", bound), *rows, files=files) == sure
    assert None in sure


def test_a_classifier_of_texts_votes_under_the_task_s_names(files):
    from transformers import AutoModelForSequenceClassification

    chances = expected(files / "theirs", AutoModelForSequenceClassification)
    best = [("FRUIT", "STONE", None)[number] for number in chances.argmax(axis=1)]
    assert vote(model("theirs", **THEIRS), *[row(text) for text in TEXTS], files=files) == best


def test_what_is_no_classifier_is_refused(files, base, tmp_path):
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    shutil.copytree(base, tmp_path / "base")
    config = json.loads((tmp_path / "theirs/config.json").read_text())
    for folder, values, message in [
        ("nowhere", {}, "nowhere: no model: .*No such file"),
        ("base", {}, "base: is a BertModel; needs a classifier of one label"),
        ("theirs", {}, "'mine': the model's label 'food': label 'food' is not one of"),
        ("ours", {"label_map": {"FRUIT": "PLANT"}}, "label 'PLANT' is not one of"),
    ]:
        with pytest.raises(UserError, match=message):
            vote(model(folder, **values), files=tmp_path)
    several = config | {"problem_type": "multi_label_classification"}
    (tmp_path / "theirs/config.json").write_text(json.dumps(several))
    with pytest.raises(UserError, match="theirs: is a BertForSequenceClassification; needs a classifier of one label"):
        vote(model("theirs", **THEIRS), files=tmp_path)
    (tmp_path / "ours/examples.json").write_text("{}")
    with pytest.raises(UserError, match="ours: reads labelled examples beside the text, which a rule has not"):
        vote(model("ours"), files=tmp_path)
    (tmp_path / "theirs/config.json").write_text("{")
    with pytest.raises(UserError, match="theirs: no model"):
        vote(model("theirs", **THEIRS), files=tmp_path)
    for odd in ("[]", "3", '{"architectures": []}', '{"architectures": {"a": 1}}', '{"architectures": "Bert"}'):
        (tmp_path / "theirs/config.json").write_text(odd)
        with pytest.raises(UserError, match="theirs: is a model without a head; needs a classifier"):
            vote(model("theirs", **THEIRS), files=tmp_path)


def test_a_folder_that_dvc_would_not_see_change_is_refused(files, tmp_path):
    inside = tmp_path / "rules"
    inside.mkdir()
    shutil.copytree(files / "ours", inside / "ours")
    (inside / "link").symlink_to(files / "ours")
    for folder in ("../rules/ours", str(files / "ours"), "link"):
        with pytest.raises(UserError, match=f"^params.yaml: annotate.rules 'mine': '{folder}' leads out of .*rules/, "):
            vote(model(folder), row(TEXTS[0]), files=inside)
    assert vote(model("ours"), row(TEXTS[0]), files=inside)[0] in ("FRUIT", "STONE")
