"""find_issues: wrong labels come first, settled ones never, and no text becomes markup or a formula."""

import csv
import json
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import find_issues
from tests.conftest import make_rows
from winnow import decisions, hashing, tables
from winnow.dedup.outcome import CONFLICT
from winnow.errors import UserError
from winnow.tasks.labels import Task

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE", "WATER"]}
PARAMS = {"filter_by": "prune_by_noise_rate", "queue_rows": 5}
OUTPUTS = ("issues.parquet", "queue.csv", "queue.html", "metrics.json")
COMMAND = (
    "--rows rows.parquet --scores scores.parquet --duplicates duplicates.parquet --out issues.parquet "
    "--queue-csv queue.csv --queue-html queue.html --metrics metrics.json"
).split()


def labelled(count: int = 60) -> list[dict]:
    """Rows whose label the model confirms."""
    return [{"label": TASK["labels"][n % 3]} for n in range(count)]


def table(rows: list[dict]) -> pa.Table:
    full = [{"split": "train", "verdict": None, "given_label": row.get("label")} | row for row in rows]
    made = make_rows([{key: row[key] for key in row if key not in ("says", "conflict")} for row in full])
    return tables.set_column(made, "conflict", [row.get("conflict", False) for row in rows], pa.bool_())


def probabilities(rows: list[dict]) -> np.ndarray:
    """90 % for the class that a row `says` (its label where it does not say), with a little spread."""
    chances = np.full((len(rows), 3), 0.05)
    for n, row in enumerate(rows):
        spread = 0 if "says" in row else n % 7 / 100
        place = TASK["labels"].index(row.get("says") or row.get("label") or "FRUIT")
        chances[n, place] = 0.9 - spread
        chances[n, (place + 1) % 3] += spread
    return chances


def write(folder, rows: list[dict], duplicates: list[dict] | None = None) -> pa.Table:
    made = table(rows)
    tables.write(pa.Table.from_pylist(duplicates or [], CONFLICT), folder / "duplicates.parquet")
    chances = probabilities(rows)
    columns = {f"p_{label}": pa.array(chances[:, n], pa.float32()) for n, label in enumerate(TASK["labels"])}
    tables.write(made, folder / "rows.parquet")
    tables.write(pa.table({"id": made["id"]} | columns), folder / "scores.parquet")
    return made


def run(workspace, rows: list[dict], duplicates: list[dict] | None = None, **changes) -> tuple:
    """Return issues, the queue's rows, metrics and the page."""
    folder = workspace(task=TASK, find_issues=PARAMS | changes)
    write(folder, rows, duplicates)
    find_issues.main(COMMAND)
    with (folder / "queue.csv").open(encoding="utf-8", newline="") as file:
        queue = list(csv.DictReader(file))
    issues = tables.read(folder / "issues.parquet").to_pylist()
    metrics = json.loads((folder / "metrics.json").read_text())
    return issues, queue, metrics, (folder / "queue.html").read_text(encoding="utf-8")


def id_of(rows: list[dict], number: int) -> str:
    return table(rows)["id"].to_pylist()[number]


def test_wrong_labels_stand_first_with_a_suggestion_and_a_reason(workspace):
    rows = [*labelled(), {"label": "FRUIT", "says": "STONE"}, {"label": "WATER", "says": "FRUIT"}]
    issues, queue, metrics, _ = run(workspace, rows)
    assert {queue[0]["id"], queue[1]["id"]} == {id_of(rows, 60), id_of(rows, 61)}
    [wrong] = [row for row in issues if row["id"] == id_of(rows, 60)]
    assert (wrong["given_label"], wrong["suggested_label"], wrong["is_issue"]) == ("FRUIT", "STONE", True)
    assert wrong["score"] < 0.2
    assert wrong["reasons"] == "the model gives FRUIT 5 % and STONE 90 %"
    assert len(issues) == 62
    assert all(0 <= row["score"] <= 1 for row in issues)
    assert (metrics["suspected"], metrics["rows"], metrics["queue_rows"]) == (2, 62, 5)
    assert metrics["per_class"]["FRUIT"] == {
        "rows": 21,
        "suspected": 1,
        "queue_rows": sum(row["given_label"] == "FRUIT" for row in queue),
    }
    assert metrics["estimated_errors"] == 2
    assert metrics["estimated_noise"] == pytest.approx(2 / 62, abs=1e-6)


