"""What bench.cpu measures, in a process of its own: prints CPU seconds, seconds, and a hash of what was computed."""

import json
import sys
import time
from pathlib import Path

import numpy as np

from winnow.base import hashing
from winnow.encoder.compute import Compute, start

BATCH_TOKENS = 2048  # padded tokens in one forward pass, as in params.yaml


def predicted(rows: Path, count: int, folders: list[Path], threads: int, shares: bool) -> dict:
    from stages.evaluate.__main__ import Classifiers
    from winnow import kinds
    from winnow.rows import predictions

    accelerator, task = start(Compute(threads=threads, device="cpu", precision="fp32"), 0), kinds.read_task()
    table = predictions.read_evaluated(rows).slice(0, count)
    before = time.process_time(), time.perf_counter()
    parts = [folders] if shares else [[folder] for folder in folders]
    found = []
    for part in parts:
        classifiers = Classifiers(part, task, BATCH_TOKENS, accelerator)
        found += [classifiers.predict(table, folder) for folder in part]
    return told(before, [column.to_pylist() for each in found for column in each.columns])


def embedded(rows: Path, count: int, encoder: Path, threads: int) -> dict:
    from winnow.encoder import pooling
    from winnow.encoder.reader import Reader
    from winnow.rows import tables

    accelerator = start(Compute(threads=threads, device="cpu", precision="fp32"), 0)
    texts = tables.read(rows, ["text"]).slice(0, count)["text"].to_pylist()
    reader, model = Reader.of(encoder, 64, BATCH_TOKENS, accelerator), pooling.load(encoder, accelerator)
    before = time.process_time(), time.perf_counter()
    vectors: np.ndarray = pooling.embed(model, reader.tokenize(texts), reader)
    return told(before, vectors.tobytes().hex())


def told(before: tuple[float, float], computed: object) -> dict:
    seconds, wall = time.process_time() - before[0], time.perf_counter() - before[1]
    return {"seconds": seconds, "wall": wall, "sha": hashing.digest(json.dumps(computed))}


if __name__ == "__main__":
    what, threads_, rows_, count_, *folders_ = sys.argv[1:]
    places = [Path(folder) for folder in folders_]
    if what == "embed":
        answer = embedded(Path(rows_), int(count_), places[0], int(threads_))
    else:
        answer = predicted(Path(rows_), int(count_), places, int(threads_), what == "together")
    print(json.dumps(answer))
