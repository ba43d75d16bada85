"""Drift: how far a dataset's profile is from that of its last release.

The reference is `data/frozen/profile.json`, a file in Git that `winnow freeze` writes. It is an input like any other:
a comparison with Git's HEAD would give the same inputs another result after each commit, of which `dvc status` would
say nothing.

One measure for each kind of number. Shares (labels, sources, years, words): Jensen-Shannon divergence, base 2
(Lin 1991), which is 0 for equal shares and 1 for disjoint ones and, unlike the population stability index, defined
where a class is new or gone; 0.02 is about an index of 0.1, 0.05 about 0.25. Lengths: the Kolmogorov-Smirnov distance,
the largest difference of the two cumulative shares, here at the profile's bounds. Rows: the relative change.

A few rows of many classes differ from a few others by chance. What chance reaches in one of a thousand draws of that
many rows is subtracted before a measure is judged. Words of one text are no independent draws: theirs is not.
"""

import json
import math
from pathlib import Path

import numpy as np
from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.files import read_text
from winnow.base.gates import Doubt
from winnow.base.params import Section

REFERENCE = "profile.json"  # in the folder of what is frozen
RELATIVE = ("rows", "groups")
LENGTHS = "characters"
SHARES = ("labels", "sources", "years")  # of rows
CHANCE = 0.001  # probability of a difference that chance does not explain: there are some tens of measures
NORMAL = 3.1  # standard deviations that a normal number exceeds with this probability
DRAWS = 100  # permutations, which tell mean and standard deviation


class Threshold(Section):
    """At or above `warn` a measure is marked, at or above `fail` the dataset is in doubt; null: never."""

    warn: float | None = Field(None, gt=0)
    """From here on the measure is marked. Null: never."""

    fail: float | None = Field(None, gt=0)
    """From here on the dataset is in doubt. Null: never."""

    def status(self, value: float) -> str:
        """Return ok, warn or fail."""
        for name in ("fail", "warn"):
            limit = getattr(self, name)
            if limit is not None and value >= limit:
                return name
        return "ok"


class Drift(Section):
    """Section `validate.drift` of params.yaml: how far each split may go from the last release
    (data/frozen/profile.json)."""

    rows: Threshold = Threshold(warn=0.2)
    """Change of the number of rows, as a share."""

    groups: Threshold = Threshold(warn=0.2)
    """Change of the number of groups, as a share."""

    labels: Threshold = Threshold(warn=0.02, fail=0.1)
    """Jensen-Shannon divergence of the labels' shares, 0 to 1."""

    sources: Threshold = Threshold(warn=0.05)
    """Jensen-Shannon divergence of the sources' shares."""

    years: Threshold = Threshold(warn=0.05)
    """Jensen-Shannon divergence of the years' shares."""

    characters: Threshold = Threshold(warn=0.1, fail=0.3)
    """Kolmogorov-Smirnov distance of the texts' lengths, 0 to 1."""

    words: Threshold = Threshold(warn=0.02, fail=0.1)
    """Jensen-Shannon divergence of the most frequent words' shares."""


def read_reference(path: Path) -> dict | None:
    """Return the last release's profile; None before the first release, when there is no file.

    Raises:
        UserError: the file is no profile.
    """
    if not path.exists():
        return None
    try:
        reference = json.loads(read_text(path))
        for part in reference.values():
            for name in Drift.model_fields:
                _ = part[name] if name in RELATIVE else part[name].items()
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError):
        raise UserError(f"{path}: is no profile; take it from Git, or remove it and run `winnow freeze`") from None
    return reference


