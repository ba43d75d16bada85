"""winnow doctor in a repository with DVC and Git: what would break a run, and what mends it."""

import dataclasses
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from dvc.repo import Repo
from ruamel.yaml import YAML

from tests.conftest import ROOT
from winnow.base import timing
from winnow.commands import cli, doctor
from winnow.commands.doctor import installation, machine, repository
from winnow.commands.doctor.finding import GIB
from winnow.encoder.compute import Compute
from winnow.people import decisions

CPU = Compute(threads=1, device="cpu", precision="fp32")


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A repository with this project's pipeline and settings, in which nothing has run."""
    monkeypatch.chdir(tmp_path)
    names = ".dvc/config .dvc/.gitignore .dvcignore .gitignore .gitattributes dvc.yaml params.yaml requirements.lock "
    names += "pyproject.toml"
    for name in names.split():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("stages", "winnow"):  # whose parameters are checked
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/decisions.csv").write_text(decisions.EMPTY)
    git("init", "-q")
    git("config", "user.name", "test")
    git("config", "user.email", "test@example.org")
    git("add", "data", "dvc.yaml", "params.yaml", ".gitattributes")
    git("commit", "-qm", "a commit")
    return tmp_path


def levels(found) -> list[tuple[str, str]]:
    return [(finding.area, finding.level) for finding in found]


def test_a_sound_repository_has_no_finding_that_breaks_a_run(clone, capsys):
    cli.main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    areas = "python packages parameters variables merges hooks cache disk memory cores processor gpu clock remote"
    assert {finding["area"] for finding in found} == set(areas.split())
    assert {"parameters", "merges", "cache", "remote", "clock"} <= {
        finding["area"] for finding in found if finding["level"] == "ok"
    }
    assert all(finding["mend"] for finding in found if finding["level"] != "ok")
    assert not (clone / ".dvc-remote").exists()  # the probe leaves nothing behind
    status = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    assert "cache" not in status


def test_what_breaks_a_run_has_its_mend_and_exit_status_1(clone, capsys):
    text = (clone / "params.yaml").read_text().replace("threads: 2", "threads: 0").replace("epochs: 2", "epochs: many")
    (clone / "params.yaml").write_text(text)
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor"])
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert "FAIL  parameters  params.yaml: compute.threads: " in out
    assert "params.yaml: finetune.epochs: " in out
    assert "mend: edit params.yaml; docs/parameters.md lists every key" in out
    assert err.endswith(": a run would break: parameters; each has its mend above\n")


def test_outside_of_a_repository_it_is_one_line(clone, capsys):
    shutil.rmtree(clone / ".dvc")
    with pytest.raises(SystemExit):
        cli.main(["doctor"])
    assert "no DVC repository: run `git init` and `dvc init`" in capsys.readouterr().err


def test_packages_that_are_missing_or_others(clone):
    lock = clone / "requirements.lock"
    lock.write_text("pytest==0.1\nno-such-package==1.0\n" + lock.read_text().replace("pytest==", "#"))
    missing, other, *_ = installation.packages(clone)
    assert (missing.level, "no-such-package 1.0" in missing.says) == ("warn", True)
    assert (other.level, f"pytest {pytest.__version__} (locked: 0.1)" in other.says) == ("warn", True)
    text = (clone / "pyproject.toml").read_text()
    (clone / "pyproject.toml").write_text(text.replace('"accelerate', '"No_such.package>=1",\n"accelerate'))
    assert next(installation.packages(clone)).level == "fail"
    version = torch.__version__.partition("+")[0]
    lock.write_text(f"torch=={version}\n")  # whatever its build
    assert levels(installation.packages(clone)) == [("packages", "ok")]


def test_another_python_would_run_the_stages(clone, monkeypatch):
    (clone / "bin").mkdir()
    (clone / "bin/python").write_text("#!/bin/sh\n")
    (clone / "bin/python").chmod(0o755)
    monkeypatch.setenv("PATH", str(clone / "bin"))
    [found] = installation.python()
    assert (found.level, "`make repro` does it itself" in found.mend) == ("warn", True)
    monkeypatch.setenv("PATH", str(clone / "nowhere"))
    assert "by no Python at all" in next(installation.python()).says


