"""Remotes as docs/remotes.md tells: this project's .dvc/config, a folder and a real S3 endpoint over HTTP."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parent.parent
TEXT = "id,text\n1,Basalt weathers slowly in dry air.\n"


def call(folder: Path, *command: str, check: bool = True) -> str:
    """Run a command in `folder` without anybody's own settings; return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_", "DVC_"))}
    own = {"HOME": str(folder.parent), "DVC_NO_ANALYTICS": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(command, cwd=folder, env=kept | own, capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def dvc(folder: Path, *arguments: str, **options) -> str:
    return call(folder, sys.executable, "-m", "dvc", *arguments, **options)


def commit(folder: Path, message: str) -> None:
    call(folder, "git", "add", "-A")
    call(folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", message)


@pytest.fixture
def repository(tmp_path):
    """A DVC repository with this project's configuration and one tracked file."""
    folder = tmp_path / "first"
    (folder / ".dvc").mkdir(parents=True)
    call(folder, "git", "init", "-q")
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "rows.csv").write_text(TEXT)
    dvc(folder, "add", "-q", "rows.csv")
    commit(folder, "rows")
    return folder


@pytest.fixture
def s3():
    """A bucket on an S3 endpoint of this machine; its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket="datasets")
    yield url
    server.stop()


def test_default_remote_is_a_folder_of_the_repository_that_git_ignores(repository):
    dvc(repository, "push", "-q")
    assert len([path for path in (repository / ".dvc-remote").rglob("*") if path.is_file()]) == 1
    assert call(repository, "git", "status", "--porcelain") == ""

    clone = repository.parent / "clone"
    call(repository.parent, "git", "clone", "-q", "first", "clone")
    dvc(clone, "config", "--local", "remote.local.url", str(repository / ".dvc-remote"))
    dvc(clone, "pull", "-q")
    assert (clone / "rows.csv").read_text() == TEXT
    assert (clone / "rows.csv.dvc").read_bytes() == (repository / "rows.csv.dvc").read_bytes()


def test_s3_push_clone_and_pull_with_keys_in_the_local_config_only(repository, s3):
    def keys(folder: Path) -> None:
        dvc(folder, "remote", "modify", "--local", "s3", "access_key_id", "test")
        dvc(folder, "remote", "modify", "--local", "s3", "secret_access_key", "test")

    dvc(repository, "remote", "add", "--default", "s3", "s3://datasets/winnow")
    dvc(repository, "remote", "modify", "s3", "endpointurl", s3)
    dvc(repository, "remote", "modify", "s3", "region", "us-east-1")
    dvc(repository, "remote", "modify", "s3", "verify", "true")
    keys(repository)
    commit(repository, "remote")
    dvc(repository, "push", "-q")
    assert "Cache and remote 's3' are in sync" in dvc(repository, "status", "--cloud")
    assert "secret" not in call(repository, "git", "grep", "-h", "-e", "", "--", ".dvc")

    clone = repository.parent / "clone"
    call(repository.parent, "git", "clone", "-q", "first", "clone")
    refused = dvc(clone, "pull", check=False)
    assert "credentials" in refused.lower()
    assert not (clone / "rows.csv").exists()
    keys(clone)
    dvc(clone, "pull", "-q")
    assert (clone / "rows.csv").read_text() == TEXT
    assert "up to date" in dvc(clone, "status")

    client = boto3.client(
        "s3", endpoint_url=s3, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    stored = [item["Key"] for item in client.list_objects_v2(Bucket="datasets")["Contents"]]
    for key in stored:
        client.put_object(Bucket="datasets", Key=key, Body=TEXT.replace("1", "2", 1).encode())
    shutil.rmtree(clone / ".dvc/cache")
    (clone / "rows.csv").unlink()
    assert "rows.csv" in dvc(clone, "pull", check=False)  # an object that has changed is refused: `verify`
    assert not (clone / "rows.csv").exists()