def test_the_queue_has_the_contract_s_columns_and_the_ranking(workspace):
    rows = [*labelled(), *({"label": "FRUIT", "says": "STONE"} for _ in range(3))]
    issues, queue, _, _ = run(workspace, rows)
    assert tuple(queue[0]) == decisions.QUEUE_COLUMNS
    ranked = sorted(issues, key=lambda row: (not row["is_issue"], row["score"], row["id"]))
    assert [row["id"] for row in queue] == [row["id"] for row in ranked[:5]]
    for row in queue:
        assert row["text_sha"] == hashing.text_sha(row["text"])
        assert [row[name] for name in ("verdict", "new_label", "reviewer", "decided_on", "note")] == [""] * 5


def test_a_filled_in_queue_is_accepted_as_decisions(workspace, tmp_path):
    rows = [*labelled(), {"label": "FRUIT", "says": "STONE", "text": '=cmd "quoted", with commas'}]
    _, queue, _, _ = run(workspace, rows)
    for row in queue:
        row |= {"verdict": "keep", "reviewer": "ana", "decided_on": "2026-01-31"}
    queue[0] |= {"verdict": "relabel", "new_label": queue[0]["suggested_label"]}
    with (tmp_path / "filled.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, decisions.QUEUE_COLUMNS)
        writer.writeheader()
        writer.writerows(queue)
    found = decisions.read(tmp_path / "filled.csv")
    assert [decision.id for decision in found] == [row["id"] for row in queue]
    known = {row["id"]: (hashing.text_sha(row["text"]), row["given_label"]) for row in table(rows).to_pylist()}
    decisions.check(found, known, Task(**TASK), tmp_path / "filled.csv")


def test_settled_and_unlabelled_rows_stay_out_and_conflicts_come_first(workspace):
    rows = [
        *labelled(),
        {"label": "FRUIT", "says": "STONE", "verdict": "keep"},
        {"says": "STONE"},
        {"label": "FRUIT", "conflict": True},
        {"says": "WATER", "conflict": True},
    ]
    issues, queue, metrics, page = run(workspace, rows)
    found = {row["id"]: row for row in issues}
    assert id_of(rows, 60) not in found
    assert id_of(rows, 61) not in found
    assert {queue[0]["id"], queue[1]["id"]} == {id_of(rows, 62), id_of(rows, 63)}
    assert found[id_of(rows, 62)]["reasons"].startswith("reviewers disagree; the model agrees: FRUIT")
    unlabelled = found[id_of(rows, 63)]
    assert (unlabelled["given_label"], unlabelled["suggested_label"], unlabelled["score"]) == (None, "WATER", None)
    assert metrics["conflicts"] == 2
    assert metrics["rows"] == 61
    assert "Reviewers disagree on 2" in page


def conflict(row: str, label: str | None, others: list[dict], total: int = 0, kept: bool = True) -> dict:
    return {
        "id": row,
        "cluster": row,
        "label": label,
        "kept": kept,
        "others": others,
        "others_total": total or len(others),
    }


def test_rows_whose_duplicates_had_other_labels_are_all_in_the_queue(workspace):
    rows = [*labelled(), {"label": "FRUIT", "verdict": "keep"}, {"label": None}, {"label": "FRUIT", "says": "STONE"}]
    ids = [id_of(rows, number) for number in range(63)]
    gone, stays = ({"id": name, "label": "WATER", "kept": name == "ab"} for name in ("cd", "ab"))
    duplicates = [conflict(id, "FRUIT", [gone, stays], 7) for id in ids[:7]]
    duplicates += [
        conflict(ids[60], "FRUIT", [gone]),
        conflict(ids[61], None, [gone]),
        conflict("cd", "WATER", [], 0, False),
    ]
    issues, queue, metrics, page = run(workspace, rows, duplicates, queue_rows=2)
    assert {row["id"] for row in queue} == {*ids[:7], ids[61]}
    reasons = {row["id"]: row["reasons"] for row in issues}
    assert reasons[ids[0]].startswith(
        "duplicates have other labels: cd WATER (dropped), ab WATER and 5 more; the model"
    )
    assert reasons[ids[61]].startswith("duplicates have other labels: cd WATER (dropped); the model gives")
    assert ids[60] not in reasons  # people have settled it
    assert metrics["duplicates_with_other_labels"] == 8
    assert "duplicates have other labels: cd WATER (dropped)" in page


def test_a_label_set_by_a_rule_is_said_to_be(workspace):
    rows = [*labelled(), {"label": "FRUIT", "label_origin": "rule", "says": "STONE"}]
    _, queue, _, _ = run(workspace, rows)
    assert queue[0]["reasons"].endswith("; the label was set by a rule")


def test_when_everything_is_settled_the_queue_is_empty(workspace):
    issues, queue, metrics, page = run(workspace, [row | {"verdict": "keep"} for row in labelled()])
    assert (issues, queue, metrics["rows"], metrics["suspected"]) == ([], [], 0, 0)
    assert "estimated_errors" not in metrics
    assert "Nothing to review" in page


@pytest.mark.parametrize("filter_by", find_issues.scores.Filter.__args__)
@pytest.mark.parametrize("left", [1, 5, 20])
def test_few_rows_of_one_class_are_no_reason_to_stop(workspace, filter_by, left):
    rows = [
        row | ({} if row["label"] == "FRUIT" and n < 3 * left else {"verdict": "keep"})
        for n, row in enumerate(labelled())
    ]
    issues, _, _, _ = run(workspace, rows, filter_by=filter_by)
    assert len(issues) == left


@pytest.mark.parametrize("filter_by", find_issues.scores.Filter.__args__)
def test_a_class_without_rows_is_no_reason_to_stop(workspace, filter_by):
    rows = [row for row in labelled() if row["label"] != "STONE"]
    issues, _, metrics, _ = run(workspace, [*rows, {"label": "FRUIT", "says": "STONE"}], filter_by=filter_by)
    assert len(issues) == 41
    assert metrics["per_class"]["STONE"]["rows"] == 0


def test_the_stage_writes_the_same_bytes_twice(workspace):
    rows = [*labelled(), {"label": "FRUIT", "says": "STONE"}]
    run(workspace, rows)
    folder = workspace(task=TASK, find_issues=PARAMS)
    first = [(folder / name).read_bytes() for name in OUTPUTS]
    find_issues.main(COMMAND)
    assert [(folder / name).read_bytes() for name in OUTPUTS] == first


class Page(HTMLParser):
    """Collects a page's tags, attribute values and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.urls: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.urls += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = '</p><script>alert("x")</script><img src=x onerror=alert(1)> & "quoted" {{ 7 * 7 }}'


def test_text_that_tries_to_be_markup_stays_text(workspace):
    rows = [*labelled(), {"label": "FRUIT", "says": "STONE", "text": HOSTILE}]
    _, _, _, html = run(workspace, rows)
    page = Page(html)
    assert HOSTILE in page.text
    assert not {"script", "img", "iframe", "link"} & set(page.tags)
    assert all(url.startswith("#") for url in page.urls)  # the page needs nothing but itself


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=80)


@settings(max_examples=40)  # each compiles the template
@given(text=TEXT, label=TEXT)
def test_no_text_and_no_label_adds_a_tag(text, label):
    def page(text: str, label: str) -> Page:
        row = {"id": "ab", "split": "dev", "text": text, "given_label": label, "suggested_label": "B", "score": 0.5}
        row |= {"reasons": text, "probabilities": {label: 0.1, "B": 0.9}, "conflict": False, "is_issue": True}
        counts = {"rows": 1, "suspected": 1, "queue_rows": 1}
        summary = {"rows": 1, "suspected": 1, "suspected_share": 1.0, "conflicts": 0, "per_class": {label: counts}}
        return Page(find_issues.page([row], summary))

    assert page(text, label).tags == page("plain", "plain").tags


def test_the_page_shows_what_a_curator_needs(workspace):
    rows = [*labelled(), {"label": "FRUIT", "says": "STONE", "text": "hard and grey"}]
    _, queue, _, html = run(workspace, rows)
    text = " ".join(Page(html).text.split())
    for part in ("hard and grey", f"winnow why {queue[0]['id']}", "FRUIT", "data/decisions.csv", "90 %", "5 %"):
        assert part in text
    for verdict in decisions.VERDICTS:
        assert verdict in text
    assert Page(html).tags.count("li") >= 5


@pytest.mark.parametrize(("share", "text"), [(0.0, "under 1 %"), (0.004, "under 1 %"), (0.5, "50 %"), (1, "over 99 %")])
def test_percent_calls_nothing_certain(share, text):
    assert find_issues.percent(share) == text


def test_scores_of_other_rows_are_refused(workspace):
    folder = workspace(task=TASK, find_issues=PARAMS)
    write(folder, labelled())
    tables.write(table(labelled(30)), folder / "rows.parquet")
    with pytest.raises(UserError, match="not those of the labelled table; run `dvc repro score`"):
        find_issues.main(COMMAND)
    assert not any((folder / name).exists() for name in OUTPUTS)


@pytest.mark.parametrize("changes", [{"filter_by": "magic"}, {"queue_rows": 0}, {"queue": 1}])
def test_bad_parameters_are_named(workspace, changes):
    folder = workspace(task=TASK, find_issues=PARAMS | changes)
    write(folder, labelled())
    with pytest.raises(UserError, match=f"find_issues.{next(iter(changes))}"):
        find_issues.main(COMMAND)
