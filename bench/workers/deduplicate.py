"""Near-duplicates dropped from one Parquet file (the data contract), by each tool, from file to file on one core."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from bench.workers import memory


def winnow(rows: str, scratch: str) -> None:
    from stages.deduplicate import __main__ as deduplicate

    os.chdir(scratch)  # params.yaml stands there
    names = ("cleaning", "out", "conflicts", "ledger", "metrics")
    deduplicate.main([f"--rows={rows}", "--against=.", *(f"--{name}={scratch}/{name}" for name in names)])


def drop(tool: str, rows: str, scratch: str) -> dict:
    """Return `seconds`, without the tool's imports, and `kept`, the ids that the tool keeps.

    Args:
        tool: a key of `TOOLS`.
        scratch: an existing folder; what earlier runs left there is not read.
    """
    prepare, work, kept = TOOLS[tool]
    prepare()
    folder = Path(scratch) / f"{tool}-{time.time_ns()}"
    folder.mkdir()
    for file in Path(scratch).glob("params.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    start = time.perf_counter()
    work(rows, str(folder))
    return {"seconds": time.perf_counter() - start, "kept": sorted(kept(folder))}


def _import_winnow() -> None:
    import stages.deduplicate  # noqa: F401


def _import_datasketch() -> None:
    import datasketch  # noqa: F401
    import pyarrow.parquet  # noqa: F401


def _import_datatrove() -> None:
    import spacy  # noqa: F401
    from datatrove.executor import LocalPipelineExecutor  # noqa: F401
    from datatrove.pipeline.dedup import MinhashDedupSignature  # noqa: F401


def _import_text_dedup() -> None:
    import datasets  # noqa: F401
    import text_dedup.minhash  # noqa: F401


def _kept_by_winnow(folder: Path) -> list[str]:
    import pyarrow.parquet as pq

    return pq.read_table(folder / "out", columns=["id"])["id"].to_pylist()


def _kept_by_datasketch(folder: Path) -> list[str]:
    return (folder / "kept.txt").read_text(encoding="utf-8").split()


def _kept_by_datatrove(folder: Path) -> list[str]:
    files = (folder / "out").rglob("*.jsonl")
    return [json.loads(line)["id"] for file in files for line in file.open(encoding="utf-8")]


def _kept_by_text_dedup(folder: Path) -> list[str]:
    import datasets

    return datasets.load_from_disk(str(folder / "out"))["id"][:]


TOOLS: dict[str, tuple[Callable, Callable, Callable]] = {
    "winnow": (_import_winnow, winnow, _kept_by_winnow),
    "datasketch": (_import_datasketch, memory.datasketch_deduplicate, _kept_by_datasketch),
    "datatrove": (_import_datatrove, memory.datatrove_deduplicate, _kept_by_datatrove),
    "text_dedup": (_import_text_dedup, memory.text_dedup_deduplicate, _kept_by_text_dedup),
}
