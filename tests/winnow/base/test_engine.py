import os
from functools import partial

import pyarrow as pa
import pytest

from winnow.base.engine import map_batches
from winnow.base.errors import UserError
from winnow.base.machine import Machine

LOCAL = Machine(processes=2, batch_rows=2)


def double(batch: pa.Table, by: int) -> dict[str, pa.Table]:
    values = [number * by for number in batch["number"].to_pylist()]
    return {"rows": pa.table({"number": values}), "pid": pa.table({"pid": [os.getpid()]})}


def fail(batch: pa.Table) -> dict[str, pa.Table]:
    raise UserError("params.yaml: nothing here is right")


def die(batch: pa.Table) -> dict[str, pa.Table]:
    os._exit(9)


def batches(count: int):
    for number in range(count):
        yield pa.table({"number": [number]})


def test_every_batch_is_mapped_in_other_processes():
    results = list(map_batches(partial(double, by=2), batches(20), LOCAL))
    assert sorted(result["rows"]["number"][0].as_py() for result in results) == list(range(0, 40, 2))
    assert os.getpid() not in {result["pid"]["pid"][0].as_py() for result in results}


@pytest.mark.parametrize(("processes", "count"), [(1, 5), (2, 1), (2, 0)])
def test_one_process_or_one_batch_starts_no_process(processes, count):
    machine = LOCAL.model_copy(update={"processes": processes})
    results = list(map_batches(partial(double, by=1), batches(count), machine))
    assert [result["pid"]["pid"][0].as_py() for result in results] == [os.getpid()] * count


def test_batches_are_read_as_they_are_needed():
    taken = []

    def source():
        for batch in batches(100):
            taken.append(batch)
            yield batch

    results = map_batches(partial(double, by=1), source(), LOCAL)
    next(results)
    assert len(taken) < 10
    results.close()


def test_a_users_mistake_comes_back_as_such():
    with pytest.raises(UserError, match="nothing here is right"):
        list(map_batches(fail, batches(4), LOCAL))


def test_a_dead_process_is_an_error_with_its_mend():
    with pytest.raises(UserError, match=r"a worker process died.*lower WINNOW_BATCH_ROWS"):
        list(map_batches(die, batches(4), LOCAL))
