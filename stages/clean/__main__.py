"""clean: strip markup and noise from every text, and record why each changed or dropped row did.

python -m stages.clean --raw data/raw --out data/clean.parquet --cleaning data/cleaning.json
    --ledger data/ledger/clean.parquet --metrics reports/metrics/clean.json

Reads every Parquet file of `raw`, one per source, in batches, each source by its profile. A first look at some rows of
each source finds its boilerplate and the length at which it cuts texts off. Then, in this order: rows that lack
something are filled or dropped (`missing`), the profile's rules run (`winnow.text.cleaning.profiles`), personal data is
looked for, short texts and foreign languages go, and the kind of task checks what is left (`checks`). After each step
the kind of task says what it left of a label (`labels`). Where texts are dialogues, all this is done turn by turn, and
with the responses (`turns`). Writes one table of the data contract, the ledger (one entry for each rule that changed a
text, with the hash before and after that rule, and one for each part of a label that is lost), counts with the
boilerplate that was found, and how the task's texts were cleaned (`--cleaning`), by which texts are cleaned that a
trained model is asked about.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from stages.clean import checks, labels, missing, short, survey, turns
from stages.clean.checks import Action
from stages.clean.labels import Labels
from stages.clean.missing import Missing
from winnow import kinds
from winnow.base import hashing, params, progress
from winnow.base.engine import map_batches
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.machine import this_machine
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.rows import tables
from winnow.rows.ledger import SCHEMA, Ledger, book
from winnow.text import language
from winnow.text.cleaning import personal, saved
from winnow.text.cleaning.boilerplate import Boilerplate
from winnow.text.cleaning.personal import PersonalData
from winnow.text.cleaning.profiles import Profile, Rule, clean_column, rules
from winnow.text.cleaning.saved import Cleaning as Cleaned
from winnow.text.cleaning.saved import Rules
from winnow.text.language import Language

STAGE = "clean"


class Params(params.Section):
    """Section `clean` of params.yaml."""

    default_profile: str
    """The profile of every source that `profile_of` does not name."""

    profile_of: dict[str, str] = Field(default_factory=dict)
    """Sources that follow another profile: `source: profile`."""

    profiles: dict[str, Profile] = Field(min_length=1)
    """Named sets of rules. A profile names all rules, or another profile as its `base` and what it changes of it."""

    boilerplate: Boilerplate = Boilerplate()
    missing: Missing = Missing()
    personal_data: PersonalData
    language: Language
    min_words: int = Field(3, ge=1, le=1000)  # RE2 repeats a pattern no more often
    """Shorter texts carry no signal: they are dropped and stand in the ledger. Raise it for long documents. In scripts
    without spaces each character is a word; a text of punctuation has none (`winnow.text.words`)."""

    checks: dict[str, Action] = Field(default_factory=dict)
    """Of a kind of task that checks its rows: what happens to those in which a check finds something, by its name. What
    happens otherwise, docs/cleaning.md lists."""

    drop_copyrighted: bool = False
    """`true` drops every row whose record carries a copyright statement (`meta.copyright`)."""

    @field_validator("profiles", mode="before")
    @classmethod
    def _with_their_bases(cls, profiles: object) -> object:
        return params.with_bases(profiles) if isinstance(profiles, dict) else profiles

    @model_validator(mode="after")
    def _known_profiles(self) -> Self:
        for key, name in [("default_profile", self.default_profile), *self.profile_of.items()]:
            if name not in self.profiles:
                raise ValueError(f"{key} names profile '{name}'; profiles has {', '.join(self.profiles)}")
        return self

    def profile_name(self, source: str) -> str:
        """Return the name of a source's profile."""
        return self.profile_of.get(source, self.default_profile)

    def profile(self, source: str) -> Profile:
        """Return a source's profile."""
        return self.profiles[self.profile_name(source)]


