"""freeze: make today's version of the dataset the reference for the next ones.

winnow freeze   after `dvc repro`, before a release; then commit data/frozen and run `dvc repro` again

Adds the groups of today's test rows to data/frozen/test_groups.txt: they stay in test whatever is added later. Copies
the dataset's profile to data/frozen/profile.json: `validate` measures drift from there. Changes no table.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands import leaks
from winnow.rows import splits
from winnow.validation.drift import read_reference

NAME = "freeze"
PROFILE = Path("reports/metrics/profile.json")
REFERENCE = Path("data/frozen/profile.json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: none."""


def execute(arguments: argparse.Namespace) -> None:
    """Freeze test groups and profile.

    Raises:
        UserError: the split or the profile is not made yet, or the split leaks.
    """
    if read_reference(PROFILE) is None:
        raise UserError(f"{PROFILE}: not found; `dvc repro validate` makes it")
    _, group, _, split = leaks.assigned(leaks.SPLIT)
    if found := leaks.problems(Path()):
        raise UserError(f"{found[0]}; a split that leaks is not frozen")
    before = splits.read_frozen(leaks.FROZEN) if leaks.FROZEN.exists() else np.empty(0, np.uint64)
    after = np.union1d(before, group[split == leaks.TEST])
    splits.write_frozen(leaks.FROZEN, after)
    with files.replacing(REFERENCE) as new:
        shutil.copyfile(PROFILE, new)
    print(f"{leaks.FROZEN}: {len(after)} test groups, {len(after) - len(before)} of them new")
    print(f"{REFERENCE}: the profile of today; commit both, then `dvc repro`")
