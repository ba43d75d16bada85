"""release: a version of the dataset or the model that others get by its name, as a tag of Git with a changelog.

winnow release dataset --dry-run     what it would write, and what is in the way
winnow release dataset               the version that the changes ask for: docs/releases.md
winnow release model 2.0.0           this version; `--bump minor` raises a part of the last one
git push origin HEAD dataset@v1.0.0  then others get it: `dvc artifacts get URL dataset`, docs/releases.md

Releases what dvc.yaml names below `artifacts:`, once all is committed, run (`dvc status`), sound (`winnow lint --lock`)
and pushed (`dvc push`). Commits CHANGELOG.md, and of a model dvc.yaml with its path, and tags this commit as GTO does.
A release that broke off after its commit goes on when it is asked for again. Test is told as `winnow test` last saw it.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from winnow.base.errors import UserError
from winnow.base.locks import locked
from winnow.commands import pipeline, trained
from winnow.commands.releasing import artifacts, changelog, contents, ready, recording, versions
from winnow.commands.releasing.artifacts import Artifact
from winnow.commands.releasing.contents import Contents
from winnow.commands.releasing.versions import Version
from winnow.commands.status.standing import git

NAME = "release"
ROOT = Path()
LOCK = "winnow-release.lock"  # in Git's folder


@dataclass(frozen=True)
class Plan:
    """What a release writes.

    Attributes:
        tag: of Git.
        why: how its version came about, a sentence.
        section: of the changelog, which is the tag's message, too.
        texts: the files that its commit changes, whole.
    """

    tag: str
    why: str
    section: str
    texts: dict[Path, str]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("artifact", metavar="NAME", help="dataset, model, or what else dvc.yaml lists as artifact")
    parser.add_argument("version", nargs="?", metavar="VERSION", help="default: what the changes ask for")
    parser.add_argument("--bump", choices=versions.LEVELS, help="the part of the last version to raise")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="of a model: its folder; default: the best on dev")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")


def execute(arguments: argparse.Namespace) -> None:
    """Release, or show what would be.

    Raises:
        UserError: the artifact or the version cannot be, or something is in the way.
    """
    if arguments.version and arguments.bump:
        raise UserError("give a version or --bump, not both")
    own = git(ROOT, "rev-parse", "--git-path", LOCK)
    if own is None or recording.committed(ROOT, pipeline.FILE) is None:
        raise UserError(f"Git has no commit with {pipeline.FILE} here; a release is a tag of a commit")
    with locked(Path(own.rstrip("\n")), b""):  # two at once would commit twice
        tag = recording.pending(ROOT, {changelog.FILE, pipeline.FILE})
        _go_on(arguments, tag) if tag else _begin(arguments)


def _go_on(arguments: argparse.Namespace, tag: str) -> None:
    """Tag the commit of a release that broke off."""
    name, _, version = tag.partition("@v")
    other = arguments.version and versions.parsed(arguments.version) != versions.parsed(version)
    if name != arguments.artifact or other or arguments.bump:
        raise UserError(f"the release {tag} broke off after its commit: `winnow release {name}` sets its tag first")
    _check(tag, set())
    if arguments.dry_run:
        print(f"{tag}: its changelog is committed; would set the tag")
        return
    section = (recording.committed(ROOT, changelog.FILE) or "").split(f"## {tag}\n", 1)[1].split("\n## ", 1)[0]
    recording.tag(ROOT, tag, _message(tag, section))
    print(f"{tag}: its changelog was committed before; the tag is set now")
    _tell_push(tag)


def _begin(arguments: argparse.Namespace) -> None:
    plan = _planned(arguments)
    print(f"{plan.tag}: {plan.why}")
    if arguments.dry_run:
        print(f"\n{plan.section}")
        for path in plan.texts:
            print(f"Would commit {path}, then tag this commit.")
    written = {
        path.as_posix()
        for path, text in plan.texts.items()
        if (ROOT / path).is_file() and (ROOT / path).read_bytes() == text.encode()
    }
    _check(plan.tag, written)
    if arguments.dry_run:
        print("Nothing is in the way; nothing was written.")
        return
    recording.commit(ROOT, plan.texts, f"Release {plan.tag}")
    recording.tag(ROOT, plan.tag, _message(plan.tag, plan.section))
    _tell_push(plan.tag)


def _check(tag: str, written: set[str]) -> None:
    found = list(ready.problems(ROOT, tag, written))
    for line in found:
        print(f"- {line}")
    if found:
        raise UserError(f"{tag}: not released; {len(found)} thing(s) in the way are listed above")


def _planned(arguments: argparse.Namespace) -> Plan:
    described = recording.committed(ROOT, pipeline.FILE) or ""
    listed = artifacts.named(described, arguments.artifact)
    artifact = replace(listed, path=_path(arguments, listed).as_posix())
    before = versions.released(ROOT, artifact.name)
    last = versions.tag(artifact.name, before[-1]) if before else None
    asked = _asked(arguments, artifact, before)
    told = contents.of(artifact, last)
    if told.is_same and asked is None:
        raise UserError(f"{artifact.path}: the same bytes as {last}; there is nothing to release")
    version, why = _version(asked, told, before)
    tag = versions.tag(artifact.name, version)
    texts = {changelog.FILE: changelog.extended(recording.committed(ROOT, changelog.FILE), tag, told.section)}
    pointed = artifacts.pointed(described, listed, Path(artifact.path))
    if pointed != described:
        texts[pipeline.FILE] = pointed
    return Plan(tag, why, told.section, texts)


def _path(arguments: argparse.Namespace, listed: Artifact) -> Path:
    """Return the output that is released: of a model, the best on dev."""
    if listed.type != artifacts.MODEL:
        if arguments.model:
            raise UserError(f"--model: {listed.name} is no model by dvc.yaml")
        return Path(listed.path)
    if arguments.model:
        return arguments.model
    folders, why = trained.best()
    if len(folders) > 1:
        raise UserError(f"the best on dev is the mean of {len(folders)} models; name one of them by --model FOLDER")
    print(f"{folders[0]}: {why}")
    return folders[0]


def _asked(arguments: argparse.Namespace, artifact: Artifact, before: list[Version]) -> Version | None:
    """Return the version that was asked for; None where the changes decide.

    Raises:
        UserError: it is not above the last one.
    """
    if arguments.bump and not before:
        raise UserError(f"--bump: {artifact.name} has no release to go on from; leave it, or name a version")
    if not (arguments.bump or arguments.version):
        return None
    asked = before[-1].bumped(arguments.bump) if arguments.bump else versions.parsed(arguments.version)
    if before and asked <= before[-1]:
        there = "is released" if asked in before else f"is not above {before[-1]}, the last one"
        tag = versions.tag(artifact.name, asked)
        raise UserError(f"{tag} {there}; `git tag --list '{artifact.name}@v*'` lists all")
    return asked


def _version(asked: Version | None, told: Contents, before: list[Version]) -> tuple[Version, str]:
    """Return the version, and why it is this one."""
    if told.proposal is None:
        return asked or versions.FIRST, "the first release that this clone knows of"
    proposed = before[-1].bumped(told.proposal.level)
    why = f"since {before[-1]}, a {told.proposal.level} version by what changed: {'; '.join(told.proposal.reasons)}"
    if asked is None or asked == proposed:
        return proposed, why
    level = asked.level_over(before[-1])
    if versions.LEVELS.index(level) > versions.LEVELS.index(told.proposal.level):
        return asked, f"you asked for a {level} version, which is less than it is. It is {why}"
    return asked, f"you asked for it. It is {why}"


def _message(tag: str, section: str) -> str:
    return f"Release {tag}\n\n{section.strip()}\n"


def _tell_push(tag: str) -> None:
    print(f"{tag} is here alone until you run: git push origin HEAD {tag}")
