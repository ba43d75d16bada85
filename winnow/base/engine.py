"""Where a stage's table functions run: in processes of this machine, or on a Ray cluster; the result is the same.

A table function takes a batch of rows and returns named tables (`{"rows": …, "ledger": …}`). It depends on its batch
and its settings alone, and what comes back is sorted before it is written: so the engine, the number of processes and
the order in which batches finish change no byte of the output.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context

import pyarrow as pa

from winnow.base.errors import UserError
from winnow.base.machine import Machine

TableFunction = Callable[[pa.Table], dict[str, pa.Table]]


def map_batches(
    function: TableFunction, batches: Iterable[pa.Table], machine: Machine
) -> Iterator[dict[str, pa.Table]]:
    """Yield `function(batch)` of every batch, in any order; few batches are in memory at once.

    Args:
        function: picklable: a module's function, or a `functools.partial` of one.
        machine: says which engine, and of how many processes.

    Raises:
        UserError: `function` raised it, or a process died.
    """
    if machine.engine == "ray":
        from winnow.base import ray

        return ray.map_batches(function, batches, machine)
    return _local(function, batches, machine.processes)


def _local(function: TableFunction, batches: Iterable[pa.Table], processes: int) -> Iterator[dict[str, pa.Table]]:
    batches = iter(batches)
    head = list(islice(batches, 2))
    if processes == 1 or len(head) < 2:  # one batch is done before a process has started
        yield from map(function, chain(head, batches))
        return
    # Not fork: Arrow's threads are running by now, and a forked child may wait for one that it does not have.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running: deque = deque()
        try:
            for batch in chain(head, batches):
                running.append(pool.submit(function, batch))
                if len(running) > 2 * processes:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool:
            raise UserError(
                "a worker process died, most often for want of memory; lower WINNOW_BATCH_ROWS or WINNOW_PROCESSES"
            ) from None
