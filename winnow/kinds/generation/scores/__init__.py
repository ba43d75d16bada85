"""What is said of responses to prompts: signs of each, weighed by what they are of planted errors.

The stage score writes the responses of each row with their signs, the planted one among them (`columns`). A label that
is none of these is not judged. No response is suggested in the place of a wrong one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.base import hashing
from winnow.encoder.neighbours import Neighbours
from winnow.kinds import evidence
from winnow.kinds.evidence import NOISES, Doubt, Errors, Filter, Signals, Surroundings, Suspects, between
from winnow.kinds.generation import columns
from winnow.kinds.generation.columns import Signs
from winnow.kinds.generation.labels import Task
from winnow.kinds.generation.pairs import REAL, Pairs
from winnow.kinds.generation.scores import reasons, stack

STACK = "together"
# Signs that are signals by themselves too: what people decide may show that one of them means more than planted errors
# tell. More of them would be as many ways to err as there are decisions.
ALONE = ("misplaced", "unsupported", "ifd")
FLAGGED = 4.0  # times as often a sign so strong comes with an error: it then flags the response


@dataclass(frozen=True)
class Judged:
    """What the signs together say of pairs, and of the labels in question.

    Attributes:
        together: (pairs,) float64, log odds of an error among as many right ones.
        pair: (rows,) int, of the label in question; -1: there is none, or it has no signs.
        odds: (rows,) float64 of each sign, by name; see `reasons.odds`.
        level: log odds from which on a response is a suspect: the mean of planted ones.
    """

    together: np.ndarray
    pair: np.ndarray
    odds: Mapping[str, np.ndarray]
    level: float

    @property
    def score(self) -> np.ndarray:
        """The log odds that each row's label is wrong, (rows,) float64; nan where nothing is known."""
        return np.where(self.pair >= 0, np.append(self.together, np.nan)[self.pair], np.nan)


