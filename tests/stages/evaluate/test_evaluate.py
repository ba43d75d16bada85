import csv
import json

import numpy as np
import pyarrow as pa
import pytest

from stages.evaluate import __main__ as evaluate
from tests import predicted
from tests.stages.finetune.test_finetune import train
from winnow.base.errors import UserError
from winnow.kinds.classification.predictions import table
from winnow.rows import predictions, tables
from winnow.training import layer_cache

LABELS = ["COLOUR", "ANIMAL"]


def write_baseline(folder, labelled) -> None:
    """Write predictions that always say COLOUR, with 60 % confidence."""
    rows = predictions.evaluated(labelled).sort_by("id")
    chances = np.tile([0.6, 0.4], (rows.num_rows, 1))
    tables.write(table(predicted.task(LABELS), rows, chances), folder / "baseline" / "tfidf-0.parquet")


def run(folder):
    evaluate.main(
        [
            *("--rows", f"{folder}/labelled.parquet", "--classifiers", f"{folder}/classifier"),
            *("--baseline", f"{folder}/baseline", "--out", f"{folder}/predictions"),
            *("--metrics", f"{folder}/evaluate.json", "--plots", f"{folder}/plots"),
        ]
    )


def test_predictions_metrics_and_plots(encoder_params, encoder_folder, labelled):
    folder = encoder_params()
    train(folder, encoder_folder, labelled, "transfer-base-1")
    write_baseline(folder, labelled)
    run(folder)

    arms = predictions.read_all(folder / "predictions")
    assert set(arms) == {"tfidf-0", "transfer-1"}
    own = arms["transfer-1"].to_pylist()
    assert len(own) == sum(split != "train" for split in labelled["split"].to_pylist())
    assert {row["split"] for row in own} == {"dev", "test"}
    for row in own:
        assert row["p_COLOUR"] + row["p_ANIMAL"] == pytest.approx(1)
        assert row["predicted"] == max(LABELS, key=lambda label: row[f"p_{label}"])

    metrics = json.loads((folder / "evaluate.json").read_text(encoding="utf-8"))
    dev = [row for row in own if row["split"] == "dev"]
    right = sum(row["predicted"] == row["label"] for row in dev)
    assert metrics.keys() == {"dev"}
    assert metrics["dev"]["transfer-1"]["accuracy"] == pytest.approx(right / len(dev), abs=1e-6)
    assert metrics["dev"]["transfer-1"]["accuracy"] > 0.9
    assert metrics["dev"]["tfidf-0"]["f1"]["ANIMAL"] == 0
    assert metrics["dev"]["tfidf-0"]["calibration_error"] == pytest.approx(0.1)

    with (folder / "plots" / "confusion.csv").open(encoding="utf-8") as file:
        confusion = [row for row in csv.DictReader(file) if row["approach"] == "transfer"]
    assert len(confusion) == len(dev)
    assert sum(row["actual"] == row["predicted"] for row in confusion) == right
    assert (folder / "plots" / "per_class.csv").exists()
    assert (folder / "plots" / "calibration.csv").exists()


def test_nothing_that_is_measured_here_is_of_test(encoder_params, encoder_folder, labelled):
    folder = encoder_params()
    train(folder, encoder_folder, labelled, "transfer-base-1")
    write_baseline(folder, labelled)
    run(folder)
    outputs = [folder / "evaluate.json", *sorted((folder / "plots").iterdir())]
    before = [path.read_bytes() for path in outputs]
    pairs = zip(labelled["label"].to_pylist(), labelled["split"].to_pylist(), strict=True)
    labels = [LABELS[1 - LABELS.index(label)] if split == "test" else label for label, split in pairs]
    swapped = tables.set_column(labelled, "label", labels, pa.string())
    tables.write(swapped, folder / "labelled.parquet")
    write_baseline(folder, swapped)
    run(folder)
    assert [path.read_bytes() for path in outputs] == before


def test_what_classifiers_have_in_common_changes_no_byte(encoder_params, encoder_folder, labelled, monkeypatch):
    recipe = {"epochs": 1, "freeze_embeddings": True, "frozen_layers": 1}
    folder = encoder_params(arms={"seeds": [1, 2], "ensembles": {}}, finetune=recipe)
    for seed in (1, 2):
        train(folder, encoder_folder, labelled, f"transfer-base-{seed}", seed=seed)
    write_baseline(folder, labelled)
    shared, attached = [], layer_cache.Shared.attached
    monkeypatch.setattr(layer_cache.Shared, "attached", lambda *args: shared.append(1) or attached(*args))
    outputs = {}
    for name in ("together", "alone"):
        run(folder)
        outputs[name] = [path.read_bytes() for path in sorted((folder / "predictions").glob("*.parquet"))]
        monkeypatch.setattr(evaluate, "fingerprints", lambda model: [])
    assert shared == [1, 1]
    assert outputs["together"] == outputs["alone"]


