"""collect: read every source into a table of the data contract, and refuse rows that cannot be read.

python -m stages.collect --files data/sources --downloads .dvc/tmp/downloads --out data/raw
    --ledger data/ledger/collect.parquet --metrics reports/metrics/collect.json

In: the sources of params.yaml: collect.sources; `--files` is the folder of local ones, `--downloads` keeps what was
fetched. Out: `<out>/<source>.parquet` (winnow.rows.tables.row_schema, with aux tasks), `<out>/manifest.json`
(pins, licences, dates and counts), the ledger and metrics. Texts stay as the source has them: cleaning is another
stage. A date that cannot be is null, with an entry in the ledger. Rows are sorted on disk; memory holds 9 bytes a row,
and no text.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from stages.collect.sources import Files, Reading, Source, mapping
from stages.collect.sources.file import LocalFiles
from stages.collect.sources.hf import HubDataset
from stages.collect.sources.labels import Labels
from stages.collect.sources.pypi import Wheel
from stages.collect.sources.s3 import S3Object
from stages.collect.sources.sql import Query
from stages.collect.sources.url import Url
from winnow import kinds
from winnow.base import files, gates, hashing, params, progress, sorting
from winnow.base.errors import UserError
from winnow.base.gates import Doubt
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.readers import SUPERSEDED
from winnow.rows import ledger, tables

MOST_NAMED = 20  # files that the manifest names


class Params(params.Section):
    """Section `collect` of params.yaml: where the rows come from."""

    sources: list[Annotated[LocalFiles | Url | S3Object | HubDataset | Query | Wheel, Field(discriminator="kind")]] = (
        Field(min_length=1)
    )
    """Where rows come from, each kind of place with keys of its own: docs/bring-your-own-data.md. A source may name
    another one as its `base`, and what differs."""

    max_refused_share: float = Field(0.05, ge=0, le=1)
    """More unreadable rows than this share of a source are no noise but a wrong format: the source is in doubt."""

    years: list[int] = Field([1900, 2030], min_length=2, max_length=2)
    """The first and last year of publication. A date outside of them is a mistake of who wrote it: it becomes null,
    and the ledger says so."""

    alike_labels: bool = False
    """`false`: labels of an open set, or of a further task (`columns.aux`), that differ in case, space or Unicode form
    alone are a doubt; `true`: they are meant as they are. Where params.yaml names all labels they are refused."""

    @field_validator("years")
    @classmethod
    def _ordered(cls, years: list[int]) -> list[int]:
        if years[0] > years[1]:
            raise ValueError("the first year must not be after the last")
        return years

    @field_validator("sources", mode="before")
    @classmethod
    def _with_their_bases(cls, sources: object) -> object:
        if not isinstance(sources, list) or not any(
            isinstance(source, dict) and "base" in source for source in sources
        ):
            return sources
        if not all(isinstance(source, dict) and isinstance(source.get("name"), str) for source in sources):
            raise ValueError("a source that names a base needs all sources to have a name")
        named = params.with_bases({source["name"]: source for source in sources})
        return [named[source["name"]] for source in sources]

    @field_validator("sources")
    @classmethod
    def _distinct(cls, sources: list[Source]) -> list[Source]:
        twice = [name for name, count in Counter(source.name for source in sources).items() if count > 1]
        if twice:
            raise ValueError(f"source name '{twice[0]}' stands twice; rename one")
        return sources

    @field_validator("sources")
    @classmethod
    def _shares(cls, sources: list[Source]) -> list[Source]:
        for purpose in ("task", "text"):
            shares = [source.share for source in sources if source.purpose == purpose]
            if shares and None not in shares and sum(shares) < 1 - 1e-9:
                raise ValueError(
                    f"the shares of the {purpose} sources sum to {sum(shares):g}: less than all; raise one or drop one"
                )
        return sources


@dataclass(frozen=True)
class Job:
    """What every source is read with.

    Attributes:
        labels: reads the labels of all sources.
        files: the folder of local files.
        downloads: the folder that keeps what was fetched.
        book: the ledger.
    """

    settings: Params
    labels: Labels
    files: Path
    downloads: Path
    book: ledger.Book


@dataclass
class Gathered:
    """One source's rows, sorted on disk, and what was counted on the way."""

    source: Source
    rows: sorting.Sorter
    reading: Reading
    read: int = 0
    refused: Counter = field(default_factory=Counter)  # by rule
    reasons: list[str] = field(default_factory=list)  # why the first rows could not enter
    undated: list[str] = field(default_factory=list)  # why the first dates are none
    skipped: Counter = field(default_factory=Counter)  # by rule
    changed: Counter = field(default_factory=Counter)  # by rule
    groups: np.ndarray = field(
        default_factory=lambda: np.empty(0, np.uint64)
    )  # each row's group's hash, in order of id

    def doubts(self, rows: int, most: float) -> Iterator[Doubt]:
        """Yield the doubt in a source of which more than a share of `most` was refused, or of whose dates were none.

        Args:
            rows: that were written.
        """
        refused = self.refused.total() - sum(self.refused[rule] for rule in SUPERSEDED)
        undated = self.changed["bad_date"]
        if refused > most * self.read:
            yield self._doubt(
                f"{refused:,} of {self.read:,} rows refused ({refused / self.read:.1%})",
                f": {'; '.join(self.reasons)}",
                (refused / self.read, most),
            )
        if undated > most * rows:
            yield self._doubt(
                f"{undated:,} of {rows:,} dates of column '{self.source.columns.published}' are none (YYYY-MM-DD) or "
                f"outside of collect.years, and left out",
                f": {'; '.join(self.undated)}",
                (undated / rows, most),
            )

    def _doubt(self, what: str, why: str, reached: tuple[float, float]) -> Doubt:
        share, most = reached
        return Doubt(
            "collect.max_refused_share",
            f"source '{self.source.name}': {what}, more than {100 * most:g}% (collect.max_refused_share){why}",
            f"collect.max_refused_share: {math.ceil(100 * share) / 100:g}",
            "a wrong format or column reads like this; mend the source's entry in collect.sources",
        )

    def parts(self) -> Iterator[pa.Table]:
        """Yield the rows, sorted by id; of rows with the same id, the first that came."""
        return (first_of_each(part)[0] for part in self.rows.sorted())


