"""Label errors of spans found: the signals of token classification against cleanlab.token_classification.

python -m bench.spans --corpus FOLDER --base models/base --out bench/results/spans.json

FOLDER holds files of words and tags (IOB and its kin, a sentence a row). The first file by name is for tuning
(`--tuning`): by it the constants of `winnow.kinds.token_classification` were chosen. What is reported is measured on
the other files, of one file on its second half: the first `--rows` sentences.

Errors are planted in the given spans: `missed` takes one away, `spurious` adds one of one or two words, `type` gives
one another type, `border` moves a border by a word, and `mixed` has as many of each. A rate is a share of the spans.
All draws are uniform. The given labels hold errors of their own, false alarms for every detector alike.

Every detector gets the same probabilities: the mean of the stage score's two models, `probe` and `words`, out of fold;
a fold is a third of the rows, one behind the other. As in the stage calibrate the models have learnt from the labels
as they are given, since what is said of a row out of fold does not depend on its own label. With `--fit planted` they
learn from the planted labels, anew for each draw, which takes half a minute each. Nobody knows which sentences are of
one document, where the files do not say it: ten neighbours are then taken for a group.

The peer is cleanlab.token_classification.rank.get_label_quality_scores: of words self-confidence, of a row its worst
word, the best of those that its authors compare (Wang and Mueller 2022, arXiv 2210.03920). Told are average precision

- by row: ours is the calibrated probability of an error, as find_issues has it; `worst_span` is the most suspicious
  span alone,
- by span, of the given ones and of those that may be missed; the peer's is that of a span's worst word, where a span
  may be missed by how probable its words are to be in any,

and precision, recall and F1 of rows flagged by cleanlab.token_classification.filter.find_label_issues, and by ours at a
half. Means over draws, with 95 % intervals (Student's t) of the difference, which hold the draws, not the rows.
"""

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import intervals, peers, tiered
from winnow.base import files
from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.evidence import Surroundings
from winnow.kinds.token_classification import labels as told
from winnow.kinds.token_classification import members, states
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores import Evidence, noise, spans, stack
from winnow.kinds.token_classification.scores.spans import Spans
from winnow.readers import conll
from winnow.text import tfidf

RATES, SEEDS = (0.05, 0.1), (1, 2, 3, 4, 5)
ROWS = 500
FITS = ("given", "planted")  # labels that the models learn from
OUT = "bench/results/spans.json"
FOLDS = 3
GROUP = 10  # sentences that are taken for a document where the files name none
MAX_LENGTH, BATCH_TOKENS = 128, 2048
# Those of the stage score.
REGULARIZATION = tfidf.Regularization(probe=0.03, tfidf=10)
SORTS = (*noise.SORTS, "mixed")
PEER = "cleanlab.token_classification.rank, worst token by self-confidence"
FILTER = "cleanlab.token_classification.filter"
GOAL = 0.1  # points of average precision above the peer's, for missed spans
PACKAGES = ("cleanlab", "scikit-learn", "numpy", "torch")


@dataclass(frozen=True)
class Corpus:
    """Sentences, (rows,) each: their texts, right labels and groups."""

    texts: list[str]
    labels: np.ndarray
    groups: np.ndarray


def read(folder: Path, is_tuning: bool, rows: int) -> Corpus:
    """Return the first sentences of the first file of a folder, or of the others.

    Raises:
        UserError: there is no file.
    """
    each = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not each:
        raise UserError(f"{folder}: holds no file")
    found = []
    for path in each:
        with path.open("rb") as stream:
            written = conll.Written(conll.Conll(), None, "utf-8")
            records = conll.read(stream, path.name, ("text", "spans", "document"), written)
            found.append([record.values for record in records if not record.problem])
    if len(each) == 1:
        half = len(found[0]) // 2
        found = [found[0][:half], found[0][half:]]
    chosen = found[0] if is_tuning else [row for own in found[1:] for row in own]
    chosen = chosen[:rows]
    groups = [document or f"sentences {place // GROUP}" for place, (*_, document) in enumerate(chosen)]
    labels = np.array([canonical(map(tuple, own)) for _, own, _ in chosen], dtype=object)
    return Corpus([text for text, *_ in chosen], labels, np.unique(groups, return_inverse=True)[1])


