"""All that differs between two revisions, as plain values: what every format is made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.diff import data, evidence, leaks, pairs, people, scores, setup, verdict
from winnow.commands.diff.pairs import Pairs
from winnow.commands.diff.revision import Revision, Store, best_of
from winnow.commands.diff.scores import Judge
from winnow.kinds.task import Task
from winnow.rows import predictions, tables
from winnow.validation import comparison, drift

SHOWN = 20  # rows that turned, of each kind
LONGEST = 400  # characters of a text that are kept
NO_PREDICTIONS = "has no predictions"
# Of which examples a revision's texts are asked for; a label before may mark places of the text before.
WITH_OLD_TEXT, WITH_NEW_TEXT = ("removed", "changed", "relabelled"), ("added", "changed", "relabelled")
# What is read of each revision beside its ledgers: the stage, and the option of its command that names the file.
OUTPUTS = (
    ("apply_decisions", "out"),
    ("balance", "out"),
    ("code", "out"),
    ("deduplicate", "out"),
    ("evaluate", "out"),
    ("evaluate", "rows"),
    ("split", "out"),
)


@dataclass(frozen=True)
class Two:
    """Two revisions and what HEAD's parameters say.

    Attributes:
        base, head: revisions whose files are there.
        task: HEAD's.
        settings: of the intervals, HEAD's.
    """

    base: Revision
    head: Revision
    task: Task
    settings: comparison.Params


def bring(store: Store, *revisions: Revision) -> None:
    """Put what is read of each revision into its folder.

    Raises:
        UserError: an object is missing.
    """
    for revision in revisions:
        stages = pipeline.stages(revision.folder) if (revision.folder / pipeline.FILE).exists() else ()
        wanted = [*OUTPUTS, *((stage, "ledger") for stage in stages)]
        paths = [path for pair in wanted if (path := revision.named(*pair))]
        inside = [path for path in revision.objects if any(path.startswith(f"{named}/") for named in paths)]
        store.bring(revision, [*paths, *inside])


def made(base: Revision, head: Revision, split: str) -> dict:
    """Return what differs.

    Args:
        split: dev or test, on which predictions are compared.

    Raises:
        UserError: a file of a revision cannot be read, or HEAD's parameters are not what this version reads.
    """
    file = head.file("params.yaml")
    if file is None:
        raise UserError(f"{head.name}: has no params.yaml; `winnow diff` compares revisions of a Winnow project")
    two = Two(base, head, kinds.read_task(file), params.load("compare", comparison.Params, file))
    rows = data.read(base, head)
    decided, verdicts = people.compared(base, head)
    leaking, duplicates = leaks.compared(rows, base, head)
    found = {
        "base": {"name": base.name, "commit": base.commit},
        "head": {"name": head.name, "commit": head.commit},
        "split": split,
        "headline": headline(two.task),
        "leaks": leaking,
        "duplicates": duplicates,
        "metrics": _metrics(two, split, rows),
        "data": _data(two, rows, verdicts),
        "decisions": decided,
        "setup": setup.compared(base, head),
    }
    judged = found["metrics"].get("judged") if split == "dev" else None  # the plots of `evaluate` are of dev
    found["evidence"] = evidence.compared(base, head, judged) if judged else {}
    return found | {"verdict": verdict.of(found)}


def headline(task: Task) -> dict:
    """Return the metric by which approaches of a task are compared: its name, its direction, and metrics in words."""
    metrics = kinds.load(task, "metrics")
    own = metrics.HEADLINE
    words = {own.name: metrics.WORDS.get(own.name, own.name)} | metrics.WORDS
    return {"name": own.name, "sign": own.sign, "is_share": own.is_share, "words": words}


def _metrics(two: Two, split: str, rows: data.Rows | None) -> dict:
    """Return how predictions differ, or why nothing can be said of them."""
    sides = [pairs.side(revision, split, two.task) for revision in (two.base, two.head)]
    without = [revision.name for revision, side in zip((two.base, two.head), sides, strict=True) if side is None]
    if without:
        return {"reason": f"{' and '.join(without)} {NO_PREDICTIONS}"}
    both = pairs.paired(*sides, _other_texts(two, rows))
    facts = {
        "rows": [both.base.rows.num_rows, both.head.rows.num_rows],
        "common": len(both.at_head),
        "by_text": two.task.marks_text,
        "relabelled": int(pc.sum(pc.not_equal(both.old_labels, both.labels)).as_py() or 0),
        "left_out": both.left_out,
        "arms": {},
    }
    if not both.runs or not len(both.at_head):
        what = "no run (arm and seed)" if not both.runs else f"no row of {split}"
        return facts | {"reason": f"both revisions have {what} in common"}
    judged = _judged(two, both)
    try:
        return facts | _compared(two, both, judged, rows)
    except UserError as error:  # a class that is new or gone: the task of one revision cannot read the other's labels
        return facts | {"reason": f"the two cannot be scored alike: {error}"}


def _other_texts(two: Two, rows: data.Rows | None) -> pa.Array | None:
    """Return the ids of rows whose labels mark places of one text at BASE and of another at HEAD."""
    if rows is None or not two.task.marks_text:
        return None
    return rows.both("id")[1].filter(pa.array(rows.changed))


def _judged(two: Two, both: Pairs) -> str:
    """Return the approach by which HEAD is judged: BASE's best, which is in use; else HEAD's; else any."""
    for revision in (two.base, two.head):
        best = best_of(revision)
        if best in both.runs:
            return best
    return next((name for name in both.runs if name != two.settings.baseline), next(iter(both.runs)))


def _compared(two: Two, both: Pairs, judged: str, rows: data.Rows | None) -> dict:
    judge = Judge(two.task, two.settings, dict(_slices(two, both, rows)))
    others = [name for name in both.runs if name != judged]
    confidence = two.settings.confidence
    wider = 1 - (1 - confidence) / max(len(others), 1)
    arms, turned = {}, None
    for name in [judged, *others]:
        unchanged = all(both.is_unchanged(run) for run in both.runs[name])
        flipped = scores.flips(both, name)
        arms[name] = {
            "unchanged": unchanged,
            "broken": float(flipped.broken.sum() / flipped.runs),
            "fixed": float(flipped.fixed.sum() / flipped.runs),
            "sign_test": scores.sign_test(both, flipped),
            **scores.compared(both, name, judge, confidence if name == judged else wider),
        }
        turned = flipped if name == judged else turned
    best = [best_of(revision) for revision in (two.base, two.head)]
    known = [_has(side, name) for side, name in zip((both.base, both.head), best, strict=True)]
    apart = scores.apart(both, *best, judge) if all(known) and best[0] != best[1] else None
    # Where any text or number may be a label, hardly a row is right to the letter; there, no class has a name.
    is_told = two.task.classes(()) and not arms[judged]["unchanged"]
    by_slice = scores.by_slice(both, judged, judge, confidence) if is_told else []
    return {
        "judged": judged,
        "best": best,
        "best_apart": apart,
        "confidence": confidence,
        "arms": arms,
        "slices": by_slice,
        "turned": _turned(two, both, judged, turned),
    }


def _has(side: pairs.Side, approach: str | None) -> bool:
    return approach is not None and approach in predictions.by_approach(side.files)


def _slices(two: Two, both: Pairs, rows: data.Rows | None) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Yield which common rows are of each class, source and length."""
    encoded = both.labels.combine_chunks().dictionary_encode()
    code = encoded.indices.to_numpy()
    names = [two.task.names(label) if two.task.is_label(label) else [] for label in encoded.dictionary.to_pylist()]
    for name in sorted({name for each in names for name in each}):
        yield ("class", name), np.isin(code, [place for place, each in enumerate(names) if name in each])
    if rows is None:
        return
    place = pc.index_in(both.ids, rows.head["id"].combine_chunks())
    sources = pc.fill_null(rows.head["source"].take(place), "").to_numpy(zero_copy_only=False)
    several = sorted(set(sources) - {""})
    if len(several) > 1:
        for name in several:
            yield ("source", name), sources == name
    lengths = _lengths(two.head, both.ids)
    if lengths is not None:
        half = float(np.median(lengths))
        yield ("length", f"up to {half:.0f} characters"), lengths <= half
        yield ("length", f"over {half:.0f} characters"), lengths > half


