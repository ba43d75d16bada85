"""A damaged object on S3: what pulls without `verify`, what is refused with it, and how it is mended."""

from contextlib import chdir

import pytest

from tests.remotes.servers import BUCKET
from winnow.base.errors import UserError
from winnow.commands import doctor

SPOIL = {"flipped": lambda content: bytes([content[0] ^ 1]) + content[1:], "cut": lambda content: content[:-10]}


def examine(project, *arguments: str) -> list[tuple[str, str, str]]:
    """Return what `winnow doctor --objects` finds: where, how bad, in words."""
    with chdir(project.folder):
        return [(found.area, found.level, found.says) for found in doctor.damage(project.folder, "mend" in arguments)]


@pytest.fixture(params=[("flipped", "rows/03.txt"), ("cut", "model.bin")], ids=["flipped", "cut"])
def case(request) -> tuple[str, str]:
    """How an object is damaged, and whose: a file's of a folder, and one's of its own."""
    return request.param


@pytest.fixture
def name(case) -> str:
    """The file."""
    return case[1]


@pytest.fixture
def damaged(request, case, project, rclone):
    """The project, and a clone with its remote, on which an object is damaged."""
    how, name = case
    prefix = request.node.name.replace("[", "-").rstrip("]")
    project.remote(rclone, prefix)
    project.commit("remote")
    project.dvc("push", "-q")
    client = rclone.client()
    [key] = [
        key
        for key in rclone.objects(prefix)
        if client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == project.data()[name]
    ]
    client.put_object(Bucket=BUCKET, Key=key, Body=SPOIL[how](project.data()[name]))
    clone = project.clone("elsewhere")
    clone.keys(rclone)
    return project, clone, key


def test_verify_refuses_it_and_a_mended_remote_gives_it(damaged, name):
    project, clone, key = damaged
    output = name.partition("/")[0]
    assert output in clone.dvc("pull", status=1)  # DVC names the output
    assert not (clone.folder / name).exists()
    assert "up to date" in project.dvc("push")  # a push looks at names only
    [_, (area, level, says)] = examine(clone)
    assert (area, level) == ("remote", "fail")
    assert "no whole copy" in says
    assert f"{name} ({BUCKET}/{key})" in says

    assert [found[:2] for found in examine(project)] == [("cache", "ok"), ("remote", "fail")]
    [_, (_, level, says)] = examine(project, "mend")
    assert (level, key in says) == ("ok", True)
    assert {level for _, level, _ in examine(project)} == {"ok"}
    clone.dvc("pull", "-q")
    assert clone.data() == project.data()


def test_without_verify_it_is_pulled_in_silence_and_can_be_mended(damaged, name):
    project, clone, _ = damaged
    clone.dvc("remote", "modify", "s3", "verify", "false")
    clone.dvc("pull", "-q")
    assert "up to date" in clone.dvc("status")
    assert clone.data()[name] != project.data()[name]

    examine(project, "mend")
    assert "up to date" in clone.dvc("pull")  # DVC trusts its cache
    assert [found[:2] for found in examine(clone)] == [("cache", "fail"), ("remote", "ok")]
    examine(clone, "mend")
    clone.dvc("checkout", "-q")
    assert clone.data() == project.data()
    assert {level for _, level, _ in examine(clone)} == {"ok"}


def test_the_command_fails_where_something_is_damaged(damaged, name, capsys):
    project, _, key = damaged
    parser = doctor.argparse.ArgumentParser()
    doctor.configure(parser)
    with chdir(project.folder):
        with pytest.raises(UserError, match="data is damaged: remote"):
            doctor.execute(parser.parse_args(["--objects"]))
        told = capsys.readouterr().out
        assert f"{name} ({BUCKET}/{key})" in told
        assert "mend: winnow doctor --objects --mend" in told
