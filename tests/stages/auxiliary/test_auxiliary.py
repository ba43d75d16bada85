"""auxiliary: rows of train alone, with a label of a further task, whatever their purpose."""

from stages.auxiliary import __main__ as auxiliary
from tests.conftest import make_rows
from winnow.base import files
from winnow.rows import tables

ROWS = [
    {"aux_kind": "survey", "split": "train"},
    {"aux_kind": "survey", "split": "train", "purpose": "text"},
    {"aux_kind": None, "split": "train"},
    {"aux_kind": None, "aux_mood": "sad", "split": "train"},
    {"aux_kind": "survey", "split": "dev"},
    {"aux_kind": "survey", "split": "test"},
]


def run(folder, rows: list[dict], aux: tuple[str, ...]):
    table = make_rows(rows, aux)
    tables.write(table.drop_columns(["split"]), folder / "rows.parquet")
    tables.write(table.select(["id", "split"]), folder / "split.parquet")
    auxiliary.main(
        ["--rows", f"{folder}/rows.parquet", "--split", f"{folder}/split.parquet", "--out", f"{folder}/out.parquet"]
    )
    return table, tables.read(folder / "out.parquet")


def test_no_row_of_dev_or_test_and_none_without_a_label(tmp_path):
    table, out = run(tmp_path, ROWS, ("kind", "mood"))
    assert out.column_names == ["id", "group", "text", "aux_kind", "aux_mood"]
    assert sorted(out["id"].to_pylist()) == sorted(table["id"].to_pylist()[place] for place in (0, 1, 3))
    first = files.sha256(tmp_path / "out.parquet")
    run(tmp_path, ROWS, ("kind", "mood"))
    assert files.sha256(tmp_path / "out.parquet") == first


def test_data_without_further_tasks_give_an_empty_table(tmp_path):
    _, out = run(tmp_path, [{"split": "train"}, {"split": "dev"}], ())
    assert (out.num_rows, out.column_names) == (0, ["id", "group", "text"])
