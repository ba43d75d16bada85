import io

import pytest

from stages.collect.readers import documents
from winnow.base.errors import UserError


def read(data: bytes, where: str = "box/spam/1.txt"):
    return list(documents.read_text(io.BytesIO(data), where, ["body", "folder", "file"]))


def test_a_file_is_one_record_with_its_folder():
    assert read("\ufeffnaïve\n".encode()) == [("box/spam/1.txt", ["naïve\n", "spam", "box/spam/1.txt"], None)]
    assert read(b"", "1.txt") == [("1.txt", ["", "", "1.txt"], None)]


def test_a_file_that_is_not_utf8_is_one_unreadable_row():
    assert read(b"na\xefve")[0].problem == "byte 2 is not UTF-8; convert the file to UTF-8"


def test_a_file_that_is_no_document(monkeypatch):
    monkeypatch.setattr(documents, "MAX_DOCUMENT", 10)
    assert read(b"x" * 10)[0].problem is None
    assert read(b"x" * 11)[0].problem == "longer than 10 bytes"


def test_a_column_that_files_do_not_have():
    with pytest.raises(UserError, match="column 'text' is missing; it has file, folder, body"):
        list(documents.read_text(io.BytesIO(b""), "1.txt", ["text"]))
