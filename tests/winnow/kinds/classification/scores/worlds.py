"""Small worlds whose truth is known: rows with labels, models that see them dimly, groups that have a structure."""

from dataclasses import dataclass

import numpy as np

from winnow.encoder import neighbours
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.scores import Evidence
from winnow.kinds.evidence import NEAREST, Surroundings

CLASSES = 3
TASK = Task(kind="classification", labels=["FRUIT", "STONE", "WATER"])


@dataclass(frozen=True)
class World:
    """Rows, (rows,) each: the right label, groups of three rows with each label once, in order; folds by group."""

    truth: np.ndarray
    groups: np.ndarray
    places: np.ndarray
    folds: np.ndarray
    members: dict[str, np.ndarray]
    vectors: np.ndarray

    def evidence(self) -> Evidence:
        """Return what the models say."""
        return Evidence.of(TASK, self.members)

    def surroundings(self, near: bool = True, groups: np.ndarray | None = None) -> Surroundings:
        """Return what is known beside labels and models; without votes."""
        rows = len(self.truth)
        groups = self.groups if groups is None else groups
        found = neighbours.nearest(self.vectors, groups, np.ones(rows, dtype=bool), NEAREST) if near else None
        return Surroundings(self.folds, groups, self.places, np.full(rows, None, dtype=object), found)


def named(places: np.ndarray) -> np.ndarray:
    """Return labels by their places in the task's, None for -1."""
    return np.array([*TASK.labels, None], dtype=object)[places]


def world(groups: int = 200, seed: int = 1, sight: float = 2.0) -> World:
    """Return a world; `sight` is how much likelier the models find the right label, in log odds."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), CLASSES)
    truth = np.tile(np.arange(CLASSES), groups)
    members = {name: chances(truth, sight, random) for name in ("probe", "words")}
    vectors = np.eye(8)[truth] + random.normal(scale=0.4, size=(len(truth), 8))
    return World(truth, group, np.tile(np.arange(CLASSES), groups), group % 4, members, vectors.astype(np.float32))


def chances(truth: np.ndarray, sight: float, random: np.random.Generator) -> np.ndarray:
    """Return what a model that never saw the labels gives each class."""
    score = random.normal(size=(len(truth), CLASSES))
    score[np.arange(len(truth)), truth] += sight
    power = np.exp(score)
    return power / power.sum(axis=1, keepdims=True)


def spoil(truth: np.ndarray, share: float, seed: int = 2) -> np.ndarray:
    """Return labels of which a share is wrong, at random."""
    random = np.random.default_rng(seed)
    wrong = random.permutation(len(truth))[: round(share * len(truth))]
    given = truth.copy()
    given[wrong] = (truth[wrong] + random.integers(1, CLASSES, len(wrong))) % CLASSES
    return given