def test_automatic_labels_are_not_measured(labelled):
    origins = ["rule" if number % 2 else "given" for number in range(labelled.num_rows)]
    rows = tables.set_column(labelled, "label_origin", origins, pa.string())
    assert set(predictions.evaluated(rows)["label_origin"].to_pylist()) == {"given"}


def test_a_classifier_of_other_labels_is_refused(encoder_params, encoder_folder, labelled):
    folder = encoder_params()
    train(folder, encoder_folder, labelled, "transfer-base-1")
    write_baseline(folder, labelled)
    encoder_params(task={"labels": ["ANIMAL", "COLOUR"]})
    with pytest.raises(UserError, match="transfer-base-1: was trained for the labels COLOUR, ANIMAL"):
        run(folder)
    assert not (folder / "predictions").exists()


def test_a_missing_classifier_and_a_split_without_rows_are_named(encoder_params, encoder_folder, labelled):
    folder = encoder_params(arms={"seeds": [1, 7]})
    train(folder, encoder_folder, labelled, "transfer-base-1")
    write_baseline(folder, labelled)
    with pytest.raises(UserError, match=r"transfer-base-7: no model that"):
        run(folder)
    rows = tables.set_column(labelled, "split", ["train"] * labelled.num_rows, pa.string())
    tables.write(rows, folder / "labelled.parquet")
    with pytest.raises(UserError, match="no dev row has a given or human label"):
        run(folder)


def test_a_leftover_classifier_is_left_out_and_named(encoder_params, encoder_folder, labelled, capsys):
    folder = encoder_params()
    train(folder, encoder_folder, labelled, "transfer-base-1")
    train(folder, encoder_folder, labelled, name="transfer-base-2")
    write_baseline(folder, labelled)
    run(folder)
    assert "transfer-base-2 is no run of params.yaml: arms" in capsys.readouterr().err
    assert not (folder / "predictions" / "transfer-2.parquet").exists()


def test_a_classifier_that_reads_examples_gets_them(encoder_params, encoder_folder, labelled):
    arms = {"approaches": ["few_shot_examples"]}
    folder = encoder_params(arms=arms, finetune={"epochs": 12})
    train(folder, encoder_folder, labelled, "few_shot_examples-base-1", "few_shot_examples")
    write_baseline(folder, labelled)
    run(folder)
    arm = predictions.read_all(folder / "predictions")["few_shot_examples-1"]
    test = [row for row in arm.to_pylist() if row["split"] == "test"]
    assert sum(row["predicted"] == row["label"] for row in test) > 0.9 * len(test)

    with_examples = (folder / "predictions/few_shot_examples-1.parquet").read_bytes()
    (folder / "classifier/few_shot_examples-base-1/examples.json").unlink()
    run(folder)
    assert (folder / "predictions/few_shot_examples-1.parquet").read_bytes() != with_examples


def test_an_ensemble_averages_the_runs_of_its_arms(encoder_params, encoder_folder, labelled):
    arms = {"approaches": ["transfer"], "encoders": ["base"], "seeds": [1, 2]}
    folder = encoder_params(arms=arms | {"ensembles": {"both": "transfer", "all": ["transfer", "tfidf"]}})
    for seed in (1, 2):
        train(folder, encoder_folder, labelled, f"transfer-base-{seed}", seed=seed)
    write_baseline(folder, labelled)
    run(folder)

    found = predictions.read_all(folder / "predictions")
    assert set(found) == {"tfidf-0", "transfer-1", "transfer-2", "both-1", "all-1"}
    chances = {name: arm["p_COLOUR"].to_numpy() for name, arm in found.items()}
    seeds = chances["transfer-1"], chances["transfer-2"]
    assert chances["both-1"] == pytest.approx(np.mean(seeds, axis=0))
    assert chances["all-1"] == pytest.approx(np.mean([*seeds, chances["tfidf-0"]], axis=0))


@pytest.mark.parametrize(
    ("ensembles", "message"),
    [
        ({"both": ["dapt"]}, r"arms.ensembles.both: there is no arm 'dapt'; there are tfidf, transfer"),
        ({"transfer": ["tfidf"]}, r"arms.ensembles.transfer: an arm has this name"),
        ({"both_given": ["transfer"]}, r"arms.ensembles.both_given: an arm of unrepaired rows ends like this"),
        ({"both": ["tfidf", "tfidf"]}, r"arms.ensembles.both: an arm is named twice"),
        ({"../../both": ["tfidf"]}, r"arms.ensembles"),
        ({"a|b": ["tfidf"]}, r"arms.ensembles"),
    ],
)
def test_a_wrong_ensemble_is_refused(encoder_params, encoder_folder, labelled, ensembles, message):
    arms = {"approaches": ["transfer"], "encoders": ["base"], "seeds": [1], "ensembles": ensembles}
    folder = encoder_params(arms=arms)
    train(folder, encoder_folder, labelled, "transfer-base-1")
    write_baseline(folder, labelled)
    with pytest.raises(UserError, match=message):
        run(folder)
    assert not (folder / "predictions").exists()
