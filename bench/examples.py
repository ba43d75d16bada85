"""What the models of the examples reach on dev, beside their baseline: each example run whole, in a clone of its own.

python -m bench.examples --folder /var/tmp --out bench/results/examples.json

A clone of this commit takes the example by `winnow init --example NAME --yes` and runs `dvc repro`. A clone that is
there goes on from where it stood. The figures are those of its reports/metrics/compare.json.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import peers
from winnow.base import files

ROOT = Path(__file__).parent.parent
EXAMPLES = ("mesh", "chemicals")
WINNOW = (sys.executable, "-c", "from winnow.commands.cli import main; main()")  # by a clone's own code


def call(project: Path, *command: str) -> None:
    """Run a command in a clone, by its own code."""
    environment = os.environ | {"PYTHONPATH": str(project)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    subprocess.run(command, cwd=project, env=environment, check=True)


def made(name: str, folder: Path) -> Path:
    """Return the clone that took an example, made where it is missing."""
    project = folder / f"winnow-{name}"
    if not project.exists():
        subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
        call(project, *WINNOW, "init", "--example", name, "--yes")
    return project


def finished(name: str, folder: Path) -> Path:
    """Return the clone in which an example has run."""
    project = made(name, folder)
    call(project, sys.executable, "-m", "dvc", "repro", "--quiet")
    return project


def differences(compared: dict, of: str, split: str) -> Iterator[dict]:
    """Yield an entry for each pair of approaches and each metric, as compare.json has them of a project's split."""
    for pair, difference in compared["difference"].items():
        first, _, second = pair.partition("-")
        own, other = (compared["approaches"][approach] for approach in (first, second))
        for metric in (known for known in difference if f"{known}_low" in difference):
            facts = {"arm": first, "groups": own["groups"], "seeds": own["seeds"], "goal": None}
            for what, values in {"own": own, "other": other, "difference": difference}.items():
                facts[what] = [values[f"{metric}{end}"] for end in ("", "_low", "_high")]
            yield peers.entry(
                f"{of}: {first}, {metric} on {split}", second, own[metric], other[metric], metric, **facts
            )


def measured(name: str, metrics: Path) -> Iterator[dict]:
    """Yield the entries of an example that has run."""
    compared = json.loads(files.read_text(metrics / "compare.json"))["dev"]
    rows = json.loads(files.read_text(metrics.parent / "summary.json"))["trained_on"]
    for entry in differences(compared, name, "dev"):
        yield entry | {"of": name, "rows": rows}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for the clones: a few GB each")
    parser.add_argument("--examples", nargs="+", default=EXAMPLES, metavar="NAME")
    args = parser.parse_args(argv)

    usual = {"examples": EXAMPLES}
    common = {"device": peers.device(), "command": peers.command("make bench-examples", args, usual)}
    made = [
        entry | common
        for name in args.examples
        for entry in measured(name, finished(name, args.folder) / "reports/metrics")
    ]
    files.write_json(args.out, made)
    for entry in made:
        print(f"{entry['work']}: {entry['ours']:.4f}, {entry['peer']} {entry['theirs']:.4f}")


if __name__ == "__main__":
    main()
