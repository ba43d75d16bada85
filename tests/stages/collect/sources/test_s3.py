"""Objects of an S3 endpoint of this machine, over HTTP."""

import hashlib
import zipfile

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.stages.collect.sources.conftest import JSONL, ROWS
from winnow.base.errors import UserError

SHA = hashlib.sha256(JSONL).hexdigest()
S3 = {"kind": "s3", "uri": "s3://walks/2020/w.jsonl", "format": "jsonl"}


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch, tmp_path):
    """A versioned bucket that the environment leads to; returns its client."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="walks")
    client.put_bucket_versioning(Bucket="walks", VersioningConfiguration={"Status": "Enabled"})
    return client


def put(bucket, data: bytes, key: str = "2020/w.jsonl") -> str:
    return bucket.put_object(Bucket="walks", Key=key, Body=data)["VersionId"]


def test_an_object_by_version_by_hash_and_by_both(read, bucket):
    old = put(bucket, JSONL)
    new = put(bucket, JSONL.splitlines(True)[0])
    rows, _, pin = read(**S3, version=old)
    assert rows == ROWS
    assert pin == {"kind": "s3", "uri": S3["uri"], "version": old, "sha256": SHA, "bytes": len(JSONL)}
    assert read(**S3, version=new)[0] == ROWS[:1]
    assert read(**S3, version=old, sha256=SHA)[0] == ROWS
    assert "version" not in read(**S3, sha256=SHA)[2]


def test_a_large_object_and_an_archive(read, bucket, tmp_path):
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("a.jsonl", JSONL)
        archive.writestr("padding", bytes(60_000_000))
    version = put(bucket, (tmp_path / "w.zip").read_bytes(), "w.zip")
    assert read(**S3 | {"uri": "s3://walks/w.zip"}, version=version, member="a.jsonl")[0] == ROWS


def test_a_wrong_hash(read, bucket):
    put(bucket, JSONL)
    with pytest.raises(UserError, match=rf"s3://walks/2020/w\.jsonl: wrong sha256: expected {'0' * 64}, got {SHA}"):
        read(**S3, sha256="0" * 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uri": "s3://walks/none", "sha256": SHA}, "s3://walks/none: no such object; mend uri or version"),
        ({"uri": "s3://none/none", "sha256": SHA}, "s3://none/none: no such object; mend uri or version"),
        ({"version": "00000000-0000-0000-0000-000000000000"}, r"w\.jsonl: no such object of version 0{8}"),
    ],
)
def test_an_object_that_is_not_there(read, bucket, changes, message):
    put(bucket, JSONL)
    with pytest.raises(UserError, match=message):
        read(**S3 | changes)


def test_no_credentials(read, bucket, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UserError, match="no credentials; set AWS_ACCESS_KEY_ID or AWS_PROFILE"):
        read(**S3, sha256=SHA)


def test_an_endpoint_that_is_not_there(read, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(UserError, match=r"w\.jsonl: cannot be fetched: .*connect") as error:
        read(**S3, sha256=SHA)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, r"sources\[0\]\.s3\.sha256: an object is pinned by version, sha256 or both; give one"),
        ({"uri": "https://walks/w", "version": "1"}, r"sources\[0\]\.s3\.uri: "),
        ({"uri": "s3://walks/", "version": "1"}, r"sources\[0\]\.s3\.uri: "),
    ],
)
def test_mistyped_parameters(read, changes, message):
    with pytest.raises(UserError, match=message):
        read(**S3 | changes)
