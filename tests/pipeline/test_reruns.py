"""What reruns: the stages that a change may touch and no others; and what ran once comes back from DVC's run cache.

And what CI makes of a change that has not run, or has.
"""

import hashlib
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dvc.utils.serialize import dump_yaml
from dvc_render.vega_templates import get_template
from ruamel.yaml import YAML

from stages.compare import __main__ as compare
from stages.finetune import __main__ as finetune
from tests.killing import kill_in
from tests.pipeline import queued
from tests.pipeline.clone import FORKED, ROOT, Clone, environment
from winnow.base import closure
from winnow.commands import lock
from winnow.commands.rerun_tables import Pipeline
from winnow.commands.status import reruns, standing

SHARED_CODE = "winnow/text/language.py"
BACK = "git restore params.yaml dvc.lock reports && dvc checkout"  # as README says
# By plot: template, x and y.
PLOTS = {
    "confusion": ("confusion_by_approach", "predicted", "actual"),
    "confidence": ("calibration", "confidence", "accuracy"),
    "reports/plots/calibration.csv": ("calibration", "predicted", "observed"),
    "reports/plots/learning_curve.csv": ("by_arm", "labels", "macro_f1"),
    "reports/plots/training/transfer-base-1.csv": ("simple", "step", "loss"),
}
# A parameter of each section, with another value; of those in `FIXED` none can be turned without harm.
FIXED = {"task", "gates", "arms", "approaches", "generator"}
OTHER_VALUES = {
    "compute": {"precision": "auto"},
    "fetch_model": {"licence": "MIT"},
    "collect": {"max_refused_share": 0.06},
    "clean": {"min_words": 4},
    "deduplicate": {"threshold": 0.81},
    "split": {"salt": "winnow-2"},
    "removals": {"max_skew": 4},
    "annotate": {"audit_rows": 39},
    "apply_decisions": {"min_rows_per_label": 9},
    "validate": {"profile": {"words": 90}},
    "adapt": {"batch_tokens": 960},
    "adapt_generator": {"batch_tokens": 1024},
    "encoder": {"max_length": 60},
    "embed": {"batch_tokens": 1900},
    "represent": {"confidence": 0.9},
    "semantic_duplicates": {"threshold": 0.96},
    "score": {"folds": 4},
    "review": {"overlap": 0.2},
    "agreement": {"min_rows": 21},
    "calibrate": {"noise": {"uniform": 0.05, "class": 0.04, "instance": 0.08}},
    "find_issues": {"queue_rows": 30},
    "choose_rows": {"rows": 10},
    "balance": {"max_labels": 90},
    "baseline": {"ngrams": 1},
    "finetune": {"epochs": 2},
    "evaluate": {"calibration_bins": 5},
    "learning_curve": {"budgets": [25]},
    "rounds": {"next_decisions": 40},
    "compare": {"resamples": 150},
    "report": {"queue_rows": 5},
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory, copy_first_run):
    """A clone that was run once, in these tests' own environment."""
    made, _ = copy_first_run(tmp_path_factory.mktemp("reruns") / "clone")
    made.environment, made.umask = environment(Path(made.environment["PIP_FIND_LINKS"])), -1
    made.dvc = FORKED
    return made


