"""What models say of the tags of words in labels that they did not learn from, and what the rest of the corpus says.

The stage score writes the texts and, of each word, the probability of each tag. A label is judged by its spans and by
those that it may lack (`stack`): a row is as suspicious as the most suspicious of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.encoder.neighbours import Neighbours
from winnow.kinds import evidence
from winnow.kinds.evidence import Doubt, Errors, Filter, Signals, Surroundings, Suspects, between
from winnow.kinds.token_classification import columns
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores import detectors, mentions, noise, reasons, spans, stack
from winnow.kinds.token_classification.scores.mentions import Corpus
from winnow.kinds.token_classification.scores.spans import Spans
from winnow.kinds.token_classification.scores.stack import Candidates

LEAST = 1e-9  # a model that is certain leaves a tag no less
SHOWN = 0.2  # probability of the least probable span that is shown beside those that are given


@dataclass(frozen=True)
class Evidence(evidence.Evidence):
    """Probabilities of words' tags, and of spans once labels were judged.

    Attributes:
        texts: (rows,) str.
        layout: their words.
        probabilities: (words, tags) float32, what the models say together.
        members: what each says.
        judged: spans, of the labels or not, and how probable each is right; None before labels were judged.
    """

    task: Task
    texts: list[str]
    layout: Layout
    probabilities: np.ndarray
    members: Mapping[str, "Evidence"] = field(default_factory=dict)
    judged: Candidates | None = None

    @classmethod
    def of(cls, task: Task, texts: list[str], members: Mapping[str, np.ndarray]) -> "Evidence":
        """Return the evidence of models, (words, tags) float of each, by name."""
        layout = Layout.of(texts)
        each = {name: cls(task, texts, layout, own) for name, own in members.items()}
        return cls(task, texts, layout, np.mean(list(members.values()), axis=0), each)

    def take(self, rows: np.ndarray) -> "Evidence":
        """Return what is said of some rows, (some,) int or (rows,) bool."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Evidence(
            task=self.task,
            texts=[self.texts[row] for row in rows],
            layout=self.layout.take(rows),
            probabilities=self.probabilities[self.layout.places(rows)],
            members={name: member.take(rows) for name, member in self.members.items()},
            judged=None if self.judged is None else self.judged.take(self.layout, rows),
        )

    def likeliest(self) -> np.ndarray:
        """Return the spans that are likelier right than not, (rows,) object; before labels were judged, by tags."""
        if self.judged is None:
            return self.layout.labels(self.task, self.probabilities.argmax(axis=1))
        return spans.labels(self.task, self.layout, self.judged.spans.take(self.judged.best()))

    def signals(self, labels: np.ndarray, known: np.ndarray, surroundings: Surroundings, judged: np.ndarray) -> Signals:
        """Return what speaks against labels: the most suspicious span, each model's least certain word, the rules."""
        given, asked, types = self._spans(labels), self._spans(judged), len(self.task.labels)
        rows = stack.Rows(surroundings.folds, surroundings.groups, known)
        found = stack.candidates(Corpus(self.layout, self._word, given, known, types), self._each(), rows, asked)
        there = np.array([label is not None for label in judged], dtype=bool)
        is_asked = Corpus(self.layout, self._word, asked, known, types).holds(found.spans)
        told = {"worst": self._worst(replace(found, given=is_asked))}
        tags = np.maximum(self.layout.tags(self.task, judged), 0)
        for name, chances in self._each().items():
            told[name] = -spans.logit(detectors.worst_token(self.layout, tags, chances))
        silent = np.array([said is None for said in surroundings.votes], dtype=bool)
        told["rules"] = np.where(silent, 0.0, np.where(surroundings.votes == judged, -1.0, 1.0))
        values = np.where(there[:, None], np.stack(list(told.values()), axis=1), 0.0)
        return Signals(list(told), values, replace(self, judged=found))

    def _worst(self, found: Candidates) -> np.ndarray:
        """Return the log odds that the most suspicious span of each row is wrong, (rows,) float64.

        It may be missed, one too many, of another type or of another border. A signal of its own for each sort, or for
        how probable it is that any is wrong, ranks spans too many worse, measured on planted errors.
        """
        worst = np.full(self.layout.rows, stack.NONE)
        np.maximum.at(worst, found.row, found.against)
        return worst

    def plant(self, labels: np.ndarray, errors: Errors) -> np.ndarray:
        """Return labels of which some are wrong, by a span missed, one too many, one of another type or border."""
        given = self._spans(labels)
        is_word = np.array(
            [text[start].isalnum() for text, own in zip(self.texts, self._offsets(), strict=True) for start, _ in own],
            dtype=bool,
        )
        found = noise.edits(self.layout, given, len(self.task.labels), is_word)
        planted = noise.plant(self.layout, given, found, self.probabilities, errors)
        made = spans.labels(self.task, self.layout, planted)
        before = spans.labels(self.task, self.layout, given)
        return np.where(made == before, labels, made)

    def noise(self, labels: np.ndarray, known: np.ndarray) -> float:
        """Return the estimated share of wrong labels: of the known ones, those with a span that is a suspect.

        Suspects are those of confident learning: given spans that are less probable than other candidates are on
        average, and candidates that are more probable than given spans are.
        """
        if self.judged is None:
            return super().noise(labels, known)
        given, score = self.judged.given, self.judged.score
        wrong = np.zeros(self.layout.rows, dtype=bool)
        if 0 < given.sum() < len(given):
            suspects = np.where(given, score <= score[~given].mean(), score >= score[given].mean())
            wrong[self.judged.row[suspects]] = True
        return between(float(wrong[known].mean()) if known.any() else 0.0, int(known.sum()))

    def support(self, labels: np.ndarray) -> np.ndarray:
        """Return the geometric mean of the probabilities of each row's tags, (rows,) float64 in 0..1."""
        tags = self.layout.tags(self.task, labels)
        logs = np.log(np.maximum(self.probabilities[np.arange(len(tags)), tags].astype(np.float64), LEAST))
        counts = np.maximum(np.diff(self.layout.bounds), 1)
        return np.exp(np.bincount(self.layout.row, logs, minlength=self.layout.rows) / counts)

    def shown(self) -> list[list[tuple[str, float]]]:
        """Return the spans of each row that are labelled or may be, each as a label of its own, with its probability.

        Before labels were judged, the spans that the models predict.
        """
        if self.judged is None:
            found = spans.of_tags(self.layout, self.probabilities.argmax(axis=1))
            chance = 1 / (1 + np.exp(stack.doubt(self.probabilities, found)))
        else:
            chance = 1 / (1 + np.exp(-self.judged.score))
            wanted = self.judged.given | (chance >= SHOWN)
            found, chance = self.judged.spans.take(wanted), chance[wanted]
        told: list[list[tuple[str, float]]] = [[] for _ in range(self.layout.rows)]
        starts, ends = self.layout.offsets[found.first, 0], self.layout.offsets[found.end - 1, 1]
        each = zip(self.layout.row[found.first], starts, ends, found.kind, chance.tolist(), strict=True)
        for row, start, end, kind, p in each:
            told[row].append((canonical([(start, end, self.task.labels[kind])]), p))
        return told

    def why(self) -> list[list[str]] | None:
        """Return what speaks against the judged label of each row, span by span, in words, the weightiest first."""
        if self.judged is None:
            return None
        return reasons.in_words(self.task, self.texts, self.layout, self.judged)

    def doubt(self, by: Doubt) -> np.ndarray:
        """Return how unsure the models are, (rows,) float64.

        Args:
            by: entropy: Shannon's of each word's tags, the sum over words (Settles and Craven 2008), as a share of the
                highest possible of one; margin: how far the two likeliest tags of the least certain word are apart,
                negative.
        """
        p = np.maximum(self.probabilities.astype(np.float64), LEAST)
        if by == "margin":
            first = np.sort(p, axis=1)
            return -detectors.lowest(self.layout, first[:, -1] - first[:, -2])
        entropy = -(p * np.log(p)).sum(axis=1) / np.log(p.shape[1])
        return np.bincount(self.layout.row, entropy, minlength=self.layout.rows)

    def suspects(self, labels: np.ndarray, filter_by: Filter) -> Suspects:
        """Return which labels confident learning holds to be wrong, word by word (Northcutt et al. 2021)."""
        return detectors.suspects(self.layout, self.layout.tags(self.task, labels), self.probabilities, filter_by)

    def flags(self, labels: np.ndarray, near: Neighbours, everyone: np.ndarray) -> dict[str, np.ndarray]:
        """Return which labels each way of confident learning, and the stack of spans, hold to be wrong."""
        found = detectors.confident(self.layout, self.layout.tags(self.task, labels), self.probabilities)
        if self.judged is not None:
            found["spans"] = self._worst(self.judged) > 0
        return found

    def rankings(self, labels: np.ndarray, near: Neighbours) -> dict[str, np.ndarray]:
        """Return how suspicious labels are to cleanlab's worst token, to each model and to the stack of spans.

        Rows without a label have no meaning here.
        """
        tags = np.maximum(self.layout.tags(self.task, labels), 0)
        found = detectors.rankings(self.layout, tags, self._each())
        if self.judged is not None:
            found["worst_span"] = self._worst(self.judged)
        return found

    @cached_property
    def _word(self) -> np.ndarray:
        return mentions.numbered(self.texts, self.layout)

    def _offsets(self) -> list[list[list[int]]]:
        return [self.layout.offsets[self.layout.own(row)].tolist() for row in range(self.layout.rows)]

    def _spans(self, labels: np.ndarray) -> Spans:
        """Return the spans of labels, (rows,) object, which may be None."""
        return spans.of_tags(self.layout, self.layout.tags(self.task, labels))

    def _each(self) -> dict[str, np.ndarray]:
        """Return the probabilities of each model, or of what they say together where nothing is told of them."""
        return {name: member.probabilities for name, member in self.members.items()} or {"p": self.probabilities}


def read(task: Task, scored: pa.Table, where: Path) -> Evidence:
    """Return what the stage score's table, with id, says of its rows.

    Raises:
        UserError: the texts or probabilities are missing, or these are none; names the file `where`.
    """
    texts = columns.texts(scored, str(where))
    layout = Layout.of(texts)
    members = {model: columns.read(task, scored, str(where), layout, model) for model in columns.models(scored)}
    return Evidence.of(task, texts, members or {"p": columns.read(task, scored, str(where), layout)})