def compare(profile: dict, reference: dict | None, thresholds: Drift) -> dict:
    """Return {"reference": what it is, "status": the worst, "measures": {measure: {part: a dict}}}.

    The dict has value, chance (what of it chance explains) and status.

    A dataset that shares no source with the reference is another dataset, not one that drifted.
    """
    if reference is None:
        return {"reference": "none: `winnow freeze` sets it", "status": "ok", "measures": {}}
    if not _sources(profile) & _sources(reference):
        return {"reference": "another dataset: it has no source in common", "status": "ok", "measures": {}}
    measures: dict = {name: {} for name in Drift.model_fields}
    for part in sorted({*profile, *reference}):
        for name, found in measures.items():
            pair = profile.get(part), reference.get(part)
            value, by_chance = distance(name, *pair), chance(name, *pair)
            status = getattr(thresholds, name).status(max(value - by_chance, 0.0))
            found[part] = {"value": value, "chance": by_chance, "status": status}
    reached = {entry["status"] for found in measures.values() for entry in found.values()}
    worst = next(status for status in ("fail", "warn", "ok") if status in reached)
    return {"reference": "the last release", "status": worst, "measures": measures}


def doubts(found: dict) -> list[Doubt]:
    """Return what is at `fail`."""
    return [
        Doubt(
            f"validate.drift.{name}.fail",
            f"{name} of {part} drifted by {entry['value']:.3g}, of which chance explains {entry['chance']:.3g}",
            f"validate.drift.{name}.fail: null",
            "mend the data; if the change is meant, `winnow freeze` makes it the reference",
        )
        for name, parts in found["measures"].items()
        for part, entry in parts.items()
        if entry["status"] == "fail"
    ]


def distance(name: str, part: dict | None, reference: dict | None) -> float:
    """Return how far a measure of a part went; a part that is new or gone went all the way, 1."""
    if part is None or reference is None:
        return 1.0
    if name in RELATIVE:
        return abs(part[name] / reference[name] - 1)
    return (kolmogorov_smirnov if name == LENGTHS else jensen_shannon)(part[name], reference[name])


def chance(name: str, part: dict | None, reference: dict | None) -> float:
    """Return the distance that two draws of as many rows of one dataset exceed with probability `CHANCE`.

    Kolmogorov-Smirnov distance: asymptotically; Jensen-Shannon divergence: by dealing the rows anew.
    """
    if part is None or reference is None or name not in (*SHARES, LENGTHS):
        return 0.0
    spread = 1 / part["rows"] + 1 / reference["rows"]
    if name == LENGTHS:
        return math.sqrt(-math.log(CHANCE / 2) / 2 * spread)
    from scipy.spatial.distance import jensenshannon

    keys = sorted({*part[name], *reference[name]})
    counts = np.array(
        [[round(each["rows"] * each[name].get(key, 0.0)) for key in keys] for each in (part, reference)], np.int64
    )
    pooled = counts.sum(axis=0)
    random = np.random.default_rng(0)
    first = random.multivariate_hypergeometric(pooled, counts[0].sum(), DRAWS, method="marginals")
    drawn = np.nan_to_num(jensenshannon(first, pooled - first, base=2, axis=1)) ** 2
    return float(drawn.mean() + NORMAL * drawn.std())


def jensen_shannon(first: dict[str, float], second: dict[str, float]) -> float:
    """Return the Jensen-Shannon divergence (base 2, 0..1) of two sets of shares."""
    from scipy.spatial.distance import jensenshannon

    keys = sorted({*first, *second})
    root = jensenshannon(*([shares.get(key, 0.0) for key in keys] for shares in (first, second)), base=2)
    return 0.0 if math.isnan(root) else float(root**2)  # rounding may leave a root of a number just below zero


def kolmogorov_smirnov(first: dict[str, float], second: dict[str, float]) -> float:
    """Return the largest difference of the cumulative shares, at bounds that are numbers written as text."""
    bounds = sorted({*first, *second}, key=int)
    difference = [first.get(bound, 0.0) - second.get(bound, 0.0) for bound in bounds]
    return float(np.abs(np.cumsum(difference)).max(initial=0))


def _sources(profile: dict) -> set[str]:
    return {source for part in profile.values() for source in part["sources"]}
