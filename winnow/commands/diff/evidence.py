"""What one approach takes for what, and what its confidence is worth, before and after: from the plots of `evaluate`.

Both revisions have these as CSV in Git, so that no object is asked for. They are of dev.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping

from winnow.commands.diff.revision import Revision
from winnow.rows import predictions

CONFUSION, CALIBRATION = "confusion.csv", "calibration.csv"
CELLS = 12  # cells that are told
LEAST = 0.01  # change of a cell, as a share of the rows of its class, below which it is left out
BINS = 10  # of confidence, of equal width


def compared(base: Revision, head: Revision, approach: str) -> dict:
    """Return `confusion` and `calibration`, each empty where a revision has no such file or not this approach.

    `confusion` lists cells: `actual`, `predicted`, and the share of the class's rows before and after, `base`, `head`.
    `calibration` lists bins: `low`, `high`, and before and after the rows, their mean confidence and the share that is
    right; None of an empty bin.
    """
    found = {"approach": approach, "confusion": [], "calibration": []}
    confusions = [_confusion(side, approach) for side in (base, head)]
    if all(confusions):
        found["confusion"] = _cells(*confusions)
    bins = [_bins(side, approach) for side in (base, head)]
    if all(bins):
        places = sorted(bins[0].keys() | bins[1].keys())
        found["calibration"] = [
            {"low": place / BINS, "high": (place + 1) / BINS, "base": bins[0].get(place), "head": bins[1].get(place)}
            for place in places
        ]
    return found


def _cells(before: Mapping, after: Mapping) -> list[dict]:
    shares = [_shares(side) for side in (before, after)]
    pairs = sorted(shares[0].keys() | shares[1].keys())
    names = ("actual", "predicted", "base", "head")
    return [dict(zip(names, (*pair, *(side.get(pair, 0.0) for side in shares)), strict=True)) for pair in pairs]


def _shares(counts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], float]:
    total: Counter = Counter()
    for (actual, _), count in counts.items():
        total[actual] += count
    return {pair: count / total[pair[0]] for pair, count in counts.items()}


def classes(cells: list[dict]) -> list[str]:
    """Return the classes that a confusion matrix has, by name."""
    return sorted({cell[side] for cell in cells for side in ("actual", "predicted")})


def is_changed(cell: Mapping) -> bool:
    """Return whether a cell changed by enough to be told."""
    return _change(cell) >= LEAST


def changed(cells: list[dict]) -> list[dict]:
    """Return the cells that changed, those that changed most first."""
    moved = [cell for cell in cells if is_changed(cell)]
    return sorted(moved, key=lambda cell: (-_change(cell), cell["actual"], cell["predicted"]))[:CELLS]


def _change(cell: Mapping) -> float:
    return round(abs(cell["head"] - cell["base"]), 6)  # else last bits decide which of two comes first


def _confusion(side: Revision, approach: str) -> Counter:
    lines = _read(side, CONFUSION)
    return Counter((line["actual"], line["predicted"]) for line in lines if line["approach"] == approach)


def _bins(side: Revision, approach: str) -> dict[int, dict]:
    """Return the bins of an approach's runs together, by their place."""
    sums: dict[int, list[float]] = {}
    for line in _read(side, CALIBRATION):
        if predictions.split_name(line["arm"])[0] == approach:
            rows, confidence = int(line["rows"]), float(line["confidence"])
            total = sums.setdefault(min(int(confidence * BINS), BINS - 1), [0.0, 0.0, 0.0])
            for place, value in enumerate((rows, rows * confidence, rows * float(line["accuracy"]))):
                total[place] += value
    return {
        place: {"rows": int(rows), "confidence": confidence / rows, "accuracy": right / rows}
        for place, (rows, confidence, right) in sums.items()
        if rows
    }


def _read(side: Revision, name: str) -> Iterator[dict]:
    """Yield the lines of a plot's file; none where the revision has no such file, or one of other columns."""
    folder = side.named("evaluate", "plots")
    file = side.file(f"{folder}/{name}") if folder else None
    if file is None:
        return
    lines = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
    wanted = {CONFUSION: {"approach", "actual", "predicted"}, CALIBRATION: {"arm", "confidence", "accuracy", "rows"}}
    if wanted[name] <= set(lines.fieldnames or ()):
        yield from lines
