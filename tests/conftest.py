"""Fixtures that many tests share: a folder with params.yaml, wheels, and tables of the data contract."""

import datetime
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A worker of xdist has one core. Of two threads, one waits for the other by turning idly, and takes the core of the
# other worker: a test of small tensors took 26 s of CPU instead of 1. Before numpy, which reads it as it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa
import pytest
from hypothesis import settings
from ruamel.yaml import YAML

from winnow.base import files, hashing, machine
from winnow.rows import tables

ROOT = Path(__file__).parent.parent
# Files and folders of minutes, the longest first: two workers begin with them, so that none ends with one alone.
# test_reruns begins with the run that test_pipeline makes, so it does not stand beside it.
LONG = (
    "tests/pipeline/test_pipeline.py",
    "tests/pipeline/test_tutorial.py",
    "tests/pipeline/test_reruns.py",
    "tests/pipeline",
    "tests/generality",
    "tests/winnow/base/test_ray.py",
    "tests/winnow/commands/init/test_journal.py",
    "tests/remotes",
    "tests/label_studio",
    "tests/browser",
)

# A first call may import or compile for longer than Hypothesis's 200 ms.
settings.register_profile("winnow", deadline=None)
# The same examples each time: what a run finds by chance is found at a desk, not in an unrelated change's CI.
# They are fewer: `make fuzz` and a desk's own runs look further.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("ci" if os.environ.get("CI") else "winnow")


@pytest.fixture
def own_precision() -> Iterator[None]:
    """Let a test compute in a precision of its own, as each stage is a process of its own."""
    forget_precision()
    yield
    forget_precision()


def forget_precision() -> None:
    """Let the next `start` choose its precision, as a process of its own would; with AMX that is bf16 by default."""
    if state := sys.modules.get("accelerate.state"):
        state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(autouse=True)
def same_folder():
    """Show which test leaves the process in another folder: another test, later, would be the one that fails."""
    before = os.getcwd()
    yield
    after = os.getcwd()
    os.chdir(before)
    assert after == before, f"the test left the process in {after}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what takes long first, for workers; who runs the tests in one process sees the fast ones' results first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn(item.nodeid))


def _turn(test: str) -> int:
    """The place in `LONG` of what a test belongs to."""
    return next((place for place, path in enumerate(LONG) if test.startswith(path)), len(LONG))


@pytest.fixture(autouse=True, scope="module")
def no_accelerator_left():
    """Forget a module's accelerator, of which a process has one: the next module may want another precision."""
    yield
    forget_precision()


@pytest.fixture
def default_params() -> dict:
    """The repository's params.yaml, as plain values."""
    return YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Return a function that writes sections to params.yaml of a folder, which becomes the current one.

    The folder has the repository's dvc.yaml, by which commands find their files.
    """
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "dvc.yaml", tmp_path / "dvc.yaml")

    def write(**sections: dict) -> Path:
        yaml = YAML(typ="safe")
        yaml.default_flow_style = False  # as DVC lays it out
        with (tmp_path / "params.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(sections, file)
        return tmp_path

    return write


@contextmanager
def on_machine(**settings: object) -> Iterator[None]:
    """Run the body where the variables of these settings of the machine are set, `batch_rows=40`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(machine.variable(name), str(value))
        yield


def make_rows(rows: list[dict], aux: tuple[str, ...] = ()) -> pa.Table:
    """Return a table of the data contract; each dict gives what matters, the rest has a default.

    Columns beyond the contract are added as strings.
    """
    full = []
    for number, row in enumerate(rows):
        key = row.get("source_key", f"row-{number}")
        source = row.get("source", "test")
        full.append(
            {
                "id": hashing.row_ids(source, [key])[0],
                "source": source,
                "source_key": key,
                "licence": "CC0-1.0",
                "published": datetime.date(2020, 1, 1),
                "purpose": "task",
                "group": f"group-{number}",
                "text": f"the text of row {number}",
                "label": None,
                "label_origin": "given" if row.get("label") else None,
                "label_confidence": None,
                "meta": {},
            }
            | row
        )
    schema = tables.row_schema(aux)
    for name in sorted({name for row in rows for name in row} - set(schema.names)):
        schema = schema.append(pa.field(name, pa.string()))
    for row in full:
        row["meta"] = list(row["meta"].items())
    return pa.Table.from_pylist(full, schema=schema)


@pytest.fixture
def make_wheel(tmp_path_factory, monkeypatch):
    """Return a function that builds a wheel of given files, lets pip find it and no other, and returns its sha256."""
    folder = tmp_path_factory.mktemp("wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    def make(name: str, version: str, content: dict[str, bytes]) -> str:
        stem = f"{name.replace('-', '_')}-{version}"
        info = {
            f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
            f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{stem}.dist-info/RECORD": b"",
        }
        wheel = folder / f"{stem}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for member, data in (content | info).items():
                archive.writestr(member, data)
        return files.sha256(wheel)

    return make


@pytest.fixture
def s3():
    """A bucket on an S3 endpoint of this machine; its URL."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket="datasets")
    yield url
    server.stop()
