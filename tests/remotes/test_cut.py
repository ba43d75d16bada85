"""The connection is cut in mid-push and in mid-pull: no half object is left, and the next call does the rest."""

import hashlib
from dataclasses import replace

import pytest
from s3fs import S3FileSystem

from tests.remotes.cutting import cutting
from tests.remotes.servers import BUCKET

LINES = 2000  # of each file: 40 to 50 KB
CUT = 400_000  # bytes


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Have no request repeated: a repeated one would only wait."""
    monkeypatch.setattr(S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def whole(server, prefix: str) -> int:
    """Return how many objects the store has, each of which must have the hash that its name tells."""
    client = server.client()
    keys = list(server.objects(prefix))
    for key in keys:
        content = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert hashlib.md5(content).hexdigest() == "".join(key.removesuffix(".dir").split("/")[-2:])
    return len(keys)


def test_a_push_and_a_pull_are_cut_and_resumed(project, rclone, monkeypatch):
    project.change("much text", LINES)
    with cutting(rclone.url) as proxy:
        project.remote(replace(rclone, url=proxy.url), "cut")
        project.commit("remote")
        proxy.left["up"] = CUT
        told = project.dvc("push", status=1)
        assert "failed to push" in told
        stored = whole(rclone, "cut/files")
        assert 0 < stored < 22
        proxy.mend()
        assert f"{22 - stored} files pushed" in project.dvc("push")
        assert whole(rclone, "cut/files") == 22
        assert "in sync" in project.dvc("status", "--cloud")

        clone = project.clone("elsewhere")
        clone.keys(rclone)
        proxy.left["down"] = CUT
        assert "failed to pull" in clone.dvc("pull", status=1)
        cached = [path for path in (clone.folder / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
        named = [path for path in cached if not path.name.startswith(".")]
        assert 0 < len(named) < 22
        for path in named:
            assert hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.name.removesuffix(".dir")
        proxy.mend()
        clone.dvc("pull", "-q")
        assert clone.data() == project.data()
        assert "up to date" in clone.dvc("status")
