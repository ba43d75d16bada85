"""Duplicates across splits of two revisions: of clusters, of texts that models train on, and in other words."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from tests.conftest import ROOT
from winnow.commands.diff import layout, leaks, markdown
from winnow.commands.diff.revision import Revision
from winnow.rows import tables

CLUSTER = "of a duplicate cluster that stands in more than one split"
COPY = "that models train on, with a text that stands in dev or test"
SPLITS = ["train", "train", "dev", "test"]


@pytest.fixture
def side(tmp_path, monkeypatch):
    """Return a function that writes a revision: the cluster and the text of four rows, and what its metrics say."""
    monkeypatch.chdir(tmp_path)  # the workspace, which has nothing

    def write(name: str, clusters: str, texts: str, metrics: object = None) -> Revision:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
        ids = [f"id{n}" for n in range(4)]
        split = {"id": ids, "group": ids, "cluster": list(clusters), "split": SPLITS}
        table(folder / "data/split.parquet", split)
        for file, part in (("training", slice(0, 2)), ("evaluated", slice(2, 4))):
            table(folder / f"data/{file}.parquet", {"id": ids[part], "text": list(texts[part])})
        if metrics is not None:
            (folder / "reports/metrics").mkdir(parents=True)
            (folder / "reports/metrics/semantic_duplicates.json").write_text(json.dumps(metrics))
        return Revision(name, "", folder)

    return write


def table(path: Path, columns: dict[str, list[str]]) -> None:
    tables.write_sorted(pa.table(columns), path)


def test_rows_are_counted_before_and_after_and_one_of_two_kinds_once(side):
    base = side("base", "abcd", "wxyz", {"pairs_across_splits": 3})
    head = side("head", "abad", "zxyz", {"pairs_across_splits": 5})  # rows 0 and 2 are alike, 0 trains with 3's text
    found, told = leaks.compared(None, base, head)
    assert [(leak["what"], leak["rows"], leak["ids"], leak["is_new"]) for leak in found] == [
        (CLUSTER, 2, ["id0", "id2"], True),
        (COPY, 1, ["id0"], True),
    ]
    assert told == {"rows": [0, 2], "kinds": {CLUSTER: [0, 2], COPY: [0, 1]}, "pairs": [3, 5]}
    assert markdown.written(layout._duplicates(told)) == (
        "Duplicates across splits, before → after: 0 → 2 rows (0 → 2 of a duplicate cluster that stands in more than "
        "one split; 0 → 1 that models train on, with a text that stands in dev or test); 3 → 5 pairs that say the same "
        "in other words.\n"
    )
    assert leaks.compared(None, head, base)[1]["rows"] == [2, 0]  # mended ones are told, too


def test_what_is_not_known_is_not_told_as_none(side):
    base = side("base", "abcd", "wxyz", ["odd"])
    (base.folder / "data/split.parquet").unlink()
    head = side("head", "abcd", "wxxz")
    found, told = leaks.compared(None, base, head)
    assert [leak["what"] for leak in found] == [COPY]
    assert told == {"rows": [None, 1], "kinds": {COPY: [None, 1]}, "pairs": [None, None]}
    assert "not known → 1 rows" in markdown.written(layout._duplicates(told))


def test_where_there_is_none_and_nothing_changed_no_line_is_spent(side):
    sides = [side(name, "abcd", "wxyz", {"pairs_across_splits": 3}) for name in ("base", "head")]
    assert list(layout._duplicates(leaks.compared(None, *sides)[1])) == []
