"""Predictions as they are told of texts that came with a file: spans count the characters of the text as it was given.

A model reads the text that cleaning left. The shortest edit script (Levenshtein's) from that to the given text says
where each of its characters stands there. Of two places with the same words, of which cleaning left one, that is a
guess.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from rapidfuzz.distance import Levenshtein

from winnow.kinds.token_classification import predictions
from winnow.kinds.token_classification.labels import Task, canonical, spans
from winnow.kinds.token_classification.span import Span, trimmed
from winnow.rows import tables


def told(
    task: Task, predicted: pa.Table, clean: Sequence[str], given: Sequence[str]
) -> tuple[pa.Table, dict[str, int]]:
    """Return predictions of texts as they were given, and what is left out of them, in words, with how often.

    What a model says of single words is left out: it counts the characters of the clean text.

    Args:
        clean: (rows,) the texts that the model read.
        given: (rows,) the same before they were cleaned.
    """
    labels, sure, lost = [], [], 0
    for row, (label, chances) in enumerate(
        zip(predicted["predicted"].to_pylist(), predicted["confidence"].to_pylist(), strict=True)
    ):
        places = restored(spans(label), clean[row], given[row])
        kept = [(span, chance) for span, chance in zip(places, chances, strict=True) if span is not None]
        lost += len(places) - len(kept)
        labels.append(canonical(span for span, _ in kept))
        sure.append([chance for _, chance in kept])
    found = predicted.drop_columns(["words", "p"])
    found = tables.set_column(found, "predicted", labels, pa.string())
    found = tables.set_column(found, "confidence", sure, predictions.OWN["confidence"])
    return found, {"spans of which only cleaning made the text": lost}


def restored(found: Sequence[Span], clean: str, given: str) -> list[Span | None]:
    """Return where spans of a clean text stand in the given one; None where cleaning made all of a span's text.

    Args:
        found: sorted, of which no two overlap.
    """
    if clean == given or not found:
        return list(found)
    steps = np.zeros((len(clean), 2), np.int64)  # where each character begins and ends in the given text
    for part in Levenshtein.opcodes(clean, given):
        own = np.arange(part.src_end - part.src_start)
        if part.tag in ("equal", "replace"):
            steps[part.src_start : part.src_end] = part.dest_start + np.stack([own, own + 1], axis=1)
        elif part.tag == "delete":
            steps[part.src_start : part.src_end] = part.dest_start
    return [trimmed((int(steps[start, 0]), int(steps[end - 1, 1]), name), given) for start, end, name in found]
