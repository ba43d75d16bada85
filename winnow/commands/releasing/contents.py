"""What a release is, beside the one before it: the version that the changes ask for, and the changelog's section."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from winnow import kinds
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.diff import report, revision
from winnow.commands.diff.revision import Revision
from winnow.commands.releasing import artifacts, changelog, proposal
from winnow.commands.releasing.artifacts import Artifact
from winnow.commands.releasing.changelog import Figures
from winnow.commands.releasing.proposal import Proposal
from winnow.rows import tables
from winnow.validation import looks


@dataclass(frozen=True)
class Contents:
    """What a release is: the proposal, None of a first release, and the section of the changelog.

    `is_same`: the release before has the same bytes.
    """

    proposal: Proposal | None
    section: str
    is_same: bool


def of(artifact: Artifact, before: str | None) -> Contents:
    """Return what the release of HEAD is.

    Args:
        artifact: as it will be named.
        before: the tag of the release before.

    Raises:
        UserError: an object of either is missing, or the artifact is no output of the pipeline.
    """
    with tempfile.TemporaryDirectory(prefix="winnow-release-") as folder:
        head = revision.read("HEAD", revision.commit("HEAD"), Path(folder) / "head")
        if head.hash(artifact.path) is None:
            raise UserError(
                f"{artifact.path}: dvc.lock has no output of this path, so that nobody could get it; mend artifacts: "
                f"{artifact.name} in {pipeline.FILE}, or `dvc repro`"
            )
        base = revision.read(before, revision.commit(before), Path(folder) / "base") if before else None
        with revision.opened_store() as store:
            report.bring(store, head, *([base] if base else []))
        table = head.find("apply_decisions", "out")
        if table is None:
            raise UserError(f"{pipeline.FILE}: no stage apply_decisions has made a labelled table; `dvc repro`")
        task = kinds.read_task(head.file("params.yaml"))
        headline = report.headline(task)
        figures = _figures(head, base)
        if base is None:
            return Contents(None, changelog.of_first(artifact, table, task, figures, headline), is_same=False)
        found = report.made(base, head, "dev")
        if "reason" in found["data"]:
            raise UserError(f"{before}: {found['data']['reason']}, so that nothing can be told of what changed")
        old = _before(artifact, base)
        schemas = tables.schema(base.find("apply_decisions", "out")), tables.schema(table)
        asked = proposal.of(artifact, old, found, schemas)
        section = changelog.of_next(artifact, before, asked, found, figures)
        return Contents(asked, section, is_same=base.hash(old) == head.hash(artifact.path))


def _before(artifact: Artifact, base: Revision) -> str:
    """Return the path that the artifact had at the release before."""
    text = base.file(pipeline.FILE.as_posix())
    listed = artifacts.read(text.read_text(encoding="utf-8")) if text else {}
    return listed.get(artifact.name, artifact).path


def _figures(head: Revision, base: Revision | None) -> Figures:
    sides = (base, head)
    dev = tuple(_approaches(_json(side, "compare", "metrics"), "dev") for side in sides)
    folder, labelled, predicted = (
        pipeline.find("report", "test"),
        head.find("evaluate", "rows"),
        head.find("evaluate", "out"),
    )
    if folder is None or labelled is None or predicted is None:
        return Figures(dev, (None, None), 0, is_same_test=False)
    rows = looks.fingerprint(labelled)
    standing = looks.standing(folder, rows, looks.fingerprint_of_files(predicted))
    before = _json(base, "report", "test", looks.RESULTS)
    return Figures(
        dev,
        (_approaches(before, looks.SPLIT), _approaches(standing.results, looks.SPLIT)),
        len(standing.looks),
        is_same_test=before is not None and before.get("dataset") == rows,
    )


def _approaches(content: dict | None, split: str) -> dict | None:
    return ((content or {}).get(split) or {}).get("approaches")


def _json(side: Revision | None, stage: str, option: str, name: str = "") -> dict | None:
    """Return what a file of a revision holds; None where it has none, or no object."""
    named = side.named(stage, option) if side else None
    file = side.file(f"{named}/{name}".rstrip("/")) if named else None
    if file is None:
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
