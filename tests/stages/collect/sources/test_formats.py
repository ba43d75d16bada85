"""Archives and compression: what is in them is read, and nothing else."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import unicodedata
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stages.collect.sources.conftest import JSONL, ROWS
from winnow.base.errors import UserError
from winnow.readers import MEND_ENCODING

FILE = {"kind": "file", "format": "jsonl"}


def by_number(rows: list[dict]) -> list[dict]:
    return sorted(({name: row[name] for name in ("no", "body")} for row in rows), key=lambda row: row["no"])


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    data = io.BytesIO()
    pq.write_table(table, data)
    return data.getvalue()


PACKED = {
    "w.jsonl": JSONL,
    "w.gz": gzip.compress(JSONL[:40]) + gzip.compress(JSONL[40:]),
    "w.zst": pa.compress(JSONL[:40], "zstd", asbytes=True) + pa.compress(JSONL[40:], "zstd", asbytes=True),
    "w.jsonl.bz2": bz2.compress(JSONL[:40]) + bz2.compress(JSONL[40:]),
    "w.xz": lzma.compress(JSONL[:40]) + lzma.compress(JSONL[40:]),
    "W.JSONL.GZ": gzip.compress(JSONL) + bytes(512),  # padded, as tapes are
    "W.Zst": pa.compress(JSONL, "zstd", asbytes=True),
    "named.jsonl": gzip.compress(JSONL),  # the name says nothing of it
    "rows": pa.compress(JSONL, "zstd", asbytes=True),
    "w.data": bz2.compress(JSONL),
    "w.txt": lzma.compress(JSONL),
    "w.backup": zipped({"w.jsonl": JSONL}),
    "W.ZIP": zipped({"W.JSONL.BZ2": bz2.compress(JSONL)}),
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
    data = parquet_bytes(pa.Table.from_pylist(ROWS))
    packed = {"w.gz": gzip.compress, "w.zst": lambda d: pa.compress(d, "zstd", asbytes=True)}
    write = packed.get(name, lambda d: zipped({"w.parquet": d}))
    (tmp_path / "files" / name).write_bytes(write(data))
    assert by_number(read(kind="file", format="parquet", path=name)[0]) == ROWS


@pytest.mark.parametrize("name", ["w.gz", "w.zst", "w.zip", "w.jsonl.bz2", "w.xz"])
def test_damaged_files(read, tmp_path, name):
    data = PACKED[name]
    checked = name != "w.zst"  # a frame need not hold a checksum
    flipped = [data[:30] + bytes([data[30] ^ 255]) + data[31:]] * checked
    for damaged in (data[:-9], b"none of these", *flipped):
        (tmp_path / "files" / name).write_bytes(damaged)
        with pytest.raises(UserError, match=rf"^{name}\S*: (a/w\.jsonl: )?truncated or damaged [^\n]*$"):
            read(**FILE, path=name)


def test_members_by_glob_and_their_bytes(read, tmp_path):
    members = {"b/2.jsonl": JSONL.splitlines(True)[1], "a/1.jsonl": JSONL.splitlines(True)[0], "a/readme.md": b"{"}
    (tmp_path / "files/w.zip").write_bytes(zipped(members))
    rows, _, pin = read(**FILE, path="w.zip", member="*.jsonl")
    assert rows == ROWS[:2]
    assert pin["bytes"] == sum(len(data) for name, data in members.items() if name.endswith("jsonl"))
    assert read(**FILE, path="w.zip", member="b/2.jsonl")[0] == ROWS[1:2]
    (tmp_path / "files/x.zip").write_bytes(zipped({"b[1]/2.jsonl": members["b/2.jsonl"]}))
    assert read(**FILE, path="x.zip", member="b[1]/*.jsonl")[0] == ROWS[1:2]
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
    assert problems == [("w.zip/ham/2.txt", f"byte 2 is not UTF-8; {MEND_ENCODING}")]


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


def test_a_tar_archive_is_named(read, tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        info = tarfile.TarInfo("w.jsonl")
        info.size = len(JSONL)
        archive.addfile(info, io.BytesIO(JSONL))
    for name, content in (("w.tar", data.getvalue()), ("w.tgz", gzip.compress(data.getvalue()))):
        (tmp_path / "files" / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"^{name}: a tar archive, which is not read; unpack it, or"):
            read(**FILE, path=name)


TEXTS = {"kind": "file", "format": "text", "columns": {"text": "body", "key": "file", "label": "folder"}}
LITTER = [
    "__MACOSX/spam/._1.txt", "__MACOSX/._spam", ".DS_Store", "spam/.DS_Store", "spam/._1.txt", "spam/Thumbs.db",
    "spam/desktop.ini", "Desktop.ini", "spam/~$1.txt", "spam/1.txt~", "spam/#1.txt#", ".git/config", "spam/.gitkeep",
    "spam/.1.txt.swp", "ehthumbs.db", "Icon\r",
]  # fmt: skip


@pytest.mark.parametrize("member", [None, "*", "*.txt", "spam/*", "**"])
def test_what_systems_and_editors_put_into_archives_is_no_document(read, tmp_path, member):
    (tmp_path / "files/w.zip").write_bytes(zipped({"spam/1.txt": b"buy", **dict.fromkeys(LITTER, b"\0\5\x16\7\xff")}))
    rows, problems, _ = read(**TEXTS, path="w.zip", member=member)
    assert (rows, problems) == ([{"body": "buy", "file": "w.zip/spam/1.txt", "folder": "spam"}], [])
    assert read.files.read == 1
    if member is None:
        assert read.files.left_out == len(LITTER)


def test_what_is_named_is_read_even_if_it_is_hidden(read, tmp_path):
    (tmp_path / "files/w.zip").write_bytes(zipped({".notes/1.txt": b"one", "a.txt~": b"two", ".DS_Store": b"\xff"}))
    for member, texts in ((".notes/1.txt", ["one"]), (".notes/*", ["one"]), ("a.txt~", ["two"])):
        assert [row["body"] for row in read(**TEXTS, path="w.zip", member=member)[0]] == texts
    (tmp_path / "files/w.zip").write_bytes(zipped({".DS_Store": b"\xff", "__MACOSX/._a": b"x"}))
    with pytest.raises(UserError, match=r"w\.zip/\.DS_Store: holds no document but 2 hidden files, or"):
        read(**TEXTS, path="w.zip")


def windows(members: dict[str, bytes]) -> bytes:
    """An archive with names as Windows' and macOS's own tools store them: bytes, and no word of their encoding."""
    stored = [name.encode() if isinstance(name, str) else name for name in members]
    places = [str(number).ljust(len(name), "_") for number, name in enumerate(stored)]
    data = zipped(dict(zip(places, members.values(), strict=True)))
    for place, name in zip(places, stored, strict=True):
        data = data.replace(place.encode(), name)
    return data


@pytest.mark.parametrize(
    ("stored", "name", "folder"),
    [
        ("bücher\\roman.txt", "bücher/roman.txt", "bücher"),
        (unicodedata.normalize("NFD", "bücher/naïve.txt"), "bücher/naïve.txt", "bücher"),
        ("bücher/1.txt".encode("cp437"), "bücher/1.txt", "bücher"),
        ("книги/1 😀.txt", "книги/1 😀.txt", "книги"),
        ("-a [1]*.txt", "-a [1]*.txt", "w.zip"),
    ],
)
def test_names_of_other_systems(read, tmp_path, stored, name, folder):
    (tmp_path / "files/w.zip").write_bytes(windows({stored: b"read"}))
    for member in (None, name, unicodedata.normalize("NFD", name)):
        rows, *_ = read(**TEXTS, path="w.zip", member=member)
        assert rows == [{"body": "read", "file": f"w.zip/{name}", "folder": folder}]


@pytest.mark.parametrize("name", ["..\\w.jsonl", "C:\\w.jsonl", "\\w.jsonl"])
def test_a_path_of_windows_that_leaves_the_archive(read, tmp_path, name):
    (tmp_path / "files/w.zip").write_bytes(windows({name: JSONL}))
    with pytest.raises(UserError, match=r"w\.zip: the path '.*w\.jsonl' leaves the archive; do not trust it"):
        read(**FILE, path="w.zip")


@pytest.mark.parametrize("other", [unicodedata.normalize("NFD", "bücher/é.txt"), "bücher\\é.txt"])
def test_two_files_of_one_name_are_told_and_neither_is_left_out(read, tmp_path, other):
    (tmp_path / "files/w.zip").write_bytes(windows({"bücher/é.txt": b"one", other: b"two"}))
    with pytest.raises(UserError, match=r"w\.zip: two files are named 'bücher/é\.txt'; rename one, and pack"):
        read(**TEXTS, path="w.zip")


def test_what_would_fill_a_disk_is_refused(read, tmp_path, monkeypatch):
    from winnow.base import download
    from winnow.readers import parquet

    monkeypatch.setattr(download, "MAX_MEMBER_BYTES", 10**6)
    monkeypatch.setattr(parquet, "MAX_MEMBER_BYTES", 10**6)
    (tmp_path / "files/w.zip").write_bytes(zipped({"w.jsonl": bytes(2 * 10**6)}))
    with pytest.raises(UserError, match=r"w\.zip: w\.jsonl: 2000000 bytes unpacked, more than 1000000 are refused"):
        read(**FILE, path="w.zip")
    (tmp_path / "files/w.gz").write_bytes(gzip.compress(bytes(2 * 10**6)))
    with pytest.raises(UserError, match=r"w\.gz: more than 1000000 bytes unpacked are refused"):
        read(kind="file", format="parquet", path="w.gz")


EMPTY = {
    "csv": (b"no,body\n1,owls\n", [b"", b"no,body\n", b"\n\n"]),
    "tsv": (b"no\tbody\n1\towls\n", [b"", b"no\tbody\n", b"\r\n"]),
    "jsonl": (b'{"no": 1, "body": "owls"}\n', [b"", b"\n", b"\xef\xbb\xbf"]),
    "parquet": (
        parquet_bytes(pa.table({"no": ["1"], "body": ["owls"]})),
        [
            b"",
            parquet_bytes(pa.table({"no": pa.array([], pa.string()), "body": pa.array([], pa.string())})),
            parquet_bytes(pa.table({"no": pa.nulls(0), "body": pa.nulls(0)})),
        ],
    ),
}


@pytest.mark.parametrize("format", EMPTY)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_files_without_a_row_among_others(read, tmp_path, format, pack):
    full, empty = EMPTY[format]
    for number, data in enumerate([*empty, full]):
        (tmp_path / f"files/{number}.{format}").write_bytes(pack(data))
    rows, problems, _ = read(kind="file", format=format, path=f"*.{format}")
    assert ([row["body"] for row in rows], problems) == (["owls"], [])
    assert read.files.empty == [f"{number}.{format}" for number in range(len(empty))]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"format": "jsonl", "delimiter": ";"}, "delimiter: only formats csv, tsv and conll have a delimiter"),
        ({"format": "text", "quote": None}, "quote: only formats csv and tsv have a quote"),
        ({"format": "parquet", "decimal": ","}, "decimal: only formats csv and tsv have a decimal"),
        ({"format": "csv", "decimal": ";"}, "decimal"),
        ({"format": "csv", "delimiter": ";;"}, "delimiter"),
        ({"format": "csv", "delimiter": '"'}, "stands for two of delimiter, quote and escape"),
        ({"format": "csv", "quote": ","}, "stands for two of delimiter, quote and escape"),
        ({"format": "tsv", "quote": "\t"}, "stands for two of delimiter, quote and escape"),
        ({"format": "csv", "escape": '"'}, "stands for two of delimiter, quote and escape"),
    ],
)
def test_marks_that_cannot_be(read, given, message):
    with pytest.raises(UserError, match=message):
        read(kind="file", path="w", **given)


def test_a_tsv_has_no_quotes_unless_somebody_says_so(read, tmp_path):
    (tmp_path / "files/w.tsv").write_text('no\tbody\n1\t"Oh no\n2\tno"\n3\t"a" b\n')
    rows, problems, _ = read(kind="file", format="tsv", path="w.tsv")
    assert ([row["body"] for row in rows], problems) == (['"Oh no', 'no"', '"a" b'], [])
    (tmp_path / "files/w.tsv").write_text('no\tbody\n1\t"Oh ""no"""\n')
    assert read(kind="file", format="tsv", path="w.tsv", quote='"')[0][0]["body"] == 'Oh "no"'
    assert read(kind="file", format="tsv", path="w.tsv", quote=None)[0][0]["body"] == '"Oh ""no"""'
    with pytest.raises(UserError, match=r'w\.tsv: line 2: .*give quote: "\\"" in its entry'):
        read(kind="file", format="tsv", path="w.tsv")