def edit(clone: Clone, path: str, old: str, new: str) -> None:
    file = clone.folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_after_a_variant_the_way_back_leaves_nothing_to_run(clone):
    clone.call("git", "add", "-A")
    clone.call("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "run")
    report, models = clone.folder / "reports/report.html", clone.folder / "models/classifier"
    before, runs = report.read_bytes(), sorted(path.name for path in models.iterdir())
    arms = [
        "arms.encoders=[adapted]",
        "arms.seeds=[1,2]",
        "~arms.ensembles.transfer_ensemble",
        "compare.pairs=[[dapt,tfidf]]",
    ]
    clone.call(*clone.dvc, "exp", "run", *(word for value in arms for word in ("-S", value)))
    assert report.read_bytes() != before
    assert (models / "transfer-adapted-2").is_dir()
    clone.call("sh", "-c", BACK)
    assert clone.call("dvc", "status") == "Data and pipelines are up to date.\n"
    assert clone.repro() == []
    assert report.read_bytes() == before
    assert sorted(path.name for path in models.iterdir()) == runs
    assert clone.call("git", "status", "--porcelain", "--untracked-files=no") == ""


GRID = """\
description: A grid of four.
cost: A minute.
axes:
  change:
    trained: {finetune.epochs: 6}
    110: {compare.resamples: 110}
    120: {compare.resamples: 120}
    130: {compare.resamples: 130}
"""


def test_a_grid_in_two_workers_is_killed_goes_on_and_is_the_bytes_of_a_serial_run(clone, tmp_path, monkeypatch):
    (clone.folder / "experiments/tiny.yaml").write_text(GRID, encoding="utf-8")
    names = {f"tiny-{label}" for label in ("trained", "110", "120", "130")}
    assert queued.winnow(clone, "experiments", "tiny").count(": queued") == 4
    assert queued.winnow(clone, "experiments", "tiny").count("is queued") == 4

    checkpoints = clone.folder / ".dvc/tmp/checkpoints"
    try:
        queued.start(clone, 2)
        queued.until(lambda: [*checkpoints.glob("finetune-*/*/[0-9]*")], "no step was trained", 0.01)
    finally:
        kill_in(clone.folder)
    assert "tiny-trained" not in queued.results(clone)
    mend = "from winnow.commands.doctor import experiments; print(*experiments.queue(Repo(), True))"
    told = clone.call(sys.executable, "-c", f"from dvc.repo import Repo; {mend}")
    assert re.search("forgotten: .*tiny-trained", told)

    try:
        queued.winnow(clone, "experiments", "tiny")
        queued.start(clone, 2)
        queued.until(lambda: names <= queued.results(clone).keys(), "an experiment has no result")
        assert "goes on after step" in clone.call("dvc", "queue", "logs", "tiny-trained")
    finally:
        kill_in(clone.folder)
    assert queued.winnow(clone, "experiments", "tiny").count("has a result") == 4
    assert clone.call("git", "status", "--porcelain", "--untracked-files=no") == ""

    # One after the other, in this process, from the same inputs.
    made_by_name = queued.results(clone)  # among others that another test has left
    for name in sorted(names):
        made = made_by_name[name]
        serial = tmp_path / name
        (serial / "reports").mkdir(parents=True)
        for part in ("data", "models/base", "models/adapted"):
            (serial / part).parent.mkdir(exist_ok=True)
            (serial / part).symlink_to(clone.folder / part)
        (serial / "params.yaml").write_text(clone.call("git", "show", f"{made}:params.yaml"), encoding="utf-8")
        monkeypatch.chdir(serial)
        lock = YAML(typ="safe").load(clone.call("git", "show", f"{made}:dvc.lock"))["stages"]
        if name == "tiny-trained":
            stage = "finetune@transfer-base-1"
            finetune.main(lock[stage]["cmd"].split()[3:])
            metrics = "reports/metrics/finetune/transfer-base-1.json"
            (model,) = [out["md5"] for out in lock[stage]["outs"] if out["path"] == "models/classifier/transfer-base-1"]
            listed = clone.folder / f".dvc/cache/files/md5/{model[:2]}/{model[2:]}"
            hashes = {each["relpath"]: each["md5"] for each in json.loads(listed.read_text())}
            weights = (serial / "models/classifier/transfer-base-1/model.safetensors").read_bytes()
            assert hashlib.md5(weights).hexdigest() == hashes["model.safetensors"]
        else:
            compare.main(lock["compare"]["cmd"].split()[3:])
            metrics = "reports/metrics/compare.json"
        assert (serial / metrics).read_text() == clone.call("git", "show", f"{made}:{metrics}")


def test_plots_are_drawn_by_their_templates_and_axes(clone):
    drawn = json.loads(clone.call("dvc", "plots", "show", "--json", "--split"))["data"]
    for name, (template, x, y) in PLOTS.items():
        (plot,) = drawn[name]
        own = ROOT / f".dvc/plots/{template}.json"
        text = own.read_text(encoding="utf-8") if own.exists() else json.dumps(get_template(template).content)
        filled = {"<DVC_METRIC_X>": x, "<DVC_METRIC_Y>": y, '"<DVC_METRIC_STROKE_DASH>"': "{}"}
        for anchor, value in filled.items():
            text = text.replace(anchor, value)
        assert plot["content"] == json.loads(text)
        assert {"<DVC_METRIC_X_LABEL>": x, "<DVC_METRIC_Y_LABEL>": y}.items() <= plot["anchor_definitions"].items()
        assert {x, y} <= set(plot["anchor_definitions"]["<DVC_METRIC_DATA>"][0])


# What a tree may hold that dvc.lock was not made with: a file, what is in it, what it becomes, and what is told of it.
STALE = {
    "a parameter": ("params.yaml", "epochs: 1", "epochs: 2", r"finetune@\S+: params.yaml finetune.* modified"),
    "code": (
        "stages/compare/__main__.py",
        "\nSPLIT =",
        "\nUNUSED = 1\nSPLIT =",
        "compare: data/code/compare.txt modified",
    ),
    "a library": ("requirements.lock", "cleanlab==", "cleanlab==1", "find_issues: data/code/find_issues.txt modified"),
    "a source": ("data/sources/texts.jsonl", "\n", "\n\n", "collect: data/sources modified"),
    "a command": ("dvc.yaml", "python -m stages.compare", "python -m  stages.compare", "compare: changed command"),
    "a metric": ("reports/metrics/clean.json", "{", "{ ", "clean: reports/metrics/clean.json modified"),
}


@pytest.fixture(scope="module")
def shared(clone, tmp_path_factory):
    """A folder in which `clone` is committed, pushed to a remote, and cloned by Git as `bare`, without its data."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "remote").mkdir()
    file = clone.folder / "params.yaml"
    dump_yaml(str(file), YAML(typ="safe").load(file.read_text(encoding="utf-8")))  # laid out as lint asks for
    clone.call("dvc", "remote", "add", "--default", "shared", str(folder / "remote"))
    commit(clone.folder)
    clone.call("dvc", "push")
    checkout(clone.folder, folder / "bare")
    return folder


def commit(folder: Path) -> None:
    call(folder, "git", "add", "-A")
    call(folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "a commit")


def call(folder: Path, *command: str, status: int = 0, **variables: str) -> str:
    """Run what CI calls, with the code of the folder; return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "GIT_", "DVC_"))}
    own = {"PYTHONPATH": ".", "DVC_NO_ANALYTICS": "1"} | variables
    done = subprocess.run(command, cwd=folder, env=kept | own, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def checkout(origin: Path, folder: Path) -> Path:
    """Clone by Git, as CI does, with the environment of these tests."""
    call(origin, "git", "clone", "-q", str(origin), str(folder))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def test_ci_takes_a_change_from_its_branch_to_its_comment(clone, shared):
    lint = ("bash", "-c", ".venv/bin/winnow lint --lock")
    branch = checkout(clone.folder, shared / "branch")
    base = call(branch, "git", "rev-parse", "HEAD").strip()
    file = branch / "params.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("resamples: 200", "resamples: 150", 1), encoding="utf-8")
    commit(branch)

    # The job `data` refuses it, and says what to do; `gpu`, or a person, runs it.
    call(branch, ".ci/pull")
    told = call(branch, *lint, status=1)
    assert re.search(r"^compare: params.yaml compare.* modified$", told, re.MULTILINE)
    assert "`dvc repro` and `dvc push`, and commit dvc.lock and reports" in told
    call(branch, ".ci/reproduce")
    merged = checkout(branch, shared / "merged")
    call(merged, "git", "apply", str(branch / "build/reproduced.patch"))
    commit(merged)

    # Another machine has what was committed and pushed, and no more.
    ci = checkout(merged, shared / "ci")
    call(ci, ".ci/pull")
    call(ci, *lint)
    assert "Data and pipelines are up to date" in call(ci, ".venv/bin/dvc", "status")
    summary = shared / "summary.md"
    call(ci, ".ci/report", base, "HEAD", NUMBER="7", GITHUB_STEP_SUMMARY=str(summary))
    made = ci / "build/report"
    assert (made / "comment/number").read_text() == "7\n"
    assert "<svg" in (made / "whole/diff.html").read_text(encoding="utf-8")
    report = (made / "comment/report.md").read_text(encoding="utf-8")
    assert "resamples" in report
    assert summary.read_text(encoding="utf-8") == report
    assert runpy.run_path(str(ci / ".ci/comment.py"))["report"](made / "comment") == (report.strip(), True)

    # Where the data cannot be had, the comment says why, and the check of dvc.lock needs none.
    fork = checkout(merged, shared / "fork")
    (shared / "remote").rename(shared / "gone")
    call(fork, ".ci/pull", FORK="true")
    call(fork, ".ci/report", base, "HEAD", NUMBER="7")
    assert "a fork has no keys" in (fork / "build/report/comment/report.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(ci / ".ci/comment.py"))["report"](fork / "build/report/comment")[1]
    call(fork, *lint)


@pytest.mark.parametrize("what", STALE)
def test_without_any_data_a_lock_of_another_tree_is_found(shared, monkeypatch, what):
    monkeypatch.chdir(shared / "bare")
    name, old, new, reason = STALE[what]
    file = Path(name)
    text = file.read_text(encoding="utf-8")
    assert old in text
    assert lock.problems(Path())[0] == []
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    found, _ = lock.problems(Path())
    file.write_text(text, encoding="utf-8")
    assert any(re.fullmatch(reason, line) for line in found), found


# Changes of each kind that docs/reruns.md has a table of: a file, what is in it, what it becomes, and the page's line.
TOLD = {
    "a parameter": ("params.yaml", "epochs: 1", "epochs: 2", lambda page: page.parameter("finetune")),
    "the code of a stage": (*STALE["code"][:3], lambda page: page.code(STALE["code"][0])),
    "shared code": (SHARED_CODE, "\nimport ", "\nUNUSED = 1\nimport ", lambda page: page.code(SHARED_CODE)),
    "a package": (*STALE["a library"][:3], lambda page: page.package("cleanlab")),
    "a decision": ("data/decisions.csv", "note\n", "note\n\n", lambda page: page.file("data/decisions.csv")),
}


NOT_ASKED = {"finetune_controls"}  # a matrix without a value here, of which the page tells all the same


@pytest.mark.parametrize("what", TOLD)
def test_the_page_of_reruns_says_what_dvc_says(shared, monkeypatch, what):
    monkeypatch.chdir(shared / "bare")
    name, old, new, line = TOLD[what]
    file = Path(name)
    text = file.read_text(encoding="utf-8")
    assert old in text
    told = line(Pipeline(Path()))
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with standing.opened(Path()) as repo:
        found = reruns.would_run(repo, by_lock=True)
    file.write_text(text, encoding="utf-8")
    # The folder of fingerprints is not here: of who reads it whole, DVC says only that they follow.
    readers = {stage for stage in told.first if reruns.CODE in told.first and stage.startswith("check_")}
    assert {stage.partition("@")[0] for stage in found.changed} | readers == told.first.keys() - NOT_ASKED
    assert {stage.partition("@")[0] for stage in found.stages} == {*told.first, *told.follow} - NOT_ASKED


ALWAYS = {"code", "check_params", "check_model"}  # that run where any code changed


def change_everything(page: Pipeline) -> None:
    """Change each section of params.yaml, each input, the code of each room and the version of each package."""
    file = Path("params.yaml")
    document = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    for section, values in document.items():
        if section == "arms":
            values["seeds"].append(99)
        elif section == "task":
            values["labels"].reverse()
        else:
            for changed in values.values() if section == "approaches" else [values]:
                changed["another"] = 1
    dump_yaml(str(file), document)
    for path in map(Path, page.inputs()):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.suffix:
            path.mkdir(exist_ok=True)
            path = path / "another.txt"
        with path.open("a", encoding="utf-8") as out:
            out.write("\n")
    for room in page.closures:
        with Path(f"stages/{room}/__main__.py").open("a", encoding="utf-8") as out:
            out.write("\nUNUSED = 1\n")
    pins = Path("requirements.lock")
    changed = re.sub(r"^(\S+==[^\s;]+)", r"\1.1", pins.read_text(encoding="utf-8"), flags=re.MULTILINE)
    pins.write_text(changed, encoding="utf-8")


def test_the_page_of_reruns_says_of_each_section_file_room_and_package_what_dvc_says(clone, shared, monkeypatch):
    """All change at once, since DVC tells of each stage what of its own has changed."""
    monkeypatch.chdir(checkout(clone.folder, shared / "every"))
    locked = YAML(typ="safe").load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
    page = Pipeline(Path())
    # Of the kind of task at hand; the page holds for every kind.
    rooms = closure.stage_files(Path())
    page.closures = {room: closure.closure(file, Path(), "classification") for room, file in rooms.items()}
    change_everything(page)
    with standing.opened(Path()) as repo:
        found = reruns.would_run(repo, by_lock=True)
    new = found.changed.keys() - locked.keys()
    assert new
    assert all(name.startswith("finetune@") and name.endswith("-99") for name in new)
    told: dict[str, set[str]] = {}  # the stages that read what changed
    for name in found.changed.keys() - new:
        for reason in found.changed[name]:
            what = reason.removesuffix(" modified").removeprefix("params.yaml ").partition(".")[0]
            told.setdefault(what, set()).add(name.partition("@")[0])

    for section in YAML(typ="safe").load(Path("params.yaml").read_text(encoding="utf-8")):
        runs = {name for name, text in page.parameter(section).first.items() if "new runs" not in text}
        assert told[section] == runs - NOT_ASKED, section
    for path in page.inputs():
        assert told[path.partition(".")[0]] == page.file(path).first.keys() - NOT_ASKED, path
    readers: dict[str, set[str]] = {}  # of each file of code and package
    for path, text in reruns._fingerprints(Path()).items():
        for line in text.splitlines():
            name, equals, _ = line.partition("==")
            one = closure.normalized(name) if equals else line.partition(" ")[0]
            readers.setdefault(one, set(ALWAYS)).update(told.get(path.removesuffix(".txt"), ()))
    for room in page.closures:
        path = f"stages/{room}/__main__.py"
        assert readers[path] == page.code(path).first.keys() - NOT_ASKED, room
    for package in set().union(*page.imports.values()):
        assert readers[package] == page.package(package).first.keys() - NOT_ASKED, package


def test_without_any_data_a_comment_asks_for_the_stage_code_alone(shared, monkeypatch):
    monkeypatch.chdir(shared / "bare")
    file = Path("winnow/base/errors.py")
    text = file.read_text(encoding="utf-8")
    file.write_text(f"# A comment.\n{text}", encoding="utf-8")
    found, mend = lock.problems(Path())
    file.write_text(text, encoding="utf-8")
    assert found == ["code: winnow modified"]
    assert mend.startswith("`dvc repro code`, which takes seconds, and commit dvc.lock")


def test_a_lock_mixed_of_two_runs_is_found_without_any_data(shared, monkeypatch):
    monkeypatch.chdir(shared / "bare")
    file = Path("dvc.lock")
    text = file.read_text(encoding="utf-8")
    mixed = YAML(typ="safe").load(text)
    (out,) = [out for out in mixed["stages"]["deduplicate"]["outs"] if out["path"] == "data/deduplicated.parquet"]
    file.write_text(text.replace(out["md5"], "ab" * 16, 1), encoding="utf-8")
    found, _ = lock.problems(Path())
    file.write_text(text, encoding="utf-8")
    assert any("data/deduplicated.parquet modified" in line for line in found), found


def test_a_look_at_test_reruns_the_report_alone(clone):
    code = "from winnow.commands.cli import main; main(['test', '--why', 'release 1', '--by', 'ana'])"
    assert "It is the only look at these test rows in the log." in clone.call(sys.executable, "-c", code)
    assert clone.repro() == ["report"]
    assert json.loads((clone.folder / "reports/summary.json").read_text(encoding="utf-8"))["test_looks"] == 1
    assert "looked at once, last on" in (clone.folder / "reports/MODEL_CARD.md").read_text(encoding="utf-8")
    told = json.loads(clone.call("dvc", "metrics", "show", "--json", "data/test/results.json"))
    assert "approaches" in json.dumps(told)


def test_a_comment_a_docstring_and_another_layout_rerun_the_stage_code_alone(clone):
    edit(clone, "winnow/base/errors.py", '"""The one exception', '"""The only exception')
    edit(clone, "winnow/base/files.py", "import hashlib\n", "# A comment.\nimport  hashlib\n")
    assert clone.status()["reruns"]["stages"] == ["code"]
    assert clone.repro() == ["code"]


def test_a_constant_of_a_shared_module_reruns_the_stages_whose_code_reads_it(clone):
    path = SHARED_CODE
    with (clone.folder / path).open("a", encoding="utf-8") as file:
        file.write("\nUNUSED = 1\n")  # so that no output changes, and nothing downstream has a reason to run
    files = closure.stage_files(clone.folder)
    touched = {stage for stage, file in files.items() if path in closure.closure(file, clone.folder, "classification")}
    assert len(touched) > 1
    expected = touched | {"code", "check_params", "check_model"}  # which read the parameters of all stages
    assert set(clone.status()["reruns"]["stages"]) >= expected
    assert set(clone.repro()) == expected == set(Pipeline(clone.folder).code(path).first)


def test_another_version_of_pandas_trains_nothing_again(clone):
    file = clone.folder / "requirements.lock"
    file.write_text(re.sub(r"^pandas==.*$", "pandas==3.0.0", file.read_text(), flags=re.MULTILINE), encoding="utf-8")
    ran = {name.partition("@")[0] for name in clone.repro()}
    assert "code" in ran
    assert len(ran) > 1
    told = Pipeline(clone.folder).package("pandas")
    assert set(told.first) <= ran <= {*told.first, *told.follow}
    assert not {"adapt", "embed", "embed_base", "finetune", "evaluate", "score"} & ran


def test_parameters_changed_and_changed_back_run_nothing(clone, default_params):
    assert set(OTHER_VALUES) == set(default_params) - FIXED
    file = clone.folder / "params.yaml"
    before = file.read_text(encoding="utf-8")
    clone.set_params(**OTHER_VALUES)
    ran = {name.partition("@")[0] for name in clone.repro()}
    assert {"collect", "clean", "split", "adapt", "score", "finetune", "compare", "report"} <= ran
    file.write_text(before, encoding="utf-8")
    assert clone.repro() == []
    assert clone.call("dvc", "status") == "Data and pipelines are up to date.\n"


def test_an_overlay_reruns_the_stages_whose_values_it_sets(clone):
    (clone.folder / "mine.yaml").write_text("finetune.epochs: 3\nlearning_curve.budgets: [30]\ncompare.seed: 2\n")
    overlay = "from winnow.commands.cli import main; main(['overlay', 'mine.yaml'])"
    out = clone.call("sh", "-c", f'{shlex.join(clone.dvc)} exp run $("{sys.executable}" -c "{overlay}")')
    ran = set(re.findall(r"^Running stage '(\w+)", out, re.MULTILINE))
    expected = {"check_params", "check_model", "finetune", "evaluate", "compare", "learning_curve", "rounds", "report"}
    assert ran == expected
    told = json.loads(clone.call("dvc", "params", "diff", "--json"))["params.yaml"]
    assert {key: value["new"] for key, value in told.items()} == {
        "finetune.epochs": 3,
        "learning_curve.budgets": "[30]",
        "compare.seed": 2,
    }


def test_a_finished_adaptation_of_a_killed_experiment_is_not_trained_again(clone):
    own = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qam", "run"]
    clone.call("git", "add", "-A")
    clone.call(*own)
    command = ["dvc", "exp", "run", "--temp", "-S", "adapt.tokens=4000"]
    log = clone.folder.parent / "experiment.log"
    with log.open("w") as out:
        running = subprocess.Popen(
            command, cwd=clone.folder, env=clone.environment, stdout=out, stderr=out, start_new_session=True
        )
        until(log, r"Running stage 'embed'")
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    clone.set_params(adapt={"tokens": 4000})
    ran = clone.repro("embed")
    assert "adapt" not in ran
    assert "embed" in ran


def until(log: Path, pattern: str, seconds: float = 300) -> None:
    """Wait until a log has a line of the pattern."""
    end = time.monotonic() + seconds
    while not re.search(pattern, log.read_text(encoding="utf-8")):
        assert time.monotonic() < end, log.read_text(encoding="utf-8")
        time.sleep(0.1)
