"""The detectors that bench/labels.py compares, and how each is judged on labels of which the wrong ones are known."""

from dataclasses import dataclass

import numpy as np

from bench import tiered
from winnow.detect import inputs
from winnow.encoder import neighbours
from winnow.kinds.classification import members
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.scores import Evidence
from winnow.kinds.evidence import NEAREST, Filter, Surroundings
from winnow.text.words import terms

RANKINGS = ("self_confidence", "normalized_margin")
FILTER: Filter = "prune_by_noise_rate"  # cleanlab's own default
ENSEMBLE = ("probe", "words", "finetune")  # what the stage `score` takes the mean of
TIERED, NO_GROUPS = "tiered", "tiered, without groups"
AP = "average_precision"
METRICS = (
    AP,
    "precision_at_100",
    "precision_at_count",
    "flagged_precision",
    "flagged_recall",
)


@dataclass(frozen=True)
class Corpus:
    """Rows with a label, and the models that learn from them.

    Attributes:
        labels: names of the classes.
        truth: (rows,) int, the labels held to be right.
        folds: (rows,) int; no group and no cluster of near-duplicates crosses them.
        groups: (rows,) strings, the document that each row is of.
        keys: (rows,) strings, which tell the row's place in it.
        texts: (rows,) strings.
        vectors: (rows, dimensions) float32, in whose space neighbours are looked for.
        members: the models by name; those of `ENSEMBLE` are the ensemble.
    """

    labels: list[str]
    truth: np.ndarray
    folds: np.ndarray
    groups: list[str]
    keys: list[str]
    texts: list[str]
    vectors: np.ndarray
    members: dict[str, members.Member]


@dataclass(frozen=True)
class Found:
    """What a detector says: how suspicious each row is, (rows,) float, and which it flags, (rows,) bool or None."""

    suspicion: np.ndarray
    flagged: np.ndarray | None

    def of(self, rows: np.ndarray) -> "Found":
        """Return what it says of some rows, (rows,) bool."""
        return Found(self.suspicion[rows], None if self.flagged is None else self.flagged[rows])


def detect(corpus: Corpus, given: np.ndarray) -> dict[str, Found]:
    """Return what each detector says of the labels `given`, (rows,) int; it sees nothing of the truth."""
    chances = {name: out_of_fold(corpus, name, given) for name in corpus.members}
    inside = {name: chances[name] for name in ENSEMBLE if name in chances}
    found = {}
    for source, probabilities in (chances | {"ensemble": np.mean(list(inside.values()), axis=0)}).items():
        found |= {f"cleanlab {name}, {source}": each for name, each in cleanlab(given, probabilities).items()}
    if "finetune" in chances:
        found["loss, finetune"] = Found(loss(given, chances["finetune"]), None)
    return found | tiered_detector(corpus, given, inside)


def tiered_detector(corpus: Corpus, given: np.ndarray, chances: dict[str, np.ndarray]) -> dict[str, Found]:
    """Return the probabilities of an error by the tiered detector, with what a row's group says and without.

    It flags what is likelier wrong than right.

    Args:
        chances: out-of-fold probabilities of the ensemble's members.
    """
    task = Task(kind="classification", labels=corpus.labels)
    labels, evidence = np.array(corpus.labels, dtype=object)[given], Evidence.of(task, chances)
    rows = np.arange(len(given))
    groups, places = np.unique(corpus.groups, return_inverse=True)[1], inputs.order(corpus.keys)
    found = {}
    for name, group, place in ((TIERED, groups, places), (NO_GROUPS, rows, rows)):
        near = neighbours.nearest(corpus.vectors, group, np.ones(len(rows), dtype=bool), NEAREST)
        surroundings = Surroundings(corpus.folds, group, place, np.full(len(rows), None, dtype=object), near)
        suspicion = tiered.suspicion(labels, evidence, surroundings)
        found[name] = Found(suspicion, suspicion > 0.5)
    return found


def out_of_fold(corpus: Corpus, member: str, labels: np.ndarray) -> np.ndarray:
    """Return a member's out-of-fold probabilities after learning labels, (rows, classes) float32."""
    return members.out_of_fold(corpus.members[member], labels, corpus.folds, corpus.labels)


