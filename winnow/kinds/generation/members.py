"""What the stage score says of responses: signs that they are no good answers, by embeddings, words, a language model.

Of rows that have a response to learn from, as many as `score.planted_rows` also get a wrong one (`plants`), of which
the same signs are taken: a language model's passes are dear, and what it makes of an error is known only by asking it.
The stage calibrate chooses its errors among these.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.encoder import neighbours, pooling
from winnow.encoder.neighbours import Neighbours
from winnow.kinds.evidence import NEAREST
from winnow.kinds.generation import columns, pairs
from winnow.kinds.generation.columns import Signs
from winnow.kinds.generation.labels import Task
from winnow.kinds.generation.pairs import REAL, Pairs
from winnow.kinds.generation.signs import facts, match, reading, texts
from winnow.kinds.generation.signs.reading import LanguageModel
from winnow.kinds.members import Inputs, Passes
from winnow.rows.text_column import take
from winnow.text import tfidf
from winnow.text.words import words

MAX_FEATURES = 50_000
LESS = ("gain",)  # signs of `reading.NAMES` of which less is suspicious


@dataclass(frozen=True)
class Probe:
    """What embeddings of prompts and responses say; `regularization` is the inverse of the map's penalty."""

    inputs: Inputs
    regularization: float

    @classmethod
    def of(cls, inputs: Inputs, regularization: float) -> "Probe":
        """Return a probe on the rows' embeddings."""
        return cls(inputs, regularization)

    @cached_property
    def vectors(self) -> np.ndarray:
        """The prompts' embeddings, (rows, dimensions) float32."""
        return self.inputs.vectors()

    def embed(self, responses: Sequence[str]) -> np.ndarray:
        """Return the embeddings of responses by the encoder that made those of the prompts."""
        reader = self.inputs.reader()
        model = pooling.load(reader.folder, reader.accelerator)
        return pooling.embed(model, reader.tokenize(responses), reader)


@dataclass(frozen=True)
class Words:
    """What the words of prompts, (rows,) texts, and responses say."""

    texts: Sequence[str]
    regularization: float


@dataclass(frozen=True)
class Generator:
    """What a language model makes of the responses of the first `max_rows` rows."""

    model: LanguageModel
    max_rows: int

    @classmethod
    def of(cls, folder: Path, inputs: Inputs, passes: Passes) -> "Generator":
        """Return the language model of a folder."""
        accelerator = inputs.reader().accelerator
        return cls(LanguageModel(folder, passes.max_length, passes.batch_tokens, accelerator), passes.max_rows)


Member = Probe | Words | Generator


@dataclass(frozen=True)
class Scored:
    """Signs of the responses of rows.

    Attributes:
        real: (rows,) int, the pair of each row's response to learn from; -1: it has none.
    """

    pairs: Pairs
    signs: Signs
    real: np.ndarray

    def columns(self) -> dict[str, pa.Array]:
        """Return the table's columns."""
        return columns.written(self.pairs, self.signs)

    def measure(self, judged: np.ndarray) -> dict:
        """Return the means of signs of the responses of some rows, (rows,) bool, and how many were planted there."""
        own = self.real[judged & (self.real >= 0)]
        planted = self.pairs.sorts[judged[self.pairs.rows]]
        means = {name: values[own][np.isfinite(values[own])] for name, values in self.signs.values.items()}
        return {
            "rows": len(own),
            "planted": {sort: int((planted == sort).sum()) for sort in sorted(set(planted) - {REAL})},
            "means": {name: float(values.mean()) for name, values in means.items() if len(values)},
        }


def score(task: Task, members: Mapping[str, Member], labels: np.ndarray, folds: np.ndarray) -> Scored:
    """Return signs of the responses of all rows, each by what was learnt from the rows of other folds.

    Args:
        labels: (rows,) responses to learn from, None where a row has none.
        folds: (rows,) int.
    """
    probe, known = members["probe"], _known(labels)
    near = neighbours.nearest(probe.vectors, folds, known, NEAREST)
    prompts = members["words"].texts
    inputs = probe.inputs
    first = np.flatnonzero(known)[: inputs.planted_rows]
    planted = pairs.drawn(inputs.ids, take(prompts, first), labels, near.index, inputs.planted_rows)
    made = pairs.gathered(inputs.judged(), planted)
    world = World(made, labels, folds, near, made.of(labels, planted=False))
    return Scored(made, signs(members, world), world.real)