def test_a_comma_before_decimals_is_read_where_numbers_stand(read, tmp_path):
    cells = ["1,5", "1.234,5", "-0,25", " 2,50 ", "1,2,3", "12.34,5", "1.5", "a 1,5", "2,5e-3", ""]
    lines = "".join(f"{number};{cell};{cell}\n" for number, cell in enumerate(cells))
    (tmp_path / "files/w.csv").write_text(f"no;body;stars\n{lines}")
    columns = {"text": "body", "key": "no", "label": "stars"}
    rows, *_ = read(kind="file", format="csv", path="w.csv", delimiter=";", decimal=",", columns=columns)
    assert [row["body"] for row in rows] == cells
    assert [row["stars"] for row in rows] == [
        "1.5", "1234.5", "-0.25", " 2.50 ", "1,2,3", "12.34,5", "1.5", "a 1,5", "2.5e-3", "",
    ]  # fmt: skip


SOUND = [
    b'no,body\n1,"a\nb"\n', b"sep=;\nno;body\n1;a\n", "no;body\n1;ä\n".encode("utf-16"), JSONL,
    b"From a@x\nSubject: Tea\n\nAt four.\n\nFrom b@x\n\n",
    zipped({"a/1.csv": b"no,body\n1,a\n" * 9, "__MACOSX/a": b"x"}),
    parquet_bytes(pa.table({"no": ["1"] * 50, "body": ["owls"] * 50})),
]  # fmt: skip
PACKS = [bytes, gzip.compress, bz2.compress, lzma.compress, lambda data: pa.compress(data, "zstd", asbytes=True)]


