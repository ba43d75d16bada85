"""What models say of labels that they did not learn from: how a label is judged, whatever the kind of task.

Each kind has its own `winnow.kinds.<kind>.scores.Evidence`, which `read` of the same module makes from the table of the
stage `score`. Labels are opaque strings, (rows,) object, None where a row has none. Rows have the order in which they
were read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np

from winnow.base.errors import UserError
from winnow.encoder.neighbours import Neighbours

Noise = Literal["uniform", "class", "instance"]
NOISES: tuple[Noise, ...] = get_args(Noise)
Doubt = Literal["entropy", "margin"]
# How cleanlab.filter.find_label_issues chooses suspects.
Filter = Literal[
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
]
CLEANLAB = "cleanlab "  # how the name of a flag by confident learning begins; its way follows
GROUP = "group"  # the member that looks at the other rows of a row's group
NEAREST = 15  # of a row's neighbours, whose labels speak for or against its own


@dataclass(frozen=True)
class Errors:
    """Which errors to plant.

    Attributes:
        kind: from the easiest to find to the hardest. uniform: any other label; class: some classes are mistaken more
            often than others; instance: rows that are hard for the models, and the label that these take them for.
        rate: share of the labels, 0 to 1.
        seed: of the draw; a lower rate with the same seed draws a part of the rows.
    """

    kind: Noise
    rate: float
    seed: int


@dataclass(frozen=True)
class Surroundings:
    """What is known of rows beside their labels and the models.

    Attributes:
        folds: (rows,) int; no group crosses them.
        groups: (rows,) int.
        places: (rows,) int, by which the rows of a group are in order.
        votes: (rows,) labels that most labelling rules give; None where no rule fires or they are even.
        near: the nearest rows whose label people stand for, at least `NEAREST`; None: they are not known.
    """

    folds: np.ndarray
    groups: np.ndarray
    places: np.ndarray
    votes: np.ndarray
    near: Neighbours | None


@dataclass(frozen=True)
class Signals:
    """How suspicious each row's label is.

    Attributes:
        names: of the columns of `values`.
        values: (rows, signals) float64, higher is more suspicious; zeros where no label is judged.
        evidence: what the models say together after they were weighed against each other.
    """

    names: list[str]
    values: np.ndarray
    evidence: "Evidence"


@dataclass(frozen=True)
class Suspects:
    """What confident learning says of labels.

    Attributes:
        quality: (rows,) float in 0..1, low where another label is much likelier; nan where it is not known.
        is_issue: (rows,) bool.
        count: estimated number of wrong labels, or None where nothing can be estimated.
    """

    quality: np.ndarray
    is_issue: np.ndarray
    count: int | None


class Evidence:
    """What models say of rows whose labels they did not learn from.

    A kind must answer `take`, `likeliest`, `signals` and `plant`; what else it cannot tell is left out of the outputs.

    Attributes:
        members: what each model says, by name.
    """

    members: Mapping[str, "Evidence"]

    def take(self, rows: np.ndarray) -> Self:
        """Return what is said of some rows, (some,) int or (rows,) bool."""
        raise NotImplementedError

    def likeliest(self) -> np.ndarray:
        """Return the label that the models together hold to be likeliest, (rows,) object."""
        raise NotImplementedError

    def signals(self, labels: np.ndarray, known: np.ndarray, surroundings: Surroundings, judged: np.ndarray) -> Signals:
        """Return what speaks against labels.

        Args:
            labels: (rows,) labels.
            known: (rows,) bool, the labels to learn from: those that people stand for.
            judged: (rows,) the labels to judge. Of a row on which people decided, the one before they did.
        """
        raise NotImplementedError

    def plant(self, labels: np.ndarray, errors: Errors) -> np.ndarray:
        """Return labels of which exactly round(rate * rows) are wrong, (rows,) object; no label may be None."""
        raise NotImplementedError

    def noise(self, labels: np.ndarray, known: np.ndarray) -> float:
        """Return the estimated share of wrong labels among the known ones: never none and never all."""
        suspects = self.take(known).suspects(labels[known], "prune_by_noise_rate").is_issue
        return between(float(suspects.mean()) if known.any() else 0.0, int(known.sum()))

    def support(self, labels: np.ndarray) -> np.ndarray | None:
        """Return how probable the models hold each row's label, (rows,) float in 0..1; None where they do not tell."""
        return None

    def shown(self) -> list[list[tuple[str, float]]]:
        """Return the labels of each row that a person is shown, with their probabilities, in the kind's order."""
        return [[] for _ in self.likeliest()]

    def why(self) -> list[list[str]] | None:
        """Return what speaks against the label of each row that was judged, in words, the weightiest first.

        None where a label is told as a whole, by its probability. The words hold data, without characters that nobody
        sees, to be escaped where they are shown.
        """
        return None

    def chances(self, labels: Sequence[str]) -> np.ndarray | None:
        """Return the probabilities of some labels, (rows, labels) float64; None where the models do not tell."""
        return None

    def doubt(self, by: Doubt) -> np.ndarray:
        """Return how unsure the models are of each row's label, (rows,) float, higher is less sure.

        Raises:
            UserError: the kind of task has no such measure.
        """
        raise UserError(f"params.yaml: choose_rows.strategy: the models of this kind of task have no {by}; use another")

    def suspects(self, labels: np.ndarray, filter_by: Filter) -> Suspects:
        """Return which labels confident learning holds to be wrong; none, where it cannot be asked."""
        return Suspects(np.full(len(labels), np.nan), np.zeros(len(labels), dtype=bool), None)

    def flags(self, labels: np.ndarray, near: Neighbours, everyone: np.ndarray) -> dict[str, np.ndarray]:
        """Return which labels each detector holds to be wrong, (rows,) bool each, by name.

        Args:
            near: the rows' nearest rows, places in `everyone`.
            everyone: labels of all rows.
        """
        return {}

    def rankings(self, labels: np.ndarray, near: Neighbours) -> dict[str, np.ndarray]:
        """Return how suspicious each label is to each detector, (rows,) float, by name: what `signals` competes with.

        Args:
            labels: of all rows, those that were judged.
            near: their nearest rows.
        """
        return {}


def between(share: float, rows: int) -> float:
    """Return a share of rows, kept off 0 and 1: no label is certain."""
    least = 1 / (rows + 2)
    return float(np.clip(share, least, 1 - least))
