"""code: write the fingerprint of each stage's code, so that a change of code reruns the stages that it may change.

python -m stages.code --lock requirements.lock --out data/code

DVC sees no import. Each stage depends on `<out>/<stage>.txt`: every file of the repository that its code reads, with
the hash of its syntax tree (templates: of their bytes), and the locked version of every package that these files
import. A comment, a docstring or a new layout changes no line; a new version of a package changes those stages that
import it. `<out>/packages.txt` holds the versions of all stages together.

`dvc repro -s <stage>` and `dvc repro --downstream` leave this stage out, and so see no change of code.
"""

from collections.abc import Sequence
from pathlib import Path

from winnow import kinds
from winnow.base import closure, files
from winnow.base.closure import normalized
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run

ROOT = Path()


def pins(lock: str, where: str) -> dict[str, str]:
    """Return the lock file's `name==version` by normalized package name (PEP 503).

    Raises:
        UserError: a line is neither `name==version` nor a comment.
    """
    lines = {}
    for number, raw in enumerate(lock.splitlines(), 1):
        line = raw.split("#")[0].strip()
        if not line:
            continue
        name, equals, version = line.partition("==")
        if not (name and equals and version) or len(line.split()) > 1:
            raise UserError(f"{where}: line {number}: '{line}' is not of the form name==version")
        lines[normalized(name)] = line
    return lines


def fingerprint(file: Path, root: Path, kind: str, pinned: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the lines of a stage's files, `path hash`, and of its packages, `name==version`, both sorted.

    Raises:
        UserError: the code imports a package that is not in the lock file.
    """
    paths = sorted(closure.closure(file, root, kind))
    packages = closure.imports(paths, root)
    if missing := sorted(packages - set(pinned)):
        raise UserError(
            f"{file}: imports {missing[0]}, which requirements.lock lacks; add it to pyproject.toml, `make lock`"
        )
    code = [f"{path} {closure.fingerprint(root / path)}" for path in paths]
    return code, sorted(pinned[name] for name in packages)


def fingerprints(root: Path, kind: str, pinned: dict[str, str]) -> dict[str, str]:
    """Return the text of each file that this stage writes, by its name."""
    made = {name: fingerprint(file, root, kind, pinned) for name, file in closure.stage_files(root).items()}
    lines = {f"{name}.txt": [*code, *packages] for name, (code, packages) in made.items()}
    lines["packages.txt"] = sorted({line for _, packages in made.values() for line in packages})
    return {name: "".join(f"{line}\n" for line in told) for name, told in lines.items()}


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "lock", "out")
    pinned = pins(files.read_text(args.lock), str(args.lock))
    made = fingerprints(ROOT, kinds.read_task().kind, pinned)
    with files.replacing(args.out) as new:
        new.mkdir()
        for name, text in made.items():
            files.write_text(new / name, text)


if __name__ == "__main__":
    run(main)
