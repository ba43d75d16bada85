"""Jobs of a bench on several processes of one thread each."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from bench.peers import ONE_THREAD

Job = TypeVar("Job")
Result = TypeVar("Result")
Data = TypeVar("Data")


def run(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    processes: int,
    prepare: Callable[[Data], None],
    data: Data,
) -> Iterator[Result]:
    """Yield the result of each job, in their order; tell on stderr how far it is.

    Args:
        processes: 1 does all in this process.
        prepare: called with `data` in each process before its first job.
    """
    started = time.perf_counter()

    def told(results: Iterator[Result]) -> Iterator[Result]:
        for number, result in enumerate(results, 1):
            print(f"{number} of {len(jobs)}, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
            yield result

    if processes == 1:
        prepare(data)
        yield from told(map(work, jobs))
        return
    os.environ.update(ONE_THREAD)  # read by the processes when they start
    with ProcessPoolExecutor(processes, get_context("spawn"), prepare, (data,)) as pool:
        yield from told(pool.map(work, jobs))
