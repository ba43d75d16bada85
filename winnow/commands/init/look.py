"""What a file or a folder is: its format, the files to read, how they are written, and which columns they have."""

import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from winnow.base.errors import UserError
from winnow.commands.init import dialect as dialects
from winnow.commands.init import encoding as encodings
from winnow.readers import (
    UTF_8,
    Block,
    Record,
    conll,
    documents,
    formats,
    json_array,
    jsonl,
    lines,
    mail,
    opening,
    parquet,
    tabular,
    tags,
)
from winnow.readers.chat import Chat
from winnow.readers.opening import Input
from winnow.readers.tabular import Dialect

OF_SUFFIX = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
OF_SUFFIX |= dict.fromkeys((".conll", ".iob", ".iob2", ".bio", ".conllu"), "conll")
OF_SUFFIX |= {".pq": "parquet", ".eml": "eml", ".mbox": "mbox", ".txt": "text", ".md": "text", ".json": "json"}
OFFICE = {".xlsx", ".xls", ".ods", ".docx", ".doc", ".odt", ".pdf", ".db", ".sqlite", ".xml", ".html", ".pkl"}
READ = "CSV, TSV, JSON Lines, Parquet, text, e-mail (eml, mbox), CoNLL"
HEAD = 2**18  # bytes by which a file is known
TAGGED_LINES = 1000  # of a file, by which a tag behind each word is known
KNOWN_BY = 20  # files of a folder that are looked into where their names do not say what they are
SAMPLE_ROWS = 5000
KEYS_OF = 1000  # objects of a file, whose keys are its columns
UTF_8_CSV = Dialect()
FASTTEXT = "__label__"
ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*\{")  # of objects
HEADER_LINE = re.compile(rb"(From |[A-Za-z][A-Za-z0-9-]+:[ \t])")


@dataclass(frozen=True)
class Found:
    """A file or a folder that can be read.

    Attributes:
        path: as it was named.
        format: as params.yaml names it.
        files: what is read.
        glob: which files of the folder `path`, or None where it is a file.
        member: which files of the archive `path`, or None.
        dialect: how text is written.
        columns: names of what each row has.
        left_out: files of the folder or archive that are of another format.
        chat: how conversations are kept, of format `chat` alone.
    """

    path: Path
    format: str
    files: tuple[Input, ...]
    glob: str | None = None
    member: str | None = None
    dialect: Dialect = UTF_8_CSV
    columns: tuple[str, ...] = ()
    left_out: int = 0
    chat: Chat | None = None

    def blocks(self, columns: list[str]) -> Iterator[Block]:
        """Return the rows, with some of their columns."""
        if self.format == "conll":
            written = conll.Written(conll.Conll(), None, self.dialect.encoding)
            return formats.read_conll(self.files, columns, written)
        if self.format == "chat":
            return formats.read_chat(self.files, columns, self.chat, self.dialect.encoding)
        if self.format == "array":
            return formats.read_by(partial(_items, encoding=self.dialect.encoding), self.files, columns)
        return formats.read(self.format, self.files, columns, self.dialect)


def at(path: Path, encoding: str | None, header: list[str] | None, delimiter: str | None = None) -> Found:
    """Return what stands at a path.

    Args:
        encoding: of its text; None: what it looks like.
        header: the columns' names, of a table whose first line does not name them; None: what it looks like.
        delimiter: between the fields of a table; None: what it looks like.

    Raises:
        UserError: there is nothing, or nothing that `collect` reads.
    """
    _refuse_name(path.resolve().name)
    try:
        found = _folder(path) if path.is_dir() else _file(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    if found.format not in ("parquet", "eml", "mbox"):
        name = encoding or _encoding(found)
        found = replace(found, dialect=replace(found.dialect, encoding=name))
    return _with_columns(found, header, delimiter)


def _refuse_name(name: str) -> None:
    """Raise `UserError` for a name that is no text, which neither params.yaml nor a table can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(f"{os.fsencode(name)!r}: a file's name that is not UTF-8; rename the file") from None


def _folder(path: Path) -> Found:
    names = below(path)
    if not names:
        raise UserError(f"{path}: a folder without files; name one that holds {READ}")
    suffix, count = Counter(_suffix(name.name) for name in names).most_common(1)[0]
    chosen = [name for name in names if _suffix(name.name) == suffix]
    for name in chosen:
        _refuse_name(str(name))
    files = tuple(Input(f"{path.name}/{name.as_posix()}", path / name, (path / name).stat().st_size) for name in chosen)
    format_ = _of_files(suffix, files, path)
    pattern = f"**/*{suffix}" if suffix else "**/*"
    return Found(path, format_, files, glob=pattern, left_out=len(names) - count)


def below(path: Path) -> list[Path]:
    """Return the files below a folder, sorted; hidden ones, those of systems and editors, and links are left out."""
    names = []
    for folder, inner, there in os.walk(path):
        inner[:] = [name for name in inner if not opening.is_litter(name)]
        names += [Path(folder, name) for name in there if not opening.is_litter(name)]
    return sorted(name.relative_to(path) for name in names if os.path.isfile(name))


def _of_files(suffix: str, files: tuple[Input, ...], path: Path) -> str:
    """Return the format of files that share the end of their names."""
    known = _named(suffix)
    if known == "json":
        return "array" if all(ARRAY.match(head(file)) for file in files[:KNOWN_BY]) else "jsonl"
    if known in ("text", "tsv") and all(_is_tagged(head(file)) for file in files[:KNOWN_BY]):
        return "conll"
    if known:
        return known
    if suffix in OFFICE:
        raise UserError(f"{path}: holds {suffix} files, which are not read; export them as {READ}")
    heads = [head(file) for file in files[:KNOWN_BY]]
    if all(map(_is_tagged, heads)):
        return "conll"
    if all(HEADER_LINE.match(data) for data in heads):
        return "eml"
    for data, file in zip(heads, files, strict=False):
        encodings.of_bytes([data], str(file.path))
    return "text"


def _suffix(name: str) -> str:
    """Return the end of a file's name, with that of its compression; "" where there is none that says anything."""
    packed = next((end for end in opening.UNPACKED if name.lower().endswith(end)), "")
    plain = name[: len(name) - len(packed)]
    end = PurePosixPath(plain).suffix
    known = end.lower() in OF_SUFFIX or end.lower() in OFFICE
    return (end if known else "") + name[len(plain) :]


def _named(suffix: str) -> str | None:
    """Return the format that the end of a name stands for, if any."""
    return OF_SUFFIX.get(_unpacked(suffix))


def _unpacked(suffix: str) -> str:
    return next((suffix[: -len(end)] for end in opening.UNPACKED if suffix.lower().endswith(end)), suffix).lower()


def _file(path: Path) -> Found:
    if not path.exists():
        raise UserError(f"{path}: not found; mend the path")
    if not path.is_file():
        raise UserError(f"{path}: neither a file nor a folder")
    if not path.stat().st_size:
        raise UserError(f"{path}: an empty file; there is nothing to look at")
    suffix = _suffix(path.name)
    if suffix in OFFICE:
        raise UserError(f"{path}: {suffix} is not read; export it as {READ}")
    if opening.is_archive(path.name, path):
        return _archive(path)
    file = Input(path.name, path, path.stat().st_size)
    data = head(file)
    if not data:
        raise UserError(f"{path}: holds nothing; there is nothing to look at")
    format_ = "parquet" if data.startswith(b"PAR1") else _named(suffix)
    if format_ in (None, "text", "tsv") and _is_tagged(data):
        format_ = "conll"
    if format_ in (None, "json", "text"):
        format_ = _by_its_beginning(data, format_, path)
    return Found(path, format_, (file,))


def _by_its_beginning(data: bytes, named: str | None, path: Path) -> str:
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{") and _is_json_line(start.split(b"\n", 1)[0]):
        return "jsonl"
    if named != "text" and ARRAY.match(data):
        return "array"
    if start.startswith((b"{", b"[")) and named != "text":
        raise one_value(path)
    if data.startswith(b"From "):
        return "mbox"
    return "csv"


def one_value(path: Path) -> UserError:
    """Return the error for a file of JSON that is not one object a line."""
    return UserError(f"{path}: one JSON value, not one a line; `jq -c '.[]' {path.name} > rows.jsonl` makes lines")


def _items(stream: IO[bytes], where: str, columns: Sequence[str], encoding: str) -> Iterator[Record]:
    """Yield the objects of an array."""
    paths = [(name, name.split(".")) for name in columns if "." in name]
    for place, values, problem in json_array.objects(io.BufferedReader(stream), where, encoding):
        for name, path in paths if values else ():
            jsonl.lift(values, name, path)
        yield Record(place, () if values is None else tuple(map(values.get, columns)), problem)


def _is_tagged(data: bytes) -> bool:
    """Return whether lines hold a word and its tag each, some of a span, and empty lines part sentences."""
    lines_ = data.decode(UTF_8, "ignore").removeprefix("\ufeff").splitlines()[:-1][:TAGGED_LINES]
    words = [cells for line in lines_ if (cells := line.split()) and not conll.DOCUMENT.match(line) and line[0] != "#"]
    last = [cells[-1] for cells in words]
    return (
        len(words) > 1
        and min(map(len, words)) > 1
        and tags.are_tags(last)
        and len(set(last)) > 1
        and not all(map(str.strip, lines_))
    )


def _is_json_line(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _archive(path: Path) -> Found:
    there = [file for file in opening.inputs(path.name, path, None) if not file.is_litter]
    if not there:
        raise UserError(f"{path}: an archive without files")
    suffix, count = Counter(_suffix(file.member) for file in there).most_common(1)[0]
    chosen = tuple(file for file in there if _suffix(file.member) == suffix)
    format_ = _of_files(suffix, chosen, path)
    if format_ == "text" and len(chosen) == 1:
        format_ = _by_its_beginning(head(chosen[0]), format_, path)
    return Found(path, format_, chosen, member=f"*{suffix}" if suffix else None, left_out=len(there) - count)


def head(file: Input, size: int = HEAD) -> bytes:
    """Return the first bytes of a file, unpacked."""
    return next(opening.each([file], lambda stream, name: iter([stream.read(size)])))


def _encoding(found: Found) -> str:
    """Return the encoding of the files' text; of a folder, that of most of those which are not plain UTF-8.

    Raises:
        UserError: a file is no text.
    """

    def blocks(file: Input) -> Iterator[bytes]:
        return opening.each([file], lambda stream, name: iter(lambda: stream.read(2**20), b""))

    names = Counter(encodings.of_bytes(blocks(file), file.name) for file in found.files[:: len(found.files) // 200 + 1])
    plain = names.pop(UTF_8, 0)
    return names.most_common(1)[0][0] if names.total() > plain / 20 else UTF_8


def _with_columns(found: Found, header: list[str] | None, delimiter: str | None) -> Found:
    if found.format == "text":
        return replace(found, columns=documents.FIELDS)
    if found.format == "conll":
        return replace(found, columns=conll.FIELDS)
    if found.format in ("eml", "mbox"):
        return replace(found, columns=mail.FIELDS)
    if found.format == "parquet":
        return replace(found, columns=_parquet_columns(found))
    if found.format == "array":
        return replace(found, columns=_keys_of_items(found))
    if found.format == "jsonl":
        return replace(found, columns=_keys(found))
    data = head(found.files[0])
    text = data.decode(found.dialect.encoding, "ignore").removeprefix("\ufeff")
    if not text.strip():
        raise UserError(f"{found.path}: holds blank lines alone")
    if (end := lines.END.search(text)) and end[0] == "\r":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith(FASTTEXT):
        raise UserError(
            f"{found.path}: fastText's format, the label within the text; "
            f"`sed 's/^{FASTTEXT}\\([^ ]*\\) /\\1\\t/' {found.path.name} > rows.tsv` makes a column of it"
        )
    whole = len(data) < HEAD
    declared = tabular.DECLARED.match(text)
    text = text[declared.end() :] if declared else text
    told = declared[1] if declared else delimiter
    own = dialects.sniff(text, whole, _unpacked(_suffix(found.files[0].name)), told)
    has_one = told is None and own.delimiter == dialects.ONE_COLUMN.delimiter and own.delimiter not in text
    if has_one and (sign := dialects.odd_sign(text, whole)):
        raise UserError(
            f"{found.path}: is one column as it stands, and {json.dumps(sign, ensure_ascii=False)} is equally often in "
            f"its lines; name the sign between the columns by --delimiter SIGN, or --delimiter tab if it is one column"
        )
    own = replace(own, encoding=found.dialect.encoding)
    if header is None:
        own, names = dialects.with_header(text, own, whole)
        if not names:
            raise UserError(f"{found.path}: no row can be read: a quote is opened and never closed; mend the file")
    else:
        own, names = replace(own, header=header), header
    return replace(found, dialect=own, columns=tuple(names), format="tsv" if own.delimiter == "\t" else "csv")


def _parquet_columns(found: Found) -> tuple[str, ...]:
    def names(stream, name: str) -> Iterator[tuple[str, ...]]:
        with parquet.seekable(stream, name) as source, parquet.opened(source, name) as file:
            yield tuple(file.schema_arrow.names)

    return next(opening.each(found.files[:1], names))


def _keys(found: Found) -> tuple[str, ...]:
    """Return the keys of the first objects, those of inner objects with dots, in the order in which they come."""
    lines = head(found.files[0], 2**22).decode(found.dialect.encoding, "ignore").removeprefix("\ufeff").split("\n")
    keys: dict[str, None] = {}
    for line in islice(lines, KEYS_OF):
        try:
            value = json.loads(line)
            if isinstance(value, dict):
                keys.update(dict.fromkeys(jsonl.paths(value)))
        except (ValueError, RecursionError):  # nested deeper than is read
            continue
    if not keys:
        raise UserError(f"{found.path}: no line is a JSON object; export it as JSON Lines, one object a line")
    return _nameable(found, keys)


def _keys_of_items(found: Found) -> tuple[str, ...]:
    """Return the keys of an array's first objects, as `_keys`."""

    def first(stream: IO[bytes], name: str) -> Iterator[dict]:
        objects = json_array.objects(io.BufferedReader(stream), name, found.dialect.encoding)
        return (line.values for line in islice(objects, KEYS_OF) if line.values)

    return _nameable(found, {key: None for value in opening.each(found.files[:1], first) for key in jsonl.paths(value)})


def _nameable(found: Found, keys: Mapping[str, None]) -> tuple[str, ...]:
    """Return the keys that params.yaml can name."""
    named = [key for key in keys if not jsonl.SURROGATE.search(key)]
    if len(named) < len(keys):
        odd = json.dumps(next(key for key in keys if key not in named))
        if not named:
            raise UserError(f"{found.path}: key {odd} holds half a surrogate pair; rename it")
        # As `collect` passes over keys that nobody names.
        print(
            f"{found.path}: {len(keys) - len(named)} keys with half a surrogate pair, such as {odd}, are left out: "
            f"params.yaml cannot name them",
            file=sys.stderr,
        )
    return tuple(named)
