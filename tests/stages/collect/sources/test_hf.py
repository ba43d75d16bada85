"""Data sets by the real loader, from local folders."""

import hashlib
import json

import pytest

from tests.stages.collect.sources.conftest import JSONL, ROWS
from winnow.base.errors import UserError

pytest.importorskip("datasets")
HF = {"kind": "hf", "dataset": "./walks", "split": "train"}
SHA = hashlib.sha256("".join(json.dumps([row["body"], row["no"]]) + "\n" for row in ROWS).encode()).hexdigest()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def folder(tmp_path, read):
    folder = tmp_path / "files/walks"
    folder.mkdir()
    return folder


def test_a_folder_with_the_hash_of_what_was_read(read, folder):
    (folder / "train.jsonl").write_bytes(JSONL)
    (folder / "test.jsonl").write_bytes(JSONL.splitlines(True)[0])
    rows, _, pin = read(**HF)
    assert rows == ROWS
    assert pin == {"kind": "hf", "dataset": "./walks", "split": "train", "sha256": SHA, "bytes": pin["bytes"]}
    assert read(**HF, sha256=SHA)[0] == ROWS
    assert read(**HF | {"split": "test"})[0] == ROWS[:1]
    with pytest.raises(UserError, match=f"data set './walks': the rows changed: expected sha256 {'0' * 64}, got {SHA}"):
        read(**HF, sha256="0" * 64)


def test_numbers_of_classes_become_their_names(read, folder):
    import datasets

    features = datasets.Features(
        {
            "no": datasets.Value("string"),
            "body": datasets.Value("string"),
            "kind": datasets.ClassLabel(names=["OWL", "MOSS"]),
        }
    )
    rows = [row | {"kind": kind} for row, kind in zip(ROWS, [0, 1, -1], strict=True)]
    datasets.Dataset.from_list(rows, features=features).to_parquet(str(folder / "train.parquet"))
    found, *_ = read(**HF, columns={"text": "body", "key": "no", "label": "kind"})
    assert [row["kind"] for row in found] == ["OWL", "MOSS", None]


def test_configurations(read, folder):
    card = "---\nconfigs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  data_files: b.jsonl\n---\n"
    (folder / "README.md").write_text(card)
    (folder / "a.jsonl").write_bytes(JSONL)
    (folder / "b.jsonl").write_bytes(JSONL.splitlines(True)[0])
    assert read(**HF, config="b")[0] == ROWS[:1]


def test_code_of_a_data_set_is_not_run(read, folder, tmp_path):
    (folder / "walks.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UserError, match=r"source 'walks': data set './walks': cannot be loaded: "):
        read(**HF)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "dev"}, "data set './walks': cannot be loaded: .*dev"),
        ({"columns": {"text": "title"}}, "column 'title' is missing; it has no, body"),
        ({"dataset": "./absent"}, "data set './absent': no such folder in "),
        ({"dataset": "./../walks"}, "leaves .*: put the folder under"),
        ({"dataset": "owner/walks"}, r"sources\[0\]\.hf\.revision: a data set of the Hub needs a revision"),
        ({"revision": "main"}, r"sources\[0\]\.hf\.revision: .* a local folder has none"),
        ({"dataset": "a/b/c", "revision": "main"}, r"sources\[0\]\.hf\.dataset: "),
        ({"trust_remote_code": True}, "trust_remote_code: unknown parameter"),
    ],
)
def test_mistakes(read, folder, changes, message):
    (folder / "train.jsonl").write_bytes(JSONL)
    with pytest.raises(UserError, match=message):
        read(**HF | changes)


def test_damaged_files(read, folder):
    (folder / "train.parquet").write_bytes(b"PAR1 none")
    with pytest.raises(UserError, match=r"data set '\./walks': cannot be loaded: "):
        read(**HF)
