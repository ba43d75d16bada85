"""Table functions on a Ray cluster, through Ray Data: WINNOW_ENGINE=ray.

The driver reads batches, hands them out and takes the results; the nodes run the function with the driver's own code,
which travels with the job. A batch that a lost node held is done again on another one.
"""

import logging
import os
import socket
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from winnow.base.errors import UserError
from winnow.base.machine import Machine

if TYPE_CHECKING:
    from winnow.base.engine import TableFunction

PACKAGES = ("winnow", "stages")
# Batches handed out at once. Ray Data waits for the last of them before it takes more, so several for each core.
BATCHES_PER_CPU = 8
OBJECT_STORE_SHARE = 4  # a fourth of this node's shared memory holds them, another fourth their results
# How often a batch is tried again whose worker or node died; Ray Data's own choice is without end.
RETRIES = 3
CONNECT_SECONDS = 10
# The column that carries a UserError's message back; no table function names a table so.
ERROR = "UserError"


def map_batches(
    function: "TableFunction", batches: Iterable[pa.Table], machine: Machine
) -> Iterator[dict[str, pa.Table]]:
    """Yield `function(batch)` of every batch, in any order; see `winnow.base.engine.map_batches`.

    Raises:
        UserError: `function` raised it, Ray is not installed, the cluster cannot be reached, or a batch killed its
            worker each time.
    """
    with connected(machine.ray_address) as ray:
        for window in _windows(batches, ray):
            with warnings.catch_warnings():
                # Ray 2.60 has announced a better way to say max_retries, and not made it.
                warnings.simplefilter("ignore")
                results = ray.data.from_blocks(window).map_batches(
                    partial(_encoded, function), batch_size=None, batch_format="pyarrow", max_retries=RETRIES
                )
            try:
                for row in results.iter_batches(batch_size=None, batch_format="pyarrow"):
                    yield _decoded(row)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                raise UserError(
                    "a worker of the Ray cluster died again and again on one batch, most often for want of memory; "
                    "lower WINNOW_BATCH_ROWS"
                ) from error


@contextmanager
def connected(address: str | None) -> Iterator:
    """Yield the module `ray`, connected to a cluster: at `address`, else at RAY_ADDRESS, else one of this machine.

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A cluster that others started has its own settings; these are for one of this machine alone.
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    try:
        import ray
        import ray.data
    except ImportError:
        raise UserError("WINNOW_ENGINE is ray, but Ray is not installed: pip install '.[ray]'") from None
    if ray.is_initialized():  # by a caller, or by another call that has not ended
        yield ray
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    _check(address)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    root = Path(__file__).parents[2]
    code = {"py_modules": [str(root / name) for name in PACKAGES], "excludes": ["**/__pycache__"]}
    try:
        ray.init(address, runtime_env=code, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises plain ones
        raise UserError(f"no Ray cluster at {address}: {error}; mend WINNOW_RAY_ADDRESS or RAY_ADDRESS") from None
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield ray
    finally:
        ray.shutdown()


def _check(address: str) -> None:
    """Raise `UserError` if nothing listens there: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():  # local, or auto
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(f"no Ray cluster at {address}: {error}; mend WINNOW_RAY_ADDRESS or RAY_ADDRESS") from None


def _windows(batches: Iterable[pa.Table], ray) -> Iterator[list[pa.Table]]:
    """Cut the batches into lists, each as long as the cluster keeps busy and the shared memory holds."""
    window: list[pa.Table] = []
    nbytes = 0
    for batch in batches:
        window.append(batch)
        nbytes += batch.nbytes
        resources = ray.cluster_resources()
        most = max(1, int(resources.get("CPU", 1))) * BATCHES_PER_CPU
        if len(window) >= most or nbytes * OBJECT_STORE_SHARE >= resources["object_store_memory"]:
            yield window
            window, nbytes = [], 0
    if window:
        yield window


def _encoded(function: "TableFunction", batch: pa.Table) -> pa.Table:
    """Call the function; return its tables in one row, a column each, as Arrow streams: Ray Data passes one table."""
    try:
        tables = function(batch)
    except UserError as error:  # as data, since Ray would retry it, log it and wrap it
        return pa.table({ERROR: [str(error)]})
    return pa.table({name: pa.array([_stream(table)], pa.large_binary()) for name, table in tables.items()})


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _decoded(row: pa.Table) -> dict[str, pa.Table]:
    if ERROR in row.column_names:
        raise UserError(row[ERROR][0].as_py())
    # As bytes of our own: tables that lie in Ray's shared memory would keep it occupied until they are written.
    return {name: pa.ipc.open_stream(row[name][0].as_py()).read_all() for name in row.column_names}
