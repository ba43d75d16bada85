"""What a revision's training costs, by what Git has of it: tokens, which are the same on every machine."""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from winnow.commands.diff.revision import Revision


def tokens(side: Revision, document: Mapping) -> int | None:
    """Return how many tokens all training read: those of adaptation, and steps times the tokens of a step.

    None where files do not tell.

    Args:
        document: params.yaml of the revision.
    """
    if not side.stages:
        return None
    total = 0
    for stage, locked in side.stages.items():
        name = stage.partition("@")[0]
        for out in locked.get("outs", []) if name in ("adapt", "finetune") else ():
            path = PurePosixPath(out["path"])
            if path.suffix == ".json" and (file := side.file(path.as_posix())):
                try:
                    made = json.loads(file.read_text(encoding="utf-8"))
                    total += made["tokens"] if name == "adapt" else made["steps"] * _step(path.stem, document)
                except (KeyError, TypeError, ValueError):
                    return None
    return total


def _step(run: str, document: Mapping) -> int:
    """Return the tokens of a step of a run of fine-tuning."""
    own = (document.get("approaches") or {}).get(run.split("-")[0]) or {}
    return own.get("batch_tokens", document["finetune"]["batch_tokens"])
