"""What reruns: the stages that a change may touch and no others; and what ran once comes back from DVC's run cache."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline import corpus
from tests.pipeline.clone import Clone, tiny
from tests.pipeline.test_pipeline import SMALL
from winnow.base import closure

# A parameter of each section, with another value; of task, arms and approaches none can be turned without harm.
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
    "validate": {"years": [1901, 2030]},
    "adapt": {"batch_tokens": 960},
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
def clone(tmp_path_factory):
    """A clone that was run once."""
    made = tiny(tmp_path_factory.mktemp("reruns"), corpus.write, SMALL)
    made.repro()
    return made


def edit(clone: Clone, path: str, old: str, new: str) -> None:
    file = clone.folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_comment_a_docstring_and_another_layout_rerun_the_stage_code_alone(clone):
    edit(clone, "winnow/base/errors.py", '"""The one exception', '"""The only exception')
    edit(clone, "winnow/base/files.py", "import hashlib\n", "# A comment.\nimport  hashlib\n")
    assert clone.repro() == ["code"]


def test_a_constant_of_a_shared_module_reruns_the_stages_whose_code_reads_it(clone):
    path = "winnow/text/language.py"
    with (clone.folder / path).open("a", encoding="utf-8") as file:
        file.write("\nUNUSED = 1\n")  # so that no output changes, and nothing downstream has a reason to run
    files = closure.stage_files(clone.folder)
    touched = {stage for stage, file in files.items() if path in closure.closure(file, clone.folder, "classification")}
    assert len(touched) > 1
    assert set(clone.repro()) == touched | {"code"}


def test_another_version_of_pandas_trains_nothing_again(clone):
    file = clone.folder / "requirements.lock"
    file.write_text(re.sub(r"^pandas==.*$", "pandas==3.0.0", file.read_text(), flags=re.MULTILINE), encoding="utf-8")
    ran = {name.partition("@")[0] for name in clone.repro()}
    assert "code" in ran
    assert len(ran) > 1
    assert not {"adapt", "embed", "embed_base", "finetune", "evaluate", "score"} & ran


def test_parameters_changed_and_changed_back_run_nothing(clone, default_params):
    assert set(OTHER_VALUES) == set(default_params) - {"task", "arms", "approaches"}
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
    out = clone.call("sh", "-c", f'dvc exp run $("{sys.executable}" -c "{overlay}")')
    ran = set(re.findall(r"^Running stage '(\w+)", out, re.MULTILINE))
    assert ran == {"finetune", "evaluate", "compare", "learning_curve", "rounds", "report"}
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
    ran = clone.repro()
    assert "adapt" not in ran
    assert "embed" in ran


def until(log: Path, pattern: str, seconds: float = 300) -> None:
    """Wait until a log has a line of the pattern."""
    end = time.monotonic() + seconds
    while not re.search(pattern, log.read_text(encoding="utf-8")):
        assert time.monotonic() < end, log.read_text(encoding="utf-8")
        time.sleep(0.1)