def cleanlab(given: np.ndarray, probabilities: np.ndarray) -> dict[str, Found]:
    """Return cleanlab's rankings by label quality, each with what its filter flags (Northcutt et al. 2021)."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    probabilities = probabilities.astype(np.float64)
    flagged = find_label_issues(given, probabilities, filter_by=FILTER, n_jobs=1)
    return {name: Found(-get_label_quality_scores(given, probabilities, method=name), flagged) for name in RANKINGS}


def loss(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return each row's out-of-fold cross-entropy, (rows,) float; the order is that of self-confidence."""
    return -np.log(np.maximum(probabilities[np.arange(len(given)), given], 1e-12))


def judge(found: Found, wrong: np.ndarray) -> dict[str, float | None]:
    """Return `METRICS` of one detector; `wrong`, (rows,) bool, says which labels are wrong, one at least."""
    from sklearn.metrics import average_precision_score

    order = np.argsort(-found.suspicion, kind="stable")
    flags = found.flagged
    return {
        AP: float(average_precision_score(wrong, found.suspicion)),
        "precision_at_100": float(wrong[order[:100]].mean()),
        "precision_at_count": float(wrong[order[: wrong.sum()]].mean()),
        "flagged_precision": float(wrong[flags].mean()) if flags is not None and flags.any() else None,
        "flagged_recall": float(flags[wrong].mean()) if flags is not None else None,
    }


def doubted(corpus: Corpus) -> np.ndarray:
    """Return the rows of which no member, trained on the labels held to be right, confirms the label, (rows,) bool."""
    each = [out_of_fold(corpus, member, corpus.truth).argmax(axis=1) for member in corpus.members]
    return np.all([predicted != corpus.truth for predicted in each], axis=0)


def weak_model(corpus: Corpus, rows: int, seed: int) -> np.ndarray:
    """Return a weak model's out-of-fold class probabilities, (rows, classes) float64.

    For each fold a nearest-centroid classifier on bags of words (Rocchio), learnt from `rows` random rows of the
    other folds. Its probabilities are a softmax of cosines, as sharp as fits the truth best: it doubts where it errs.
    """
    from scipy.optimize import minimize_scalar
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    bags = normalize(CountVectorizer(analyzer=terms, max_features=members.MAX_FEATURES).fit_transform(corpus.texts))
    random = np.random.default_rng(seed)
    classes, truth = len(corpus.labels), corpus.truth
    cosines = np.zeros((len(truth), classes))
    for fold in np.unique(corpus.folds):
        outside = np.flatnonzero(corpus.folds != fold)
        drawn = random.choice(outside, min(rows, len(outside)), replace=False)
        belongs = np.eye(classes)[truth[drawn]]
        centroids = normalize((bags[drawn].T @ belongs).T)
        cosines[corpus.folds == fold] = bags[corpus.folds == fold] @ centroids.T

    def soft(sharpness: float) -> np.ndarray:
        powers = np.exp(sharpness * (cosines - cosines.max(axis=1, keepdims=True)))
        return powers / powers.sum(axis=1, keepdims=True)

    best = minimize_scalar(lambda sharpness: loss(truth, soft(sharpness)).mean(), bounds=(0, 200), method="bounded")
    return soft(best.x)


def adjacent(corpus: Corpus, chances: np.ndarray) -> np.ndarray:
    """Return class probabilities without the labels that neither the row before nor the one after has in its group.

    Args:
        chances: (rows, classes) float; a row's own label keeps its probability, the rest is scaled to sum to one.
    """
    groups = np.unique(corpus.groups, return_inverse=True)[1]
    order = np.lexsort((inputs.order(corpus.keys), groups))
    allowed = np.eye(len(corpus.labels), dtype=bool)[corpus.truth]
    before, after = order[:-1], order[1:]
    same = groups[before] == groups[after]
    for row, other in ((before[same], after[same]), (after[same], before[same])):
        allowed[row, corpus.truth[other]] = True
    kept = np.where(allowed, chances, 0)
    return kept / kept.sum(axis=1, keepdims=True)