@dataclass
class Entries:
    """The ledger entries of one batch: columns where a rule hits many rows, a `Ledger` where functions write rows."""

    ledger: Ledger = field(default_factory=lambda: Ledger(STAGE))
    parts: list[pa.Table] = field(default_factory=list)
    shas: dict[str, str] = field(default_factory=dict)  # of changed texts, by id
    personal: Counter = field(default_factory=Counter)  # findings of personal data, by kind
    labels: Labels | None = None  # of a kind of task whose labels change with their texts

    def change(self, ids: pa.Array, rule: str, reasons: str | list[str], before: list[str], after: list[str]) -> None:
        """Record changed texts; a text's hash is taken once however many rules change it.

        Args:
            reasons: one for all rows, or one a row.
            before, after: texts, one a row.
        """
        names = ids.to_pylist()
        old = [self.shas.get(id_) or hashing.text_sha(text) for id_, text in zip(names, before, strict=True)]
        new = list(map(hashing.text_sha, after))
        self.shas.update(zip(names, new, strict=True))
        self._add("change", rule, {"id": ids, "reason": reasons, "before_sha": old, "after_sha": new})

    def drop(self, rows: pa.Table, which: pa.Array, rule: str, reasons: str | list[str]) -> pa.Table:
        """Record the rows in the mask `which` as dropped, and return the others."""
        gone = rows.filter(which)
        if gone.num_rows:
            pairs = zip(gone["id"].to_pylist(), gone["text"].to_pylist(), strict=True)
            before = [self.shas.get(id_) or hashing.text_sha(text) for id_, text in pairs]
            self._add("drop", rule, {"id": gone["id"].combine_chunks(), "reason": reasons, "before_sha": before})
        return rows.filter(pc.invert(which))

    def change_label(self, ids: pa.Array, rule: str, reasons: str | list[str]) -> None:
        """Record rows whose label changed."""
        self._add("change", rule, {"id": ids, "reason": reasons})

    def note(self, ids: pa.Array, rule: str, reasons: list[str]) -> None:
        """Record rows that stay as they are."""
        self._add("note", rule, {"id": ids, "reason": reasons})

    def _add(self, action: str, rule: str, columns: dict[str, pa.Array | list | str]) -> None:
        """Add entries; a column is one value a row, or one for all, and null where it is not given."""
        columns = {"stage": STAGE, "action": action, "rule": rule} | columns
        count = len(columns["id"])
        whole = [columns.get(name) for name in SCHEMA.names]
        whole = [[column] * count if column is None or isinstance(column, str) else column for column in whole]
        arrays = [pa.array(column, pa.string()) if isinstance(column, list) else column for column in whole]
        self.parts.append(pa.table(arrays, schema=SCHEMA))

    def table(self) -> pa.Table:
        """Return all entries."""
        return pa.concat_tables([self.ledger.table(), *self.parts])


@dataclass(frozen=True)
class Cleaning:
    """What the cleaning of a batch depends on, beside the batch.

    Attributes:
        findings: what a first look at each source found, by source.
        lookups: what rows may take from another source's rows.
    """

    settings: Params
    task: Task
    findings: dict[str, survey.Findings]
    lookups: missing.Lookups


def clean_batch(batch: pa.Table, cleaning: Cleaning) -> dict[str, pa.Table]:
    """Return the cleaned `rows`, their `ledger` entries and `personal` data: kind, count.

    Rows in = rows out + rows dropped.
    """
    entries, settings, kind = Entries(), cleaning.settings, turns.of(cleaning.task)
    if labels.change(cleaning.task):
        entries.labels = Labels(cleaning.task, entries.ledger)
    rows = batch
    if settings.drop_copyrighted:
        stated = pc.fill_null(pc.not_equal(_meta(rows, "copyright"), ""), False)
        rows = entries.drop(rows, stated, "copyrighted", "the record carries a copyright statement")
    rows = missing.fill(rows, settings.missing, entries.ledger, cleaning.lookups)
    if entries.labels:
        entries.labels.read(batch, rows)
    parts = [rows.filter(pc.equal(rows["source"], source)) for source in pc.unique(rows["source"]).to_pylist()]
    parts = [_clean_source(part, cleaning, entries) for part in parts]
    rows = pa.concat_tables([rows.slice(0, 0), *parts])
    if settings.personal_data.action != "off":
        rows = _personal(rows, settings.personal_data, kind, entries)
    rows = _drop_short(rows, settings.min_words, kind, entries)
    if settings.language.action != "off":
        rows = _language(rows, settings.language, kind, entries)
    if of_kind := checks.of(cleaning.task):
        rows = checks.check(rows, of_kind, settings.checks, entries)
    if entries.labels:
        rows = entries.labels.write(rows)
    columns = [pa.array(list(entries.personal), pa.string()), pa.array(list(entries.personal.values()), pa.int64())]
    return {"rows": rows, "ledger": entries.table(), "personal": pa.table(columns, ["kind", "count"])}


def _clean_source(rows: pa.Table, cleaning: Cleaning, entries: Entries) -> pa.Table:
    source = rows["source"][0].as_py()
    boilerplate = cleaning.findings.get(source, survey.NOTHING).boilerplate
    active = rules(cleaning.settings.profile(source), boilerplate)
    if kind := turns.of(cleaning.task):
        return turns.clean(rows, active, kind, entries, survey.plain(rows))
    ids, headings = rows["id"].combine_chunks(), _meta(rows, "heading")

    def record(rule: Rule, hits: np.ndarray, before: list[str], after: list[str]) -> None:
        entries.change(ids.take(hits), rule.name, rule.reason, before, after)
        if entries.labels:
            pairs = list(zip(before, after, strict=True))
            entries.labels.follow(ids.take(hits), rule, headings.take(hits).to_pylist(), pairs)

    column = rows["text"].combine_chunks()
    texts = clean_column(column, active, headings, record, survey.plain(rows))
    return tables.set_column(rows, "text", texts, pa.string())


