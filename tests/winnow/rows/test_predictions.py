import pyarrow as pa
import pytest

from winnow.base.errors import UserError
from winnow.rows import predictions, tables


def arm(label=("NO", "YES", "YES"), ids=("a", "b", "c")) -> pa.Table:
    rows = pa.table({"id": ids, "group": ["g"] * len(ids), "split": ["dev", "test", "test"], "label": label})
    return predictions.table(rows, ["NO", "YES", "NO"], {"sure": pa.array([0.8, 0.7, 0.6])})


def test_what_is_written_is_read(tmp_path):
    for name in ("transfer-10", "transfer-2", "tfidf-0"):
        tables.write(arm(), tmp_path / f"{name}.parquet")
    arms = predictions.read_all(tmp_path)
    assert predictions.by_approach(arms) == {"tfidf": ["tfidf-0"], "transfer": ["transfer-2", "transfer-10"]}
    test = predictions.of_split(arms["tfidf-0"], "test")
    assert test["label"].to_pylist() == ["YES", "YES"]
    assert test["predicted"].to_pylist() == ["YES", "NO"]
    assert test["sure"].to_pylist() == [0.7, 0.6]


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("second-1", arm(ids=("a", "b", "d")), r"second-1\.parquet: column 'id' differs"),
        ("second-1", arm(label=("NO", "NO", "YES")), r"second-1\.parquet: column 'label' differs"),
        ("second", arm(), "arm 'second': not of the form"),
        ("second-1", arm().drop_columns(["predicted"]), r"second-1\.parquet: column 'predicted' is missing"),
    ],
)
def test_arms_that_cannot_be_compared_are_named(tmp_path, name, table, message):
    tables.write(arm(), tmp_path / "first-1.parquet")
    tables.write(table, tmp_path / f"{name}.parquet")
    with pytest.raises(UserError, match=message):
        predictions.read_all(tmp_path)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"holds no <arm>-<seed>\.parquet"):
        predictions.read_all(tmp_path)


@pytest.mark.parametrize(
    ("run", "arm"),
    [
        ("transfer-base-1", "transfer-1"),
        ("transfer-adapted-12", "dapt-12"),
        ("few_shot-base-2", "few_shot-2"),
        ("few_shot-adapted-2", "dapt_few_shot-2"),
        ("transfer-base_given-1", "transfer_given-1"),
        ("few_shot-adapted_generator_thinned-2", "dapt_few_shot_thinned-2"),
        ("dapt-1", None),
    ],
)
def test_a_run_has_the_name_of_its_arm(run, arm):
    assert predictions.of_run(run) == arm
    if arm:
        assert predictions.is_adapted(predictions.split_name(arm)[0]) is ("adapted" in run)


def test_a_control_is_held_against_the_arm_of_repaired_rows():
    assert predictions.of_repaired("dapt_few_shot_thinned") == "dapt_few_shot"
    assert predictions.of_repaired("transfer_given") == predictions.of_repaired("transfer") == "transfer"
    assert [predictions.is_control(arm) for arm in ("transfer", "transfer_given", "given", "tfidf")] == [
        False,
        True,
        False,
        False,
    ]
