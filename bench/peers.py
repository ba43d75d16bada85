"""The tools that Winnow is measured against: environments of their own, and a process of its own for every run.

python -m bench.peers            # makes .venv-peers from bench/peers.txt (about 1 GB, minutes)
python -m bench.peers neural     # makes .venv-peers-neural from bench/peers_neural.txt (about 1 GB, minutes)
python -m bench.peers mail       # makes .venv-peers-mail from bench/peers_mail.txt (30 MB, seconds)
python -m bench.peers pairs      # makes .venv-peers-pairs from bench/peers_pairs.txt (100 MB, seconds)
python -m bench.peers generator  # makes .venv-peers-generator from bench/peers_generator.txt (about 1 GB, minutes)
python -m bench.peers split      # makes .venv-peers-split from bench/peers_split.txt (300 MB, a minute)

`bench/workers/` holds what runs in those processes, ours in our environment and theirs in theirs: functions that take
and return plain values. Nothing of the peers enters the project's own environment or lock. This file is read by both
Pythons, so it imports the standard library alone, as bench/process.py does.
"""

import argparse
import importlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench import process

ROOT = Path(__file__).parent.parent
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
# Data-Juicer installs at run time what it misses; models are not fetched either.
OFFLINE = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class Environment:
    """A list of pinned peers and the folder that it is installed into."""

    requirements: Path
    folder: Path
    options: tuple[str, ...]  # of pip


ENVIRONMENTS = {
    # The list is complete. Without --no-deps pip refuses it: text-dedup and Data-Juicer ask for what they do not use
    # here (pyspark, streamlit) and for versions that exclude each other.
    "table": Environment(
        ROOT / "bench/peers.txt", Path(os.environ.get("WINNOW_PEERS", ROOT / ".venv-peers")), ("--no-deps",)
    ),
    # Complete but for what a CUDA build of torch wants, which depends on the machine.
    "neural": Environment(
        ROOT / "bench/peers_neural.txt",
        Path(os.environ.get("WINNOW_PEERS_NEURAL", ROOT / ".venv-peers-neural")),
        (),
    ),
    "generator": Environment(
        ROOT / "bench/peers_generator.txt",
        Path(os.environ.get("WINNOW_PEERS_GENERATOR", ROOT / ".venv-peers-generator")),
        (),
    ),
    # talon asks for scikit-learn, which the part of it that runs under this Python does not use.
    "mail": Environment(
        ROOT / "bench/peers_mail.txt",
        Path(os.environ.get("WINNOW_PEERS_MAIL", ROOT / ".venv-peers-mail")),
        ("--no-deps",),
    ),
    "pairs": Environment(
        ROOT / "bench/peers_pairs.txt",
        Path(os.environ.get("WINNOW_PEERS_PAIRS", ROOT / ".venv-peers-pairs")),
        ("--no-deps",),
    ),
    "split": Environment(
        ROOT / "bench/peers_split.txt",
        Path(os.environ.get("WINNOW_PEERS_SPLIT", ROOT / ".venv-peers-split")),
        ("--no-deps",),
    ),
}


@dataclass(frozen=True)
class Contender:
    """A function of `bench.workers` and what it is called with; `theirs` says whether it runs in `environment`."""

    name: str
    function: str  # "module:function", below bench.workers
    arguments: tuple
    theirs: bool
    packages: tuple[str, ...]  # whose versions the result states
    environment: str = "table"  # of ENVIRONMENTS


def python(environment: str = "table") -> Path:
    """Return the interpreter of an environment of peers, made anew if its list has changed."""
    chosen = ENVIRONMENTS[environment]
    interpreter, installed = chosen.folder / "bin/python", chosen.folder / "installed.txt"
    wanted = chosen.requirements.read_text(encoding="utf-8")
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        print(f"installing {chosen.requirements} into {chosen.folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", chosen.folder], check=True)
        command = [interpreter, "-m", "pip", "install", "--quiet", "--no-compile", *chosen.options]
        subprocess.run([*command, "-r", chosen.requirements], check=True)
        installed.write_text(wanted, encoding="utf-8")
    return interpreter


