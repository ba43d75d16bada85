"""What the doctor says of remotes: an S3 endpoint over HTTP that checks rights, folders, and what is not there."""

import socket
import subprocess
import sys

import boto3
import pytest
from dvc.repo import Repo
from s3fs import S3FileSystem

from tests.remotes import servers
from tests.remotes.refusing import refusing
from tests.remotes.rights import rights_checked, user
from winnow.base.errors import UserError
from winnow.commands.doctor import faults, remote
from winnow.commands.doctor.repository import secrets
from winnow.commands.status.standing import opened

ALL = ["s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:DeleteObject"]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A DVC repository without a remote."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    return tmp_path


def configure(**settings: str) -> None:
    """Make `store` the default remote."""
    lines = ["[core]", "    remote = store", "['remote \"store\"']"]
    with open(".dvc/config.local", "w") as file:
        file.write("\n".join(lines + [f"    {name} = {value}" for name, value in settings.items()]) + "\n")


def findings() -> list[tuple[str, str]]:
    with Repo(".") as repo:
        return [(finding.level, finding.says) for finding in remote.remote(repo)]


def on_s3(url: str, key: str, secret: str, bucket: str = "datasets") -> None:
    configure(
        url=f"s3://{bucket}/winnow",
        endpointurl=url,
        region="us-east-1",
        access_key_id=key,
        secret_access_key=secret,
        verify="true",
    )


def policy(actions: list[str]) -> dict:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}


def test_each_permission_of_an_s3_user_is_tried_and_no_key_is_told(repository, s3):
    may = {
        "all": ALL,
        "reader": ["s3:GetObject", "s3:ListBucket"],
        "writer": ALL[:3],
        "blind": [ALL[0], *ALL[1:2], ALL[3]],
    }
    server = servers.Server(s3, "test", "test")
    users = {name: user(server, name, policy(actions)) for name, actions in may.items()}
    keys = {name: (who.key, who.secret) for name, who in users.items()}
    said = []
    told = {}
    with rights_checked(server):
        for name, (key, secret) in keys.items():
            on_s3(s3, key, secret)
            told[name] = findings()
            said += [words for _, words in told[name]]
        on_s3(s3, "AKIAWRONGWRONGWRONG1", "verysecretvalue")
        said += [words for _, words in findings()]
    assert told["all"] == [("ok", "store (s3://datasets/winnow): write, read, list, delete work")]
    assert [level for level, _ in told["reader"]] == ["warn"]
    assert "cannot write: " in told["reader"][0][1]
    assert [words.partition("cannot ")[2].partition(":")[0] for _, words in told["writer"]] == ["delete"]
    assert [words.partition("cannot ")[2].partition(":")[0] for _, words in told["blind"]] == ["list"]
    for key, secret in [*keys.values(), ("AKIAWRONGWRONGWRONG1", "verysecretvalue")]:
        assert not [words for words in said if key in words or secret in words]


def test_nothing_is_left_in_the_bucket(repository, s3):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=s3, **keys)
    there = [entry["Key"] for entry in client.list_objects_v2(Bucket="datasets").get("Contents", [])]
    on_s3(s3, "test", "test")
    assert findings() == [("ok", "store (s3://datasets/winnow): write, read, list, delete work")]
    assert there == [entry["Key"] for entry in client.list_objects_v2(Bucket="datasets").get("Contents", [])]
    on_s3(s3, "test", "test", bucket="elsewhere")
    assert findings() == [
        (
            "warn",
            "store (s3://elsewhere/winnow): there is no bucket elsewhere "
            "(FileNotFoundError: The specified bucket does not exist)",
        )
    ]


def mends() -> list[tuple[str, str]]:
    """Return what the doctor says after the address, without the store's own words, and each mend."""
    with Repo(".") as repo:
        found = list(remote.remote(repo))
    return [(finding.says.partition("): ")[2].partition(" (")[0], finding.mend) for finding in found]


