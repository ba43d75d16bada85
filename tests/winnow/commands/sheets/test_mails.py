"""Mails as rows of predict and drift: read as `collect` reads them, whole, in order, or refused in a line."""

import gzip
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winnow.base.errors import UserError
from winnow.commands.sheets import formats, mails, sink, source
from winnow.readers import mail

FURTHER = pa.schema([pa.field("predicted", pa.string())])
FIRST = "From: A <a@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <1@x>\n\nDoes <b> help?\n"
SECOND = (
    "From: b@example.org\nSubject: Re: Grüße\nIn-Reply-To: <1@x>\nMIME-Version: 1.0\n"
    "Content-Type: text/html; charset=utf-8\n\n<p>日本 =1+1 &amp; more</p>\n"
)


@pytest.fixture
def folder(tmp_path):
    """Two mails of a thread, one in a folder below, and what is none beside them."""
    (tmp_path / "box/spam").mkdir(parents=True)
    (tmp_path / "box/b.eml").write_text(FIRST, encoding="utf-8")
    (tmp_path / "box/spam/a.EML").write_text(SECOND, encoding="utf-8")
    (tmp_path / "box/.DS_Store").write_bytes(b"\0")
    return tmp_path / "box"


def rows(path, *texts: str, told: str | None = None) -> tuple[source.Source, list[source.Block]]:
    """Return what is read, and its blocks with the texts of these columns, or of the usual ones."""
    with formats.reading(str(path), told) as sheet:
        found = source.look(sheet)
        return found, list(found.blocks(*source.columns_of_texts(found, texts or None, [], sheet.name)))


def test_a_folder_of_mails(folder):
    found, [block] = rows(folder)
    assert found.rows == 2
    assert block.texts == ["Grüße\n\nDoes <b> help?\n", "Re: Grüße\n\n日本 =1+1 & more"]
    assert block.is_plain
    assert source.are_plain(block, found, None).to_pylist() == [True, True]
    assert source.are_plain(block, found, "text/html").to_pylist() == [False, False]
    first, second = (dict(zip(found.columns, row, strict=True)) for row in block.cells())
    assert (first["file"], first["folder"], first["subject"]) == ("box/b.eml", "box", "Grüße")
    assert (second["file"], second["folder"]) == ("box/spam/a.EML", "spam")
    assert first["thread"] == second["thread"]


def test_the_fields_are_those_that_collect_gets(folder):
    found, [block] = rows(folder, "headers")
    for name, row in zip(("b.eml", "spam/a.EML"), block.cells(), strict=True):
        with (folder / name).open("rb") as stream:
            [record] = mail.read(stream, f"box/{name}", [*found.columns, "headers"], mail.split_file)
        told = dict(zip(found.columns, row, strict=True)) | {"thread": None}
        assert told == dict(zip(found.columns, record.values[:-1], strict=True))
        assert record.values[-1] in block.texts


def test_html_is_no_plain_text(folder):
    found, [block] = rows(folder, "html")
    assert block.texts == [None, "<p>日本 =1+1 &amp; more</p>\n"]
    assert source.are_plain(block, found, None) is None
    with pytest.raises(UserError, match="there is no column 'text'"):
        rows(folder, "text")


def test_every_file_of_a_folder_where_the_format_is_told(folder, capsys):
    (folder / "3").write_text("Subject: third\n\nx", encoding="utf-8")
    assert rows(folder)[0].rows == 2
    assert "not read, since not named .eml: 1 of the files; --format eml reads all" in capsys.readouterr().err
    assert rows(folder, told="eml")[0].rows == 3


def test_a_link_to_no_file_is_told_and_not_left_out(folder):
    (folder / "c.eml").symlink_to("gone.eml")
    with pytest.raises(UserError, match=r"c\.eml: no file, or a link to none; take it out"):
        rows(folder)


def test_an_mbox_a_packed_mail_a_zip_archive_and_one_mail(folder):
    box = folder / "all.mbox"
    box.write_text(
        "".join(f"From a@x Thu Jan  1 00:00:00 2026\n{text}\n" for text in (FIRST, SECOND)), encoding="utf-8"
    )
    assert [text.strip() for text in rows(box)[1][0].texts] == [text.strip() for text in rows(folder)[1][0].texts]
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.write(folder / "b.eml", "in/b.eml")
        archive.write(folder / "spam/a.EML", "in/c.eml")
    assert rows(folder / "all.zip", told="eml")[1][0].texts == rows(folder)[1][0].texts
    _, [block] = rows(folder / "b.eml")
    assert next(iter(block.cells()))[0] == "b.eml"

    (folder / "b.eml.gz").write_bytes(gzip.compress(FIRST.encode()))
    assert rows(folder / "b.eml.gz")[1][0].texts == block.texts


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_what_is_written(folder, suffix):
    with formats.reading(str(folder), None) as read, formats.writing(str(folder / f"out.{suffix}"), "eml") as written:
        found = source.look(read)
        with sink.opened(written, found, FURTHER) as out:
            for block in found.blocks("body"):
                out.add(block, {"predicted": block.texts})
    path = folder / f"out.{suffix}"
    if suffix == "parquet":
        told = pq.read_table(path).to_pylist()
    elif suffix == "jsonl":
        told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        with formats.reading(str(path), None) as sheet:
            made = source.look(sheet)
            told = [dict(zip(made.columns, row, strict=True)) for block in made.blocks("body") for row in block.cells()]
    assert [row["predicted"] for row in told] == [row["body"] for row in told]
    assert [row["file"] for row in told] == ["box/b.eml", "box/spam/a.EML"]
    assert not set(mails.WHOLE) & set(told[0])


BROKEN = {
    "no header": ("c.eml", b"only a text", r"box/c\.eml: no e-mail: it has no header lines; mend it"),
    "empty": ("c.eml", b"", r"box/c\.eml: "),
    "damaged": ("c.eml.gz", b"\x1f\x8b\x08\x00broken", r"box/c\.eml\.gz: truncated or damaged"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_mail_that_cannot_be_read_is_one_line_before_any_prediction(folder, what):
    name, data, line = BROKEN[what]
    (folder / name).write_bytes(data)
    with formats.reading(str(folder), None) as sheet, pytest.raises(UserError, match=line) as told:
        source.look(sheet)
    assert "\n" not in str(told.value)


def test_folders_and_options_that_make_no_sense(folder, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none/a.csv").write_text("text\nx\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"none: a folder without a mail \(\.eml\); --format eml takes every file"):
        rows(tmp_path / "none")
    with pytest.raises(UserError, match="none: a folder, not a file"):
        rows(tmp_path / "none", told="csv")
    with pytest.raises(UserError, match="which format"):
        formats.written("out.eml", None)
    with formats.reading(str(folder), None) as sheet, pytest.raises(UserError, match="only formats csv, tsv and conll"):
        source.look(sheet, {"delimiter": ";"})


def test_a_doubtful_charset_is_told(folder, capsys):
    (folder / "c.eml").write_bytes(b"Subject: x\nContent-Type: text/plain; charset=us-ascii\n\ncaf\xe9 au lait\n")
    assert rows(folder)[0].rows == 3
    assert "not read for certain: 1 of the mails; the first is box/c.eml: " in capsys.readouterr().err
