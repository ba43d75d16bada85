"""Results of long runs, kept so that a bench which was cut short goes on from what it has done."""

import json
from collections.abc import Callable
from pathlib import Path

from winnow.base import files, hashing


def remembered(folder: Path, depends_on: object, work: Callable[[], dict]) -> dict:
    """Return the result of `work` from a folder, or do it and keep it there.

    Args:
        depends_on: all that the result depends on but the code, as JSON holds it.
    """
    kept = folder / f"{hashing.digest(json.dumps(depends_on, sort_keys=True))[:24]}.json"
    if not kept.exists():
        files.write_json(kept, work())
    return json.loads(files.read_text(kept))
