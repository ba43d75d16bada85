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
from winnow.kinds.multilabel.labels import Task

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
        ("base", {}, "base: is a BertModel; needs a classifier of one label a text"),
        ("theirs", {}, "'mine': the model's label 'food': label 'food' is not one of"),
        ("ours", {"label_map": {"FRUIT": "PLANT"}}, "label 'PLANT' is not one of"),
    ]:
        with pytest.raises(UserError, match=message):
            vote(model(folder, **values), files=tmp_path)
    several = config | {"problem_type": "multi_label_classification"}
    (tmp_path / "theirs/config.json").write_text(json.dumps(several))
    with pytest.raises(
        UserError, match="theirs: is a BertForSequenceClassification; needs a classifier of one label a text"
    ):
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


SETS = Task(kind="multilabel", labels=["FRUIT", "STONE"])


def votes_for_sets(rule, *rows: dict, files) -> list[str | None]:
    return rule.voter(files, SETS).vote(list(rows))


@pytest.fixture(scope="module")
def sets(files, tmp_path_factory):
    """The same two folders, of models that give a text any number of labels."""
    folder = tmp_path_factory.mktemp("sets")
    for name in ("ours", "theirs"):
        shutil.copytree(files / name, folder / name)
        config = json.loads((folder / name / "config.json").read_text())
        (folder / name / "config.json").write_text(json.dumps(config | {"problem_type": "multi_label_classification"}))
    return folder


def cells(folder, auto_class) -> np.ndarray:
    """The probability of each label, (texts, labels), by transformers alone."""
    import torch

    tokenizer, loaded = models.load_tokenizer(folder), models.load_model(auto_class, folder).eval()
    with torch.inference_mode():
        each = [loaded(**tokenizer(text, return_tensors="pt")).logits for text in TEXTS]
        return torch.sigmoid(torch.cat([own if own.dim() == 2 else own.mean(dim=1) for own in each]).double()).numpy()


def test_classifiers_of_sets_vote_for_the_labels_above_their_thresholds(sets, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

    rows = [row(text) for text in TEXTS]
    chances = cells(sets / "ours", AutoModelForTokenClassification)
    best = [SETS.sets((own >= 0.5)[None])[0] for own in chances]
    assert votes_for_sets(model("ours"), *rows, files=sets) == best
    least = np.maximum(chances, 1 - chances).min(axis=1)
    sure = [label if own >= np.median(least) else None for label, own in zip(best, least, strict=True)]
    assert votes_for_sets(model("ours", float(np.median(least))), *rows, files=sets) == sure

    shutil.copytree(sets, tmp_path / "cut")
    middle = np.median(chances, axis=0)
    (tmp_path / "cut/ours/thresholds.json").write_text(json.dumps(dict(zip(SETS.labels, middle.tolist(), strict=True))))
    cut = votes_for_sets(model("ours"), *rows, files=tmp_path / "cut")
    assert cut == SETS.sets(chances >= middle).tolist()
    assert len(set(cut)) > 1

    theirs = cells(sets / "theirs", AutoModelForSequenceClassification)[:, :2] >= 0.5  # the third name means nothing
    assert votes_for_sets(model("theirs", **THEIRS), *rows, files=sets) == SETS.sets(theirs).tolist()


def test_a_classifier_of_the_other_kind_or_of_other_names_is_refused(sets, files):
    needed = r"needs a classifier of several labels a text \(problem_type multi_label_classification\)"
    for name in ("ours", "theirs"):
        with pytest.raises(UserError, match=needed):
            votes_for_sets(model(name), files=files)
        with pytest.raises(UserError, match="needs a classifier of one label a text"):
            vote(model(name, **THEIRS), files=sets)
    with pytest.raises(UserError, match=r"""the model's label 'food': label 'food' is not one of"""):
        votes_for_sets(model("theirs"), files=sets)
    open_set = SETS.model_copy(update={"unlisted": "leave_out"})
    assert model("theirs").voter(sets, open_set).vote([row(TEXTS[0])]) == ["[]"]


def test_a_folder_that_dvc_would_not_see_change_is_refused(files, tmp_path):
    inside = tmp_path / "rules"
    inside.mkdir()
    shutil.copytree(files / "ours", inside / "ours")
    (inside / "link").symlink_to(files / "ours")
    for folder in ("../rules/ours", str(files / "ours"), "link"):
        with pytest.raises(UserError, match=f"^params.yaml: annotate.rules 'mine': '{folder}' leads out of .*rules/, "):
            vote(model(folder), row(TEXTS[0]), files=inside)
    assert vote(model("ours"), row(TEXTS[0]), files=inside)[0] in ("FRUIT", "STONE")