@pytest.mark.parametrize(
    ("status", "code", "means", "mend"),
    [
        (400, "ExpiredToken", "the session's token is expired or not valid", "aws sso login"),
        (400, "InvalidToken", "the session's token is expired or not valid", "aws sso login"),
        (403, "RequestTimeTooSkewed", "the clock of this machine and the store's are too far apart", "timedatectl"),
        (403, "InvalidAccessKeyId", "the store does not know this access key", "--local store access_key_id KEY"),
        (301, "PermanentRedirect", "the bucket is in another region", "dvc remote modify store region REGION"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region", "modify store region REGION"),
    ],
)
def test_an_answer_whose_code_dvc_does_not_tell(repository, status, code, means, mend):
    with refusing(status, code, f"It says {code}") as url:
        on_s3(url, "AKIAWRONGWRONGWRONG1", "verysecretvalue")
        [(said, told)] = mends()
    assert said == means
    assert mend in told


def test_wrong_keys_on_a_server_that_checks_them(repository, tmp_path_factory):
    with servers.rclone(tmp_path_factory.mktemp("rclone")) as server:
        on_s3(server.url, server.key, server.secret)
        assert findings() == [("ok", "store (s3://datasets/winnow): write, read, list, delete work")]
        on_s3(server.url, server.key, "verysecretvalue")
        [(secret, _)] = mends()
        on_s3(server.url, "AKIAWRONGWRONGWRONG1", server.secret)
        [(key, _)] = mends()
    assert secret == "the secret key does not belong to the access key"
    assert key == "the store does not know this access key"


def test_no_keys_no_profile_no_server_and_no_encryption(repository, s3, monkeypatch):
    monkeypatch.setattr(S3FileSystem, "retries", 1)  # it waits between two, and so does what it calls
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    common = {"url": "s3://datasets/winnow", "region": "us-east-1", "verify": "true"}
    configure(endpointurl=s3, **common)
    assert [said for said, _ in mends()] == ["no key was found"]
    configure(endpointurl=s3, profile="nobody", **common)
    assert [said for said, _ in mends()] == ["there is no such profile in ~/.aws/config"]
    keys = {"access_key_id": "test", "secret_access_key": "test"}
    configure(endpointurl="http://127.0.0.1:9", **keys, **common)
    assert [said for said, _ in mends()] == ["no server answers at this address"]
    configure(endpointurl=s3.replace("http:", "https:"), **keys, **common)
    [(said, mend)] = mends()
    assert said == "the connection cannot be encrypted"
    assert "dvc remote modify store endpointurl http://" in mend


def test_a_remote_that_trusts_its_objects_is_told_with_the_mend(repository, s3):
    configure(url="s3://datasets/winnow", endpointurl=s3, region="us-east-1", access_key_id="a", secret_access_key="b")
    with Repo(".") as repo:
        first, *_ = remote.remote(repo)
    assert "pulled in silence" in first.says
    assert first.mend == "dvc remote modify --local store verify true"
    subprocess.run([sys.executable, "-m", "dvc", *first.mend.split()[1:]], check=True)
    with Repo(".") as repo:
        assert "silence" not in "".join(finding.says for finding in remote.remote(repo))
    settings = {
        "folder": {"url": "/mnt/data"},
        "file": {"url": "file:///mnt/data"},
        "versions": {"url": "s3://b/x", "version_aware": True},
        "ssh": {"url": "ssh://ana:letmein@host/x"},
        "checked": {"url": "gs://b/x", "verify": True},
    }
    [only] = faults.trusted(settings, ["ssh"])
    assert only.mend == "dvc remote modify ssh verify true"
    assert "letmein" not in only.says


def test_a_server_that_does_not_answer(repository, monkeypatch):
    monkeypatch.setattr(remote, "SECONDS", 3.0)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        on_s3(f"http://127.0.0.1:{deaf.getsockname()[1]}", "test", "test")
        assert findings() == [("warn", "store (s3://datasets/winnow) does not answer within 3 s")]


def test_folders(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("remote") / "new"
    configure(url=str(folder))
    assert findings() == [("ok", f"store ({folder}): write, read, list, delete work")]
    assert not folder.exists()
    folder.mkdir()
    (folder / "files").mkdir()
    assert findings()[0][0] == "ok"
    assert [path.name for path in folder.iterdir()] == ["files"]
    inside = repository / ".dvc-remote"
    configure(url=str(inside))
    assert "a folder of this repository: nobody else has the data" in findings()[0][1]
    inside.write_text("a file")
    [(level, words), *_] = findings()
    assert (level, "cannot write" in words) == ("warn", True)


def test_no_remote_and_one_whose_package_is_missing(repository):
    assert findings() == [("warn", "none: this machine alone has the data")]
    configure(url="gs://bucket/data")
    assert findings()[0][0] == "warn"
    configure(url="nonsense://x")
    with pytest.raises(UserError, match="dvc: config file error: Unsupported URL"):
        opened(repository)


def test_a_store_s_own_error_and_a_password_in_an_address(repository):
    configure(url="s3://datasets/x", endpointurl="http://ana:p%40ssw0rd@127.0.0.1:9", access_key_id="AK", verify="true")
    ((level, says),) = findings()
    assert level == "warn"
    assert "ssw0rd" not in says
    hidden = secrets(
        {"url": "https://ana:p%40ssw0rd@host.example/x?sig=abcd1234", "endpointurl": "http://t0ken@host"},
        {"HTTPS_PROXY": "http://ana:pr0xy@host:3", "MY_PASSWD": "letmein"},
    )
    text = remote.told(
        OSError("https://ana:p%40ssw0rd@host.example/x?sig=abcd1234 p@ssw0rd t0ken pr0xy letmein"), hidden
    )
    assert not [
        secret for secret in ("p%40ssw0rd", "p@ssw0rd", "abcd1234", "t0ken", "pr0xy", "letmein") if secret in text
    ]
    assert "host.example/x" in text
