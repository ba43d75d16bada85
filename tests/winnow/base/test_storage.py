"""Paths of an object store, over HTTP against a local S3 endpoint: read in streams, written whole or not at all."""

import importlib
import os
import shlex
import shutil
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer
from ruamel.yaml import YAML

from tests.conftest import make_rows
from tests.generality import intents
from winnow.base import files, storage
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.rows import ledger, tables

ROOT = Path(__file__).parents[3]
TABLE = make_rows([{"text": f"the text of row {number}"} for number in range(50)])


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch):
    """An empty bucket, and an environment that leads to it and nowhere else."""
    import s3fs

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}
    for name, value in (settings | {"ENDPOINT_URL": endpoint, "EC2_METADATA_DISABLED": "true"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    s3fs.S3FileSystem.clear_instance_cache()  # else one of another environment is used again
    client = boto3.client("s3")
    client.create_bucket(Bucket="texts")
    yield client
    for entry in keys(client):
        client.delete_object(Bucket="texts", Key=entry)
    client.delete_bucket(Bucket="texts")


def keys(client) -> list[str]:
    return [entry["Key"] for entry in client.list_objects_v2(Bucket="texts").get("Contents", [])]


def test_a_name_without_a_scheme_is_a_local_path(tmp_path):
    assert storage.path(str(tmp_path / "a")) == tmp_path / "a"
    assert str(storage.path("data/raw")) == "data/raw"


def test_a_table_in_a_bucket_has_the_bytes_of_a_local_one_and_streams_back(bucket, tmp_path):
    remote = storage.path("s3://texts/deep/rows.parquet")
    for path in (remote, tmp_path / "rows.parquet"):
        with tables.writer(path, TABLE.schema) as rows:
            for start in (30, 0):
                rows.add(TABLE.slice(start, 30 if not start else 20))
    assert keys(bucket) == ["deep/rows.parquet"]
    assert remote.read_bytes() == (tmp_path / "rows.parquet").read_bytes()
    assert tables.read(remote).equals(tables.read(tmp_path / "rows.parquet"))
    assert tables.schema(remote) == tables.schema(tmp_path / "rows.parquet")
    parts = list(tables.batches(remote, ["id", "text"], rows=7))
    assert [len(part) for part in parts] == [7] * 7 + [1]
    assert pa.concat_tables(parts).equals(TABLE.select(["id", "text"]).sort_by("id"))
    assert [path.name for path in remote.parent.glob("*.parquet")] == ["rows.parquet"]


def test_ledgers_and_metrics_go_there_too(bucket):
    with ledger.book("clean", storage.path("s3://texts/ledger/clean.parquet")) as book:
        book.add(ledger.SCHEMA.empty_table())
    files.write_json(storage.path("s3://texts/metrics/clean.json"), {"rows": 1})
    assert keys(bucket) == ["ledger/clean.parquet", "metrics/clean.json"]
    assert files.read_text(storage.path("s3://texts/metrics/clean.json")) == '{\n  "rows": 1\n}\n'


def test_an_exception_leaves_the_old_object(bucket):
    path = storage.path("s3://texts/file")
    files.write_text(path, "old")

    def fail():
        with files.replacing(path) as new:
            new.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_text() == "old"
    assert keys(bucket) == ["file"]


def test_a_folder_replaces_the_old_one(bucket):
    path = storage.path("s3://texts/raw")
    for names in (("a", "b"), ("b", "c/d")):
        with files.replacing(path) as new:
            for name in names:
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                (new / name).write_text(f"{names}")
    assert keys(bucket) == ["raw/b", "raw/c/d"]
    assert (path / "b").read_text() == "('b', 'c/d')"


def test_what_is_not_there_is_one_line(bucket):
    with pytest.raises(UserError, match=r"^s3://texts/no\.parquet: not found; "):
        tables.read(storage.path("s3://texts/no.parquet"))
    with pytest.raises(UserError, match=r"^s3://elsewhere/x: cannot be written: .*check the bucket"):
        files.write_text(storage.path("s3://elsewhere/x"), "text")
    files.write_text(storage.path("s3://texts/text"), "no table")
    with pytest.raises(UserError, match=r"^s3://texts/text: not a readable Parquet file: "):
        list(tables.batches(storage.path("s3://texts/text")))


def test_a_store_that_cannot_be_reached_is_one_line(bucket, monkeypatch):
    with pytest.raises(UserError, match=r"^abc://texts/x: cannot be reached: "):
        storage.path("abc://texts/x")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(UserError, match=r"^s3://texts/x: cannot be reached: .*credentials.*environment"):
        storage.path("s3://texts/x")


@pytest.mark.parametrize("name", ["s3://key:hush@texts/x", "s3://texts/x?token=hush"])
def test_credentials_in_a_url_are_refused_and_not_repeated(name):
    with pytest.raises(UserError, match="give credentials by the environment") as caught:
        storage.path(name)
    assert "hush" not in str(caught.value)


def test_the_curation_stages_run_from_bucket_to_bucket_with_the_bytes_of_a_local_run(bucket, workspace, default_params):
    """Each by its command of dvc.yaml; what people and other machines give (sources, decisions) is local in both."""
    overlay = YAML(typ="safe").load((ROOT / "examples/intents/params.yaml").read_text(encoding="utf-8"))
    folder = workspace(**{name: values | overlay.get(name, {}) for name, values in default_params.items()})
    (folder / "data/sources").mkdir(parents=True)
    intents.write(folder / "data/sources")
    shutil.copytree(ROOT / "data/frozen", folder / "data/frozen")
    (folder / "data/decisions.csv").write_text((ROOT / "data/decisions.csv").read_text().splitlines()[0] + "\n")
    given = {path.relative_to(folder) for path in (folder / "data").iterdir()} | {Path("data/downloads")}

    def url(argument: str) -> str:
        mine = argument.startswith("--") or given & {Path(argument), *Path(argument).parents}
        return argument if mine else f"s3://texts/{argument}"

    stages = pipeline.stages(ROOT)
    for name in ("collect", "clean", "deduplicate", "split", "annotate", "audit", "apply_decisions", "removals"):
        _, _, module, *arguments = shlex.split(stages[name]["cmd"])
        main = importlib.import_module(f"{module}.__main__").main
        main(arguments)
        main([url(argument) for argument in arguments])
    made = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    written = {key: bucket.get_object(Bucket="texts", Key=key)["Body"].read() for key in keys(bucket)}
    assert {"data/raw/helpdesk.parquet", "data/labelled.parquet", "data/ledger/clean.parquet"} < set(written)
    assert {key: made[key] for key in written} == written
    local = [key for key in set(made) - set(written) if not given & set(Path(key).parents)]
    assert sorted(local) == ["data/decisions.csv", "dvc.yaml", "params.yaml"]
