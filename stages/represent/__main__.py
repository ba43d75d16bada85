"""represent: how diverse each source is, how far it is from the reference, and what it adds that the others lack.

python -m stages.represent --rows data/edited.parquet --split data/split.parquet --clean data/clean.parquet
    --duplicates data/ledger/deduplicate.parquet --embeddings data/base_embeddings
    --metrics reports/metrics/represent.json --plots reports/plots/represent

In: the rows and their split; the rows before deduplication and its ledger, for the share of duplicates; embeddings of
all task rows and of a sample of the others. Rows, lengths, dates, classes and duplicates are counted on all rows;
words, languages and embeddings on the first rows of each source in order of id, which is a hash: a random draw.

The reference is the task's training rows with a label of their source, or one source. A source's distance to it is
measured on the source's rows in groups that the reference does not hold, so that no row is compared with itself.

Out: metrics; plots: vocabulary.csv (growth), clusters.csv (rows of each source in each embedding cluster), dates.csv,
distances.csv, characteristic.csv (words that tell a source from the others), examples.csv (rows in the middle of the
clusters that are most the source's own). Where texts are dialogues, the metrics tell of turns, lengths and openings,
too. Sources beyond a gate are in doubt (`stages.represent.gate`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from threadpoolctl import threadpool_limits

from stages.represent import dialogues, distances
from stages.represent.dialogues import Dialogues
from stages.represent.distances import Bootstrap
from stages.represent.gate import Gates, doubts
from stages.represent.rows import Profile, Rows, Sample
from stages.represent.space import Space
from stages.represent.words import Vocabulary, Words, entropy, log_odds, only_here, top
from winnow import kinds
from winnow.base import files, gates, hashing, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.rows import tables

COLUMNS = ("id", "source", "purpose", "group", "text", "published", "label", "cluster")
MIN_GROUPS = 10  # fewer groups say nothing of a spread: no distance is measured
CHARACTERISTIC = 15  # words told of each source
EXAMPLES = 5  # rows told of each source


class Params(params.Section):
    """Section `represent` of params.yaml."""

    reference: str | None = Field(None, min_length=1)
    """The source that the others are compared with. Null: the training rows that came with a label."""

    embedded_rows: int = Field(ge=2)
    """Rows of each source, and of the reference, whose embeddings are compared: as many of each, so that coverage
    compares."""

    word_rows: int = Field(2000, ge=1)
    """Rows of each source, and of the reference, whose words and languages are counted; in scripts without spaces,
    pairs of neighbouring characters are the words of a vocabulary."""

    word_tokens: int = Field(ge=100)
    """Words at which the vocabularies of sources of different length are compared."""

    clusters: int = Field(50, ge=2)
    """Clusters of the embeddings, by k-means."""

    nearly_empty: float = Field(0.1, gt=0, lt=0.5)
    """A cluster is a source's own if less than this share of its mass is the others'."""

    resamples: int = Field(200, ge=20)
    """Resamples of the bootstrap. More give steadier intervals and take time."""

    splits: int = Field(50, ge=20)
    """Random halves of the reference: they tell the distance that chance alone reaches."""

    confidence: float = Field(gt=0, lt=1)
    """Confidence level of the intervals."""

    seed: int = Field(1, ge=0)
    """Seed of the draws and resamples."""

    gates: Gates = Gates()

    def bootstrap(self, *names: str) -> Bootstrap:
        """Return the draws of one measurement: a new source moves no other source's."""
        rng = np.random.Generator(np.random.Philox(int(hashing.digest(self.seed, *names)[:32], 16)))
        return Bootstrap(self.resamples, self.confidence, rng)


def joined(rows_path: Path, split_path: Path, reference: str | None) -> Iterator[pa.Table]:
    """Yield the rows with columns `tied` (the row's cluster holds another row) and `referred` (of the reference).

    Raises:
        UserError: the split is not that of the rows.
    """
    parts = [part["cluster"].chunks for part in tables.batches(rows_path, ["cluster"])]
    counts = pc.value_counts(pa.chunked_array(chain.from_iterable(parts), pa.string()))
    shared = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    splits = tables.batches(split_path, ["id", "split"])
    for part in tables.batches(rows_path, COLUMNS):
        split = next(splits, None)
        if split is None or not split["id"].equals(part["id"]):
            raise UserError(f"{split_path}: its rows are not those of {rows_path}; run `dvc repro split`")
        if reference is None:
            in_train = pc.and_(pc.equal(part["purpose"], "task"), pc.equal(split["split"], "train"))
            referred = pc.and_(in_train, pc.is_valid(part["label"]))
        else:
            referred = pc.equal(part["source"], reference)
        yield part.append_column("tied", pc.is_in(part["cluster"], shared)).append_column("referred", referred)


