"""Metrics of predicted entities, all computed from labels alone, so that any revision can be measured.

Entities are counted as SemEval 2013 task 9 does (Segura-Bedmar et al. 2013), and the library nervaluate: strict
(borders and type are right), exact (borders are), partial (one that only overlaps counts a half) and type (the type is
right, and it overlaps). Strict figures are those of seqeval and of CoNLL 2003.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.headline import Headline
from winnow.kinds.token_classification.labels import Span, Task, spans
from winnow.rows import predictions as arms_of

HEADLINE = Headline(
    "entity_f1", larger_is_better=True, meaning="F1 of all entities, right if their borders and their type are"
)
WORDS = {
    "entity_f1": "entity F1",
    "partial_f1": "partial F1",
    "type_f1": "type F1",
    "macro_f1": "macro-F1 of the types",
    "precision": "precision",
    "recall": "recall",
}
# What is counted of each type: entities that are there, entities that are predicted, and of these those whose borders
# and type are right, whose borders are, that only overlap one, and whose type is right where they overlap. The last
# three count for the type that is predicted.
ACTUAL, PREDICTED, STRICT, EXACT, PARTIAL, TYPE = range(6)
LEAST_OVERLAP = 100  # an overlap of less than one in so many characters of an entity is none; as nervaluate has it


def counts(task: Task, predictions: pa.Table, part: np.ndarray, parts: int) -> np.ndarray:
    """Return what is counted of each type in each part of the rows, (parts, 6, types) int; those of rows add up.

    Args:
        predictions: label and predicted.
        part: (rows,) int, 0 to parts - 1.

    Raises:
        UserError: a label or prediction holds a type that is none of the task's.
    """
    place = {name: number for number, name in enumerate(task.labels)}
    kinds: tuple[list[Span], ...] = tuple([] for _ in range(6))
    rows: tuple[list[int], ...] = tuple([] for _ in range(6))
    labels, predicted = predictions["label"].to_pylist(), predictions["predicted"].to_pylist()
    for row, (label, other) in enumerate(zip(labels, predicted, strict=True)):
        for kind, found in enumerate(matched(spans(label), spans(other))):
            kinds[kind].extend(found)
            rows[kind].extend([row] * len(found))
    counted = np.zeros((parts, 6, len(task.labels)), dtype=int)
    for kind, (found, own) in enumerate(zip(kinds, rows, strict=True)):
        try:
            types = [place[name] for _, _, name in found]
        except KeyError as error:
            raise UserError(f"type {error} is not one of params.yaml: task.labels; run `dvc repro`") from None
        np.add.at(counted, (part[own], kind, types), 1)
    return counted


def matched(actual: Sequence[Span], predicted: Sequence[Span]) -> tuple[Sequence[Span], ...]:
    """Return the entities of a row that are counted, in the order `ACTUAL` to `TYPE`.

    Args:
        actual, predicted: sorted spans, none of which overlaps another of its own.
    """
    if actual == predicted:
        return actual, predicted, predicted, predicted, (), predicted
    right, borders = set(actual), {(start, end) for start, end, _ in actual}
    strict = [span for span in predicted if span in right]
    exact = [span for span in predicted if span[:2] in borders]
    return actual, predicted, strict, exact, *_overlapping(actual, predicted, borders)


def _overlapping(actual: Sequence[Span], predicted: Sequence[Span], borders: set) -> tuple[list[Span], list[Span]]:
    """Return the predicted entities that are partly right, and those whose type is right.

    Each entity is met once, in the order of the text: by a prediction of its borders, else by the first that overlaps
    it; for types, a prediction takes of those of its type the one with the nearest borders.
    """
    partial, typed = [], []
    halves, meets = set(), set()  # numbers of entities that are met
    first = 0
    for span in predicted:
        while first < len(actual) and actual[first][1] <= span[0]:
            first += 1
        near = [
            place for place in range(first, len(actual)) if actual[place][0] < span[1] and _overlap(span, actual[place])
        ]
        if span[:2] not in borders and (free := [place for place in near if place not in halves]):
            halves.add(free[0])
            partial.append(span)
        free = [place for place in near if place not in meets]
        same = [place for place in free if actual[place][2] == span[2]]
        if same:
            meets.add(min(same, key=lambda place: _distance(span, actual[place])))
            typed.append(span)
        elif free:
            meets.add(free[0])
    return partial, typed


def _overlap(span: Span, actual: Span) -> bool:
    shared = min(span[1], actual[1]) - max(span[0], actual[0])
    return shared > 0 and shared * LEAST_OVERLAP >= actual[1] - actual[0]


def _distance(span: Span, actual: Span) -> int:
    return abs(span[0] - actual[0]) + abs(span[1] - actual[1])


def values(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return the metrics of `WORDS`, (...) float each, of `counts`, (..., 6, types).

    The mean over types is that of the types that are there or are predicted.
    """
    actual, predicted, strict, exact, partial, typed = (counts[..., kind, :].sum(axis=-1) for kind in range(6))
    there = counts[..., ACTUAL, :] + counts[..., PREDICTED, :]
    both = actual + predicted
    return {
        "entity_f1": share(2 * strict, both),
        "partial_f1": share(2 * exact + partial, both),
        "type_f1": share(2 * typed, both),
        "macro_f1": share(share(2 * counts[..., STRICT, :], there).sum(axis=-1), (there > 0).sum(axis=-1)),
        "precision": share(strict, predicted),
        "recall": share(strict, actual),
    }


