import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stages.finetune import __main__ as finetune
from winnow import kinds
from winnow.base import files
from winnow.base.errors import UserError
from winnow.rows import tables

KEPT = ("id", "group", "text", "label")


def train(folder, encoder_folder, labelled, name="transfer-1", approach="transfer", seed=1):
    rows = labelled.filter(pc.equal(labelled["split"], "train")).select(["id", "group", "text", "label"])
    rows = tables.set_column(rows, "weight", [1.0] * rows.num_rows, pa.float64())
    tables.write(rows, folder / "training.parquet")
    for file, split in (("dev", "dev"), ("auxiliary", "train")):
        tables.write(
            labelled.filter(pc.equal(labelled["split"], split)).select(
                [name for name in labelled.column_names if name in KEPT or name.startswith("aux_")]
            ),
            folder / f"{file}.parquet",
        )
    finetune.main(
        [
            *("--approach", approach, "--seed", str(seed), "--encoder", str(encoder_folder)),
            *("--training", str(folder / "training.parquet"), "--dev", str(folder / "dev.parquet")),
            *("--auxiliary", str(folder / "auxiliary.parquet"), "--cleaning", str(folder / "cleaning.json")),
            *("--out", str(folder / "classifier" / name), "--curve", str(folder / f"{name}.csv")),
            *("--metrics", str(folder / f"{name}.json"), "--checkpoints", str(folder / "checkpoints")),
        ]
    )
    return folder / "classifier" / name


def test_learns_saves_a_loadable_model_and_its_curve(encoder_params, encoder_folder, labelled):
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    folder = encoder_params()
    out = train(folder, encoder_folder, labelled)

    model = AutoModelForTokenClassification.from_pretrained(out).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    test = labelled.filter(pc.equal(labelled["split"], "test"))
    # As the README tells users: a document's class is that of its tokens' mean logits.
    predicted = [
        model.config.id2label[model(**tokenizer(text, return_tensors="pt")).logits.mean(1).argmax(-1).item()]
        for text in test["text"].to_pylist()
    ]
    assert sum(p == label for p, label in zip(predicted, test["label"].to_pylist(), strict=True)) >= 0.9 * len(
        predicted
    )

    lines = (folder / "transfer-1.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "step,epoch,loss,learning_rate"
    losses = [float(line.split(",")[2]) for line in lines[1:]]
    assert sum(losses[-5:]) < sum(losses[:5]) / 2
    assert lines[-1].split(",")[1] == "8"
    assert json.loads((out / "reader.json").read_text(encoding="utf-8")) == {"max_length": 16}
    assert (out / "cleaning.json").read_bytes() == (folder / "cleaning.json").read_bytes()
    assert kinds.saved_task(out) == kinds.read_task()
    metrics = json.loads((folder / "transfer-1.json").read_text(encoding="utf-8"))
    assert metrics["steps"] == len(lines) - 1
    assert metrics["computed_on"]["precision"] == "fp32"
    assert not list(out.glob("*.bin")), "weights are safetensors only"


def test_same_seed_same_bytes_other_seed_other_bytes(encoder_params, encoder_folder, labelled):
    folder = encoder_params(finetune={"epochs": 1})
    hashes = [
        {file.name: files.sha256(file) for file in train(folder, encoder_folder, labelled, name, seed=seed).iterdir()}
        for name, seed in (("transfer-1", 1), ("again-1", 1), ("transfer-2", 2))
    ]
    assert hashes[0] == hashes[1]
    assert hashes[0]["model.safetensors"] != hashes[2]["model.safetensors"]
    assert hashes[0]["config.json"] == hashes[2]["config.json"]


def test_frozen_weights_do_not_move(encoder_params, encoder_folder, labelled):
    from safetensors.torch import load_file

    folder = encoder_params(finetune={"epochs": 1, "freeze_embeddings": True, "frozen_layers": 1})
    new = load_file(train(folder, encoder_folder, labelled) / "model.safetensors")
    old = load_file(encoder_folder / "model.safetensors")
    moved = {name for name in old if f"bert.{name}" in new and not new[f"bert.{name}"].equal(old[name])}
    # Nothing below a frozen layer either: the backward pass must end above it.
    assert not [name for name in moved if name.startswith(("embeddings.", "encoder.layer.0."))]
    assert [name for name in moved if name.startswith("encoder.layer.1.")]


def test_freezing_every_layer_is_refused(encoder_params, encoder_folder, labelled):
    folder = encoder_params(finetune={"freeze_embeddings": True, "frozen_layers": 2})
    with pytest.raises(UserError, match="frozen_layers is 2, but the encoder has 2 layers"):
        train(folder, encoder_folder, labelled)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"finetune": {"learning_rate": "5e-5"}}, r"finetune\.learning_rate: .*number.*'5e-5'"),
        ({"finetune": {"epochs": -1}}, r"finetune\.epochs: .*greater than 0.*-1"),
        ({"finetune": {"epoch": 2}}, r"finetune\.epoch: unknown parameter"),
        ({"compute": {"device": "tpu"}}, r"compute\.device: .*'tpu'"),
    ],
)
def test_bad_parameters_are_named(encoder_params, encoder_folder, labelled, changes, message):
    folder = encoder_params(**changes)
    with pytest.raises(UserError, match=message):
        train(folder, encoder_folder, labelled)


