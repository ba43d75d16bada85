import io

import pytest

from winnow.base.errors import UserError
from winnow.readers import MEND_ENCODING, Record, documents


def read(data: bytes, where: str = "box/spam/1.txt"):
    return list(documents.read_text(io.BytesIO(data), where, ["body", "folder", "file"]))


def test_a_file_is_one_record_with_its_folder():
    assert read("\ufeffnaïve\n".encode()) == [Record("box/spam/1.txt", ["naïve\n", "spam", "box/spam/1.txt"])]
    assert read(b"", "1.txt") == [Record("1.txt", ["", "", "1.txt"])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_says_the_encoding(encoding):
    assert read("naïve ab\n".encode(encoding))[0].values[0] == "naïve ab\n"


def test_a_file_that_is_not_utf8_is_one_unreadable_row():
    assert read(b"na\xefve")[0].problem == f"byte 2 is not UTF-8; {MEND_ENCODING}"


def test_a_file_that_is_no_document(monkeypatch):
    monkeypatch.setattr(documents, "MAX_DOCUMENT", 10)
    assert read(b"x" * 10)[0].problem is None
    assert read(b"x" * 11)[0].problem == "longer than 10 bytes"


def test_a_column_that_files_do_not_have():
    with pytest.raises(UserError, match="column 'text' is missing; it has file, folder, body"):
        list(documents.read_text(io.BytesIO(b""), "1.txt", ["text"]))
