"""What happened to the rows between two revisions: added, removed, changed, relabelled, moved, and by what.

Tables are read without their texts; texts of both are compared a batch at a time, in the order of the ids. Causes come
from the ledgers and decisions of both revisions, never from a reason's words.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.commands import pipeline
from winnow.commands.diff.revision import Revision
from winnow.kinds.task import Task
from winnow.rows import tables
from winnow.rows.ledger import REMOVING
from winnow.rows.text_column import TextColumn
from winnow.statistics import testing

COLUMNS = ("id", "source", "label", "label_origin", "given_label", "split")
NARROW = 64 * 1024  # rows in memory at once, of columns without text
EXAMPLES = 5  # of each kind of change
NO_RULE = "no ledger tells why: the source has it no more"
NO_RULE_OF_TEXT = "no rule: the source's text is another"
NEW = "new in its source"
UNLABELLED = "(no label)"
SKEW = 1.5  # times the share of all classes, from which on a rule takes one class more than the others
CHANCE = 0.01  # probability that chance alone names a rule and class, over all of them
FEWEST, SHARE = 5, 0.05  # rows, and share of the class, below which nobody is alarmed
SHORTENED = 0.2  # share of a class's characters whose loss alarms
AUTOMATIC = ("rule", "model")


@dataclass
class Rows:
    """Two revisions' labelled rows, by id.

    Attributes:
        base, head: `COLUMNS` of each.
        added: (head rows,) bool, those that BASE has not.
        removed: (base rows,) bool, those that HEAD has not.
        at_base, at_head: (common,) int, where the common rows stand in each.
        changed: (common,) bool, those whose text is another.
        lengths: (common, 2) int, characters of the text before and after.
    """

    base: pa.Table
    head: pa.Table
    added: np.ndarray
    removed: np.ndarray
    at_base: np.ndarray
    at_head: np.ndarray
    changed: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    lengths: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    def both(self, column: str) -> tuple[pa.Array, pa.Array]:
        """Return a column of the common rows, before and after."""
        before, after = self.base[column].take(pa.array(self.at_base)), self.head[column].take(pa.array(self.at_head))
        return before.combine_chunks(), after.combine_chunks()

    def differ(self, column: str) -> np.ndarray:
        """Return which common rows have another value, (common,) bool; null is a value."""
        before, after = (pc.fill_null(each.cast(pa.string()), "\0") for each in self.both(column))
        return pc.not_equal(before, after).to_numpy(zero_copy_only=False)


def read(base: Revision, head: Revision) -> Rows | None:
    """Return the rows of two revisions; None where one has no labelled table."""
    files = [revision.find("apply_decisions", "out") for revision in (base, head)]
    if None in files:
        return None
    first, second = (_narrow(file) for file in files)
    found = pc.index_in(second["id"], first["id"].combine_chunks()).combine_chunks()
    here = pc.is_valid(found).to_numpy(zero_copy_only=False)
    at_base, at_head = pc.drop_null(found).to_numpy().astype(np.int64), np.flatnonzero(here)
    removed = np.ones(first.num_rows, bool)
    removed[at_base] = False
    rows = Rows(first, second, ~here, removed, at_base, at_head)
    rows.changed = np.zeros(len(at_head), bool)
    if files[0].resolve() != files[1].resolve():
        rows.changed, rows.lengths = _texts(files, rows)
    return rows


def _narrow(file: Path) -> pa.Table:
    """Return the columns that are compared; of few values each, so that a row takes some bytes."""
    table = tables.read(file, [name for name in COLUMNS if name in tables.schema(file).names])
    for name in COLUMNS:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table


def _texts(files: Sequence[Path], rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return which common rows' texts differ, and how long they are; both files are sorted by id."""
    changed, lengths = np.zeros(len(rows.at_head), bool), np.zeros((len(rows.at_head), 2), np.int64)
    inside = [np.zeros(side.num_rows, bool) for side in (rows.base, rows.head)]
    inside[0][rows.at_base], inside[1][rows.at_head] = True, True
    done = 0
    for before, after in _together(*(_kept(file, mask) for file, mask in zip(files, inside, strict=True))):
        part = slice(done, done + len(before))
        changed[part] = pc.not_equal(before, after).to_numpy(zero_copy_only=False)
        lengths[part] = np.stack([pc.utf8_length(each).to_numpy() for each in (before, after)], axis=1)
        done += len(before)
    return changed, lengths


