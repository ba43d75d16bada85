"""Predictions by torch and by the ONNX graph of the same model: texts a second, and how far their answers are apart.

python -m bench.predict --rows data/labelled.parquet --out bench/results/predict.json

The best model on dev answers `--texts` texts of the table, as `winnow predict` asks it, on one core. Both take turns,
`--rounds` times; the best round counts.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from bench import peers
from winnow import kinds
from winnow.base.files import write_json
from winnow.commands import graphs, trained
from winnow.commands.trained import Model
from winnow.rows import tables

COMMAND = "make bench-predict"
PACKAGES = ("torch", "transformers", "onnxruntime")
GOAL = 1  # times as fast as torch
NAMES = {"winnow predict, ONNX graph": "texts/s", "winnow predict, ONNX graph: largest difference": "probability"}


def main(argv: list[str] | None = None) -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(argv)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    texts = tables.read(args.rows, ["text"])["text"].slice(0, args.texts).to_pylist()
    by_torch = trained.load(trained.best()[0][:1])
    with tempfile.TemporaryDirectory() as folder:
        by_graph = exported(by_torch, Path(folder))
        seconds: dict[str, list[float]] = {"torch": [], "graph": []}
        answers = {}
        for _ in range(args.rounds):
            for name, model in (("torch", by_torch), ("graph", by_graph)):
                started = time.perf_counter()
                answers[name] = model.predict(texts)
                seconds[name].append(time.perf_counter() - started)
    confidence = kinds.load(by_torch.task, "predictions").confidence
    apart = np.abs(np.subtract(*(confidence(by_torch.task, answers[name]) for name in ("torch", "graph"))))
    assert answers["torch"]["predicted"].equals(answers["graph"]["predicted"])
    usual = {"texts": 300, "rounds": 5}
    common = {
        "device": f"{peers.device()}, one of them used",
        "command": peers.command(COMMAND, args, usual),
        "versions": peers.versions(PACKAGES),
    }
    rates = {name: args.texts / min(own) for name, own in seconds.items()}
    speed, difference = NAMES
    precision = by_torch.parts[0][1].accelerator.mixed_precision
    write_json(
        args.out,
        [
            peers.entry(
                speed,
                f"torch, {'bf16' if precision == 'bf16' else 'fp32'}",
                rates["graph"],
                rates["torch"],
                NAMES[speed],
                goal=GOAL,
                **common,
            ),
            {"work": difference, "ours": float(apart.max()), "unit": NAMES[difference], "goal": None, **common},
        ],
    )


def exported(model: Model, folder: Path) -> Model:
    """Return the same model as a graph."""
    import torch

    torch.set_num_threads(1)
    kind = kinds.load(model.task, "graph")
    graphs.write(kind.module(model.task, model.folders[0]), kind.OUTPUT, folder / graphs.FILE)
    run = graphs.opened(folder / graphs.FILE, threads=1)
    return Model(model.folders, model.task, model.cleaning, [(kind.wrapped(model.task, run), model.parts[0][1])])


if __name__ == "__main__":
    main()