def test_unknown_approach_and_missing_encoder_are_named(encoder_params, encoder_folder, labelled):
    folder = encoder_params()
    with pytest.raises(UserError, match="unknown approach 'magic'; known: transfer"):
        train(folder, encoder_folder, labelled, approach="magic")
    with pytest.raises(UserError, match=r"nowhere: no model that .* can load"):
        train(folder, folder / "nowhere", labelled)
    assert not (folder / "classifier").exists(), "nothing half-done"


def test_a_loss_that_is_not_finite_stops_with_the_step(encoder_params, encoder_folder, labelled):
    folder = encoder_params(finetune={"learning_rate": 1e30, "head_learning_rate": 1e30})
    with pytest.raises(
        UserError,
        match=r"the (loss|gradient) is (nan|inf) at step \d+; lower the learning rate, .* rows: [0-9a-f]{16}, ",
    ):
        train(folder, encoder_folder, labelled)


def test_an_approach_that_is_misspelt_among_the_settings_is_named(
    encoder_params, encoder_folder, labelled, default_params
):
    folder = encoder_params(approaches=default_params["approaches"] | {"fewshot": {}})
    with pytest.raises(UserError, match=r"approaches\.fewshot: unknown parameter"):
        train(folder, encoder_folder, labelled)


def with_kinds(labelled):
    """Return the rows with a further task: whether the text has an even number of words."""
    kinds = [("odd", "even")[len(text.split()) % 2] for text in labelled["text"].to_pylist()]
    return tables.set_column(labelled, "aux_kind", kinds, pa.string())


SMALL = {"pairs": 64, "batch_pairs": 16, "learning_rate": 1e-3, "labels_per_class": 16}


def small_approaches(default_params) -> dict:
    """Return section `approaches`, made small."""
    sections = default_params["approaches"]
    return {
        name: section | {key: value for key, value in SMALL.items() if key in section}
        for name, section in sections.items()
    }


@pytest.mark.parametrize("approach", ["multitask", "few_shot", "few_shot_examples"])
def test_every_approach_gives_equal_bytes_twice_and_the_format_of_transfer(
    approach, encoder_params, encoder_folder, labelled, default_params
):
    folder = encoder_params(finetune={"epochs": 1}, approaches=small_approaches(default_params))
    outs = [train(folder, encoder_folder, with_kinds(labelled), f"{approach}-{n}", approach) for n in (1, 2)]
    first, second = (
        {file.relative_to(out): files.sha256(file) for file in out.rglob("*") if file.is_file()} for out in outs
    )
    assert first == second
    assert (folder / f"{approach}-1.csv").read_bytes() == (folder / f"{approach}-2.csv").read_bytes()

    from transformers import AutoModelForTokenClassification

    model = AutoModelForTokenClassification.from_pretrained(outs[0])
    assert list(model.config.id2label.values()) == ["COLOUR", "ANIMAL"]
    assert {path.suffix for path in first} <= {".json", ".py", ".safetensors", ".txt"}


def test_options_that_are_off_change_no_byte_and_those_that_are_on_do(encoder_params, encoder_folder, labelled):
    off = dict.fromkeys(("average_decay", "focal_gamma", "logit_adjustment"), 0.0) | {"layer_decay": 1.0}
    hashes = {}
    for name, changes in {
        "none": {},
        "average_decay": {"average_decay": 0.9},
        "focal_gamma": {"focal_gamma": 2.0},
        "layer_decay": {"layer_decay": 0.5},
    }.items():
        folder = encoder_params(finetune={"epochs": 1} | off | changes)
        hashes[name] = files.sha256(train(folder, encoder_folder, labelled, "transfer-1") / "model.safetensors")
    assert len(set(hashes.values())) == 4


def test_early_stop_ends_the_run_and_asks_for_dev_rows(encoder_params, encoder_folder, labelled):
    folder = encoder_params(finetune={"epochs": 30, "patience": 2})
    train(folder, encoder_folder, labelled)
    epochs = [int(line.split(",")[1]) for line in (folder / "transfer-1.csv").read_text().splitlines()[1:]]
    assert 3 <= epochs[-1] < 30
    without = labelled.filter(pc.not_equal(labelled["split"], "dev"))
    with pytest.raises(UserError, match=r"patience needs labelled rows of dev: set balance.dev_rows to true"):
        train(folder, encoder_folder, without)
