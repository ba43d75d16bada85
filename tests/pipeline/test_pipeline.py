"""The real dvc.yaml, from a clean clone to the report, on a small corpus and a randomly initialised encoder."""

import csv
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from ruamel.yaml import YAML

from tests.pipeline import corpus, tiny_model
from tests.pipeline.clone import ROOT, Clone
from winnow.base import hashing

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

TASK_COLUMNS = {
    "key": "key",
    "text": "body",
    "label": "role",
    "group": "report",
    "published": "date",
    "aux": {"kind": "kind"},
    "meta": ["heading"],
}
SOURCE = {"kind": "file", "format": "jsonl", "licence": "CC0-1.0"}
SMALL = {
    "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
    "collect": {
        "sources": [
            SOURCE
            | {"name": "reports", "path": "sections.jsonl", "purpose": "task", "columns": TASK_COLUMNS}
            | {"label_map": {"UNASSIGNED": None}},
            SOURCE
            | {"name": "texts", "path": "texts.jsonl", "purpose": "text", "columns": {"key": "key", "text": "body"}},
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


# What two runs do not share, by their folder: umask and environment. `.ci/rebuild` runs the default likewise.
SURROUNDINGS = {
    "first": (0o022, {"LC_ALL": other_locale(), "TZ": "UTC", "PYTHONHASHSEED": "1", "COLUMNS": "60"}),
    "the second clone": (0o077, {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "2"}),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two clean clones, each run once in surroundings of its own, without a run cache: [(clone, stages that ran)]."""
    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "model").mkdir()
    (folder / "wheels").mkdir()
    model = tiny_model.build(corpus.vocabulary(), folder / "model", folder / "wheels")
    clones = [
        Clone(folder / name, folder / "wheels", corpus.write, SMALL | {"fetch_model": model}) for name in SURROUNDINGS
    ]
    for made, (umask, variables) in zip(clones, SURROUNDINGS.values(), strict=True):
        made.umask = umask
        made.environment |= variables
    with ThreadPoolExecutor(2) as pool:
        return list(zip(clones, pool.map(Clone.repro, clones), strict=True))


@pytest.fixture(scope="module")
def clone(runs):
    return runs[0][0]


def test_all_stages_run(runs):
    clone, ran = runs[0]
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert {name.partition("@")[0] for name in ran} == set(stages)
    assert len(ran) == len(set(ran)) == len(clone.lock()["stages"])


def test_two_clean_runs_in_other_surroundings_give_equal_bytes(runs):
    first, second = (clone.folder for clone, _ in runs)
    assert (first / "dvc.lock").read_bytes() == (second / "dvc.lock").read_bytes()
    written = [
        {
            path.relative_to(folder): path.read_bytes()
            for path in sorted((folder / "reports").rglob("*"))
            if path.is_file()
        }
        for folder in (first, second)
    ]
    assert written[0] == written[1]
    modes = [(folder / "reports/summary.json").stat().st_mode & 0o077 for folder in (first, second)]
    assert modes == [0o044, 0]  # the surroundings were other ones


def test_a_second_repro_runs_nothing(clone):
    assert clone.repro() == []
    assert clone.call("dvc", "status") == "Data and pipelines are up to date.\n"


def test_status_after_a_run(clone):
    status = clone.status()
    assert status["problems"] == []
    assert (status["has_run"], status["reruns"]["stages"], status["untimed"]) == (True, [], [])
    assert set(status["queues"]) >= {"issues", "unlabelled", "audit"}
    assert status["queues"]["issues"]["waiting"] == status["queues"]["issues"]["rows"] > 0
    assert status["wrong_labels"]["expected"] > 0
    assert status["test_looks"] == 0
    # What it made is not committed.
    assert status["next"]["do"].startswith("git add -A dvc.lock reports")


def test_the_corpus_s_faults_are_found(clone):
    ledger = {
        (entry["id"], entry["action"])
        for stage in ("clean", "deduplicate", "annotate")
        for entry in clone.rows(f"data/ledger/{stage}.parquet")
    }

    def id(key: str) -> str:
        return hashing.row_ids("reports", [key])[0]

    assert {(id("empty"), "drop"), (id("brief"), "drop")} <= ledger
    assert len(ledger & {(id("copy"), "drop"), (id("1-METHODS"), "drop")}) == 1
    assert len(ledger & {(id("near"), "drop"), (id("2-OBJECTIVE"), "drop")}) == 1
    assert (id("4-METHODS"), "change") in ledger
    labelled = {row["id"]: row for row in clone.rows("data/labelled.parquet")}
    # A rule proposes its label; without people's audit no model trains on it.
    assert labelled[id("4-METHODS")]["given_label"] == "METHODS"
    assert labelled[id("4-METHODS")]["label_origin"] is None
    assert not [row["text"] for row in labelled.values() if "<p>" in row["text"] or "&amp;" in row["text"]]


def test_why_tells_a_row_s_life(clone):
    code = "import sys; from winnow.commands.cli import main; main(['why', sys.argv[1]])"
    out = clone.call(sys.executable, "-c", code, hashing.row_ids("reports", ["2-RESULTS"])[0])
    headings = [line[:12].strip() for line in out.splitlines()]
    assert {"source", "clean", "split", "label", "issue", "queue"} <= set(headings)
    assert "not yet made" not in out


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium; .ci/run installs it")
@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            "reports/report.html",
            ["The data", "Label issues", "Learning curves", "Comparison", "<svg", "transfer", "dapt"],
        ),
        ("reports/review/queue.html", ["CONCLUSIONS", "relabel", "findings suggest"]),
    ],
)
def test_a_page_opens_in_a_browser_without_a_network(clone, page, words, tmp_path):
    offline = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    own = [f"--user-data-dir={tmp_path}", "--dump-dom", (clone.folder / page).as_uri()]
    dom = clone.call(CHROMIUM, *offline, *own)
    assert [word for word in words if word not in dom] == []
    assert not re.search(r"""(src|href)=["']?(https?:|//)[^>]*\.(js|css|png|svg|woff2?)""", dom)


def test_a_decision_reruns_neither_adaptation_nor_embedding(clone):
    row = next(row for row in clone.rows("data/labelled.parquet") if row["split"] == "dev" and row["label"])
    line = [row["id"], hashing.text_sha(row["text"]), row["given_label"], "ambiguous", "", "test", "2026-01-31", ""]
    with (clone.folder / "data/decisions.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(line)
    told = clone.status()
    ran = clone.repro()
    assert set(ran) <= set(told["reruns"]["stages"])
    assert not {"collect", "annotate", "adapt", "embed", "embed_base"} & set(told["reruns"]["stages"])
    assert (told["new_decisions"], told["untimed"]) == (1, [])
    assert told["seconds"] > 0
    assert told["next"]["do"] == 'git commit -m "Decisions" data/decisions.csv && make repro'
    assert {"apply_decisions", "score", "find_issues"} <= set(ran)
    assert not {"fetch_model", "collect", "clean", "deduplicate", "split", "annotate", "adapt", "embed"} & set(ran)
    # No model trains on a dev row, so the training table is as it was.
    assert not [name for name in ran if name.startswith("finetune")]
    assert row["id"] not in {issue["id"] for issue in clone.rows("data/issues.parquet")}


def test_a_fine_tuning_parameter_reruns_fine_tuning_and_what_follows_alone(clone):
    clone.set_params(finetune={"epochs": 2})
    ran = {name.partition("@")[0] for name in clone.repro()}
    assert ran == {"check_params", "check_model", "finetune", "evaluate", "compare", "report"}


def test_the_heading_reaches_no_model(runs):
    clone = runs[1][0]
    inputs_and_models = re.compile(r"models/|data/embeddings$|data/training\.parquet$|data/predictions$|data/baseline/")

    def hashes() -> dict[str, str]:
        outs = (out for stage in clone.lock()["stages"].values() for out in stage.get("outs", []))
        return {out["path"]: out["md5"] for out in outs if inputs_and_models.match(out["path"])}

    before = hashes()
    file = clone.folder / "data/sources/sections.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        # Headings of unlabelled rows stay: the labelling rule may read them.
        if row.get("role") not in (None, "UNASSIGNED"):
            row["heading"] = f"Marker {row['role']}"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = clone.repro()
    assert {"collect", "clean", "adapt", "embed"} <= set(ran)
    assert any(dict(row["meta"]).get("heading", "").startswith("Marker") for row in clone.rows("data/labelled.parquet"))
    assert len(before) > 6
    assert hashes() == before
