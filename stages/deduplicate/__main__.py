"""deduplicate: find exact and near-duplicate texts, tie them together by a cluster id, keep one of them.

python -m stages.deduplicate --rows data/clean.parquet --against data/sources --cleaning data/cleaning.json
    --out data/deduplicated.parquet --conflicts data/conflicts.parquet --ledger data/ledger/deduplicate.parquet
    --metrics reports/metrics/deduplicate.json

Exact duplicates have the same words (`winnow.text.words`): they differ in case, spaces, the punctuation of sentences
and Unicode form alone. Marks of vowels and tones, emoji, emoticons, signs of currency and of mathematics are words or
parts of words. Near-duplicates share a band of MinHash values (`winnow.text.sketch`), and each pair is verified
by the true similarity of its word shingles (`stages.deduplicate.compare`: Jaccard, or characters in common runs). Rows
of both purposes are compared, so that an adapted encoder meets no copy of a test row. Adds the column `cluster`: the
lowest id among the texts that similarity ties together, directly or by a chain. `--against` is the folder of the
datasets that params name: their copies are dropped too. Their texts are cleaned as the rows were, which `--cleaning`
says. What else of these datasets stands in the rows that stay, in runs of words, is measured
(`stages.deduplicate.benchmarks`), and such rows are told of or dropped.

Where texts are dialogues, `stages.deduplicate.dialogues` says what is compared of them.

A near-duplicate is dropped only if it is similar to a row that is kept, which the ledger names; the ends of a chain
(a like b, b like c) may both stay, in one cluster. Clusters whose members have labels that do not say the same of what
their texts share stand in `--conflicts`: id, cluster, label, kept, others (id, label in words, kept of some members
whose label says otherwise) and others_total, one row for each member that has a label or is kept.

Texts and shingles stay on disk, in a scratch folder (`winnow.base.scratch`) of about 1.6 times the text while the stage
runs; memory holds some 60 bytes a row.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.deduplicate import benchmarks, compare, dialogues, keep, references
from stages.deduplicate.keep import Rule
from stages.deduplicate.meanings import meanings
from stages.deduplicate.outcome import CONFLICT, Conflicts, Duplicates, Fate, Names, Outcome
from stages.deduplicate.scratch import Scratch, opened, sketch
from winnow import kinds
from winnow.base import params, scratch
from winnow.base.engine import map_batches
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.machine import Machine, this_machine
from winnow.base.stage import arguments, run
from winnow.kinds import sides
from winnow.rows import tables
from winnow.rows.ledger import book
from winnow.text.cleaning import saved
from winnow.text.sketch import Bands, bands

# A pair just at the threshold is found with at least this probability; a more similar pair with more.
RECALL = 0.99
COLUMNS = ("id", "source", "published", "purpose", "text", "label", "label_origin", "label_confidence")


class Params(params.Section):
    """Section `deduplicate` of params.yaml."""

    threshold: float = Field(0.8, gt=0, le=1)
    """From this Jaccard similarity of their word shingles on, rows are near-duplicates. Lower it for looser copies. In
    scripts without spaces (Chinese, Japanese, Thai …), from this share of characters on that stand in runs which both
    texts have; short texts must be equal there."""

    drop_near: bool = True
    """`false` keeps near-duplicates; their cluster ties them to one split."""

    keep: list[Rule] = Field(["labelled", "longest"])
    """Which of several duplicates stays: a task row before a text row, then by these rules in turn, then the lowest id.
    `best_label`: human before given before rule before model, then the higher confidence."""

    source_order: list[str] = Field(default_factory=list)
    """Names of sources, the preferred ones first; with the rule `source_order` only."""

    against: list[references.Reference] = Field(default_factory=list)
    """Other datasets whose texts must not stand in this one: the test of a benchmark, the last release."""

    drop_against: bool = True
    """`false` keeps the duplicates of such datasets; the ledger notes them."""

    overlap: benchmarks.Overlap = benchmarks.Overlap()

    shingle_words: int = Field(3, ge=1)
    """Words of a shingle; in scripts without spaces, characters of a run. 1 compares vocabularies; 3 to 5 compare
    wording. Emoji, emoticons and signs as `$` and `<` are words, ordinary punctuation is none (`winnow.text.words`)."""

    permutations: int = Field(128, ge=16)
    """Values of a MinHash signature. More find more of the pairs near the threshold, at more time and disk."""

    seed: int = Field(1, ge=0)
    """Seed of the MinHash functions."""

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if ("source_order" in self.keep) != bool(self.source_order):
            raise ValueError("keep has the rule source_order if, and only if, source_order names sources")
        for what, names in (("keep", self.keep), ("against", [reference.name for reference in self.against])):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} names one thing twice")
        return self

    def bands(self) -> Bands:
        """Return the bands of MinHash values by which similar texts are found."""
        return bands(self.threshold, self.permutations, self.shingle_words, RECALL)

    def alike(self) -> compare.Alike:
        """Return when two texts are similar."""
        return compare.Alike(self.threshold, self.shingle_words)


@dataclass(frozen=True)
class Rows:
    """The rows that are compared.

    Attributes:
        kind: what the kind of task says of dialogues; None: their texts are none.
    """

    path: Path
    settings: Params
    machine: Machine
    kind: ModuleType | None

    def read(self, *columns: str) -> Iterator[pa.Table]:
        """Return some columns of all rows."""
        return tables.batches(self.path, columns or None, self.machine.batch_rows)


def rows_in(own: Rows, store: Scratch, labels: dict[str, int]) -> Iterator[pa.Table]:
    """Yield the rows' numbers and texts; put their labels and what `keep` goes by into `store`.

    Args:
        labels: is filled with each label's number; `store` holds the number of each row's label, -1 for none.

    Raises:
        UserError: the rows are not sorted by id, or no row is of a source that `source_order` names.
    """
    path, settings, first, last, sources = own.path, own.settings, 0, "", set()
    for batch in own.read(*COLUMNS):
        ids = pa.chunked_array([pa.array([last]), *batch["id"].chunks])
        if not pc.all(pc.less(ids[:-1], ids[1:])).as_py():
            raise UserError(f"{path}: its rows are not sorted by id, or an id stands twice; run `dvc repro clean`")
        last = ids[-1].as_py()
        encoded = batch["label"].combine_chunks().dictionary_encode()
        codes = [labels.setdefault(label, len(labels)) for label in encoded.dictionary.to_pylist()]
        places = encoded.indices.fill_null(len(codes)).to_numpy()
        store.put("label", first, np.array([*codes, -1], np.int32)[places])
        for name, values in keep.measure(batch, settings.keep, settings.source_order).items():
            store.put(name, first, values)
        sources.update(batch["source"].unique().to_pylist())
        numbers = np.arange(first, first + len(batch))
        texts = batch["text"]
        if own.kind:
            dialogues.put(batch, first, own.kind, store)
            texts = pa.array(dialogues.exchanges(batch, own.kind), pa.string())
        yield pa.table({"number": numbers, "text": texts})
        first += len(batch)
    if unknown := sorted(set(settings.source_order) - sources):
        raise UserError(f"params.yaml: deduplicate.source_order: no row is of source '{unknown[0]}'; mend or remove it")


def sketch_all(batches: Iterator[pa.Table], settings: Params, machine: Machine, store: Scratch) -> int:
    """Put the sketches of numbered texts into `store`; return their number."""
    function = partial(sketch, words=settings.shingle_words, bands=settings.bands(), seed=settings.seed)
    count = 0
    for result in map_batches(function, batches, machine):
        store.add(result["sketches"])
        count += len(result["sketches"])
    return count


def numbered(batches: Iterator[pa.Table], first: int) -> Iterator[pa.Table]:
    """Yield tables with a column `number` that counts their rows from `first`."""
    for batch in batches:
        yield batch.append_column("number", pa.array(np.arange(first, first + len(batch))))
        first += len(batch)


def foreign_in(others: Sequence[Iterator[pa.Table]], first: int, own: Rows, store: Scratch) -> list[int]:
    """Put the texts of other datasets into `store`, numbered from `first`.

    Returns:
        of each dataset, the number of its first text; and the end.
    """
    starts = [first]
    for texts in others:
        starts.append(starts[-1] + sketch_all(numbered(texts, starts[-1]), own.settings, own.machine, store))
    return starts


def sides_against(
    others: Sequence[Iterator[pa.Table]], rows: int, own: Rows, store: Scratch
) -> tuple[list[int], compare.Links]:
    """Return what of dialogues is a copy of a text of other datasets, by prompt or by response.

    Returns:
        of each dataset, the number of its first text, and the end; the rows' matches.
    """
    found = compare.Links(rows, np.arange(rows), np.full(rows, -1, np.int32), np.zeros(rows, np.float32))
    if not others:
        return [2 * rows], found
    both = dialogues.Sides(partial(own.read, *sides.COLUMNS), rows, own.kind)
    sketch_all(both.numbered(), own.settings, own.machine, store)
    starts = foreign_in(others, 2 * rows, own, store)
    store.finish()
    roots = compare.equal_forms(store)
    lowest = roots[: 2 * rows].copy()
    links = linked(store, 2 * rows, roots, lowest, own.settings)
    matches = both.matches(links.matches[lowest], links.similarity[lowest])
    return starts, compare.Links(rows, found.roots, *matches)


def linked(store: Scratch, own: int, roots: np.ndarray, best: np.ndarray, settings: Params) -> compare.Links:
    """Return which texts are similar, of equal ones the best alone; `roots` are tied together.

    Args:
        roots: (texts,) int32, the lowest number of a text with the same words.
        best: (own,) int32, which of these stands for a row.
    """
    numbers = np.arange(len(roots), dtype=np.int32)
    links = compare.Links(own, roots, np.full(own, -1, np.int32), np.zeros(own, np.float32))
    foreign = own + np.sort(np.unique(roots[own:], return_index=True)[1]).astype(np.int32)
    equal = foreign[roots[foreign] < own]
    links.matches[best[roots[equal]]] = equal
    links.similarity[best[roots[equal]]] = 1
    roots[own:] = numbers[own:]
    unique = np.append(np.flatnonzero(best == numbers[:own]).astype(np.int32), foreign)
    compare.link(store, unique, settings.bands().count, settings.alike(), links)
    return links


def find(
    store: Scratch, own: int, settings: Params, labels: Sequence[str], copied: compare.Links | None = None
) -> Duplicates:
    """Return what is a duplicate of what; the first `own` texts in `store` are rows, the others those of `against`.

    Args:
        copied: of dialogues, what of each row is a copy of a text of `against`, which is not in `store`; rows of one
            prompt are one cluster then. None: texts are no dialogues.
    """
    roots = compare.equal_forms(store)
    numbers = np.arange(len(roots), dtype=np.int32)
    best = _best_copies(store, roots[:own], settings.keep)
    links = linked(store, own, roots, best, settings)
    roots, matches, similarity, numbers = roots[:own], links.matches[best], links.similarity[best], numbers[:own]
    groups = roots
    if copied is not None:
        roots, matches, similarity = dialogues.tied(roots, store), copied.matches, copied.similarity
        groups = dialogues.answered_alike(roots, store)
    fates = np.full(own, Fate.kept, np.int8)
    fates[best != numbers] = Fate.exact_duplicate
    if settings.drop_against:
        fates[matches >= 0] = Fate.against
    keepers = best
    if settings.drop_near:
        tied = np.flatnonzero((fates == Fate.kept) & (np.bincount(groups, fates == Fate.kept, own)[groups] > 1))
        tied = keep.by_preference(store, tied, groups[tied], settings.keep)
        preferred, near = compare.choose(store, tied, compare.runs(groups[tied]), settings.alike(), own)
        dropped = preferred >= 0
        fates[dropped] = Fate.near_duplicate
        keepers, similarity = np.where(dropped, preferred, best), np.where(dropped, near, similarity)
    return Duplicates(fates, roots, keepers, matches, similarity, store.get("label", np.int32), labels)


def _best_copies(store: Scratch, forms: np.ndarray, rules: list[keep.Rule]) -> np.ndarray:
    """Return for each row the preferred one of those with its form, (rows,) int32."""
    best = np.arange(len(forms), dtype=np.int32)
    copied = np.flatnonzero(np.bincount(forms, minlength=len(forms))[forms] > 1)
    copied = keep.by_preference(store, copied, forms[copied], rules)
    bounds = compare.runs(forms[copied])
    best[copied] = np.repeat(copied[bounds[:-1]], np.diff(bounds))
    return best


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "against", "out", "conflicts", "ledger", "metrics", optional="cleaning")
    settings, machine, task = params.load("deduplicate", Params), this_machine(), kinds.read_task()
    if settings.against and args.cleaning is None:
        raise UserError("params.yaml: deduplicate.against: --cleaning must say how the rows were cleaned")
    if is_local := isinstance(args.out, Path):
        args.out.parent.mkdir(parents=True, exist_ok=True)
    own = Rows(args.rows, settings, machine, sides.turns(task))
    # Some gigabytes: near the output, since /tmp may be small or in memory.
    with scratch.folder(args.out if is_local else None) as folder, opened(folder) as store:
        labels: dict[str, int] = {}
        rows = sketch_all(rows_in(own, store, labels), settings, machine, store)
        if not rows:
            raise UserError(f"{args.rows}: has no row")
        cleaning = saved.read(args.cleaning) if settings.against else None

        def others() -> list[Iterator[pa.Table]]:
            return [references.texts(each, args.against, cleaning, own.kind) for each in settings.against]

        if own.kind is None:
            starts = foreign_in(others(), rows, own, store)
            copied = None
            store.finish()
        else:
            store.finish()
            (folder / "sides").mkdir()
            with opened(folder / "sides") as apart:
                starts, copied = sides_against(others(), rows, own, apart)
            pairs = dialogues.measure(store)
        duplicates = find(store, rows, settings, list(labels), copied)
    overlapping = benchmarks.Found({}, {})
    if settings.against and settings.overlap.action != "off":
        stay = sides.Rows(partial(own.read, *sides.COLUMNS), duplicates.fates == Fate.kept, own.kind)
        names = [reference.name for reference in settings.against]
        overlapping = benchmarks.find(others(), names, stay, settings.overlap)
        if settings.overlap.action == "drop":
            duplicates.fates[list(overlapping.reasons)] = Fate.overlap
    said, words = meanings(duplicates, own.read("text"), task)
    conflicts = Conflicts(duplicates, said)
    ids = Names(duplicates, conflicts, own.read("id"))

    def foreign(number: int) -> str:
        place = bisect_right(starts, number) - 1
        return f"row {number - starts[place] + 1} of {settings.against[place].name}"

    outcome = Outcome(duplicates, conflicts, ids, foreign, words, overlapping.reasons)

    def parts() -> Iterator[pa.Table]:
        for batch in numbered(own.read(), 0):
            first, batch = batch["number"][0].as_py(), batch.drop_columns("number")
            entered.add(outcome.entries(batch, first))
            yield outcome.kept_rows(batch, first)
        entered.check(rows, int((duplicates.fates == Fate.kept).sum()))

    with book("deduplicate", args.ledger) as entered:
        schema = tables.schema(args.rows).append(pa.field("cluster", pa.string()))
        tables.write_stream(parts(), schema, args.out)
    tables.write_stream(outcome.conflict_rows(machine.batch_rows), CONFLICT, args.conflicts)
    told = measure(duplicates, conflicts, settings, starts)
    for name, found in overlapping.metrics.items():
        told["against"][name]["overlap"] = found
    write_json(args.metrics, told | ({"dialogues": pairs} if own.kind else {}))


def measure(duplicates: Duplicates, conflicts: Conflicts, settings: Params, starts: list[int]) -> dict:
    """Return the stage's metrics."""
    matched = np.searchsorted(starts, duplicates.matches[duplicates.matches >= 0], side="right") - 1
    return {
        "rows_in": len(duplicates.fates),
        "rows_out": int((duplicates.fates == Fate.kept).sum()),
        "exact": int((duplicates.fates == Fate.exact_duplicate).sum()),
        "near": int((duplicates.fates == Fate.near_duplicate).sum()),
        "clusters": duplicates.clusters(),
        "label_conflicts": len(conflicts.roots),
        "label_conflict_rows": len(conflicts.rows),
        "against": {
            reference.name: {
                "texts": starts[place + 1] - starts[place],
                "duplicates": int((matched == place).sum()),
                "dropped": int(settings.drop_against) * int((matched == place).sum()),
            }
            for place, reference in enumerate(settings.against)
        },
    }


if __name__ == "__main__":
    run(main)
