"""A release as another repository gets it: `dvc get`, `dvc import`, `dvc update`, `dvc artifacts get`, dvc.api."""

import shutil
from collections.abc import Iterator
from contextlib import chdir

import dvc.api
import pytest

from tests.remotes.conftest import nobody_s_own
from tests.remotes.project import Project as Clone
from tests.winnow.commands.diff.project import State, rows
from tests.winnow.commands.releasing.project import MODEL, Project, made
from winnow.commands import cli

TABLE = "data/labelled.parquet"


@pytest.fixture(scope="module")
def template(tmp_path_factory, moto) -> Project:
    """A project with two versions of its dataset and one of its model, pushed to S3, its default, and to a folder."""
    with nobody_s_own(tmp_path_factory.mktemp("home")):
        project = made(tmp_path_factory.mktemp("released") / "project", State(rows(60)))
        project.remote(moto, "winnow/released")
        project.commit("first")
        for count, names in ((60, ("dataset", "model")), (75, ("dataset",))):
            if count > 60:
                project.write(State(rows(count)))
                project.commit("more rows")
            for remote in ("s3", "shared"):
                project.dvc("push", "-q", "--remote", remote)
            with chdir(project.folder):
                for name in names:
                    cli.main(["release", name])
        return project


@pytest.fixture(params=["shared", "s3"])
def remote(request, template, moto, monkeypatch) -> str | None:
    """The remote that a reader names; None: the default."""
    if request.param == "shared":
        return "shared"
    # The reader's own keys, as any AWS tool takes them.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto.secret)
    return None


@pytest.fixture
def released(template) -> Iterator[Project]:
    """The project, without its cache: what it has not, a reader gets from the remote."""
    cache = template.folder / ".dvc/cache"
    cache.rename(cache.with_name("away"))
    yield template
    shutil.rmtree(cache, ignore_errors=True)
    cache.with_name("away").rename(cache)


def test_another_repository_gets_a_release(released, remote, tmp_path):
    named = ["--remote", remote] if remote else []
    assert released.git("tag").split() == ["dataset@v1.0.0", "dataset@v1.1.0", "model@v1.0.0"]
    url = f"file://{released.folder}"
    now = (released.folder / TABLE).read_bytes()
    reader = Clone(tmp_path / "reader")
    reader.folder.mkdir()
    reader.git("init", "-q")
    reader.dvc("init", "-q")

    reader.dvc("get", "-q", *named, url, TABLE, "--rev", "dataset@v1.0.0", "-o", "first.parquet")
    first = (reader.folder / "first.parquet").read_bytes()
    assert first != now
    with dvc.api.open(TABLE, repo=url, rev="dataset@v1.1.0", mode="rb", remote=remote) as file:
        assert file.read() == now
    reader.dvc("artifacts", "get", "-q", *named, url, "dataset", "-o", "latest.parquet")
    reader.dvc("artifacts", "get", "-q", *named, url, "dataset", "--rev", "v1.0.0", "-o", "old.parquet")
    assert [(reader.folder / name).read_bytes() for name in ("latest.parquet", "old.parquet")] == [now, first]
    reader.dvc("artifacts", "get", "-q", *named, url, "model", "-o", "model")
    assert [path.name for path in (reader.folder / "model").iterdir()] == ["model.txt"]
    with chdir(released.folder):
        shown = dvc.api.artifacts_show("model", repo=".")
    assert shown == {"path": MODEL, "rev": released.git("rev-parse", "model@v1.0.0^{commit}").strip()}

    reader.dvc("import", "-q", *named, url, TABLE, "--rev", "dataset@v1.0.0", "-o", "rows.parquet")
    assert (reader.folder / "rows.parquet").read_bytes() == first
    reader.dvc("update", "-q", "--rev", "dataset@v1.1.0", "rows.parquet.dvc")
    assert (reader.folder / "rows.parquet").read_bytes() == now
    assert "dataset@v1.1.0" in (reader.folder / "rows.parquet.dvc").read_text()
    (reader.folder / "rows.parquet").unlink()
    reader.dvc("checkout", "-q")
    assert (reader.folder / "rows.parquet").read_bytes() == now
