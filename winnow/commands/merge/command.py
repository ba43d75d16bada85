"""merge: merge another branch, with its data, decisions, parameters and results.

winnow merge BRANCH   begins a Git merge, resolves what can be, names what conflicts, and says the next command

Ends in the middle of a Git merge: `dvc repro` makes the results of the merged state, `git commit` concludes it,
`git merge --abort` before `dvc repro`, or `git reset --hard` after it, goes back. Nothing is changed where a file of a
side is broken, or files here differ from the last commit. docs/merge.md tells how each file is merged.
"""

import argparse
import os
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.diff import revision
from winnow.commands.merge import checks, plan, trees
from winnow.commands.merge.plan import Plan
from winnow.commands.merge.trees import Trees, git
from winnow.commands.status import standing
from winnow.commands.terminal import printable
from winnow.validation import looks

if TYPE_CHECKING:
    from dvc.repo import Repo

NAME = "merge"
WIDTH = 10  # of the first column
CONFLICT = 1  # exit status of `git merge` where something conflicts
# Files that Git would merge by union are left to us: it keeps no header apart, and puts our lines first.
OURS_ALONE = ("-c", "merge.union.driver=false", "-c", "rerere.enabled=false")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("branch", metavar="BRANCH", help="or any other revision: origin/name, a commit, an experiment")


def execute(arguments: argparse.Namespace) -> None:
    """Merge, and print what became of it; exit status 1 where something is left to people.

    Raises:
        UserError: files differ from the last commit, a merge is under way, there is no such branch, a file is broken.
    """
    with chdir(find_root(Path().resolve())):
        root = Path()
        theirs = revision.commit(arguments.branch)
        refuse_changes(root)
        ours = revision.commit("HEAD")
        base = trees.run(root, "merge-base", ours, theirs)[1].decode().strip()
        if not base:
            raise UserError(
                f"{arguments.branch}: has no commit in common with this branch; a shallow clone has too few: "
                "`git fetch --unshallow`"
            )
        if base == theirs:
            say("merged", f"already: this branch holds {arguments.branch}")
            return
        with standing.opened(root) as repo:
            sides = Trees(root, base, ours, theirs, arguments.branch)
            if base == ours:
                made = plan.make(sides, repo)
                git(root, "merge", "-q", "--ff-only", theirs)
                say("merged", f"{arguments.branch} as it is: this branch had nothing of its own (fast-forward)")
                say("next", " && ".join(following(repo, made)[:1]))
                return
            conflicts = merge(sides, repo)
    if conflicts:
        raise SystemExit(1)


def find_root(folder: Path) -> Path:
    """Return the project's root: the first folder from here upward that has a pipeline.

    Raises:
        UserError: there is none.
    """
    for parent in (folder, *folder.parents):
        if (parent / pipeline.FILE).is_file():
            return parent
    raise UserError(f"{pipeline.FILE}: not found here or above; run in a project of Winnow")


def refuse_changes(root: Path) -> None:
    """Raise `UserError` if a merge is under way, or tracked files differ from the last commit."""
    if (root / git(root, "rev-parse", "--git-path", "MERGE_HEAD").strip()).exists():
        raise UserError("a merge is under way: `git commit` concludes it, `git merge --abort` goes back")
    changed = [
        line[3:] for line in git(root, "status", "--porcelain", "-z", "-uno", "--no-renames").split("\0") if line
    ]
    if changed:
        raise UserError(f"{plan.shown(changed)}: not as in the last commit; commit, or `git stash`, then merge")


def merge(sides: Trees, repo: "Repo") -> bool:
    """Merge, and say what became of it; return whether something is left to people.

    Raises:
        UserError: Git refuses, or a file is broken; everything is then as it was.
    """
    made = plan.make(sides, repo)
    # Before dvc.yaml may hold Git's marks.
    table, test = pipeline.find("inputs", "decisions"), pipeline.find("report", "test")
    begin(sides)
    try:
        write(sides, made)
        check(sides, made, table, test)
        trees.stage(sides.root, [path for path in made.texts if path not in made.open])
    except BaseException:
        if trees.run(sides.root, "merge", "--abort")[0]:  # where Git alone merged a file that we wrote anew
            git(sides.root, "reset", "-q", "--hard", sides.ours)
        raise
    named = {line.partition(":")[0] for line in made.conflicts}
    prefix = git(sides.root, "rev-parse", "--show-prefix").strip()
    marks = "both branches changed it; see `git diff`, mend it, then `git add` it"
    rest = [name for name in trees.unmerged(sides.root) if name.removeprefix(prefix) not in named]
    made.conflicts += [f"{name.removeprefix(prefix)}: {marks}" for name in rest]
    for heading, lines in (("merged", made.merged), ("conflict", made.conflicts)):
        for line in lines:
            say(heading, line)
    commands = " && ".join(following(repo, made))
    say("next", f"mend what conflicts, `git add` these files, then {commands}" if made.conflicts else commands)
    return bool(made.conflicts)


def begin(sides: Trees) -> None:
    """Let Git begin the merge.

    Raises:
        UserError: it refuses, and has changed nothing.
    """
    words = ("merge", "--no-ff", "--no-commit", "-m", f"Merge {sides.name}", sides.theirs)
    status, out, told = trees.run(sides.root, *OURS_ALONE, *words)
    head = sides.root / git(sides.root, "rev-parse", "--git-path", "MERGE_HEAD").strip()
    if status not in (0, CONFLICT) or not head.exists():
        raise UserError(f"git merge: {told or ' '.join(os.fsdecode(out).split())}")


def write(sides: Trees, made: Plan) -> None:
    """Put merged files into the workspace, and files of one side into the index, too."""
    for path, text in made.texts.items():
        files.write_text(sides.root / path, text)
    trees.take(sides.root, sides.ours, made.ours)
    trees.take(sides.root, sides.theirs, made.theirs)
    for path in made.gone:
        (sides.root / path).unlink(missing_ok=True)
    trees.stage(sides.root, made.gone)


def check(sides: Trees, made: Plan, table: Path | None, test: Path | None) -> None:
    """Read what was merged as the stages read it, and add what is to be told or mended.

    Args:
        table: of decisions.
        test: the folder of the looks at test.
    """
    try:
        if table and table.as_posix() in made.texts:
            told, mend = checks.of_decisions(table, sides.read(table.as_posix()))
            made.merged += [f"{table}: {line}" for line in told]
            made.conflicts += mend
        if test and (test / looks.LOG).as_posix() in made.texts:
            looks.read(test)
    except UserError as error:
        made.conflicts.append(str(error))
    made.open |= {path for path in made.texts if any(line.startswith(f"{path}:") for line in made.conflicts)}


def following(repo: "Repo", made: Plan) -> list[str]:
    """Return the commands that come next: the data of the merged commit, the run, the commit."""
    lacking = any(not repo.cache.local.exists(name) for name in made.objects)
    return ["dvc pull" if lacking else "dvc checkout", "dvc repro", "git add -A", "git commit"]


def say(heading: str, text: str) -> None:
    """Print a line."""
    print(f"{heading:<{WIDTH}}{printable(text)}")