def _kept(file: Path, mask: np.ndarray) -> Iterator[pa.Array]:
    """Yield the texts of some rows of a file, in its order."""
    done = 0
    for batch in tables.batches(file, ["text"]):
        yield batch["text"].filter(pa.array(mask[done : done + batch.num_rows])).combine_chunks()
        done += batch.num_rows


def _together(first: Iterator[pa.Array], second: Iterator[pa.Array]) -> Iterator[tuple[pa.Array, pa.Array]]:
    """Yield the items of two streams of equal length, cut alike."""
    empty = pa.array([], pa.string())
    one = two = empty
    while True:
        one = one if len(one) else next((part for part in first if len(part)), empty)
        two = two if len(two) else next((part for part in second if len(part)), empty)
        size = min(len(one), len(two))
        if not size:
            return
        yield one[:size], two[:size]
        one, two = one[size:], two[size:]


def texts(file: Path | None, ids: Iterable[str]) -> dict[str, str]:
    """Return the texts of some rows, by id."""
    wanted = pa.array(sorted(set(ids)), pa.string())
    if file is None or not len(wanted):
        return {}
    known = tables.read(file, ["id"])["id"]
    places = np.flatnonzero(pc.is_in(known, wanted).to_numpy())
    return dict(zip(known.take(pa.array(places)).to_pylist(), TextColumn(file, places), strict=True))


def entries(revision: Revision, ids: pa.ChunkedArray | pa.Array, actions: Sequence[str]) -> dict[str, list[tuple]]:
    """Return what ledgers tell of rows: by id the entries (stage, rule, after_sha), in the order of the stages."""
    found: dict[str, list[tuple]] = {}
    if not len(ids):
        return found
    wanted = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    for file in ledgers(revision):
        keys, done = tables.read(file, ["id", "action"]), 0
        # Of all entries at once: each call makes an index of what is wanted.
        asked = pc.and_(pc.is_in(keys["id"], wanted), pc.is_in(keys["action"], pa.array(actions))).combine_chunks()
        for batch in (
            tables.batches(file, ["id", "stage", "rule", "after_sha"], NARROW) if pc.any(asked).as_py() else ()
        ):
            part = batch.filter(asked[done : done + batch.num_rows])
            done += batch.num_rows
            for row in part.to_pylist():
                found.setdefault(row["id"], []).append((row["stage"], row["rule"], row["after_sha"]))
    return found


def ledgers(revision: Revision) -> Iterator[Path]:
    """Yield a revision's ledgers, in the order of its stages; that of `balance` not: its rows stay in the dataset."""
    if not (revision.folder / pipeline.FILE).exists():
        return
    named = {revision.find(stage, "ledger"): None for stage in pipeline.stages(revision.folder) if stage != "balance"}
    yield from (file for file in named if file and file.is_file())  # a stage that checks them all names their folder


def removed(rows: Rows, head: Revision, task: Task) -> dict:
    """Return the rows that HEAD has no more: how many, by source, class and rule, some, and what stands out."""
    gone = rows.base.filter(pa.array(rows.removed))
    told = entries(head, gone["id"], REMOVING)
    why = [told.get(id, [("", NO_RULE, None)])[0] for id in gone["id"].to_pylist()]
    rules = [f"{stage}: {rule}" if stage else rule for stage, rule, _ in why]
    return {
        "rows": gone.num_rows,
        "by_source": _counted(gone["source"].to_pylist()),
        "by_class": by_class(gone["label"], task),
        "by_rule": _counted(rules),
        "examples": _examples(gone, rules),
        "skewed": skewed(rows.base["label"], gone["label"], rules, task),
    }