def _lengths(head: Revision, ids: pa.ChunkedArray) -> np.ndarray | None:
    """Return how long the texts of some rows that measure are, (rows,) int."""
    file = head.find("evaluate", "rows")
    if file is None:
        return None
    known, found = [], []
    for batch in tables.batches(file, ["id", "text"]):
        known.append(batch["id"].combine_chunks())
        found.append(pc.utf8_length(batch["text"]).to_numpy())
    if not known:
        return None
    place = pc.fill_null(pc.index_in(ids, pa.concat_arrays(known)), 0).to_numpy()
    return np.concatenate(found)[place]


def _turned(two: Two, both: Pairs, judged: str, flipped: scores.Flips) -> dict[str, list[dict]]:
    """Return the rows that most runs turned wrong and right, with what the models say and the text."""
    picked = {}
    for name, runs in (("broken", flipped.broken), ("fixed", flipped.fixed)):
        places = np.flatnonzero(runs * 2 > flipped.runs)
        picked[name] = places[np.argsort(-runs[places], kind="stable")], runs
    every = np.sort(np.concatenate([places[:SHOWN] for places, _ in picked.values()]))
    ids, labels, old = (column.take(pa.array(every)).to_pylist() for column in (both.ids, both.labels, both.old_labels))
    said = {place: (set(), set()) for place in every}
    for run in both.runs[judged] if len(every) else ():
        for side, table in enumerate(both.common(*both.read(run))):
            for place, predicted in zip(every, table["predicted"].take(pa.array(every)).to_pylist(), strict=True):
                said[place][side].add(predicted)
    texts = data.texts(two.head.find("evaluate", "rows"), ids)
    facts = {}
    for at, place in enumerate(every):
        text = texts.get(ids[at], "")
        facts[place] = {
            "id": ids[at],
            "label": data.shown(labels[at], text, two.task),
            "old_label": data.shown(old[at], text, two.task),
            "base": sorted(data.shown(label, text, two.task) for label in said[place][0]),
            "head": sorted(data.shown(label, text, two.task) for label in said[place][1]),
            "text": text[:LONGEST],
        }
    return {
        name: {
            "rows": len(places),
            "examples": [facts[place] | {"runs": int(runs[place]), "of": flipped.runs} for place in places[:SHOWN]],
        }
        for name, (places, runs) in picked.items()
    }