def _meta(rows: pa.Table, key: str) -> pa.Array:
    """Return one key of the rows' `meta`, null where a row lacks it."""
    return pc.map_lookup(rows["meta"].combine_chunks(), pa.scalar(key), "first")


def _personal(rows: pa.Table, settings: PersonalData, kind: ModuleType | None, entries: Entries) -> pa.Table:
    if kind:
        return turns.look_for_personal_data(rows, settings, kind, entries)
    suspects = pc.indices_nonzero(pc.match_substring_regex(rows["text"], personal.suspects(settings))).to_pylist()
    texts = rows["text"].take(pa.array(suspects, pa.int64())).to_pylist()
    masked = [personal.mask(text, settings.kinds, settings.regions, settings.names) for text in texts]
    hits, before, results = [], [], []
    for number, text, result in zip(suspects, texts, masked, strict=True):
        if result[1]:
            hits.append(number)
            before.append(text)
            results.append(result)
            entries.personal.update(result[1])
    reasons = [", ".join(f"{count} {kind}" for kind, count in counts.items()) for _, counts in results]
    ids = rows["id"].combine_chunks().take(pa.array(hits, pa.int64()))
    if settings.action == "drop":
        mask = np.zeros(rows.num_rows, bool)
        mask[hits] = True
        return entries.drop(rows, pa.array(mask), "personal_data", reasons)
    if settings.action == "mask":
        after = [text for text, _ in results]
        entries.change(ids, "personal_data", reasons, before, after)
        if entries.labels:
            rule = Rule("personal_data", "", partial(_masked, settings=settings), "")
            entries.labels.follow(ids, rule, [None] * len(hits), list(zip(before, after, strict=True)))
        return labels.replaced(rows, "text", np.array(hits, int), after)
    entries.note(ids, "personal_data", reasons)
    return rows


def _masked(text: str, settings: PersonalData) -> str:
    return personal.mask(text, settings.kinds, settings.regions, settings.names)[0]


def _language(rows: pa.Table, settings: Language, kind: ModuleType | None, entries: Entries) -> pa.Table:
    found = language.detect(turns.whole(rows, kind) if kind else rows["text"].to_pylist())
    mask = [settings.foreign(code, confidence) for code, confidence in found]
    reasons = [f"language {found[n][0]}, probability {found[n][1]:.2f}" for n, foreign in enumerate(mask) if foreign]
    if settings.action == "drop":
        return entries.drop(rows, pa.array(mask, pa.bool_()), "language", reasons)
    ids = rows["id"].combine_chunks().filter(pa.array(mask, pa.bool_()))
    entries.note(ids, "language", reasons)
    return rows


def _drop_short(rows: pa.Table, least: int, kind: ModuleType | None, entries: Entries) -> pa.Table:
    if kind:
        return turns.drop_short(rows, least, kind, entries)
    rows = entries.drop(rows, short.empty(rows["text"]), "empty_text", "no text is left")
    few, counts = short.fewer_words(rows["text"], least)
    reasons = [f"{count} words, the least is {least}" for count in counts]
    return entries.drop(rows, few, "too_few_words", reasons)