def predict(task: Task, members: Mapping[str, Member], labels: np.ndarray, wanted: np.ndarray) -> Scored:
    """Return what can be said of the prompts of some rows: how differently prompts near to them are answered.

    Args:
        labels: (rows,) responses to learn from, one or more; None where a row has none.
        wanted: (rows,) bool, the rows to tell of; may be none.
    """
    known = np.flatnonzero(_known(labels))
    at = np.flatnonzero(wanted)
    vectors = members["probe"].vectors[np.concatenate([at, known])]
    among = np.arange(len(vectors)) >= len(at)
    near = neighbours.nearest(vectors, np.arange(len(vectors)), among, NEAREST)
    index = np.where(near.index < 0, -1, near.index - len(at))[: len(at)]
    responses = members["probe"].embed(labels[known].tolist()) if len(at) else np.zeros((0, 1), np.float32)
    spread = match.spread(lambda one, other: match.cosines(responses[one], responses[other]), index)
    nothing = pairs.gathered([()] * len(at), [None] * len(at))
    empty = Signs({}, np.zeros((0, 2), np.int64), np.zeros(0, object), spread)
    return Scored(nothing, empty, np.full(len(at), -1))


@dataclass(frozen=True)
class World:
    """Pairs, and what is known of their rows.

    Attributes:
        labels: (rows,) responses to learn from, None where a row has none.
        folds: (rows,) int.
        near: the nearest rows of other folds that have one.
        real: (rows,) int, the pair of the response to learn from; -1: none.
    """

    pairs: Pairs
    labels: np.ndarray
    folds: np.ndarray
    near: Neighbours
    real: np.ndarray

    @cached_property
    def known(self) -> np.ndarray:
        """The rows to learn from, (rows,) bool."""
        return self.real >= 0

    @cached_property
    def others(self) -> np.ndarray:
        """The pairs of the nearest rows, (rows, k) int; -1: none."""
        return match.of_pairs(self.near, self.real, NEAREST)

    def unlike(self, alike: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
        """Return how unlike each response is to those to near prompts, by its nearest likeness and in the mean.

        A response with the very words of another is left out: one that was copied to a wrong prompt would agree best.
        """
        responses = self.pairs.responses

        def other_words(one: np.ndarray, other: np.ndarray) -> np.ndarray:
            return np.where(responses[one] == responses[other], 0.0, alike(one, other))

        own = np.arange(len(responses))
        mean, most = match.agreement(other_words, self.pairs.rows, own, self.others)
        return {"strange": 1 - most, "strange_in_mean": 1 - mean}


def signs(members: Mapping[str, Member], world: World) -> Signs:
    """Return the signs of all pairs."""
    prompts, rows = members["words"].texts, world.pairs.rows
    found = embedded(members["probe"], world)
    vectors = found.pop("vectors")
    spread = match.spread(lambda one, other: match.cosines(vectors[one], vectors[other]), world.others)
    unsupported, values = worded(prompts, world, members["probe"].vectors)
    found |= values
    worst = np.full((len(rows), 2), -1)
    if "generator" in members:
        read, worst = read_by(members["generator"], prompts, world)
        found |= read
    return Signs(found, worst, unsupported, spread)


def embedded(probe: Probe, world: World) -> dict[str, np.ndarray]:
    """Return the signs by embeddings, and the responses' `vectors`.

    mismatch: how far a response is from what other folds expect of its prompt; misplaced: the share of responses to
    near prompts that come nearer; apart: how far it is from the prompt itself; strange: from the likest response to a
    near prompt, and in the mean of these.
    """
    pairs_, rows = world.pairs, world.pairs.rows
    unique, number = np.unique(pairs_.responses.astype(str), return_inverse=True)
    vectors = probe.embed(unique.tolist())[number] if len(rows) else np.zeros((0, probe.vectors.shape[1]), np.float32)
    learnt = np.zeros((len(world.labels), vectors.shape[1]), np.float32)
    learnt[world.known] = vectors[world.real[world.known]]
    expected = match.predicted(probe.vectors, learnt, world.known, world.folds, 1 / probe.regularization)

    def fits(row: np.ndarray, pair: np.ndarray) -> np.ndarray:
        return match.cosines(expected[row], vectors[pair])

    def alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return match.cosines(vectors[one], vectors[other])

    every = np.arange(len(rows))
    return {
        "vectors": vectors,
        "mismatch": 1 - fits(rows, every),
        "misplaced": match.ranks(fits, rows, every, world.others),
        "apart": 1 - match.cosines(probe.vectors[rows], vectors),
        **world.unlike(alike),
    }


def worded(prompts: Sequence[str], world: World, vectors: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the facts of each response that its prompt does not support, and the signs by words.

    Args:
        prompts: (rows,) texts, read in their order.
        vectors: (rows, dimensions) float, the prompts' embeddings.
    """
    made, rows = world.pairs, world.pairs.rows
    unsupported = np.empty(len(rows), dtype=object)
    said = [words(response) for response in made.responses]
    names = ("unsupported", "repetition", "echo", "echoed", "unfinished")
    values = {name: np.zeros(len(rows)) for name in names}
    lengths = np.zeros(len(prompts))
    for row, prompt in enumerate(prompts):
        asked, support = words(prompt), facts.forms(prompt)
        lengths[row] = np.log1p(len(asked))
        for pair in range(made.bounds[row], made.bounds[row + 1]):
            response = made.responses[pair]
            unsupported[pair] = facts.unsupported(response, support)
            values["unsupported"][pair] = len(unsupported[pair]) / (len(facts.facts(response)) + 1)
            values["repetition"][pair] = texts.repetition(said[pair])
            values["echo"][pair], values["echoed"][pair] = texts.echo(said[pair], asked)
            values["unfinished"][pair] = not texts.is_finished(response)
    real = world.real[world.known]
    values["unfinished"] *= 1 - values["unfinished"][real].mean() if len(real) else 0.0
    values["last_word"] = texts.endings(said, real.tolist())
    values["boilerplate"] = texts.boilerplate(said, rows)
    values |= sized(np.array([len(own) for own in said]), np.column_stack([vectors, lengths]), world)
    return unsupported, values | worded_alike(prompts, world)


def sized(counts: np.ndarray, prompts: np.ndarray, world: World) -> dict[str, np.ndarray]:
    """Return how much shorter and longer a response is than its prompt makes expect, in standard deviations.

    Args:
        counts: (pairs,) int, words of the responses.
        prompts: (rows, columns) float, what is known of the prompts.
    """
    own, known = np.log1p(counts), world.known
    if not known.any():
        return {"short": np.zeros(len(counts)), "long": np.zeros(len(counts))}
    truth = np.zeros((len(prompts), 1))
    truth[known, 0] = own[world.real[known]]
    expected = match.predicted(prompts, truth, known, world.folds, prompts.shape[1])[:, 0]
    scale = max(float(np.sqrt(np.mean((truth[known, 0] - expected[known]) ** 2))), 1e-6)
    off = (own - expected[world.pairs.rows]) / scale
    return {"short": np.maximum(-off, 0), "long": np.maximum(off, 0)}


def worded_alike(prompts: Sequence[str], world: World) -> dict[str, np.ndarray]:
    """Return the signs by the weights of words (TF-IDF), named as those by embeddings."""
    made, rows = world.pairs, world.pairs.rows
    names = ("misplaced_words", "apart_words", "strange_words", "strange_words_in_mean")
    try:
        vectorizer, asked = tfidf.features(prompts, 1, MAX_FEATURES)
    except ValueError:  # no prompt holds a word
        return {name: np.zeros(len(rows)) for name in names}
    said = vectorizer.transform(made.responses)

    def dot(one, other) -> np.ndarray:
        return np.asarray(one.multiply(other).sum(axis=1)).ravel()

    def fits(row: np.ndarray, pair: np.ndarray) -> np.ndarray:
        return dot(asked[row], said[pair])

    every = np.arange(len(rows))
    unlike = world.unlike(lambda one, other: dot(said[one], said[other]))
    found = (match.ranks(fits, rows, every, world.others), 1 - fits(rows, every), *unlike.values())
    return dict(zip(names, found, strict=True))


def read_by(generator: Generator, prompts: Sequence[str], world: World) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the signs by a language model, nan beyond its rows, and where the least expected token stands."""
    rows = world.pairs.rows
    some = np.flatnonzero(rows < _end(rows, generator.max_rows))
    asked = dict(zip(np.unique(rows[some]).tolist(), take(prompts, np.unique(rows[some])), strict=True))
    read = generator.model.read([asked[row] for row in rows[some].tolist()], world.pairs.responses[some].tolist())
    values = {name: np.full(len(rows), np.nan) for name in reading.NAMES}
    worst = np.full((len(rows), 2), -1)
    for name, own in read.values.items():
        values[name][some] = -own if name in LESS else own
    worst[some] = read.worst
    return values, worst


def _end(rows: np.ndarray, most: int) -> int:
    """Return the row behind the first `most` that have a response."""
    found = np.unique(rows)[:most]
    return int(found[-1]) + 1 if len(found) else 0


def _known(labels: np.ndarray) -> np.ndarray:
    return np.array([label is not None for label in labels], dtype=bool)