class World:
    """A corpus, its words and right spans, and the models that may learn from labels of it."""

    def __init__(self, corpus: Corpus, base: Path) -> None:
        """Read the texts by the encoder of a folder."""
        names = sorted({name for label in corpus.labels for _, _, name in told.spans(label)})
        self.task = Task(kind="token_classification", labels=names)
        self.corpus, self.layout = corpus, Layout.of(corpus.texts)
        self.truth = self.of(corpus.labels)
        self.tags = self.layout.tags(self.task, corpus.labels)
        rows = len(corpus.texts)
        silent = np.full(rows, None, dtype=object)
        folds = np.arange(rows) * FOLDS // rows
        self.around = Surroundings(folds, corpus.groups, np.arange(rows), silent, None)
        reader = Reader.of(base, MAX_LENGTH, BATCH_TOKENS, start(Compute(threads=1, device="cpu", precision="fp32"), 0))
        vectors = states.of_words(reader, corpus.texts, self.layout, members.READ_LAYERS)
        self._members = {
            "probe": members.Probe(corpus.texts, self.layout, vectors, REGULARIZATION.probe),
            "words": members.Words(corpus.texts, REGULARIZATION.tfidf),
        }
        words = zip(self.layout.row, self.layout.offsets[:, 0], strict=True)
        letters = np.array([corpus.texts[row][start].isalpha() for row, start in words], dtype=bool)
        self._edits = noise.edits(self.layout, self.truth, len(names), letters)

    def of(self, labels: np.ndarray) -> Spans:
        """Return the spans of labels, (rows,) object."""
        return spans.of_tags(self.layout, self.layout.tags(self.task, labels))

    def evidence(self, labels: np.ndarray) -> Evidence:
        """Return what models say that learnt from labels out of fold."""
        found = members.score(self.task, self._members, labels, self.around.folds)
        return Evidence.of(self.task, self.corpus.texts, found.members)

    def planted(self, sort: str, rate: float, seed: int) -> Spans:
        """Return spans of which so large a share is wrong by a sort of error."""
        random = np.random.default_rng([SORTS.index(sort), round(1000 * rate), seed])
        wanted = round(rate * len(self.truth))
        shares = {sort: wanted}
        if sort == "mixed":
            shares = {name: wanted * (at + 1) // 4 - wanted * at // 4 for at, name in enumerate(noise.SORTS)}
        touched, chosen = np.zeros(len(self.layout.offsets) + 2, dtype=bool), []
        for name, count in shares.items():
            left = count
            for edit in random.permutation(np.flatnonzero(self._edits.sort == noise.SORTS.index(name))):
                first, end = self._touched(edit)
                if not left:
                    break
                if not touched[first:end].any():
                    touched[first:end] = True
                    chosen.append(edit)
                    left -= 1
        return noise.applied(self.truth, self._edits, np.array(chosen, dtype=int))

    def _touched(self, edit: int) -> tuple[int, int]:
        """Return the words that a change touches or stands beside, as places from 1 on."""
        first, end = self._edits.new.first[edit], self._edits.new.end[edit]
        old = self._edits.old[edit]
        if old >= 0:
            first, end = min(first, self.truth.first[old]), max(end, self.truth.end[old])
        return int(first), int(end) + 2


def measure(world: World, evidence: Evidence, given: Spans) -> dict[str, float]:
    """Return what each detector finds of the errors of given spans."""
    from sklearn.metrics import average_precision_score as precision

    task, layout = world.task, world.layout
    labels = spans.labels(task, layout, given)
    tags = layout.tags(task, labels)
    wrong = np.zeros(layout.rows, dtype=bool)
    wrong[layout.row[tags != world.tags]] = True
    found = evidence.signals(labels, np.ones(layout.rows, dtype=bool), world.around, labels)
    calibrated = tiered.suspicion(labels, evidence, world.around)
    quality, issues = cleanlab(layout, tags, evidence.probabilities)
    measured = {
        "ours": precision(wrong, calibrated),
        "theirs": precision(wrong, -quality),
        "worst_span": precision(wrong, found.values[:, found.names.index("worst")]),
        **by_span(world, evidence, found.evidence.judged, tags),
    }
    for name, flags in (("ours", calibrated >= 0.5), ("theirs", issues)):
        right = int((flags & wrong).sum())
        measured |= {
            f"{name}_flagged_precision": right / max(int(flags.sum()), 1),
            f"{name}_flagged_recall": right / max(int(wrong.sum()), 1),
            f"{name}_flagged_f1": 2 * right / max(int(flags.sum() + wrong.sum()), 1),
        }
    return {name: float(value) for name, value in measured.items()}


def cleanlab(layout: Layout, tags: np.ndarray, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the peer's quality of each row, (rows,) float, and the rows that its filter flags, (rows,) bool."""
    from cleanlab.token_classification import filter as cleanlab_filter
    from cleanlab.token_classification import rank

    each = [layout.own(row) for row in range(layout.rows)]
    own = [tags[part].tolist() for part in each], [chances[part] for part in each]
    quality, _ = rank.get_label_quality_scores(*own)
    flagged = np.zeros(layout.rows, dtype=bool)
    flagged[[row for row, _ in cleanlab_filter.find_label_issues(*own, n_jobs=1)]] = True
    return quality, flagged


def by_span(world: World, evidence: Evidence, found: stack.Candidates, tags: np.ndarray) -> dict[str, float]:
    """Return the average precisions by span: of those that are given, that may be missed, and that are."""
    from sklearn.metrics import average_precision_score as precision

    count, types = len(tags), len(world.task.labels)
    right = world.truth.keys(count, types)
    asked = found.given | found.is_free
    keys, of_asked = found.spans.keys(count, types), found.spans.take(asked)
    wrong = (found.given != np.isin(keys, right))[asked]
    # Missed spans that are no candidate: nobody but the peer looks there.
    occupied = np.append(0, np.cumsum(tags > 0))
    free = occupied[world.truth.end] == occupied[world.truth.first]
    lost = world.truth.take(free & ~np.isin(right, keys))
    every = spans.joined([of_asked, lost])
    lengths = every.end - every.first
    starts = np.cumsum(lengths) - lengths
    inside = np.repeat(every.first - starts, lengths) + np.arange(lengths.sum())
    worst = 1 - np.minimum.reduceat(evidence.probabilities[inside, tags[inside]], starts)
    ours = np.concatenate([found.against[asked], np.full(len(lost), stack.NONE)])
    wrong = np.concatenate([wrong, np.ones(len(lost), dtype=bool)])
    return {"ours_by_span": precision(wrong, ours), "theirs_by_span": precision(wrong, worst)}


def entries(runs: list[dict], common: dict) -> list[dict]:
    """Return an entry of the results for each sort and rate, by row, by span and of flagged rows."""
    made = []
    for sort, rate in dict.fromkeys((run["sort"], run["rate"]) for run in runs):
        own = [run for run in runs if (run["sort"], run["rate"]) == (sort, rate)]
        facts = {"sort": sort, "rate": rate, "draws": len(own)}
        facts |= {name: own[0][name] for name in ("rows", "spans")} | common
        what = f"{sort} errors in {100 * rate:.0f} % of the spans"
        for by, peer, unit, suffix in (
            ("row", PEER, "average precision", ""),
            ("span", PEER, "average precision", "_by_span"),
            ("flagged row", FILTER, "F1", "_flagged_f1"),
        ):
            ours, theirs = ([run[f"{name}{suffix}"] for run in own] for name in ("ours", "theirs"))
            difference = intervals.mean([one - other for one, other in zip(ours, theirs, strict=True)])
            extra = {"difference": difference, "goal": 1}
            if by == "row":
                extra |= {"worst_span": float(np.mean([run["worst_span"] for run in own]))}
            if by == "flagged row":
                extra |= {
                    name: float(np.mean([run[name] for run in own]))
                    for name in own[0]
                    if name.endswith(("_precision", "_recall"))
                }
            work = f"{what}: {unit} by {by}"
            made.append(
                peers.entry(work, peer, float(np.mean(ours)), float(np.mean(theirs)), unit, by=by, **extra, **facts)
            )
    return made


def table(made: list[dict]) -> str:
    """Return the entries as a table for people."""
    lines = ["| errors | rate | by | ours | cleanlab | points |", "|---|---|---|---|---|---|"]
    for entry in made:
        middle, half = entry["difference"]
        points = intervals.cell(100 * middle, None if half is None else 100 * half, ".1f", "+")
        cells = (
            entry["sort"],
            f"{entry['rate']:.2f}",
            entry["by"],
            f"{entry['ours']:.3f}",
            f"{entry['theirs']:.3f}",
            points,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--sorts", nargs="+", choices=SORTS, default=SORTS)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--fit", choices=FITS, default=FITS[0], help="labels that the models learn from")
    parser.add_argument("--tuning", action="store_true", help="measure on the rows for tuning")
    args = parser.parse_args(argv)
    world = World(read(args.corpus, args.tuning, args.rows), args.base)
    right = world.evidence(world.corpus.labels)
    usual = {"out": OUT, "rows": ROWS, "sorts": SORTS, "rates": RATES, "seeds": SEEDS, "fit": FITS[0]}
    common = {"command": peers.command("make bench-spans CORPUS=FOLDER", args, usual), "fit": args.fit}
    common |= {"device": peers.device(), "versions": peers.versions(PACKAGES)}
    runs = []
    for sort, rate, seed in itertools.product(args.sorts, args.rates, args.seeds):
        given = world.planted(sort, rate, seed)
        is_right = args.fit == FITS[0]
        evidence = right if is_right else world.evidence(spans.labels(world.task, world.layout, given))
        facts = {"sort": sort, "rate": rate, "rows": world.layout.rows, "spans": len(world.truth)}
        runs.append(facts | measure(world, evidence, given))
        files.write_json(args.out, entries(runs, common))  # what is done is kept
    print(table(entries(runs, common)))


if __name__ == "__main__":
    main()
