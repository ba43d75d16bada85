import numpy as np
import pyarrow as pa
import pytest

from winnow.base.errors import UserError
from winnow.rows import predictions, tables

LABELS = ["NO", "YES"]


def arm(truth=(0, 1, 1), yes=(0.2, 0.7, 0.4), ids=("a", "b", "c")) -> pa.Table:
    chances = np.column_stack([1 - np.array(yes), np.array(yes)])
    return predictions.table(ids, ["g"] * len(ids), ["dev", "test", "test"], np.array(truth), chances, LABELS)


def test_what_is_written_is_read(tmp_path):
    for name in ("transfer-10", "transfer-2", "tfidf-0"):
        tables.write(arm(), tmp_path / f"{name}.parquet")
    arms = predictions.read_all(tmp_path, LABELS)
    assert predictions.by_approach(arms) == {"tfidf": ["tfidf-0"], "transfer": ["transfer-2", "transfer-10"]}
    truth, chances = predictions.arrays(arms["tfidf-0"], LABELS, "test")
    assert truth.tolist() == [1, 1]
    np.testing.assert_allclose(chances, [[0.3, 0.7], [0.6, 0.4]])
    assert arms["tfidf-0"]["predicted"].to_pylist() == ["NO", "YES", "NO"]


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("second-1", arm(ids=("a", "b", "d")), r"second-1\.parquet: column 'id' differs"),
        ("second-1", arm(truth=(0, 0, 1)), r"second-1\.parquet: column 'label' differs"),
        ("second", arm(), "arm 'second': not of the form"),
        ("second-1", arm().drop_columns(["p_YES"]), "column 'p_YES' is missing"),
    ],
)
def test_arms_that_cannot_be_compared_are_named(tmp_path, name, table, message):
    tables.write(arm(), tmp_path / "first-1.parquet")
    tables.write(table, tmp_path / f"{name}.parquet")
    with pytest.raises(UserError, match=message):
        predictions.read_all(tmp_path, LABELS)


def test_labels_of_another_task_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(UserError, match=r"holds no <approach>-<seed>\.parquet"):
        predictions.read_all(tmp_path, LABELS)
    table = tables.set_column(arm(), "label", ["NO", "MAYBE", "YES"], pa.string())
    tables.write(table, tmp_path / "first-1.parquet")
    with pytest.raises(UserError, match="label 'MAYBE' is not one of"):
        predictions.read_all(tmp_path, LABELS)