def added(rows: Rows, base: Revision, task: Task) -> dict:
    """Return the rows that BASE has not: how many, by source, class and what kept them out, and some of them."""
    new = rows.head.filter(pa.array(rows.added))
    told = entries(base, new["id"], REMOVING)
    causes = []
    for id in new["id"].to_pylist():
        stage, rule, _ = told.get(id, [("", NEW, None)])[0]
        causes.append(f"{stage}: {rule} removed it before" if stage else rule)
    return {
        "rows": new.num_rows,
        "by_source": _counted(new["source"].to_pylist()),
        "by_class": by_class(new["label"], task),
        "by_rule": _counted(causes),
        "examples": _examples(new, causes),
    }


def changed(rows: Rows, base: Revision, head: Revision, task: Task) -> dict:
    """Return the rows whose text is another: how many, by source, class and rule, some, and classes that lost much."""
    mask = pa.array(rows.changed)
    table = rows.head.take(pa.array(rows.at_head)).filter(mask)
    before, after = (entries(revision, table["id"], ["change"]) for revision in (base, head))
    causes, single = Counter(), []
    for id in table["id"].to_pylist():
        new, old = set(after.get(id, [])), set(before.get(id, []))
        own = sorted({f"{stage}: {rule}" for stage, rule, _ in new - old})
        own += sorted(
            {f"{stage}: {rule} no more" for stage, rule, _ in old - new} - {f"{each} no more" for each in own}
        )
        causes.update(own or [NO_RULE_OF_TEXT])
        single.append(", ".join(own) or NO_RULE_OF_TEXT)
    return {
        "rows": table.num_rows,
        "by_source": _counted(table["source"].to_pylist()),
        "by_class": by_class(table["label"], task),
        "by_rule": dict(causes.most_common()),
        "examples": _examples(table, single),
        "shortened": _shortened(rows, task) if table.num_rows else [],
    }


def _shortened(rows: Rows, task: Task) -> list[dict]:
    """Return the classes that lost a large share of their text, more than the others."""
    _, labels = rows.both("label")
    encoded = labels.dictionary_encode()
    code = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy().astype(np.int64)
    sums = [np.bincount(code, values, minlength=len(encoded.dictionary)) for values in (*rows.lengths.T, rows.changed)]
    total: Counter = Counter()
    for place, label in enumerate(encoded.dictionary.to_pylist()):
        for name in _names(label, task):
            for what, each in zip(("before", "after", "rows"), sums, strict=True):
                total[name, what] += int(each[place])
    classes = sorted({name for name, _ in total})
    lost = {name: 1 - total[name, "after"] / max(total[name, "before"], 1) for name in classes}
    usual = float(np.median(list(lost.values()))) if lost else 0.0
    return [
        {"class": name, "lost": share, "usual": usual, "rows": total[name, "rows"]}
        for name, share in lost.items()
        if share >= max(SHORTENED, SKEW * usual) and total[name, "rows"] >= FEWEST
    ]


def relabelled(rows: Rows, decided: Mapping[str, str], task: Task) -> dict:
    """Return the rows whose label is another: how many, from which to which, by source, class (that of BASE's label)
    and cause, and those nobody decided on.

    Args:
        decided: the verdict of decisions that only one revision has, by row.
    """
    mask = rows.differ("label")
    sides = {name: [each.filter(pa.array(mask)).to_pylist() for each in rows.both(name)] for name in COLUMNS[2:5]}
    table = rows.head.take(pa.array(rows.at_head)).filter(pa.array(mask))
    ways, causes, unexplained = Counter(), [], []
    for place, id in enumerate(table["id"].to_pylist()):
        (before, after), origins, given = ([side[place] for side in sides[name]] for name in COLUMNS[2:5])
        classes = [", ".join(_names(label, task)) or UNLABELLED for label in (before, after)]
        ways[" → ".join(classes)] += 1
        if id in decided:
            cause = f"decision: {decided[id]}"
        elif set(AUTOMATIC) & set(origins):
            cause = "automatic label"
        else:
            cause = "the given label is another" if given[0] != given[1] else "no decision, and the same given label"
            unexplained.append(place)
        causes.append(cause)
    before = sides["label"][0]
    examples = [example | {"before": before[example.pop("place")]} for example in _picked(table, causes, unexplained)]
    classes = Counter(name for place in unexplained for name in _names(before[place], task))
    return {
        "rows": table.num_rows,
        "by_source": _counted(table["source"].to_pylist()),
        "by_class": by_class(pa.array(before, pa.string()), task),
        "ways": dict(ways.most_common(20)),
        "by_cause": _counted(causes),
        "unexplained": len(unexplained),
        "unexplained_by_class": dict(classes.most_common()),
        "examples": examples,
    }