def test_room_on_the_disk_for_all_outputs(clone, tmp_path):
    assert repository.output_bytes(clone) is None
    outs = [{"path": "data/raw", "size": GIB}, {"path": "models/base", "size": 2 * GIB}]
    with (clone / "dvc.lock").open("w") as file:
        YAML().dump({"schema": "2.0", "stages": {"collect": {"cmd": "x", "outs": outs}, "code": {"cmd": "x"}}}, file)
    assert repository.output_bytes(clone) == 3 * GIB
    free = shutil.disk_usage(tmp_path).free
    [found] = machine.disk(tmp_path, free, copies=2)
    assert (found.level, "winnow gc" in found.mend) == ("fail", True)
    [found] = machine.disk(tmp_path, free // 3, copies=2)
    assert found.level == "warn"
    [found] = machine.disk(tmp_path, 1, copies=2)
    assert (found.level, found.mend) == ("ok", "")
    (clone / "dvc.lock").write_text("stages: 5\n")
    assert ("disk", "warn") in levels(doctor.findings(clone))


def test_memory_for_the_stage_that_needed_the_most(clone):
    folder = clone / timing.FOLDER
    folder.mkdir(parents=True)
    for name, peak, level in (("embed", 2**20, "ok"), ("adapt", 2**60, "fail")):
        run = timing.Last(1, 0.0, True, None, 1.0, peak)
        (folder / f"{name}.json").write_text(json.dumps(dataclasses.asdict(run)))
        [found] = machine.memory(clone)
        assert (found.level, f"{name} needed" in found.says) == (level, True)


def test_more_threads_than_cores_and_a_gpu_that_is_not_there():
    [cores, processor, _] = machine.processor(CPU.model_copy(update={"threads": 10_000}))
    assert (cores.level, cores.mend[:29]) == ("warn", "params.yaml: compute.threads:")
    assert "models compute in fp32 on the CPU" in processor.says
    if not torch.cuda.is_available():
        found = list(machine.processor(CPU.model_copy(update={"device": "cuda"})))
        assert levels(found) == [("cores", "ok"), ("processor", "fail")]
    if not torch.cpu.get_capabilities().get("amx_bf16"):
        [_, processor, _] = machine.processor(CPU.model_copy(update={"precision": "bf16"}))
        assert (processor.level, processor.mend) == ("warn", "params.yaml: compute.precision: auto")


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [("PROCESSES", "many", "fail"), ("LAUNCHER", "launch/none.yaml", "fail"), ("PROCESSES", "4", "ok")],
)
def test_variables_of_the_machine(monkeypatch, name, value, level):
    monkeypatch.setenv(f"WINNOW_{name}", value)
    [found] = machine.variables()
    assert (found.level, f"WINNOW_{name}" in found.says) == (level, True)


def test_the_mend_of_a_lost_merge_driver_mends_it(clone):
    (clone / ".gitattributes").write_text("* text=auto\n")
    [merges, *_] = repository.merging(clone)
    assert (merges.area, merges.level) == ("merges", "warn")
    lines = merges.mend.removeprefix("add to .gitattributes: ").split("; ")
    assert lines == ["data/decisions.csv merge=union", "dvc.lock merge=binary"]
    (clone / ".gitattributes").write_text("\n".join(lines) + "\n")
    assert levels(repository.merging(clone)) == [("merges", "ok"), ("hooks", "ok")]


def test_git_without_a_name_or_without_the_decisions_and_no_git(clone, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git("config", "user.name", "")
    git("rm", "-q", "--cached", "data/decisions.csv")
    found = list(repository.merging(clone))
    assert levels(found) == [("merges", "ok"), ("decisions", "warn"), ("git", "warn"), ("hooks", "ok")]
    shutil.rmtree(clone / ".git")
    assert levels(repository.merging(clone)) == [("git", "warn")]


def test_dvc_s_hook_is_known(clone):
    subprocess.run([sys.executable, "-m", "dvc", "install"], check=True, capture_output=True)
    *_, hooks = repository.merging(clone)
    assert hooks.says == "`git checkout` brings the data of a commit along"


@pytest.mark.parametrize(
    ("configured", "kind"), [("hardlink,copy", "hardlink"), ("symlink", "symlink"), ("copy", "copy")]
)
def test_how_outputs_get_into_the_workspace(clone, configured, kind):
    subprocess.run([sys.executable, "-m", "dvc", "config", "cache.type", configured], check=True, capture_output=True)
    with Repo(str(clone)) as repo:
        assert repository.link_type(repo) == kind
        [found] = repository.cache(repo, kind)
    assert str(clone / ".dvc/cache") in found.says
    assert not list((clone / ".dvc").glob("*/.*.tmp"))


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written(clone):
    (clone / ".dvc/cache/files/md5").mkdir(parents=True)
    (clone / ".dvc/cache/files/md5").chmod(0o500)
    with Repo(str(clone)) as repo:
        [found] = repository.cache(repo, "copy")
    assert found.level == "fail"


def test_a_clock_that_is_behind(clone):
    now = time.time()
    assert levels(machine.clocks(clone, repository.latest(clone), now)) == [("clock", "ok")]
    [found] = machine.clocks(clone, repository.latest(clone), now - 3600)
    assert (found.level, "is before the last commit by 3" in found.says) == ("warn", True)
    (clone / "data/decisions.csv").write_text(
        decisions.EMPTY + f"0123456789abcdef,{'0' * 64},A,keep,,ana,2099-01-31,,,\n"
    )
    [found] = machine.clocks(clone, repository.latest(clone), now)
    assert "the last decision" in found.says


def test_a_broken_file_is_a_finding_and_the_rest_is_looked_at(clone):
    (clone / "data/decisions.csv").write_text("nonsense\n")
    Path("requirements.lock").unlink()
    found = {finding.area: finding for finding in doctor.findings(clone)}
    for area in ("clock", "packages"):
        assert (found[area].level, "could not be looked at" in found[area].says) == ("warn", True)
    assert found["remote"].level == "ok"


def test_a_project_that_must_not_be_written_is_a_finding_and_the_rest_is_looked_at(clone, monkeypatch):
    def refuse(repo):
        raise OSError(errno.EROFS, "Read-only file system", ".dvc/cache")

    monkeypatch.setattr(repository, "link_type", refuse)
    found = list(doctor.findings(clone))
    (failed,) = [finding for finding in found if finding.area == "project"]
    assert (failed.level, failed.says) == ("fail", "no run: .dvc/cache: Read-only file system")
    assert "remote" in {finding.area for finding in found}
