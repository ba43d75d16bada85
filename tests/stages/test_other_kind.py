"""A kind of task that Winnow does not have is balanced, learnt, evaluated and compared without a line for it."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from stages.balance import __main__ as balance
from stages.baseline import __main__ as baseline
from stages.compare import __main__ as compare
from stages.evaluate import __main__ as evaluate
from stages.finetune import __main__ as finetune
from stages.semantic_duplicates.__main__ import LEFT_OUT
from tests import nasty
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS
from winnow import kinds
from winnow.base.errors import UserError
from winnow.rows import predictions, tables

FOLDER = Path(__file__).parents[1] / "other_kinds"
FINETUNE = {"epochs": 30, "batch_tokens": 128, "learning_rate": 1e-2, "head_learning_rate": 1e-2}
FINETUNE |= {"freeze_embeddings": False, "frozen_layers": 0}


@pytest.fixture
def write(workspace, default_params, monkeypatch):
    """Return a function that writes params.yaml for numbers, with changes of some sections."""
    monkeypatch.setattr(kinds, "FOLDER", FOLDER)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(FOLDER)])
    monkeypatch.setenv("WINNOW_CHECKPOINT_SECONDS", "none")

    def call(**changes: dict) -> None:
        names = ("balance", "baseline", "finetune", "approaches", "evaluate", "compare")
        sections = {name: default_params[name] for name in names} | {
            "task": {"kind": "number", "low": 0.0, "high": 3.0},
            "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
            "encoder": {"max_length": 16},
            "arms": {"approaches": ["transfer"], "encoders": ["base"], "seeds": [1]},
        }
        sections["balance"] |= {"weights": "none", "max_labels": 90, "dev_rows": True}
        sections["finetune"] |= FINETUNE
        sections["compare"] |= {"pairs": [], "resamples": 100}
        nasty.write_cleaning(workspace(**{name: section | changes.get(name, {}) for name, section in sections.items()}))

    return call


@pytest.fixture
def rows(write):
    """Rows whose label is how many of COLOURS and ANIMALS their text names."""
    write()
    words = [*COLOURS, *ANIMALS]
    table = make_rows(
        [
            {
                "text": " ".join(["the", *(words[(number * step) % 8] for step in range(1, 1 + number % 4)), "a"]),
                "label": f"{number % 4}",
                "split": ("train", "train", "train", "dev", "test")[number // 4 % 5],
                "verdict": None,
            }
            for number in range(160)
        ]
    )
    tables.write(table, Path("rows.parquet"))
    tables.write(pa.Table.from_pylist([], LEFT_OUT), Path("left_out.parquet"))
    tables.write(table.select(["id", "group", "text"]).slice(0, 0), Path("auxiliary.parquet"))
    return table


def balanced() -> None:
    balance.main(
        "--rows rows.parquet --left-out left_out.parquet --embeddings embeddings --out training.parquet "
        "--dev dev.parquet --ledger ledger.parquet --metrics balance.json".split()
    )


def tuned(encoder_folder, approach: str = "transfer") -> None:
    finetune.main(
        f"--approach {approach} --seed 1 --encoder {encoder_folder} --training training.parquet --dev dev.parquet "
        f"--auxiliary auxiliary.parquet --cleaning cleaning.json --out classifier/{approach}-base-1 --curve curve.csv "
        "--metrics finetune.json --checkpoints checkpoints".split()
    )


@pytest.mark.usefixtures("rows")
def test_a_number_is_learnt_and_its_error_compared(encoder_folder, write):
    write(finetune={"patience": 8})
    balanced()
    assert json.loads(Path("balance.json").read_text())["labels"].keys() == {"low", "high"}
    baseline.main(
        "--training training.parquet --rows rows.parquet --out baseline/tfidf-0.parquet --metrics b.json".split()
    )
    assert json.loads(Path("b.json").read_text()).keys() == {
        "regularization",
        "dev_mean_error",
        "dev_squared_error",
        "features",
    }
    tuned(encoder_folder)
    evaluate.main(
        "--rows rows.parquet --classifiers classifier --baseline baseline --out predictions --metrics evaluate.json "
        "--plots plots".split()
    )
    compare.main("--predictions predictions --metrics compare.json --plot compare.csv".split())

    arms = predictions.read_all(Path("predictions"))
    assert set(arms) == {"tfidf-0", "transfer-1"}
    compared = json.loads(Path("compare.json").read_text())
    error = compared["dev"]["approaches"]["transfer"]
    assert error["mean_error"] < 0.4
    assert error["mean_error_low"] <= error["mean_error"] <= error["mean_error_high"]
    gain = compared["dev"]["difference"]["transfer-tfidf"]
    assert compared["best_beats_baseline"] is (gain["mean_error_high"] < 0), "less is better"
    assert Path("compare.csv").read_text().startswith("approach,split,mean_error,low,high\n")
    assert Path("plots/errors.csv").exists()


@pytest.mark.usefixtures("rows")
def test_what_the_kind_lacks_is_one_line(encoder_folder, write):
    balanced()
    with pytest.raises(UserError, match=r"task\.kind number has no multitask"):
        tuned(encoder_folder, "multitask")
    write(finetune={"focal_gamma": 2.0})
    with pytest.raises(UserError, match=r"finetune\.focal_gamma: the loss of task\.kind number has none"):
        tuned(encoder_folder)
    write(balance={"weights": "sqrt"})
    with pytest.raises(UserError, match=r"task\.kind number has no weights"):
        balanced()
