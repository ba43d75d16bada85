"""What `winnow init` makes of files of many shapes, and that `collect` then reads them so."""

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from stages.collect import __main__ as collect
from tests.winnow.commands.init import shapes
from winnow.commands import layout
from winnow.commands.init import labels as labels_

MAIL = {"text": ["subject", "body"], "key": "file", "label": "folder", "group": "thread", "published": "date"}
MAIL |= {"meta": ["message_id", "from", "folder"]}
TWO = {"text": "text", "label": "label"}
THREE = list(shapes.LABELS)
# The source's entry beyond name, path, pin and licence; its columns; the labels; how many rows, and how many with one.
EXPECTED = {
    shapes.semicolons_cp1252: (
        {"format": "csv", "delimiter": ";", "decimal": ",", "encoding": "cp1252"},
        {"text": "Nachricht", "label": "Kategorie", "published": "Datum", "published_format": "%d.%m.%Y"}
        | {"meta": ["Betrag"]},
        ["Hilfe", "falsch", "spät"],
        (28, 28),
    ),
    shapes.tsv_without_header: (
        {"format": "tsv", "header": ["column_1", "column_2"], "quote": None},
        {"text": "column_2", "label": "column_1"},
        ["ham", "spam"],
        (40, 40),
    ),
    shapes.nested_jsonl: (
        {"format": "jsonl"},
        {"text": "data.text", "key": "id", "label": "y", "group": "data.by.user"},
        THREE,
        (60, 60),
    ),
    shapes.parquet: ({"format": "parquet"}, {"text": "sentence", "label": "target"}, ["0", "1", "2"], (60, 60)),
    shapes.utf16: ({"format": "tsv", "encoding": "utf-16"}, {"text": "text", "label": "label"}, THREE, (60, 60)),
    shapes.packed: ({"format": "csv"}, {"text": "message", "label": "intent"}, THREE, (60, 60)),
    shapes.byte_order_mark: ({"format": "csv"}, {"text": "text", "label": "label"}, THREE, (60, 60)),
    shapes.texts_by_folder: ({"format": "text"}, {"text": "body", "key": "file", "label": "folder"}, THREE, (60, 60)),
    shapes.mails_by_folder: ({"format": "eml"}, MAIL, ["ham", "spam"], (40, 40)),
    shapes.mails_without_an_ending: ({"format": "eml"}, MAIL, ["ham", "spam"], (40, 40)),
    shapes.numbers_as_labels: (
        {"format": "csv"},
        {"text": "review", "key": "", "label": "stars"},
        ["1", "2", "3", "4", "5"],
        (60, 60),
    ),
    shapes.many_classes: (
        {"format": "csv"},
        {"text": "text", "label": "category"},
        [f"intent {n}" for n in range(77)],
        (462, 462),
    ),
    shapes.numbers_and_their_names: (
        {"format": "csv"},
        {"text": "text", "label": "label_name", "meta": ["label"]},
        THREE,
        (60, 60),
    ),
    shapes.chinese: ({"format": "csv"}, {"text": "文本", "label": "标签"}, ["好评", "投诉"], (40, 40)),
    shapes.hindi: ({"format": "csv"}, {"text": "पाठ", "label": "श्रेणी"}, ["प्रशंसा", "शिकायत"], (40, 40)),
    shapes.arabic: ({"format": "csv"}, {"text": "نص", "label": "تصنيف"}, ["شكوى", "مدح"], (40, 40)),
    shapes.quoted_newlines: ({"format": "csv"}, {"text": "body", "label": "class"}, THREE, (60, 60)),
    shapes.empty_text_column: ({"format": "csv"}, {"text": "comment", "label": "label"}, THREE, (60, 60)),
    shapes.threads_and_titles: (
        {"format": "csv"},
        {"text": ["title", "body"], "key": "ticket_id", "label": "queue", "group": "thread_id"}
        | {"published": "created_at"},
        THREE,
        (60, 60),
    ),
    shapes.seconds_since_1970: (
        {"format": "csv"},
        {"text": "text", "label": "label", "published": "timestamp", "published_format": "unix"},
        THREE,
        (60, 60),
    ),
    shapes.archive: (
        {"format": "text", "member": "*.txt"},
        {"text": "body", "key": "file", "label": "folder"},
        THREE,
        (60, 60),
    ),
    shapes.archive_of_a_table: (
        {"format": "csv", "member": "*.csv"},
        {"text": "text", "label": "label"},
        THREE,
        (60, 60),
    ),
    shapes.excel_of_europe: (
        {"format": "csv", "delimiter": ";", "decimal": ",", "encoding": "utf-16"},
        TWO,
        ["0.5", "1.5", "2.5"],
        (60, 60),
    ),
    shapes.tsv_of_language_data: ({"format": "tsv", "quote": None}, TWO, THREE, (60, 60)),
    shapes.tsv_without_a_quote: ({"format": "tsv"}, TWO, THREE, (60, 60)),
    shapes.tsv_of_pandas: ({"format": "tsv", "quote": '"'}, TWO, THREE, (60, 60)),
    shapes.old_macs_lines: ({"format": "csv"}, TWO, THREE, (60, 60)),
    shapes.packed_by_another_name: ({"format": "csv"}, TWO, THREE, (60, 60)),
    shapes.archive_of_a_mac: (
        {"format": "text", "member": "*.txt"},
        {"text": "body", "key": "file", "label": "folder"},
        THREE,
        (60, 60),
    ),
    shapes.single_quotes: ({"format": "csv", "quote": "'"}, {"text": "text", "label": "label"}, THREE, (60, 60)),
    shapes.escaped_quotes: ({"format": "csv", "escape": "\\"}, {"text": "text", "label": "label"}, THREE, (60, 60)),
    shapes.odd_names: (
        {"format": "csv"},
        {"text": "text: #1", "label": "label", "meta": ["*x"]},
        labels_.ordered([label.replace("\t", " ") for label in shapes.ODD]),
        (6 * len(shapes.ODD), 6 * len(shapes.ODD)),
    ),
    shapes.spellings: ({"format": "csv"}, {"text": "text", "label": "label"}, THREE, (60, 58)),
}


def written(project) -> dict:
    return YAML(typ="safe").load((project / "params.yaml").read_text(encoding="utf-8"))


def collected(name: str) -> list[dict]:
    """The rows of a source, read by the stage `collect` by what params.yaml says."""
    command = "--files data/sources --downloads downloads --out raw --ledger ledger.parquet --metrics metrics.json"
    collect.main(command.split())
    return pq.read_table(f"raw/{name}.parquet").to_pylist()


@pytest.mark.parametrize("write", EXPECTED, ids=lambda write: write.__name__)
def test_a_file_is_understood_and_collect_reads_it_so(write, project, init, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    entry, columns, names, (rows, labelled) = EXPECTED[write]
    init(write(tmp_path / "elsewhere"), "--yes", "--licence", "CC0-1.0")
    made = written(project)
    (source,) = made["collect"]["sources"]
    assert source.pop("columns") == columns
    beside = {"name", "path", "sha256", "licence", "kind", "purpose", "label_map"}
    assert {key: value for key, value in source.items() if key not in beside} == entry
    assert made["task"]["labels"] == names
    assert layout.problems(project) == []
    found = collected(source["name"])
    assert (len(found), sum(row["label"] is not None for row in found)) == (rows, labelled)
    assert all(row["text"].strip() for row in found)
    if "published" in columns:
        assert all(row["published"].year in (2023, 2024) for row in found)