def _data(two: Two, rows: data.Rows | None, verdicts: dict[str, str]) -> dict:
    if rows is None:
        without = [side.name for side in (two.base, two.head) if side.find("apply_decisions", "out") is None]
        return {"reason": f"{' and '.join(without)} has no labelled rows"}
    found = {
        "rows": [rows.base.num_rows, rows.head.num_rows],
        "by_class": [data.by_class(side["label"], two.task) for side in (rows.base, rows.head)],
        "training": [_count(side.find("balance", "out")) for side in (two.base, two.head)],
        "removed": data.removed(rows, two.head, two.task),
        "added": data.added(rows, two.base, two.task),
        "changed": data.changed(rows, two.base, two.head, two.task),
        "relabelled": data.relabelled(rows, verdicts, two.task),
        "moved": data.moved(rows),
        "drift": _drift(two),
    }
    for name in ("removed", "added", "changed", "relabelled"):
        _tell_texts(two, found[name]["examples"], name)
    return found


def _tell_texts(two: Two, examples: list[dict], what: str) -> None:
    """Add the text to rows that are examples, and say their labels in words; of rows that left the labelled table, as
    BASE had it; of those whose text changed, both texts.
    """
    ids = [example["id"] for example in examples]
    old, new = (
        data.texts(side.find("apply_decisions", "out"), ids) if what in told else {}
        for side, told in ((two.base, WITH_OLD_TEXT), (two.head, WITH_NEW_TEXT))
    )
    for example in examples:
        before, after = (texts.get(example["id"], "") for texts in (old, new))
        example["text"] = (before if what in ("removed", "changed") else after)[:LONGEST]
        if what == "changed":
            example["text_after"] = after[:LONGEST]
        labels = [example.get(key) for key in ("before", "label")]
        if None not in labels and (change := two.task.changed(*labels)):
            example["change"] = change
        # A label may mark places of its own revision's text.
        for key, text in (("label", before if what == "removed" else after), ("before", before)):
            if key in example:
                example[key] = data.shown(example[key], text, two.task)


def _count(file: Path | None) -> int | None:
    return tables.count(file) if file else None


def _drift(two: Two) -> dict:
    """Return how far HEAD's profile is from BASE's, measures beyond their limits alone."""
    profiles = [_profile(side) for side in (two.base, two.head)]
    if None in profiles:
        return {}
    section = params.read(two.head.folder / "params.yaml").get("validate") or {}
    limits = params.parse(section.get("drift") or {}, drift.Drift, "params.yaml: validate.drift")
    told = drift.compare(profiles[1], profiles[0], limits)
    return {
        f"{measure} of {part}": entry
        for measure, parts in told["measures"].items()
        for part, entry in parts.items()
        if entry["status"] != "ok"
    }


def _profile(side: Revision) -> dict | None:
    file = side.find("validate", "profile")
    try:
        return drift.read_reference(file) if file else None
    except UserError:  # of a version that measured otherwise
        return None