@dataclass(frozen=True)
class Evidence(evidence.Evidence):
    """Signs of responses.

    Attributes:
        pairs: the responses of the rows.
        signs: of these.
        judged: what the signs say together; None before labels were judged.
    """

    task: Task
    pairs: Pairs
    signs: Signs
    members: Mapping[str, "Evidence"] = field(default_factory=dict)
    judged: Judged | None = None

    def take(self, rows: np.ndarray) -> "Evidence":
        """Return what is said of some rows, (some,) int or (rows,) bool."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        pairs, places = self.pairs.take(rows)
        judged = self.judged
        if judged is not None:
            moved = judged.pair[rows] - self.pairs.bounds[:-1][rows] + pairs.bounds[:-1]
            judged = Judged(
                together=judged.together[places],
                pair=np.where(judged.pair[rows] >= 0, moved, -1),
                odds={name: own[rows] for name, own in judged.odds.items()},
                level=judged.level,
            )
        return replace(self, pairs=pairs, signs=self.signs.take(rows, places), judged=judged)

    def likeliest(self) -> np.ndarray:
        """Return None of each row, (rows,) object: which response is right, no sign tells."""
        return np.full(len(self.pairs.bounds) - 1, None, dtype=object)

    def signals(self, labels: np.ndarray, known: np.ndarray, surroundings: Surroundings, judged: np.ndarray) -> Signals:
        """Return what speaks against responses: all signs together, and some by themselves; means where it is unknown.

        What weighs the signs learns from the planted responses of known rows and from the responses of these, each
        judged by what other folds taught.
        """
        rows = self.pairs.rows
        real = self.pairs.of(np.where(known, labels, None), planted=False)
        right = np.zeros(len(rows), dtype=bool)
        right[real[real >= 0]] = True
        wrong = (self.pairs.sorts != REAL) & known[rows]
        together = stack.stacked(self.signs.values, stack.Learnt(wrong, right, surroundings.folds[rows]))
        pair = self.pairs.of(judged)
        found = Judged(
            together=together,
            pair=pair,
            odds={
                name: reasons.odds(_at(own, pair), own[wrong], own[right]) for name, own in self.signs.values.items()
            },
            level=float(together[wrong].mean()) if wrong.any() else np.inf,
        )
        told = {STACK: found.score} | {name: _at(self.signs.values[name], pair) for name in self._alone()}
        return Signals(
            list(told), np.stack([_filled(own) for own in told.values()], axis=1), replace(self, judged=found)
        )

    def plant(self, labels: np.ndarray, errors: Errors) -> np.ndarray:
        """Return responses of which some are wrong: those that the stage score planted, as many as there are.

        Rows come first whose error was planted in the way that is asked for, then those of the ways nearest to it.
        """
        planted = np.flatnonzero(self.pairs.sorts != REAL)
        rows, ways = self.pairs.rows, self.pairs.ways
        usable = [place for place in planted.tolist() if self.pairs.responses[place] != labels[rows[place]]]
        wanted = NOISES.index(errors.kind)
        ordered = sorted(
            usable,
            key=lambda place: (
                abs(NOISES.index(ways[place]) - wanted),
                hashing.digest("plant", errors.seed, self.pairs.responses[place]),
                place,
            ),
        )
        noisy = labels.copy()
        for place in ordered[: round(errors.rate * len(labels))]:
            noisy[rows[place]] = self.pairs.responses[place]
        return noisy

    def noise(self, labels: np.ndarray, known: np.ndarray) -> float:
        """Return the estimated share of wrong labels among the known ones: of those at the level of planted ones."""
        return between(float(self._suspects()[known].mean()) if known.any() else 0.0, int(known.sum()))

    def shown(self) -> list[list[tuple[str, float]]]:
        """Return nothing of each row: responses have no probabilities that people could compare."""
        return [[] for _ in self.pairs.bounds[1:]]

    def why(self) -> list[list[str]] | None:
        """Return what speaks against the judged response of each row, in words, the weightiest first."""
        if self.judged is None:
            return None
        pair = self.judged.pair
        responses = np.append(self.pairs.responses, None)[pair]
        signs = Signs(
            values={name: _at(own, pair) for name, own in self.signs.values.items()},
            worst=np.vstack([self.signs.worst, [[-1, -1]]])[pair],
            facts=np.append(self.signs.facts, None)[pair],
            spread=self.signs.spread,
        )
        return reasons.in_words(responses, signs, self.judged.odds)

    def doubt(self, by: Doubt) -> np.ndarray:
        """Return how differently prompts near to each are answered, (rows,) float64, whatever `by` asks for."""
        return self.signs.spread

    def suspects(self, labels: np.ndarray, filter_by: Filter) -> Suspects:
        """Return which responses look as planted ones do on average, and how unlike them each is."""
        if self.judged is None:
            return super().suspects(labels, filter_by)
        suspects = self._suspects()
        return Suspects(1 / (1 + np.exp(self.judged.score)), suspects, int(suspects.sum()))

    def flags(self, labels: np.ndarray, near: Neighbours, everyone: np.ndarray) -> dict[str, np.ndarray]:
        """Return which responses the signs together, and each by itself, hold to be wrong."""
        if self.judged is None:
            return {}
        return {STACK: self._suspects()} | {name: own >= FLAGGED for name, own in self.judged.odds.items()}

    def rankings(self, labels: np.ndarray, near: Neighbours) -> dict[str, np.ndarray]:
        """Return how suspicious responses are to each sign and to all together."""
        pair = self.pairs.of(labels)
        found = {name: _filled(_at(own, pair)) for name, own in self.signs.values.items()}
        return found if self.judged is None else found | {STACK: _filled(_at(self.judged.together, pair))}

    def _alone(self) -> list[str]:
        return [name for name in ALONE if name in self.signs.values]

    def _suspects(self) -> np.ndarray:
        """Return which labels in question are as suspicious as planted ones are on average, (rows,) bool."""
        if self.judged is None:
            return np.zeros(len(self.pairs.bounds) - 1, dtype=bool)
        return np.nan_to_num(self.judged.score, nan=-np.inf) >= self.judged.level


def read(task: Task, scored: pa.Table, where: Path) -> Evidence:
    """Return what the stage score's table, with id, says of its rows.

    Raises:
        UserError: a column is missing; names the file `where`.
    """
    return Evidence(task, *columns.read(scored, str(where)))


def _at(values: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Return the value of each row's pair, (rows,) float64; nan where it has none."""
    return np.append(values.astype(np.float64), np.nan)[pair]


def _filled(values: np.ndarray) -> np.ndarray:
    """Return values with the mean of the known ones for those that are not, as not to move a row either way."""
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, known.mean() if len(known) else 0.0)