def sources(folder: Path) -> list[Path]:
    """Return the sources' files, sorted.

    Raises:
        UserError: there is none.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise UserError(f"{folder}: no source's Parquet file; run `dvc repro collect`")
    return files


def contract(files: Sequence[Path]) -> pa.Schema:
    """Return the schema of all sources' rows together: the data contract with every source's `aux_` columns.

    Raises:
        UserError: a file cannot be read, or lacks a column of the contract.
    """
    names = {file: tables.schema(file).names for file in files}
    aux = {name.removeprefix("aux_") for found in names.values() for name in found if name.startswith("aux_")}
    for file, found in names.items():
        for name in tables.ROW.names:
            if name not in found:
                raise UserError(f"{file}: column '{name}' is missing; run `dvc repro collect`")
    return tables.row_schema(aux)


def read(file: Path, schema: pa.Schema, batch_rows: int) -> Iterator[pa.Table]:
    """Yield a source's rows in the contract's `schema`; an `aux_` column that it lacks is null.

    Raises:
        UserError: a column has another type, or a text is not UTF-8.
    """
    for batch in tables.batches(file, rows=batch_rows):
        for name in set(schema.names) - set(batch.column_names):
            batch = batch.append_column(name, pa.nulls(batch.num_rows, pa.string()))
        try:
            batch = batch.select(schema.names).cast(schema)
            batch.validate(full=True)
        except (pa.ArrowInvalid, ValueError) as error:
            raise UserError(f"{file}: does not follow the data contract: {error}") from None
        yield batch


def survey_sources(
    files: Sequence[Path], read_all: Callable[[Path], Iterator[pa.Table]], settings: Params, task: Task
) -> dict[str, survey.Findings]:
    """Return what a first look finds, by source."""
    kind = turns.of(task)
    lengths = settings.missing.cut_off.action != "off" and kind is None  # which a dialogue as a whole does not tell

    def looked_at(file: Path) -> Iterator[pa.Table]:
        return (turns.surveyed(batch, kind) if kind else batch for batch in read_all(file))

    return {
        file.stem: survey.look(partial(looked_at, file), settings.profile(file.stem), settings.boilerplate, lengths)
        for file in files
    }


def cleaning_of(settings: Params, findings: Mapping[str, survey.Findings], rows: Counter) -> Cleaned:
    """Return how a task's texts are cleaned.

    Args:
        findings: what a first look at each source found, by source.
        rows: of the task, by source; where there are none, all sources count alike.
    """
    sources = sorted(source for source in rows if rows[source]) or sorted(findings)
    names, profiles = Counter(), {}
    for source in sources:
        name = settings.profile_name(source)
        names[name] += rows[source]
        found = profiles[name].boilerplate if name in profiles else []
        both = sorted({*found, *findings[source].boilerplate})
        profiles[name] = Rules(profile=settings.profiles[name], boilerplate=both)
    masks = settings.personal_data.action == "mask"
    return Cleaned(
        default=max(names, key=lambda name: (names[name], name)),
        profiles=profiles,
        personal_data=settings.personal_data if masks else None,
    )


def _changed(entries: pa.Table) -> int:
    """Return how many rows changed; a batch's ledger has all entries of its rows."""
    return pc.count_distinct(entries["id"].filter(pc.equal(entries["action"], "change"))).as_py()


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "raw", "out", "cleaning", "ledger", "metrics")
    settings, machine, task = params.load("clean", Params), this_machine(), kinds.read_task()
    files = sources(args.raw)
    checks.refuse_unknown(settings.checks, task)
    if unknown := sorted(set(settings.profile_of) - {file.stem for file in files}):
        raise UserError(
            f"params.yaml: clean.profile_of: no source '{unknown[0]}' in {args.raw}; "
            f"it has {', '.join(file.stem for file in files)}"
        )
    schema = contract(files)
    read_all = partial(read, schema=schema, batch_rows=machine.batch_rows)
    findings = survey_sources(files, read_all, settings, task)
    cut_at = {source: found.max_length for source, found in findings.items() if found.max_length}
    lacks = settings.missing.model_copy(update={"max_length": cut_at | settings.missing.max_length})
    settings = settings.model_copy(update={"missing": lacks})
    work = partial(clean_batch, cleaning=Cleaning(settings, task, findings, missing.lookups(args.raw, lacks)))
    rows_in = changed = 0
    personal_data: Counter = Counter()  # findings, by kind
    of_task: Counter = Counter()  # rows, by source

    def batches() -> Iterator[pa.Table]:
        nonlocal rows_in
        for file in files:
            for batch in read_all(file):
                rows_in += batch.num_rows
                advance(batch.num_rows)
                of_task[file.stem] += pc.sum(pc.equal(batch["purpose"], "task")).as_py()
                yield batch

    shown = progress.shown("cleaning rows", sum(map(tables.count, files)))
    with shown as advance, book(STAGE, args.ledger) as ledger, tables.writer(args.out, schema) as rows:
        for result in map_batches(work, batches(), machine):
            rows.add(result["rows"])
            ledger.add(result["ledger"])
            changed += _changed(result["ledger"])
            for finding in result["personal"].to_pylist():
                personal_data[finding["kind"]] += finding["count"]
        ledger.check(rows_in, rows.rows)
        if not rows.rows:
            counts = ledger.summary() or "none"
            raise UserError(f"{args.raw}: no row is left of {rows_in} after cleaning; rules: {counts}")
    saved.write(cleaning_of(settings, findings, of_task), args.cleaning)
    write_json(
        args.metrics,
        {
            "rows_in": rows_in,
            "rows_out": rows.rows,
            "changed_share": changed / rows_in,
            "entries": ledger.summary(),
            "personal_data": personal_data,
            "boilerplate": {source: found.boilerplate for source, found in findings.items() if found.boilerplate},
            "cut_at": cut_at,
        },
    )


if __name__ == "__main__":
    run(main)