def gather(source: Source, job: Job, scratch: Path) -> Gathered:
    """Read a source; the ledger gets the rows that it refuses.

    Args:
        scratch: a folder for its rows while they are sorted.

    Raises:
        UserError: a file cannot be read as a whole, a column or label is unknown, or no row is left.
    """
    reading = source.of_turns(job.labels.task.targets_of_chats()).open(job.files, job.downloads)
    found = Gathered(source, sorting.Sorter(mapping.schema(source), ["id"], _folder(scratch, source.name)), reading)
    lowest = LowestGroups(source)

    def refuse(ids: Sequence[str], rules: Sequence[str], why: Sequence[str]) -> None:
        found.refused.update(rules)
        faults = [reason for rule, reason in zip(rules, why, strict=True) if rule not in SUPERSEDED]
        found.reasons.extend(faults[: 3 - len(found.reasons)])
        job.book.add(entries(ids, "refuse", rules, why))

    for block in progress.over(reading.blocks, f"reading {source.name}"):
        rows, refusals = mapping.rows(block, source, job.labels, job.settings.years)
        refusals = [(place, "unreadable", problem) for place, problem in block.problems] + refusals
        refusals += block.superseded
        found.read += rows.num_rows + len(refusals)
        found.rows.add(lowest.lighten(rows))
        if refusals:
            places, rules, why = zip(*refusals, strict=True)
            # The row's place stands for its key, which is unknown.
            whole = [f"{place}: {reason}" for place, reason in zip(places, why, strict=True)]
            refuse(hashing.row_ids(source.name, places), rules, whole)
    tell_files(source, files_entry(reading.files))
    job.labels.check(source)
    if source.columns.key is None:
        found.rows = _numbered(found.rows, _folder(scratch, f"{source.name}-numbered"))

    groups = []
    for part in found.rows.sorted():
        rows, again = first_of_each(part)
        groups.append(_hashes(source.name, rows["group"]))
        if again.num_rows:
            why = [
                f"{row['place']}: key '{row['source_key']}' stands twice in the source; the first stays"
                for row in again.select(["place", "source_key"]).to_pylist()
            ]
            refuse(again["id"].to_pylist(), ["duplicate_id"] * len(why), why)
    found.groups = np.concatenate(groups)
    return found


