"""check_tables: a run's tables up to the split pass; any one that breaks the contract stops the run with its name."""

import json

import pyarrow as pa
import pytest

from stages.check_tables import __main__ as check_tables
from tests.run_tables import LABELS, change, drop, lose, write
from winnow.base.errors import UserError
from winnow.rows import splits, tables

COMMAND = [
    *(f"--{name}={name}.parquet" for name in ("clean", "deduplicated", "split")),
    *("--raw=raw", "--ledger=ledger", "--frozen=frozen/test_groups.txt"),
    *("--out=checked_tables.txt", "--metrics=check_tables.json"),
]


@pytest.fixture
def folder(workspace):
    folder = workspace(task={"kind": "classification", "labels": LABELS})
    write(folder)
    return folder


def test_sound_tables_pass_and_what_models_wait_for_is_the_same_whatever_the_rows(folder):
    check_tables.main(COMMAND)
    rows = {"raw": 30, "clean": 29, "deduplicated": 28, "split": 28}
    assert json.loads((folder / "check_tables.json").read_text()) == {"rows": rows}
    first = (folder / "checked_tables.txt").read_bytes()
    write(folder, 36)
    check_tables.main(COMMAND)
    assert (folder / "checked_tables.txt").read_bytes() == first


ID = "0123456789abcdef"
BROKEN = [
    (
        lambda f: change(f, "raw/test", "purpose", 2, "tusk"),
        r"raw/test\.parquet: column 'purpose' is not one of task, te",
    ),
    (lambda f: change(f, "raw/test", "id", 0, "xyz"), r"raw/test\.parquet: column 'id' is not 16 hex digits: 1 row"),
    (
        lambda f: change(f, "clean", "text", 3, " \u00a0\n"),
        r"clean\.parquet: column 'text' is blank: 1 row\(s\), first \w{16}",
    ),
    (lambda f: change(f, "clean", "label", 3, "ROOT"), r"clean\.parquet: column 'label' is no label of params\.yaml"),
    (lambda f: change(f, "clean", "group", 3, None), r"clean\.parquet: column 'group' has no value: 1 row"),
    (lambda f: lose(f, "clean"), r"stage clean: 1 row\(s\) went in and are neither in its table nor in its ledger"),
    (lambda f: lose(f, "deduplicated"), r"stage deduplicate: 1 row\(s\) went in and are neither"),
    (lambda f: drop(f, "clean", []), r"stage clean: 1 row\(s\) went in and are neither"),
    (lambda f: drop(f, "deduplicate", [ID]), r"stage deduplicate: 1 row\(s\) went in and are neither"),
    (lambda f: lose(f, "split"), r"stage split: 1 row\(s\) went in"),
    (
        lambda f: change(f, "split", "split", 4, "exam"),
        r"split\.parquet: column 'split' is not one of train, dev, test",
    ),
    (lambda f: change(f, "deduplicated", "cluster", 4, "c4"), r"column 'cluster' is not 16 hex digits"),
    (lambda f: (f / "frozen/test_groups.txt").write_text("nonsense\n"), r"test_groups\.txt: line 1: 'nonsense' is not"),
    (lambda f: [file.unlink() for file in (f / "raw").iterdir()], r"raw: holds no <source>\.parquet"),
    (
        lambda f: tables.write(tables.read(f / "raw/test.parquet"), f / "raw/again.parquet"),
        r"raw: two sources have rows",
    ),
]


@pytest.mark.parametrize(("harm", "message"), BROKEN)
def test_each_fault_is_named_and_no_output_is_written(folder, harm, message):
    harm(folder)
    with pytest.raises(UserError, match=message):
        check_tables.main(COMMAND)
    assert not (folder / "check_tables.json").exists()
    assert not (folder / "checked_tables.txt").exists()


def test_the_split_may_not_leak(folder):
    group = tables.read(folder / "split.parquet").to_pylist()
    inside = [n for n, row in enumerate(group) if row["group"] == "g2"]
    change(folder, "split", "split", inside[0], "train")
    with pytest.raises(
        UserError, match=r"the split leaks: 2 row\(s\) of a group that stands in more than one split, fi"
    ):
        check_tables.main(COMMAND)
    change(folder, "split", "split", inside[1], "train")
    with pytest.raises(UserError, match=r"the split leaks: 2 row\(s\) of frozen test groups outside of test"):
        check_tables.main(COMMAND)
    splits.write_frozen(folder / "frozen/test_groups.txt", splits.codes(pa.array(["g3"])).tolist())
    with pytest.raises(UserError, match=r"the split leaks: 2 row\(s\) of frozen test groups outside of test"):
        check_tables.main(COMMAND)
