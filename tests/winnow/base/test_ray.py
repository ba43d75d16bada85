"""Ray: byte-equal to the local engine on a cluster of several nodes, also when one is killed in mid-run."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer

from stages.clean import __main__ as clean
from tests.conftest import make_rows, on_machine
from winnow.base import ray as engine_ray
from winnow.base.engine import map_batches
from winnow.base.errors import UserError
from winnow.base.machine import Machine
from winnow.rows import ledger, tables

ray = pytest.importorskip("ray", reason="needs the extra: pip install '.[ray]'")

NODE_MEMORY = 80 * 2**20  # of each node's object store; the least that Ray takes is 75 MiB
LOCAL = Machine(batch_rows=10)


def add_node(cluster):
    """Start a small node and return it; Ray gives up on one whose agents take 15 s to start (ray#65983)."""
    for attempts_left in (2, 1, 0):
        try:
            return cluster.add_node(num_cpus=1, object_store_memory=NODE_MEMORY, include_dashboard=False)
        except Exception:
            if not attempts_left:
                raise
    return None


@pytest.fixture(scope="module")
def cluster():
    """Two raylet nodes of one core on this machine."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    add_node(cluster)
    add_node(cluster)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def machine(cluster, tmp_path_factory):
    """Settings for the cluster; one connection for all tests, since a node takes seconds to start a worker."""
    machine = LOCAL.model_copy(update={"engine": "ray", "ray_address": cluster.address})
    with pytest.MonkeyPatch.context() as patch:
        # Ray also looks in the driver's folder, which other machines do not have.
        patch.chdir(tmp_path_factory.mktemp("driver"))
        # The nodes get the packages winnow and stages; this file is not one of them.
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        with engine_ray.connected(machine.ray_address):
            yield machine
        ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def mark(batch: pa.Table, seconds: float = 0.0) -> dict[str, pa.Table]:
    """A table function: drops each third row, upper-cases the others, and tells where it ran."""
    time.sleep(seconds)
    entries = ledger.Ledger("mark")
    texts, kept = [], []
    for id_, text in zip(batch["id"].to_pylist(), batch["text"].to_pylist(), strict=True):
        kept.append(int(id_, 16) % 3 > 0)
        if kept[-1]:
            texts.append(text.upper())
        entries.add(id_, "change" if kept[-1] else "drop", "mark", "marked", ledger.Details("before"))
    rows = tables.set_column(batch.filter(pa.array(kept, pa.bool_())), "text", texts, pa.string())
    node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else None
    return {"rows": rows, "ledger": entries.table(), "place": pa.table({"node": [node], "code": [tables.__file__]})}


def refuse(batch: pa.Table) -> dict[str, pa.Table]:
    raise UserError("params.yaml: nothing here is right")


def die(batch: pa.Table) -> dict[str, pa.Table]:
    os._exit(9)


def divide(batch: pa.Table) -> dict[str, pa.Table]:
    raise ZeroDivisionError


ROWS = make_rows([{"meta": {"number": str(number)}, "label": None} for number in range(600)], aux=("kind",))


def batches(rows: int = 10):
    for start in range(0, ROWS.num_rows, rows):
        yield ROWS.slice(start, rows)


def write(results, folder):
    """Write the tables of a run as a stage does; return the bytes of both files."""
    folder.mkdir()
    places = []
    with (
        tables.writer(folder / "rows.parquet", ROWS.schema) as rows,
        ledger.book("mark", folder / "ledger.parquet") as book,
    ):
        for result in results:
            rows.add(result["rows"])
            book.add(result["ledger"])
            places += result["place"].to_pylist()
        book.check(ROWS.num_rows, rows.rows)
    return [(folder / name).read_bytes() for name in ("rows.parquet", "ledger.parquet")], places


@pytest.fixture
def expected(tmp_path):
    return write(map_batches(mark, batches(), LOCAL), tmp_path / "local")[0]


def test_a_cluster_that_is_not_there_is_one_line():
    nowhere = LOCAL.model_copy(update={"engine": "ray", "ray_address": "127.0.0.1:1"})
    with pytest.raises(UserError, match=r"no Ray cluster at 127\.0\.0\.1:1.*WINNOW_RAY_ADDRESS or RAY_ADDRESS"):
        list(map_batches(mark, batches(), nowhere))


def test_the_output_is_that_of_the_local_engine_and_the_code_travels(machine, expected, tmp_path):
    written, places = write(map_batches(mark, batches(7), machine), tmp_path / "ray")
    assert written == expected
    assert len({place["node"] for place in places}) == 2
    assert all("py_modules" in place["code"] for place in places)


def test_a_node_killed_in_mid_run_loses_nothing(cluster, machine, expected, tmp_path):
    victim = add_node(cluster)
    nodes_killed = []

    def watched():
        for result in map_batches(partial(mark, seconds=0.1), batches(5), machine):
            node = result["place"]["node"][0].as_py()
            if not nodes_killed and node == victim.node_id:
                nodes_killed.append(node)
                cluster.remove_node(victim, allow_graceful=False)
            yield result

    written, places = write(watched(), tmp_path / "ray")
    assert nodes_killed
    assert written == expected
    assert len(places) == 120


def test_a_users_mistake_comes_back_as_one_line_and_a_defect_with_its_traceback(machine):
    with pytest.raises(UserError, match=r"^params\.yaml: nothing here is right$"):
        list(map_batches(refuse, batches(), machine))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        list(map_batches(divide, batches(), machine))


def test_few_batches_are_in_flight(machine):
    taken = []

    def source():
        for batch in batches(1):
            taken.append(batch)
            yield batch

    results = map_batches(mark, source(), machine)
    next(results)
    assert len(taken) <= 2 * engine_ray.BATCHES_PER_CPU * 3
    results.close()


def test_a_batch_that_kills_its_worker_is_an_error_with_its_mend(machine):
    with pytest.raises(UserError, match=r"died again and again.*lower WINNOW_BATCH_ROWS"):
        list(map_batches(die, batches(300), machine))


def test_no_batch_is_no_error(machine):
    assert list(map_batches(mark, iter(()), machine)) == []


@pytest.fixture
def s3(monkeypatch):
    """A bucket `corpus` on an S3 endpoint of this machine, to which the environment leads."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}
    for name, value in (settings | {"ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="corpus")
    yield client
    server.stop()


def test_a_stage_runs_on_the_cluster_from_bucket_to_bucket(cluster, s3, workspace, default_params, tmp_path):
    rows = [
        {
            "source_key": str(n),
            "text": f"<p>Row {n} of {source} &amp; its <b>text</b></p>" if n % 9 else "",
            "source": source,
        }
        for source in ("first", "second")
        for n in range(150)
    ]
    table = make_rows(rows)
    for source in ("first", "second"):
        path = tmp_path / "raw" / f"{source}.parquet"
        tables.write(table.filter(pa.array([row["source"] == source for row in rows])), path)
        s3.upload_file(str(path), "corpus", f"raw/{source}.parquet")

    def arguments(folder: str) -> list[str]:
        outputs = {
            "out": "clean.parquet",
            "cleaning": "cleaning.json",
            "ledger": "ledger.parquet",
            "metrics": "clean.json",
        }
        return [f"--raw={folder}/raw", *(f"--{name}={folder}/{file}" for name, file in outputs.items())]

    sections = {"task": default_params["task"], "clean": default_params["clean"] | {"profile_of": {}}}
    workspace(**sections)
    with on_machine(batch_rows=40):
        clean.main(arguments("."))
    command = [sys.executable, "-m", "stages.clean.__main__", *arguments("s3://corpus")]
    # By the module's command line, as a cluster's job runs it; DVC is not there.
    told = {"WINNOW_BATCH_ROWS": "40", "WINNOW_ENGINE": "ray", "RAY_ADDRESS": cluster.address}
    environment = os.environ | told | {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    # A slow machine is told how far the work is.
    told_of = [line for line in done.stderr.splitlines() if not line.startswith("clean: cleaning rows: ")]
    assert (done.returncode, done.stdout, told_of) == (0, "", [])
    for name in ("clean.parquet", "cleaning.json", "ledger.parquet", "clean.json"):
        assert s3.get_object(Bucket="corpus", Key=name)["Body"].read() == (tmp_path / name).read_bytes()
    assert len(s3.list_objects_v2(Bucket="corpus")["Contents"]) == 6
