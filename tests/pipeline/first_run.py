"""The first whole run of the pipeline on the small corpus: made once in a session of tests, and copied for each file.

Another file's tests would begin with the same run, which takes a minute; test_pipeline.py proves that it would be the
same bytes.
"""

import copy
import fcntl
import os
import pickle
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.pipeline import corpus
from tests.pipeline.clone import Clone, tiny

TASK_COLUMNS = {
    "key": "key",
    "text": "body",
    "label": "role",
    "group": "report",
    "published": "date",
    "aux": {"kind": "kind"},
    "meta": ["heading"],
}
SMALL = {
    "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
    "collect": {
        "sources": [
            corpus.SOURCE
            | {"name": "reports", "path": "sections.jsonl", "purpose": "task", "columns": TASK_COLUMNS}
            | {"label_map": {"UNASSIGNED": None}},
            corpus.TEXTS,
        ]
    },
    "adapt": {"tokens": 6000, "max_length": 64, "warmup_tokens": 2000},
    "arms": {"seeds": [1]},
    "balance": {"max_labels": 100},
    "finetune": {"epochs": 1, "frozen_layers": 0},
    "learning_curve": {"budgets": [25, 50], "seeds": [1]},
    "compare": {"resamples": 200},
}


def other_locale() -> str:
    """A locale of this machine that writes numbers and sorts words otherwise than POSIX, where there is one."""
    command = shutil.which("locale")  # which small images lack
    listed = subprocess.run([command, "-a"], capture_output=True, text=True).stdout.split() if command else []
    wanted = re.compile(r"(de_DE|tr_TR|fr_FR|sv_SE|en_US)\.utf-?8", re.IGNORECASE)
    return next(filter(wanted.fullmatch, listed), "C.UTF-8")


def copied(shared: Path, folder: Path) -> tuple[Clone, list[str]]:
    """Return a copy of the run and the stages that ran; it has the umask and the environment of the run.

    Args:
        shared: what all workers of a session know; who comes first makes the run there, and others wait for it.
        folder: of the copy; it does not exist.
    """
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = shared / "run.pickle"
        if not record.exists():
            made = tiny(Path(tempfile.mkdtemp(dir=shared)), corpus.write, SMALL)
            made.umask = 0o022
            made.environment |= {"LC_ALL": other_locale(), "TZ": "UTC", "PYTHONHASHSEED": "1", "COLUMNS": "60"}
            content = pickle.dumps((made, made.repro()))
            record.with_suffix(".part").write_bytes(content)
            os.replace(record.with_suffix(".part"), record)
        made, ran = pickle.loads(record.read_bytes())
    shutil.copytree(made.folder, folder, symlinks=True)
    clone = copy.copy(made)
    clone.folder = folder
    return clone, ran