@st.composite
def damaged(draw) -> bytes:
    """Sound files, packed in any way or not at all, of which some bytes are others, missing or doubled."""
    data = draw(st.sampled_from(PACKS))(draw(st.sampled_from(SOUND) | st.binary(max_size=100)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        put = draw(st.binary(max_size=3) | st.sampled_from([b'"', b"\n", b"\r", b"\0"]))
        data = data[:start] + put + data[start + draw(st.integers(0, 3) | st.just(len(data))) :]
    return data


OWN = {"text": {"text": "body", "key": "file"}, "eml": {"text": "body"}, "mbox": {"text": "body"}}


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "parquet", "text", "eml", "mbox"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=damaged(), name=st.sampled_from(["w", "w.csv", "W.GZ", "w.zip", "w.zst", "w.xz", "w.bz2"]))
def test_any_bytes_are_rows_or_one_line(read, tmp_path, format, data, name):
    (tmp_path / "files" / name).write_bytes(data)
    message = ""
    try:
        read(kind="file", path=name, format=format, **({"columns": OWN[format]} if format in OWN else {}))
    except UserError as error:
        message = str(error)
    assert "\n" not in message


def test_an_archive_that_says_nonsense_of_itself(read, tmp_path):
    data = zipped({"w.jsonl": JSONL})
    entry = data.index(b"PK\x01\x02")
    newer = data[: entry + 6] + b"\xff" + data[entry + 7 :]  # the version that it needs
    flagged = data[: entry + 9] + b"\x08" + data[entry + 10 :]  # its name is UTF-8
    name = flagged.index(b"w.jsonl", entry)
    for broken in (newer, flagged[:name] + b"\xff" + flagged[name + 1 :]):
        (tmp_path / "files/w.zip").write_bytes(broken)
        with pytest.raises(UserError, match=r"^w\.zip: truncated or damaged \([^\n]*\)$"):
            read(**FILE, path="w.zip")
