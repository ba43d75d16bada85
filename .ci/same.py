"""Compare what two dvc.lock files say was made: python .ci/same.py ONE OTHER; exit status 1 if anything differs."""

import sys
from pathlib import Path

from ruamel.yaml import YAML

SHOWN = 10


def outputs(file: Path) -> dict[str, str]:
    """Return the hash of each output, by stage and path, in the order of the file."""
    stages = YAML(typ="safe").load(file.read_text(encoding="utf-8"))["stages"]
    return {f"{name}: {out['path']}": out["md5"] for name, stage in stages.items() for out in stage.get("outs", [])}


def main(one: Path, other: Path) -> int:
    before, after = outputs(one), outputs(other)
    different = [name for name in before | after if before.get(name) != after.get(name)]
    for name in different[:SHOWN]:
        print(f"{name} differs")
    if len(different) > SHOWN:
        print(f"and {len(different) - SHOWN} more")
    return bool(different)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