def _picked(table: pa.Table, causes: list[str], first: list[int]) -> list[dict]:
    """Return some rows, those of `first` before the others."""
    places = [*first, *(place for place in range(table.num_rows) if place not in set(first[:EXAMPLES]))][:EXAMPLES]
    part = table.take(pa.array(places, pa.int64())).to_pylist()
    return [
        {"place": place, "id": row["id"], "label": row["label"], "cause": causes[place], "split": row["split"]}
        for place, row in zip(places, part, strict=True)
    ]


def moved(rows: Rows) -> dict[str, int]:
    """Return how many common rows stand in another split, `test → train`."""
    mask = pa.array(rows.differ("split"))
    before, after = (side.filter(mask).to_pylist() for side in rows.both("split"))
    return _counted(f"{first} → {second}" for first, second in zip(before, after, strict=True))


def skewed(every: pa.ChunkedArray, gone: pa.ChunkedArray, rules: Sequence[str], task: Task) -> list[dict]:
    """Return each rule and class of which the rule removed out of proportion: more than chance and `SKEW` explain.

    Args:
        every, gone: labels of all rows, and of those that left.
        rules: (gone,) what took each.
    """
    totals, lost = by_class(every, task), Counter()
    for label, rule in zip(gone.to_pylist(), rules, strict=True):
        lost.update((rule, name) for name in _names(label, task) or [UNLABELLED])
    classes = sorted(totals)
    whole = np.array([totals[name] for name in classes])
    found, values = [], []
    for rule in sorted({rule for rule, _ in lost}):
        counts = np.array([lost[rule, name] for name in classes])
        for place, p in enumerate(testing.above_ratio(counts, whole, SKEW)):
            values.append(float(p))
            found.append({"rule": rule, "class": classes[place], "rows": int(counts[place]), "of": int(whole[place])})
    adjusted = testing.holm(np.array(values)) if values else ()
    return [
        line
        for line, p in zip(found, adjusted, strict=True)
        if p < CHANCE and line["rows"] >= FEWEST and line["rows"] >= SHARE * line["of"]
    ]


def by_class(labels: pa.ChunkedArray | pa.Array, task: Task) -> dict[str, int]:
    """Return how many rows count for each class."""
    found: Counter = Counter()
    for pair in pc.value_counts(labels).to_pylist():
        for name in _names(pair["values"], task) or [UNLABELLED]:
            found[name] += pair["counts"]
    return dict(found.most_common())


def shown(label: str | None, text: str, task: Task) -> str | None:
    """Return a label of a text as people read it; one that HEAD's task does not know stands for itself."""
    return label if label is None or not task.is_label(label) else task.shown(label, text)


def _names(label: str | None, task: Task) -> list[str]:
    """Return the classes of a label; one that HEAD's task does not know stands for itself."""
    if label is None:
        return []
    return task.names(label) if task.is_label(label) else [label]


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _examples(table: pa.Table, causes: Sequence[str]) -> list[dict]:
    """Return some rows: of each cause some, so that a rare one is seen too."""
    places, seen = [], Counter()
    for place, cause in enumerate(causes):
        if seen[cause] < 2 and len(places) < 2 * EXAMPLES:
            places.append(place)
            seen[cause] += 1
    part = table.take(pa.array(places, pa.int64())).to_pylist()
    return [
        {"id": row["id"], "label": row["label"], "split": row["split"], "cause": causes[place]}
        for place, row in zip(places, part, strict=True)
    ]