def share(of: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return of / among, (...) float; 0 of none."""
    of, among = np.asarray(of, dtype=float), np.asarray(among, dtype=float)
    return np.divide(of, among, out=np.zeros(of.shape), where=among > 0)


def measure(task: Task, predictions: pa.Table, bins: int) -> dict:
    """Return the metrics of the predictions of one split, and by type.

    `exact_f1` is by borders alone, whatever the type. `rows_right` is the share of rows of which every entity is right
    and none is missed; `calibration_error` is of the probabilities of predicted entities.
    """
    counted = counts(task, predictions, np.zeros(predictions.num_rows, dtype=int), 1)[0]
    alike = np.equal(*(np.array(predictions[name].to_pylist(), dtype=object) for name in ("label", "predicted")))
    by_type = {
        "f1": share(2 * counted[STRICT], counted[ACTUAL] + counted[PREDICTED]),
        "precision_by_type": share(counted[STRICT], counted[PREDICTED]),
        "recall_by_type": share(counted[STRICT], counted[ACTUAL]),
        "entities_by_type": counted[ACTUAL],
    }
    return (
        {
            "rows": predictions.num_rows,
            "entities": int(counted[ACTUAL].sum()),
            "predicted_entities": int(counted[PREDICTED].sum()),
        }
        | {name: float(value) for name, value in values(counted).items()}
        | {
            "exact_f1": float(share(2 * counted[EXACT].sum(), counted[[ACTUAL, PREDICTED]].sum())),
            "rows_right": float(alike.mean()) if len(alike) else 0.0,
            "calibration_error": calibration_error(calibration_table(predictions, bins)),
        }
        | {name: dict(zip(task.labels, found.tolist(), strict=True)) for name, found in by_type.items()}
    )


def plots(task: Task, arms: Mapping[str, pa.Table], measured: dict[str, dict], bins: int) -> dict[str, list[tuple]]:
    """Return the rows of each plot's table, header first: calibration of entities, and F1 by type.

    Args:
        arms: predictions of one split by `<approach>-<seed>`.
        measured: what `measure` says of each arm.
    """
    calibration: list[tuple] = [("arm", "confidence", "accuracy", "rows")]
    per_class: list[tuple] = [("approach", "label", "f1")]
    for approach, names in arms_of.by_approach(arms).items():
        for label in task.labels:
            per_class.append((approach, label, float(np.mean([measured[name]["f1"][label] for name in names]))))
        for name in names:
            table = calibration_table(arms[name], bins)
            calibration += [(name, own["confidence"], own["accuracy"], own["rows"]) for own in table]
    return {"calibration": calibration, "per_class": per_class}


def calibration_table(predictions: pa.Table, bins: int) -> list[dict]:
    """Return one dict a non-empty bin of the predicted entities' probabilities: their mean, the share that is right in
    borders and type, and how many they are."""
    chances, right = [], []
    told = (predictions[name].to_pylist() for name in ("label", "predicted", "confidence"))
    for label, predicted, confidence in zip(*told, strict=True):
        actual = set(spans(label))
        right += [span in actual for span in spans(predicted)]
        chances += confidence
    p, is_right = np.array(chances, dtype=float), np.array(right, dtype=bool)
    index = np.minimum((p * bins).astype(int), bins - 1)
    return [
        {"confidence": float(p[here].mean()), "accuracy": float(is_right[here].mean()), "rows": int(here.sum())}
        for here in (index == number for number in range(bins))
        if here.any()
    ]


def calibration_error(table: list[dict]) -> float:
    """Return the expected calibration error: mean |share - probability|, weighted by entities; 0 of none."""
    entities = sum(own["rows"] for own in table)
    return sum(abs(own["accuracy"] - own["confidence"]) * own["rows"] for own in table) / max(entities, 1)
