"""What the pipeline costs: from a fresh clone to the report, when nothing changed, and after one decision.

python -m bench.pipeline --out bench/results/pipeline.json

On a processor that has more, an ordinary one with AVX2 is shown by the environment:
ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 python -m bench.pipeline --out bench/results/pipeline_avx2.json

Clones the repository as committed into a temporary folder (or into `--folder`, which stays) and times there, as a user
would meet them: `make repro` (installs included), `dvc repro` with nothing to do (median of three), and `dvc repro`
after one new line in data/decisions.csv: about the first row of the review queue that no model trains on (how long the
next queue takes, `dvc repro find_issues`, and then the rest), and about one that trains, the dearest kind, since all
classifiers train again. Peak memory is that of the largest process. The file grows with each of them.
`adapted` says how much the adaptation read, on which most of the time depends.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq

from bench import peers
from winnow.base import files, hashing

ROOT = Path(__file__).parent.parent
GOALS = {"make repro": 900, "no-op": 3, "queue": 30, "one decision": 120, "memory": 3}  # seconds, and GiB
QUEUE = "the next queue"
CAPABILITY = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")  # of the environment: what torch and oneDNN may use
PACKAGES = ("dvc", "torch", "transformers", "pyarrow", "scikit-learn")


def timed(command: list[str], folder: Path) -> tuple[float, dict[str, float]]:
    """Run a command and return its seconds, and those of each DVC stage that it ran.

    Raises:
        subprocess.CalledProcessError: it failed; what it printed has been shown.
    """
    # As in a user's shell: no environment of ours around the clone's.
    path = [part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(str(ROOT))]
    environment = {**os.environ, "PATH": os.pathsep.join([str(folder / ".venv/bin"), *path])}
    start = time.perf_counter()
    began: list[tuple[str, float]] = []
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if match := re.match(r"Running stage '(.+)':", line):
                began.append((match[1], time.perf_counter()))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    end = time.perf_counter()
    ends = [moment for _, moment in began[1:]] + [end] * bool(began)
    return end - start, {name: stop - moment for (name, moment), stop in zip(began, ends, strict=True)}


def nothing(folder: Path) -> float:
    """Return the seconds of `dvc repro` with nothing to do."""
    seconds, ran = timed(["dvc", "repro"], folder)
    if ran:
        raise SystemExit(f"the second dvc repro ran {', '.join(ran)}")
    return seconds


def decide(folder: Path, trains: bool) -> None:
    """Append a decision that takes the label from the queue's first row that trains, or does not train, a model."""
    training = set(pq.read_table(folder / "data/training.parquet", columns=["id"])["id"].to_pylist())
    ranked = sorted(pq.read_table(folder / "data/issues.parquet").to_pylist(), key=lambda row: row["score"])
    id = next(row["id"] for row in ranked if (row["id"] in training) == trains)
    row = next(row for row in pq.read_table(folder / "data/labelled.parquet").to_pylist() if row["id"] == id)
    line = (id, hashing.text_sha(row["text"]), row["given_label"], "ambiguous", "", "bench", "2026-01-01", "")
    with (folder / "data/decisions.csv").open("a", encoding="utf-8") as file:
        file.write(",".join(line) + "\n")


def decided(folder: Path, trains: bool, first: str = "") -> tuple[float, dict[str, float]]:
    """Decide on a row; return the seconds until the pipeline has followed, and those of each stage that ran.

    Args:
        first: what is brought up to date first, whose seconds stand by this name too; empty: nothing.
    """
    decide(folder, trains)
    until, early = timed(["dvc", "repro", first], folder) if first else (0.0, {})
    seconds, ran = timed(["dvc", "repro"], folder)
    seconds, ran = until + seconds, early | ran | ({QUEUE: until} if first else {})
    if {"adapt", "embed"} & set(ran):
        raise SystemExit("a decision made adapt or embed run again")
    return seconds, ran


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.folder or Path(scratch) / "winnow").resolve()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        whole, stages = timed(["make", "repro"], folder)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        figures = {
            "make repro in a fresh clone, installs included": (whole, "s", GOALS["make repro"]),
            "peak memory of make repro, largest process": (peak, "GiB", GOALS["memory"]),
            **{f"stage {name}": (seconds, "s", None) for name, seconds in stages.items()},
        }
        write(figures, folder, args.out)
        again = statistics.median(nothing(folder) for _ in range(3))
        figures["dvc repro, nothing changed"] = again, "s", GOALS["no-op"]
        usual, ran = decided(folder, trains=False, first="find_issues")
        figures["dvc repro find_issues after a decision: the next queue"] = ran[QUEUE], "s", GOALS["queue"]
        figures["dvc repro after a decision on a row that does not train"] = usual, "s", GOALS["one decision"]
        write(figures, folder, args.out)
        dearest, reran = decided(folder, trains=True)
        figures["dvc repro after a decision on a row that trains"] = dearest, "s", GOALS["one decision"]
        figures |= {f"after the decision, stage {name}": (seconds, "s", None) for name, seconds in reran.items()}
        write(figures, folder, args.out)


def write(figures: dict[str, tuple[float, str, float | None]], folder: Path, out: Path) -> None:
    """Write what was measured, (value, unit, goal) each, in a clone."""
    adaptation = json.loads((folder / "reports/metrics/adapt.json").read_text(encoding="utf-8"))
    chosen = [f"{name}={os.environ[name]} " for name in CAPABILITY if name in os.environ]
    common = {
        "peer": None,
        "theirs": None,
        "ratio": None,
        "device": f"{peers.device()}, {capability()}",
        "adapted": {name: adaptation[name] for name in ("tokens", "documents")},
        "command": f"{''.join(chosen)}python -m bench.pipeline --out {out}",
        "versions": {name: version(name) for name in PACKAGES},
    }
    results = [
        {"work": work, "ours": round(value, 2), "unit": unit, "goal": goal, **common}
        for work, (value, unit, goal) in figures.items()
    ]
    files.write_json(out, results)


def capability() -> str:
    """Return the instruction set that torch's kernels use here, which decides most of the speed."""
    import torch

    return torch.backends.cpu.get_cpu_capability()


if __name__ == "__main__":
    main()