class LowestGroups:
    """Empties the text of rows that `max_groups` is certain to leave out, so that it is not sorted on disk.

    The row itself stays, since only sorting tells whether it is the first with its key.
    """

    def __init__(self, source: Source) -> None:
        # Without key and group, a text that comes again gets a group of its own later.
        self._limit = source.max_groups if source.columns.key or source.columns.group else None
        self._source = source.name
        self._hashes = np.empty(0, np.uint64)
        self._bound = np.iinfo(np.uint64).max

    def lighten(self, rows: pa.Table) -> pa.Table:
        """Return the rows, those of groups beyond the lowest seen so far without text."""
        if self._limit is None:
            return rows
        hashes = _hashes(self._source, rows["group"])
        self._hashes = np.concatenate([self._hashes, hashes[hashes <= self._bound]])
        if len(self._hashes) > 2 * self._limit:
            self._hashes = np.unique(self._hashes)[: self._limit]
            if len(self._hashes) == self._limit:
                self._bound = self._hashes[-1]
        out = pa.array(hashes > self._bound)
        return tables.set_column(rows, "text", pc.if_else(out, "", rows["text"]), pa.string())


def first_of_each(part: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Split rows that are sorted by id into the first of each id and those that follow it."""
    again = _repeats(part["id"])
    return (part.filter(pc.invert(again)), part.filter(again)) if pc.any(again).as_py() else (part, part.slice(0, 0))


def _repeats(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    return pa.concat_arrays([pa.array([False] * min(len(values), 1), pa.bool_()), pc.equal(values[1:], values[:-1])])


def _numbered(rows: sorting.Sorter, scratch: Path) -> sorting.Sorter:
    """Return the rows of a source without keys: the second row of one text gets the key `<hash>-2`, and so on."""
    sorter = sorting.Sorter(rows.schema, ["id"], scratch)
    for part in rows.sorted():
        first, again = first_of_each(part)
        sorter.add(first)
        if again.num_rows:
            counts: Counter = Counter()
            keys = []
            for key in again["source_key"].to_pylist():
                counts[key] += 1
                keys.append(f"{key}-{counts[key] + 1}")
            ids = pa.array(hashing.row_ids(again["source"][0].as_py(), keys), pa.string())
            own = pc.equal(again["group"], again["id"])  # a row without a group is its own
            again = tables.set_column(again, "group", pc.if_else(own, ids, again["group"]), pa.string())
            again = tables.set_column(again, "source_key", keys, pa.string())
            sorter.add(tables.set_column(again, "id", ids, pa.string()))
    return sorter


def _hashes(source: str, groups: pa.ChunkedArray) -> np.ndarray:
    coded = groups.combine_chunks().dictionary_encode()
    hashes = [int(id_, 16) for id_ in hashing.row_ids(source, coded.dictionary.to_pylist())]
    return np.array(hashes, np.uint64)[coded.indices.to_numpy()]


def cuts(groups: np.ndarray, source: Source) -> list[tuple[str, int, str]]:
    """Return, for `max_groups` and `max_rows`, the rule, how many rows it keeps, and why it leaves out the others.

    Rows are kept in the order of their groups' hashes, then of their ids: a higher cap keeps every row of a lower one.
    """
    found = []
    if source.max_groups is not None:
        limit = np.unique(groups)[: source.max_groups][-1:]
        reason = f"its group is not among the {source.max_groups} of lowest hash"
        found.append(("max_groups", int((groups <= limit).sum()) if len(limit) else 0, reason))
    if source.max_rows is not None:
        found.append(("max_rows", source.max_rows, f"beyond the first {source.max_rows} rows by hash of the group"))
    return found


def shared(available: Sequence[int], shares: Sequence[float | None]) -> list[int]:
    """Return how many rows of each source make each shared one at most its share of all, and the whole the largest.

    Sources without a share give all that they have. The whole T is the largest solution of
    T = sum(min(available, share * T)), which a falling sequence reaches.
    """
    total = float(sum(available))
    while True:
        kept = [
            rows if share is None else min(rows, share * total) for rows, share in zip(available, shares, strict=True)
        ]
        if sum(kept) >= total - 1e-6:
            return [int(rows + 1e-6) for rows in kept]
        total = sum(kept)


def write(found: Gathered, allowed: list[tuple[str, int, str]], path: Path, book: ledger.Book) -> dict:
    """Write a source's table, without the rows beyond its quota, which the ledger gets; return what was counted.

    Raises:
        UserError: no row is left.
    """
    order = np.argsort(found.groups, kind="stable")
    rule = np.zeros(len(order), np.int8)  # 0: stays; n: left out by allowed[n - 1]
    for number, (_, limit, _) in reversed(list(enumerate(allowed, 1))):
        rule[order[limit:]] = number
    counts = {"rows": int((rule == 0).sum()), "labelled": 0}
    counts["groups"] = len(np.unique(found.groups[rule == 0]))
    dates: list = []

    def kept() -> Iterator[pa.Table]:
        start = 0
        for part in found.parts():
            rules = rule[start : start + part.num_rows]
            start += part.num_rows
            for number in np.unique(rules[rules > 0]):
                name, _, reason = allowed[number - 1]
                ids = part["id"].filter(pa.array(rules == number))
                found.skipped[name] += len(ids)
                book.add(entries(ids, "skip", [name] * len(ids), [reason] * len(ids)))
            part = part.filter(pa.array(rules == 0))
            _tell_dates(part, found, book)
            _tell_doubts(part, book)
            counts["labelled"] += part.num_rows - part["label"].null_count
            dates.extend(value for value in pc.min_max(part["published"]).as_py().values() if value)
            yield part.drop_columns(list(mapping.BESIDE))

    tables.write_stream(kept(), tables.row_schema(found.source.columns.aux), path)
    if not counts["rows"]:
        why = f" ({'; '.join(found.reasons)})" if found.reasons else ""
        raise UserError(
            f"source '{found.source.name}': no row is left of {found.read} read{why}; mend its file or its quota, or "
            f"take the source out"
        )
    return counts | {"published": [min(dates).isoformat(), max(dates).isoformat()] if dates else None}


def _tell_dates(part: pa.Table, found: Gathered, book: ledger.Book) -> None:
    """Enter the rows that have lost a date into the ledger."""
    wrong = part.filter(part[mapping.DATE_PROBLEM].is_valid())
    if wrong.num_rows:
        found.changed["bad_date"] += wrong.num_rows
        columns = wrong["place"].to_pylist(), wrong[mapping.DATE_PROBLEM].to_pylist()
        reasons = [f"{place}: {problem}; published is empty" for place, problem in zip(*columns, strict=True)]
        found.undated.extend(columns[1][: 3 - len(found.undated)])
        book.add(entries(wrong["id"], "change", ["bad_date"] * wrong.num_rows, reasons))


def _tell_doubts(part: pa.Table, book: ledger.Book) -> None:
    """Enter the rows into the ledger of which something could not be read, or not for certain."""
    doubtful = part.filter(part[mapping.DOUBT].is_valid())
    if doubtful.num_rows:
        columns = doubtful["place"].to_pylist(), doubtful[mapping.DOUBT].to_pylist()
        reasons = [f"{place}: {doubt}" for place, doubt in zip(*columns, strict=True)]
        book.add(entries(doubtful["id"], "note", ["doubtful_text"] * doubtful.num_rows, reasons))


def entries(ids: Iterable[str], action: str, rules: Sequence[str], reasons: Sequence[str]) -> pa.Table:
    """Return ledger entries of rows."""
    count = len(rules)
    columns = [pa.array(ids, pa.string()) if not isinstance(ids, pa.ChunkedArray) else ids]
    columns += [pa.repeat("collect", count), pa.repeat(action, count), pa.array(rules), pa.array(reasons)]
    return pa.table([*columns, *[pa.nulls(count, pa.string())] * len(ledger.DETAILS)], schema=ledger.SCHEMA)


def manifest_entry(found: Gathered, counts: dict) -> dict:
    """Return what the manifest says of one source."""
    return {
        "pin": found.reading.pin,
        "licence": found.source.licence,
        "purpose": found.source.purpose,
        "published": counts["published"],
        "rows": {
            "read": found.read,
            "kept": counts["rows"],
            "refused": found.refused.total(),
            "skipped": found.skipped.total(),
        },
        "refused": found.refused,
        "skipped": found.skipped,
        "changed": found.changed,
        "files": files_entry(found.reading.files),
        "bytes": found.reading.bytes,
    }


def files_entry(files_: Files | None) -> dict | None:
    """Return what the manifest says of a source's files: how many were read, and of which there came no row."""
    if files_ is None:
        return None
    more = len(files_.empty) - MOST_NAMED
    named = files_.empty[:MOST_NAMED] + ([f"and {more} more"] if more > 0 else [])
    return {"read": files_.read, "left_out": files_.left_out, "without_rows": named}


def tell_files(source: Source, entry: dict | None) -> None:
    """Say which files gave no row, and how many were left out."""
    if entry and entry["without_rows"]:
        print(f"collect: source '{source.name}': no row in {', '.join(entry['without_rows'])}", file=sys.stderr)
    if entry and entry["left_out"]:
        why = "hidden, or a system's or an editor's own"
        print(f"collect: source '{source.name}': files left out, {why}: {entry['left_out']}", file=sys.stderr)


def check_label_maps(sources: Iterable[Source], task: Task) -> None:
    """Raise `UserError` if a `label_map` leads to a label that the task does not have."""
    for source in sources:
        for name, label in source.label_map.items():
            if label is not None:
                task.check_name(label, f"source '{source.name}': label_map: '{name}'")


def collect(job: Job, out: Path) -> tuple[dict, dict, list[Doubt]]:
    """Write the tables of all sources into `out`; return the manifest and the metrics, with the doubts."""
    scratch = _folder(out.parent, "scratch")
    gathered = []
    for source in job.settings.sources:
        gathered.append(gather(source, job, scratch))
        gathered[-1].rows.spill(sorting.RUN_BYTES // len(job.settings.sources))

    allowed = {found.source.name: cuts(found.groups, found.source) for found in gathered}
    for purpose in ("task", "text"):
        alike = [found for found in gathered if found.source.purpose == purpose]
        available = [
            min([len(found.groups), *(limit for _, limit, _ in allowed[found.source.name])]) for found in alike
        ]
        for found, limit in zip(alike, shared(available, [found.source.share for found in alike]), strict=True):
            if found.source.share is not None:
                reason = f"beyond {limit} rows, the source's share of {found.source.share:g}"
                allowed[found.source.name].append(("share", limit, reason))

    manifest, metrics, doubts = {}, {}, []
    for found in gathered:
        name = found.source.name
        counts = write(found, allowed[name], out / f"{name}.parquet", job.book)
        manifest[name] = manifest_entry(found, counts)
        metrics[name] = {key: counts[key] for key in ("rows", "groups", "labelled")}
        metrics[name] |= {"refused": found.refused.total(), "skipped": found.skipped.total()}
        metrics[name] |= {"bad_dates": found.changed["bad_date"]}
        seen = found.reading.files or Files(0, 0)
        metrics[name] |= {"files_left_out": seen.left_out, "files_without_rows": len(seen.empty)}
        doubts += found.doubts(counts["rows"], job.settings.max_refused_share)
    if not job.settings.alike_labels:
        doubts += [_alike(field, names) for field, names in job.labels.alike()]
    return manifest, metrics, doubts


def _alike(field: str, names: str) -> Doubt:
    key = "label_map" if field == "label" else f"aux_map: {{{field.removeprefix('aux_')}: …}}"
    return Doubt(
        "collect.alike_labels",
        f"labels of '{field}' differ in case, space or Unicode form alone, and are classes of their own: {names}",
        "collect.alike_labels: true",
        f"map one to the other by the source's {key}",
    )


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def main(argv: Sequence[str] | None = None) -> None:
    paths = arguments(__doc__, argv, "files", "downloads", "out", "ledger", "metrics")
    settings, task = params.load("collect", Params), kinds.read_task()
    check_label_maps(settings.sources, task)
    labels = Labels(task, kinds.load(task, "cells") if kinds.has(task, "cells") else None)
    with files.replacing(paths.out) as new, ledger.book("collect", paths.ledger) as book:
        new.mkdir()
        manifest, metrics, doubts = collect(Job(settings, labels, paths.files, paths.downloads, book), new)
        kept = sum(entry["rows"] for entry in metrics.values())
        book.check(sum(entry["rows"]["read"] for entry in manifest.values()), kept)
        files.write_json(new / "manifest.json", manifest)
        files.write_json(paths.metrics, {"sources": metrics, gates.KEY: gates.told(doubts)})
    gates.settle("collect", doubts, paths.metrics)


if __name__ == "__main__":
    run(main)
