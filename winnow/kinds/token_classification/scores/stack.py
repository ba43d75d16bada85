"""Candidate spans, and how probable each is right: the models' word against what the rest of the corpus says.

Candidates are the spans that are given, those that a model or all together predict, also where the models only waver,
and mentions of forms that are labelled elsewhere. A logistic regression learns from the given labels, out of fold,
which candidates are labelled: by each model's probabilities, by how often the form is labelled in other rows and in the
rest of the group, and by its length. It is fitted a second time, with how probable the candidates are that overlap, and
without the plainest suspects (Northcutt et al. 2021), as for sets of labels. Of a span that is given, the models' doubt
about the tags of its words counts as much again: what nobody else labels may be right where it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from winnow.kinds.classification import logistic
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.scores.mentions import Corpus, Counts, Mentions
from winnow.kinds.token_classification.scores.spans import Spans, joined, logit, of_tags, told
from winnow.kinds.token_classification.words import OUTSIDE

REGULARIZATION = 0.1  # C of the stack
DROPPED = 0.5  # of the suspects, in the second pass
WAVER = 0.15  # from this probability of being in a span on, a word makes a candidate
NONE = -8.0  # log odds of what is no candidate


@dataclass(frozen=True)
class Candidates:
    """Spans that are or may be right.

    Attributes:
        spans: by first word, end and type, each once.
        row: (spans,) int.
        given: (spans,) bool, which are labelled.
        score: (spans,) float64, the log odds that they are right.
        elsewhere: how often the form is labelled in other rows.
    """

    @classmethod
    def none(cls) -> "Candidates":
        """Return no candidate."""
        nothing = np.zeros(0)
        number = nothing.astype(np.int64)
        counts = Counts(nothing, nothing, nothing)
        return cls(Spans(number, number, number), number, nothing.astype(bool), nothing, counts)

    def take(self, layout: Layout, rows: np.ndarray) -> "Candidates":
        """Return those of some rows, (some,) int, of which `layout` has all; they count as those of `layout.take`."""
        bounds = np.searchsorted(self.row, np.arange(layout.rows + 1))
        taken = Layout(bounds, np.zeros((len(self.row), 2), np.int32))
        places, new = taken.places(rows), taken.take(rows).row
        shift = layout.take(rows).bounds[new] - layout.bounds[rows][new]
        own = self.spans.take(places)
        counts = Counts(*(getattr(self.elsewhere, name)[places] for name in ("mentions", "labelled", "inside")))
        spans = Spans(own.first + shift, own.end + shift, own.kind)
        return Candidates(spans, new, self.given[places], self.score[places], counts)

    @cached_property
    def is_free(self) -> np.ndarray:
        """Which candidates overlap no given span and are none, (spans,) bool."""
        return ~self.given & (strongest_rival(self.spans, np.where(self.given, 1.0, NONE)) < 0)

    @cached_property
    def rival(self) -> np.ndarray:
        """The highest score of the others that overlap each, (spans,) float64."""
        return strongest_rival(self.spans, self.score)

    @property
    def against(self) -> np.ndarray:
        """The log odds that each is wrong as it stands, given or not, (spans,) float64."""
        return np.where(self.given, -self.score, self.score)

    def best(self) -> np.ndarray:
        """Return the places of the candidates that are likelier right than not and overlap no likelier one, sorted."""
        free: dict[int, bool] = {}
        chosen = []
        right = np.flatnonzero(self.score > 0)
        for place in right[np.argsort(-self.score[right], kind="stable")].tolist():
            inside = range(int(self.spans.first[place]), int(self.spans.end[place]))
            if all(free.get(word, True) for word in inside):
                free.update(dict.fromkeys(inside, False))
                chosen.append(place)
        return np.sort(np.array(chosen, dtype=np.int64))

    spans: Spans
    row: np.ndarray
    given: np.ndarray
    score: np.ndarray
    elsewhere: Counts


@dataclass(frozen=True)
class Rows:
    """What is known of rows: (rows,) int folds and groups, and (rows,) bool, whose label is learnt from."""

    folds: np.ndarray
    groups: np.ndarray
    known: np.ndarray


def candidates(corpus: Corpus, members: Mapping[str, np.ndarray], rows: Rows, judged: Spans) -> Candidates:
    """Return candidate spans and how probable each is right, out of fold.

    Args:
        members: (words, tags) float of each model, out of fold.
        judged: spans that are candidates whatever else speaks for them.
    """
    layout, mean = corpus.layout, np.mean(list(members.values()), axis=0)
    predicted = [of_tags(layout, own.argmax(axis=1)) for own in [*members.values(), mean]]
    wavering = np.where(mean[:, OUTSIDE] < 1 - WAVER, 1 + mean[:, 1:].argmax(axis=1), OUTSIDE)
    first = _once(joined([corpus.given, judged, *predicted, of_tags(layout, wavering)]), corpus)
    seen = Mentions(corpus, first)
    labelled = [seen.spans.take(seen_kind) for seen_kind in _labelled_forms(seen, corpus)]
    labelled = [Spans(own.first, own.end, np.full(len(own), kind)) for kind, own in enumerate(labelled)]
    spans = _once(joined([first, *labelled]), corpus)
    row, given = layout.row[spans.first], corpus.holds(spans)
    mentions = Mentions(corpus, spans)
    elsewhere = mentions.elsewhere(np.arange(layout.rows), own_row=False)
    features = _features(layout, members, spans, [elsewhere, mentions.elsewhere(rows.groups, own_row=True)])
    score = _scored(features, spans, given, (row, rows))
    score = np.where(given, (score - doubt(mean, spans)) / 2, score)
    return Candidates(spans, row, given, score, elsewhere)


def doubt(chances: np.ndarray, spans: Spans) -> np.ndarray:
    """Return the log odds that the tag of a span's least certain word is another, (spans,) float64.

    Args:
        chances: (words, tags) float.
    """
    if not len(spans):
        return np.zeros(0)
    lengths = spans.end - spans.first
    starts = np.cumsum(lengths) - lengths
    inside = np.repeat(spans.first - starts, lengths) + np.arange(lengths.sum())
    tags = np.repeat(2 * spans.kind + 2, lengths)
    tags[starts] -= 1
    return np.maximum.reduceat(-logit(chances[inside, tags].astype(np.float64)), starts)


def _labelled_forms(seen: Mentions, corpus: Corpus) -> list[np.ndarray]:
    """Return for each type which mentions have a form that is labelled with it somewhere, (mentions,) bool each."""
    found = []
    for kind in range(corpus.types):
        forms = np.unique(seen.form[seen.labelled(kind)])
        found.append(np.isin(seen.form, forms))
    return found


def _once(spans: Spans, corpus: Corpus) -> Spans:
    return spans.take(np.unique(spans.keys(len(corpus.word), corpus.types), return_index=True)[1])


def _features(layout: Layout, members: Mapping[str, np.ndarray], spans: Spans, counts: list[Counts]) -> np.ndarray:
    """Return what speaks for candidates, (spans, features) float64."""
    each = [told(layout, own, spans) for own in members.values()]
    parts = [own[:, :2] for own in each] + [np.mean([own[:, 2:] for own in each], axis=0)]
    for own in counts:
        share = np.log(own.labelled + 0.3) - np.log(own.mentions - own.labelled + 0.3)
        within = np.log(own.inside + 0.3) - np.log(own.mentions - own.inside + 0.3)
        is_known = own.mentions > 0
        parts.append(np.stack([share * is_known, within * is_known, is_known, np.log1p(own.mentions)], axis=1))
    lengths = np.minimum(spans.end - spans.first, 6)
    parts.append(np.stack([lengths == 1, np.log(lengths)], axis=1))
    return np.hstack(parts).astype(np.float64)


def _scored(features: np.ndarray, spans: Spans, given: np.ndarray, where: tuple[np.ndarray, Rows]) -> np.ndarray:
    """Return the log odds that candidates are right, (spans,) float64, by regressions of two passes."""
    row, rows = where
    known = rows.known[row]
    first = _fitted(features, given, known, rows.folds[row])
    rivals = strongest_rival(spans, first)
    more = np.hstack([features, first[:, None], rivals[:, None]])
    return _fitted(more, given, known & ~_suspects(first, given, known), rows.folds[row])


def _fitted(features: np.ndarray, given: np.ndarray, known: np.ndarray, folds: np.ndarray) -> np.ndarray:
    scale = features.std(axis=0) if len(features) else np.ones(features.shape[1])
    scaled = (features - features.mean(axis=0)) / np.where(scale > 0, scale, 1.0) if len(features) else features
    found = np.full(len(given), NONE)
    for fold in np.unique(folds):
        inside, train = folds == fold, known & (folds != fold)
        if not 0 < given[train].sum() < train.sum():
            found[inside] = features[inside, 0] if features.shape[1] else NONE
            continue
        fitted = logistic.fit(scaled[train], given[train].astype(int), REGULARIZATION)
        found[inside] = logit(logistic.probabilities(fitted, scaled[inside], 2)[:, 1])
    return found


def _suspects(score: np.ndarray, given: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the candidates that the second pass leaves out: the plainest half of the suspects of either kind."""
    dropped = np.zeros(len(score), dtype=bool)
    for value, against in ((True, -score), (False, score)):
        suspects = np.flatnonzero(known & (given == value) & (against > 0))
        plainest = suspects[np.argsort(-against[suspects], kind="stable")]
        dropped[plainest[: int(DROPPED * len(plainest))]] = True
    return dropped


def strongest_rival(spans: Spans, score: np.ndarray) -> np.ndarray:
    """Return the highest score of the other spans that overlap each, (spans,) float64, `NONE` where none does.

    Args:
        spans: sorted by their first word.
    """
    found = np.full(len(spans), NONE)
    for step in range(1, len(spans)):
        one, other = np.arange(len(spans) - step), np.arange(step, len(spans))
        overlap = spans.first[other] < spans.end[one]
        if not overlap.any():  # then none of those farther on overlaps either, since they begin later
            break
        one, other = one[overlap], other[overlap]
        np.maximum.at(found, one, score[other])
        np.maximum.at(found, other, score[one])
    return found