def count_dropped(found: Rows, clean: Path, duplicates: Path) -> None:
    """Add to each profile how many of its rows deduplication took out."""
    entries = tables.read(duplicates, ["id", "action", "rule"])
    # Copies of another dataset's texts are no repetition within this one.
    copies = pc.and_(pc.equal(entries["action"], "drop"), pc.not_equal(entries["rule"], "against"))
    dropped = np.unique(np.array(entries["id"].filter(copies).to_pylist(), dtype="S16"))
    for part in tables.batches(clean, ["id", "source"]):
        gone = np.isin(np.array(part["id"].to_pylist(), dtype="S16"), dropped)
        for source, number in Counter(np.array(part["source"].to_pylist())[gone].tolist()).items():
            found.profiles.setdefault(source, Profile()).dropped += number
            found.everything.dropped += number


def profile(counted: Profile, languages: Sequence[str], words: dict, space: dict) -> dict:
    """Return the metrics of a source, or of all: counts of its rows, and what was measured on its samples."""
    spoken = max(len(languages), 1)
    return {
        "rows": counted.rows(),
        "words": counted.words(),
        "vocabulary": words,
        "languages": {code: count / spoken for code, count in Counter(languages).items()},
        "published": {
            "from": counted.first and counted.first.isoformat(),
            "to": counted.last and counted.last.isoformat(),
            "undated": counted.years[None],
        },
        "labels": {
            "rows": counted.labelled,
            "shares": {name: count / counted.labelled for name, count in counted.classes.items()},
            "entropy": entropy(counted.classes.values(), len(counted.classes)),
        },
        "duplicates": {"dropped": counted.dropped, "kept": counted.tied, "share": counted.duplicate_share()},
        "clusters": space,
    }


def distance(view: Words | Space, source: str, settings: Params) -> dict | None:
    """Return the distance of a source's rows to the reference's, with its interval; None for too few groups."""
    first, second = view.sample.outside_reference(source), view.sample.reference()
    groups = view.sample.groups_of(first), view.sample.groups_of(second)
    if min(groups) < MIN_GROUPS:
        return None
    bootstrap = settings.bootstrap("distance", type(view).__name__, source)
    return distances.compared(view.distance(first, second), groups, bootstrap) | {"groups": groups[0]}


def noise_floor(view: Words | Space, settings: Params) -> float | None:
    """Return the distance that chance alone reaches between two halves of the reference; None for too few groups."""
    numbers = view.sample.reference()
    units, groups = view.sample.units(numbers), view.sample.groups_of(numbers)
    if groups < 2 * MIN_GROUPS:
        return None

    def between(first: np.ndarray, second: np.ndarray) -> distances.Distance:
        return view.distance(numbers[np.isin(units, first)], numbers[np.isin(units, second)])

    bootstrap = settings.bootstrap("noise floor", type(view).__name__)
    return distances.noise_floor(between, groups, settings.splits, bootstrap)


def adds(words: Words, space: Space, source: str, settings: Params) -> dict:
    """Return what a source has that the others lack: its share of rows in clusters of its own, and its new words."""
    own, others = space.sample.of(source), space.sample.of_others(source)
    groups = space.sample.groups_of(own), space.sample.groups_of(others)
    mass = None
    if min(groups) >= MIN_GROUPS:
        mass = distances.compared(space.own_mass(own, others), groups, settings.bootstrap("own mass", source))
    counts = words.counts(words.sample.of(source)), words.counts(words.sample.of_others(source))
    return {"own_mass": mass, **only_here(*counts)}


def measure(found: Rows, words: Words, space: Space, settings: Params) -> dict:
    """Return all metrics: of all rows, of each source, and of the reference."""
    languages = np.array(found.languages)

    def described(counted: Profile, spoken: np.ndarray, embedded: np.ndarray) -> dict:
        return profile(counted, languages[spoken].tolist(), words.profile(spoken), space.profile(embedded))

    sources = {}
    for source, counted in sorted(found.profiles.items()):
        sources[source] = described(counted, words.sample.of(source), space.sample.of(source)) | {
            "distance": {"embeddings": distance(space, source, settings), "words": distance(words, source, settings)},
            "adds": adds(words, space, source, settings) if len(found.profiles) > 1 else None,
        }
    floors = {"embeddings": noise_floor(space, settings), "words": noise_floor(words, settings)}
    return {
        "all": described(found.everything, words.sample.of_others(None), space.sample.of_others(None)),
        "sources": sources,
        "reference": {"source": settings.reference, "rows": found.referred, "noise_floor": floors},
    }


