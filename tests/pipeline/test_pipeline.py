"""The real dvc.yaml, from a clean clone to the report, on a small corpus and a randomly initialised encoder."""

import csv
import json
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from ruamel.yaml import YAML

from tests.killing import content
from tests.pipeline import corpus
from tests.pipeline.clone import FORKED, ROOT, tiny
from tests.pipeline.first_run import SMALL
from winnow.base import hashing

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, copy_first_run):
    """Two clean clones, each run once in surroundings of its own, without a run cache: [(clone, stages that ran)].

    They differ in umask and environment. `.ci/rebuild` runs the default likewise.
    """
    folder = tmp_path_factory.mktemp("pipeline")
    second = tiny(folder, corpus.write, SMALL, "the second clone")
    second.umask = 0o077
    second.environment |= {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "2"}
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(second.repro)
        return [copy_first_run(folder / "first"), (second, ran.result())]


@pytest.fixture(scope="module")
def clone(runs):
    made = runs[0][0]
    made.dvc = FORKED
    return made


def test_all_stages_run(runs):
    clone, ran = runs[0]
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert {name.partition("@")[0] for name in ran} == set(stages) - {"finetune_controls"}  # params.yaml asks for none
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
    makers = {
        out["path"]: name.partition("@")[0]
        for name, stage in clone.lock()["stages"].items()
        for out in stage.get("outs", [])
        if inputs_and_models.match(out["path"])
    }
    before = {path: content(clone.folder / path) for path in makers}
    file = clone.folder / "data/sources/sections.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        # Headings of unlabelled rows stay: the labelling rule may read them.
        if row.get("role") not in (None, "UNASSIGNED"):
            row["heading"] = f"Marker {row['role']}"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = clone.run_stages()  # without the run cache, in which equal inputs would find equal outputs
    assert {"collect", "clean", *makers.values()} <= set(ran)
    assert any(dict(row["meta"]).get("heading", "").startswith("Marker") for row in clone.rows("data/labelled.parquet"))
    assert len(makers) > 6
    assert all(before.values())
    assert {path: content(clone.folder / path) for path in makers} == before
