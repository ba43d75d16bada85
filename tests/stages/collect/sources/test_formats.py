"""Archives and compression: what is in them is read, and nothing else."""

import gzip
import io
import stat
import zipfile

import pyarrow as pa
import pytest

from tests.stages.collect.sources.conftest import JSONL, ROWS
from winnow.base.errors import UserError

FILE = {"kind": "file", "format": "jsonl"}


def by_number(rows: list[dict]) -> list[dict]:
    return sorted(({name: row[name] for name in ("no", "body")} for row in rows), key=lambda row: row["no"])


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


PACKED = {
    "w.jsonl": JSONL,
    "w.gz": gzip.compress(JSONL[:40]) + gzip.compress(JSONL[40:]),
    "w.zst": pa.compress(JSONL, "zstd", asbytes=True),
    "w.zip": zipped({"a/w.jsonl": JSONL, "a/": b""}),
    "w.jsonl.zip": zipped(
        {"1.gz": gzip.compress(JSONL[: JSONL.index(b"\n") + 1]), "2": JSONL[JSONL.index(b"\n") + 1 :]}
    ),
}


@pytest.mark.parametrize("name", PACKED)
def test_packing_changes_nothing(read, tmp_path, name):
    (tmp_path / "files" / name).write_bytes(PACKED[name])
    assert by_number(read(**FILE, path=name)[0]) == ROWS


@pytest.mark.parametrize("name", ["w.gz", "w.zst", "w.zip"])
def test_packed_parquet(read, tmp_path, name):
    import pyarrow.parquet as pq

    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), data)
    packed = {"w.gz": gzip.compress, "w.zst": lambda d: pa.compress(d, "zstd", asbytes=True)}
    write = packed.get(name, lambda d: zipped({"w.parquet": d}))
    (tmp_path / "files" / name).write_bytes(write(data.getvalue()))
    assert by_number(read(kind="file", format="parquet", path=name)[0]) == ROWS


@pytest.mark.parametrize("name", ["w.gz", "w.zst", "w.zip"])
def test_damaged_files(read, tmp_path, name):
    data = PACKED[name]
    checked = name != "w.zst"  # a frame need not hold a checksum
    flipped = [data[:30] + bytes([data[30] ^ 255]) + data[31:]] * checked
    for damaged in (data[:-9], b"none of these", *flipped):
        (tmp_path / "files" / name).write_bytes(damaged)
        with pytest.raises(UserError, match=rf"^{name}\S*: (a/w\.jsonl: )?truncated or damaged"):
            read(**FILE, path=name)


def test_members_by_glob_and_their_bytes(read, tmp_path):
    members = {"b/2.jsonl": JSONL.splitlines(True)[1], "a/1.jsonl": JSONL.splitlines(True)[0], "a/readme.md": b"{"}
    (tmp_path / "files/w.zip").write_bytes(zipped(members))
    rows, _, pin = read(**FILE, path="w.zip", member="*.jsonl")
    assert rows == ROWS[:2]
    assert pin["bytes"] == sum(len(data) for name, data in members.items() if name.endswith("jsonl"))
    assert read(**FILE, path="w.zip", member="b/2.jsonl")[0] == ROWS[1:2]
    with pytest.raises(UserError, match=r"w\.zip: c/\*: not in the archive; mend member"):
        read(**FILE, path="w.zip", member="c/*")


@pytest.mark.parametrize("name", ["../w.jsonl", "/tmp/w.jsonl", "a/../../w.jsonl"])
def test_a_path_that_leaves_the_archive(read, tmp_path, name):
    (tmp_path / "files/w.zip").write_bytes(zipped({"a.jsonl": JSONL, name: JSONL}))
    with pytest.raises(UserError, match=r"w\.zip: the path '.*w\.jsonl' leaves the archive; do not trust it"):
        read(**FILE, path="w.zip", member="*.jsonl")


def test_a_link_an_encrypted_file_and_another_method(read, tmp_path):
    link = zipfile.ZipInfo("link.jsonl")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(link, "/etc/hostname")
    encrypted = bytearray(zipped({"a": JSONL}))
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(header) + offset] |= 1
    for content, message in [
        (data.getvalue(), "a link or a folder"),
        (bytes(encrypted), "encrypted, or packed by another method"),
        (zipped({"a": JSONL}, zipfile.ZIP_BZIP2), "encrypted, or packed by another method"),
    ]:
        (tmp_path / "files/w.zip").write_bytes(content)
        with pytest.raises(UserError, match=message):
            read(**FILE, path="w.zip")


def test_a_member_of_what_is_no_archive(read, tmp_path):
    (tmp_path / "files/w.jsonl").write_bytes(JSONL)
    with pytest.raises(UserError, match=r"w\.jsonl: member 'a': the file is no zip archive"):
        read(**FILE, path="w.jsonl", member="a")


def test_headers_only_where_there_may_be_one(read, tmp_path):
    (tmp_path / "files/w.tsv").write_text("1\towls and mice\n2\tdamp moss\n3\tfog\n")
    assert read(kind="file", path="w.tsv", format="tsv", header=["no", "body"])[0] == ROWS
    with pytest.raises(UserError, match="header: only formats csv and tsv have a header"):
        read(**FILE, path="w.tsv", header=["no", "body"])


def test_a_folder_of_texts_in_an_archive(read, tmp_path):
    (tmp_path / "files/w.zip").write_bytes(zipped({"spam/1.txt": b"buy", "ham/2.txt": b"na\xefve", "ham/3.txt": b"hi"}))
    columns = {"text": "body", "key": "file", "label": "folder"}
    rows, problems, _ = read(kind="file", path="w.zip", format="text", columns=columns)
    assert rows == [
        {"body": "hi", "file": "w.zip/ham/3.txt", "folder": "ham"},
        {"body": "buy", "file": "w.zip/spam/1.txt", "folder": "spam"},
    ]
    assert problems == [("w.zip/ham/2.txt", "byte 2 is not UTF-8; convert the file to UTF-8")]


def test_threads_run_through_all_files_of_a_source(read, tmp_path):
    (tmp_path / "files/in.eml").write_text("Message-ID: <1@x>\nSubject: Tea\n\nAt four.\n")
    (tmp_path / "files/out.eml").write_text("Message-ID: <2@x>\nIn-Reply-To: <1@x>\nSubject: Coffee\n\nYes.\n")
    columns = {"text": ["subject", "body"], "key": "message_id", "group": "thread"}
    rows, *_ = read(kind="file", path="*.eml", format="eml", columns=columns)
    assert [row["subject"] for row in rows] == ["Tea", "Coffee"]
    assert rows[0]["thread"] == rows[1]["thread"] is not None
    box = b"".join(b"From x\n" + path.read_bytes() + b"\n" for path in sorted((tmp_path / "files").iterdir()))
    (tmp_path / "files/box.mbox.gz").write_bytes(gzip.compress(box))
    again, *_ = read(kind="file", path="box.mbox.gz", format="mbox", columns=columns)
    assert [row["thread"] for row in again] == [row["thread"] for row in rows]
