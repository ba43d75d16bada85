"""What a kind of task checks of its rows: each finding is in the ledger, and drops its row if params.yaml says so."""

from collections.abc import Mapping
from types import ModuleType
from typing import Literal

import numpy as np
import pyarrow as pa

from stages.clean.turns import Entries
from winnow import kinds
from winnow.base.errors import UserError
from winnow.kinds.task import Task

Action = Literal["off", "note", "drop"]


def of(task: Task) -> ModuleType | None:
    """Return what a kind checks of its rows; None: nothing."""
    return kinds.load(task, "checks") if kinds.has(task, "checks") else None


def refuse_unknown(asked: Mapping[str, Action], task: Task) -> None:
    """Raise `UserError` if params.yaml names a check that the kind has not."""
    known = getattr(of(task), "DEFAULTS", {})
    if strange := [name for name in asked if name not in known]:
        raise UserError(
            f"params.yaml: clean.checks: '{strange[0]}' is no check of task.kind {task.kind}; it has "
            f"{', '.join(known) or 'none'}"
        )


def check(rows: pa.Table, kind: ModuleType, asked: Mapping[str, Action], entries: Entries) -> pa.Table:
    """Return rows without those that a check drops.

    Args:
        asked: what happens to rows by the name of a check, where it is not the kind's default.
    """
    actions = {name: asked.get(name, usual) for name, usual in kind.DEFAULTS.items()}
    active = [name for name, action in actions.items() if action != "off"]
    dropping = [name for name in active if actions[name] == "drop"]
    pairs = zip(rows["text"].to_pylist(), rows["label"].to_pylist(), strict=True)
    found = [kind.find(text, label, active) for text, label in pairs]
    fate = np.array([next((name for name in dropping if name in each), "") for each in found], object)
    ids = rows["id"].combine_chunks()
    for name in active:
        places = [row for row, each in enumerate(found) if name in each and not fate[row]]
        entries.note(ids.take(pa.array(places, pa.int64())), name, [found[row][name] for row in places])
    for name in dropping:
        which = fate == name
        reasons = [each[name] for each, is_gone in zip(found, which, strict=True) if is_gone]
        rows = entries.drop(rows, pa.array(which, pa.bool_()), name, reasons)
        found = [each for each, is_gone in zip(found, which, strict=True) if not is_gone]
        fate = fate[~which]
    return rows