def run(contender: Contender, limit: float | None = None) -> dict:
    """Call a contender's function in a new process, on one core.

    Returns what it returned (a dict) with `versions`, and its peak memory in bytes, `largest` and `tree`.

    A peer that fails gives `{"error": its last line}`: what could not be measured is named, not invented.

    Args:
        limit: seconds after which a peer is stopped.

    Raises:
        SystemExit: a function of ours failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        call, answer = Path(scratch) / "call.json", Path(scratch) / "answer.json"
        call.write_text(json.dumps([contender.function, contender.arguments, contender.packages]), encoding="utf-8")
        interpreter = python(contender.environment) if contender.theirs else Path(sys.executable)
        command = [interpreter, "-m", "bench.peers", "call", call, answer]
        environment = {**os.environ, **ONE_THREAD, **OFFLINE, "PYTHONPATH": str(ROOT)}
        usage = process.measured(command, Path(scratch), environment, limit)
        if usage.status == 0:
            peaks = {"largest": usage.largest, "tree": usage.tree}
            return json.loads(answer.read_text(encoding="utf-8")) | peaks
        error = f"stopped after {limit:.0f} s" if usage.status is None else usage.last_line or f"exit {usage.status}"
        if not contender.theirs:
            raise SystemExit(f"{contender.name}: {error}")
        return {"error": error[:300]}


def fastest(contenders: list[Contender], rounds: int) -> dict[str, dict]:
    """Run every contender once a round, so that a slow spell of the machine meets all; keep each one's best round.

    Their functions return `seconds`; a contender that failed is not run again.
    """
    best: dict[str, dict] = {}
    for _ in range(rounds):
        for contender in contenders:
            if "error" in best.get(contender.name, {}):
                continue
            result = run(contender)
            kept = best.setdefault(contender.name, result)
            if result.get("seconds", 0) < kept.get("seconds", 0):
                best[contender.name] = result
            print(f"{contender.name}: {result.get('error') or round(result['seconds'], 3)}", file=sys.stderr)
    return best


def versions(packages: tuple[str, ...] | list[str]) -> dict[str, str]:
    """Return the installed versions of distributions."""
    return {name: version(name) for name in packages}


def entry(work: str, peer: str | None, ours: float, theirs: float | None, unit: str, **more: object) -> dict:
    """Return one entry of a results file; `ratio` is the better of the two over the other, seen from ours.

    Args:
        unit: one of which less is better if it is a time or a memory ("s", "GiB").
        more: device, goal, command, versions, and `reason` where a peer could not be measured.
    """
    ratio = None if not (ours and theirs) else theirs / ours if unit in ("s", "GiB") else ours / theirs
    return {"work": work, "peer": peer, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, **more}


def command(make: str, args: argparse.Namespace, usual: dict[str, object]) -> str:
    """Return how to call `make` again with those of `args` that are not as usual, each one value or a sequence.

    A file of results that is not the usual one of its target is among them.
    """
    usual = {"out": f"bench/results/{make.removeprefix('make bench-').replace('-', '_')}.json", **usual}

    def listed(value: object) -> list[str]:
        return [shlex.quote(str(each)) for each in (value if isinstance(value, list | tuple) else [value])]

    narrowed = []
    for name, value in usual.items():
        given = listed(getattr(args, name))
        if given != listed(value):
            narrowed.append(f"--{name.replace('_', '-')} {' '.join(given)}")
    return f'{make} ARGS="{" ".join(narrowed)}"' if narrowed else make


def device() -> str:
    """Return the processor's name and number of cores."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else os.uname().machine}, {os.cpu_count()} cores"


def _call(call: Path, answer: Path) -> None:
    function, arguments, packages = json.loads(call.read_text(encoding="utf-8"))
    # One core each, whatever a library's threads think of it.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    module, _, name = function.partition(":")
    value: Mapping = getattr(importlib.import_module(f"bench.workers.{module}"), name)(*arguments)
    answer.write_text(json.dumps({**value, "versions": versions(packages)}), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["call"]:
        _call(*map(Path, sys.argv[2:]))
    else:
        print(python(*sys.argv[1:2]))
