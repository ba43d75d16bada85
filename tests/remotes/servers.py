"""S3 servers on this machine, each by its own program and over HTTP: moto, `rclone serve s3`, s3rver."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import boto3

BUCKET = "datasets"
REGION = "us-east-1"
S3RVER = "s3rver@3.7.1"


@dataclass(frozen=True)
class Server:
    """An S3 endpoint with a bucket `datasets`, and keys that may do everything."""

    url: str
    key: str
    secret: str

    def client(self, service: str = "s3") -> Any:
        """Return boto3's client of it."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name=REGION,
        )

    def objects(self, prefix: str) -> dict[str, int]:
        """Return the bytes of each object whose key begins so."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


@contextmanager
def moto(_: Path) -> Iterator[Server]:
    """Serve by moto, in a thread."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield _with_bucket(Server(f"http://{host}:{port}", "test", "test"))
    finally:
        server.stop()


@contextmanager
def rclone(folder: Path) -> Iterator[Server]:
    """Serve a folder by rclone; a folder in it is a bucket."""
    (folder / BUCKET).mkdir(parents=True)
    program = Path(sys.executable).parent / "rclone"
    command = [str(program), "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", "winnow,winnow-secret", str(folder)]
    with _started(command, r"server on \[(http://127\.0\.0\.1:\d+)/?\]", {"RCLONE_CONFIG": ""}) as url:
        yield Server(url, "winnow", "winnow-secret")


@contextmanager
def s3rver(folder: Path) -> Iterator[Server]:
    """Serve by s3rver, which npm installs into `folder`."""
    own = {"npm_config_update_notifier": "false"}
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), S3RVER]
    subprocess.run(install, check=True, env=os.environ | own, timeout=240)
    program = folder / "node_modules/s3rver/bin/s3rver.js"
    command = ["node", str(program), "-d", str(folder / "data"), "-a", "127.0.0.1", "-p", "0"]
    with _started(command, r"listening on (127\.0\.0\.1:\d+)", {"NODE_NO_WARNINGS": "1"}) as address:
        yield _with_bucket(Server(f"http://{address}", "S3RVER", "S3RVER"))


def _with_bucket(server: Server) -> Server:
    server.client().create_bucket(Bucket=BUCKET)
    return server


@contextmanager
def _started(command: Sequence[str], pattern: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Run a server; yield the address that it tells, and end it at last."""
    with tempfile.TemporaryFile("w+") as log:  # a pipe would fill, and the server wait
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield _told(process, log, pattern)
        finally:
            process.terminate()
            process.wait(10)


def _told(process: subprocess.Popen, log: TextIO, pattern: str) -> str:
    for _ in range(300):
        log.seek(0)
        said = log.read()
        if found := re.search(pattern, said):
            return found[1]
        assert process.poll() is None, said
        time.sleep(0.1)
    raise AssertionError(f"no address after 30 s: {said}")
