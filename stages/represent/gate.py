"""Which sources are in doubt: too small, too far from the reference, or full of duplicates."""

import math

import numpy as np
from pydantic import Field

from winnow.base import params
from winnow.base.gates import Doubt
from winnow.statistics import testing

COPIES = ("dropped", "kept")  # what duplicates of a source became
ALPHA = 0.05  # of any source in doubt by chance


class Gates(params.Section):
    """Section `represent.gates` of params.yaml: a source beyond one of these bounds is in doubt; null: no bound."""

    min_rows: int | None = Field(None, ge=1)
    """Rows that a source must have."""

    max_duplicate_share: float | None = Field(None, ge=0, le=1)
    """Share of a source's rows that are duplicates; in doubt where chance does not explain it."""

    min_cluster_coverage: float | None = Field(None, ge=0, le=1)
    """Share of the clusters in which a source must have rows."""

    max_embedding_distance: float | None = Field(None, ge=0)
    """Squared maximum mean discrepancy to the reference; in doubt where the whole interval lies beyond."""

    max_word_distance: float | None = Field(None, ge=0, le=1)
    """Jensen-Shannon divergence of the words in bits, 0 to 1; in doubt where the whole interval lies beyond."""


def doubts(metrics: dict, gates: Gates, reference: str | None) -> list[Doubt]:
    """Return the sources beyond a gate, and the gated measures that could not be taken.

    Args:
        metrics: those of the stage.
        reference: the source that the others are compared with, if it is one.
    """
    sources, found = metrics["sources"], []
    repeated = more_duplicates(sources, gates.max_duplicate_share)
    for source, measured in sources.items():
        near = {name: distance and distance["low"] for name, distance in measured["distance"].items()}
        copied = measured["duplicates"]["share"]
        checks = (
            ("min_rows", measured["rows"], "add rows, or take the source out of collect.sources"),
            ("max_duplicate_share", copied if source in repeated else 0.0, "cap the source, or take it out"),
            ("min_cluster_coverage", measured["clusters"].get("coverage"), "widen the source, or take it out"),
            ("max_embedding_distance", near["embeddings"], "take the source out, or collect rows nearer the reference"),
            ("max_word_distance", near["words"], "take the source out, or collect rows nearer the reference"),
        )
        for gate, value, mend in checks:
            bound, key = getattr(gates, gate), f"represent.gates.{gate}"
            if bound is None or (source == reference and gate.endswith("_distance")):
                continue
            if value is None:
                what = f"source '{source}': too few rows or groups to measure what {key} bounds"
                more = "raise embed.text_rows, represent.word_rows or embedded_rows"
                found.append(Doubt(key, what, f"{key}: null", more))
            elif value < bound if gate.startswith("min_") else value > bound:
                what = f"source '{source}': {value:.4g} is beyond {key} {bound:g}"
                found.append(Doubt(key, what, f"{key}: {_reached(gate, value)}", mend))
    return found


def more_duplicates(sources: dict[str, dict], share: float | None) -> set[str]:
    """Return the sources with a larger share of duplicates than chance explains; exact tests, corrected by Holm."""
    if share is None or not sources:
        return set()
    copied = np.array([sum(each["duplicates"][part] for part in COPIES) for each in sources.values()])
    totals = np.array([each["rows"] + each["duplicates"]["dropped"] for each in sources.values()])
    p_values = testing.holm(testing.above_share(copied, totals, share))
    return {source for source, p_value in zip(sources, p_values, strict=True) if p_value < ALPHA}


def _reached(gate: str, value: float) -> str:
    """Return the bound, of two digits behind the point, that a value does not go beyond."""
    if gate == "min_rows":
        return "null" if value < 1 else f"{value}"
    up = math.floor if gate.startswith("min_") else math.ceil
    return f"{up(100 * value) / 100:g}"