def plots(found: Rows, words: Words, space: Space, metrics: dict) -> dict[str, tuple[list[str], list[tuple]]]:
    """Return the plots' tables: header and rows by name of the file."""
    names = sorted(found.profiles)
    growth = {source: words.growth(words.sample.of(source)) for source in names}
    clusters = {source: space.counts(space.sample.of(source)) for source in names}
    floors = metrics["reference"]["noise_floor"]
    far = {
        (source, measure): measured["distance"][measure]
        for measure in floors
        for source, measured in metrics["sources"].items()
        if measured["distance"][measure]
    }
    characteristic, examples = [], []
    for source in names if len(names) > 1 else ():
        own, others = words.counts(words.sample.of(source)), words.counts(words.sample.of_others(source))
        scores = log_odds(own, others)
        best = top(scores, own > 0, CHARACTERISTIC)
        characteristic += [(source, words.names[n], float(scores[n]), int(own[n]), int(others[n])) for n in best]
        most_own = space.most_own(space.sample.of(source), space.sample.of_others(source), EXAMPLES)
        examples += [(source, *row) for row in most_own]
    return {
        "vocabulary": (
            ["source", "tokens", "distinct"],
            [(source, *pair) for source in names for pair in zip(*(v.tolist() for v in growth[source]), strict=True)],
        ),
        "clusters": (
            ["source", "cluster", "rows"],
            [(source, *pair) for source in names for pair in enumerate(clusters[source].tolist())],
        ),
        "dates": (
            ["source", "year", "rows"],
            [
                (source, year, count)
                for source in names
                for year, count in sorted((y, c) for y, c in found.profiles[source].years.items() if y is not None)
            ],
        ),
        "distances": (
            ["source", "measure", "value", "low", "high", "noise_floor"],
            [
                (*key, measured["value"], measured["low"], measured["high"], floors[key[1]])
                for key, measured in far.items()
            ],
        ),
        "characteristic": (["source", "word", "z", "count", "count_others"], characteristic),
        "examples": (["source", "id", "cluster", "own_share"], examples),
    }


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "split", "clean", "duplicates", "embeddings", "metrics", "plots")
    settings, task = params.load("represent", Params), kinds.read_task()
    rows = Rows(task, Sample(settings.word_rows), Sample(settings.embedded_rows))
    vocabulary, with_embedding = Vocabulary(), set(embeddings.read_ids(args.embeddings))
    kind, told = dialogues.of(task), defaultdict(Dialogues)  # by source
    for part in joined(args.rows, args.split, settings.reference):
        rows.read(part, vocabulary.encode, with_embedding)
        for source in part["source"].unique().to_pylist() if kind else ():
            told[source].add(part.filter(pc.equal(part["source"], source)), kind)
    if settings.reference and settings.reference not in rows.profiles:
        raise UserError(
            f"params.yaml: represent.reference: no row is of source '{settings.reference}'; "
            f"the sources are {', '.join(sorted(rows.profiles))}"
        )
    if not rows.referred:
        raise UserError(
            "params.yaml: represent.reference: no training row came with a label; name a source as the reference"
        )
    if not rows.embedded.ids:
        raise UserError(f"{args.embeddings}: none of the rows has an embedding; run `dvc repro embed_base`")
    count_dropped(rows, args.clean, args.duplicates)
    # One thread: the number of threads changes the last bits, and with them a row's cluster.
    with threadpool_limits(1):
        words = Words(rows.spoken, rows.texts, vocabulary, settings.word_tokens)
        vectors = embeddings.of(rows.embedded.ids, args.embeddings)
        space = Space(rows.embedded, vectors, settings.clusters, settings.nearly_empty, settings.seed)
        metrics = measure(rows, words, space, settings)
        drawn = plots(rows, words, space, metrics)
    with files.replacing(args.plots) as folder:
        for name, (header, lines) in drawn.items():
            files.write_csv(folder / f"{name}.csv", header, lines)
    found = doubts(metrics, settings.gates, settings.reference)
    metrics |= {"dialogues": dialogues.measured(told)} if kind else {}
    files.write_json(args.metrics, metrics | {gates.KEY: gates.told(found)})
    # After writing, so that people see what was measured.
    gates.settle("represent", found, args.metrics)


if __name__ == "__main__":
    run(main)
