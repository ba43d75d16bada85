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
from winnow.commands import leaks, pipeline
from winnow.rows import splits
from winnow.validation.drift import REFERENCE, read_reference

NAME = "freeze"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: none."""


def execute(arguments: argparse.Namespace) -> None:
    """Freeze test groups and profile.

    Raises:
        UserError: the split or the profile is not made yet, or the split leaks.
    """
    profile, frozen = pipeline.path("validate", "profile"), pipeline.path("split", "frozen")
    reference = pipeline.path("validate", "frozen") / REFERENCE
    if read_reference(profile) is None:
        raise UserError(f"{profile}: not found; `dvc repro validate` makes it")
    _, group, _, split = leaks.assigned(pipeline.path("split", "out"))
    if leaking := leaks.problems(Path()):
        raise UserError(f"{leaking[0]}; a split that leaks is not frozen")
    before = leaks.frozen_groups(Path())
    after = np.union1d(before, group[split == leaks.TEST])
    splits.write_frozen(frozen, after)
    with files.replacing(reference) as new:
        shutil.copyfile(profile, new)
    print(f"{frozen}: {len(after)} test groups, {len(after) - len(before)} of them new")
    print(f"{reference}: the profile of today; commit both, then `dvc repro`")
