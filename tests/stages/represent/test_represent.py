"""represent: measures of rows whose answer is known; a far source is seen, a source beyond a gate stops the run."""

import csv
import datetime
import json
import re

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from stages.represent import __main__ as represent
from tests.conftest import make_rows
from winnow.base.errors import UserError
from winnow.base.gates import read
from winnow.encoder import embeddings
from winnow.rows import tables
from winnow.rows.ledger import Ledger

GATES = dict.fromkeys(represent.Gates.model_fields)
TASK = {"kind": "classification", "labels": ["A", "B"]}
PARAMS = {
    "reference": None, "word_rows": 200, "word_tokens": 300, "embedded_rows": 60, "clusters": 8, "nearly_empty": 0.1,
    "resamples": 60, "splits": 20, "confidence": 0.95, "seed": 1, "gates": GATES,
}  # fmt: skip
COMMAND = (
    "--rows rows.parquet --split split.parquet --clean clean.parquet --duplicates ledger.parquet"
    " --embeddings embeddings --metrics out/metrics.json --plots out/plots"
).split()
GARDEN = "the gardener waters apples and pears near old walls while small birds sing about summer rain".split()
HARBOUR = "the sailor repairs ropes and sails beside grey docks while loud gulls shout about winter storms".split()


def documents() -> list[dict]:
    """Task rows from the garden, texts from the garden (near) and texts from the harbour (far)."""
    rng = np.random.default_rng(1)
    rows = []
    for number in range(240):
        source = ("notes", "notes", "near", "far")[number % 4]
        words = HARBOUR if source == "far" else GARDEN
        rows.append(
            {
                "source": source,
                "source_key": str(number),
                "purpose": "task" if source == "notes" else "text",
                "text": " ".join(rng.choice(words, 12)),
                "label": ("FRUIT", "FRUIT", "STONE")[number % 3] if source == "notes" else None,
                "published": datetime.date(2000 + number % 5, 1, 1) if number % 10 else None,
                "group": f"group-{number // 4}-{source}",
                "split": ("train", "train", "dev", "test")[number // 4 % 4],
            }
        )
    return rows


def write_inputs(folder, rows: list[dict], copies_of: str = "far") -> pa.Table:
    """Write what the stage reads; two more rows of a source were dropped as duplicates."""
    table = make_rows(rows)
    if "cluster" not in table.column_names:
        table = tables.set_column(table, "cluster", table["id"], pa.string())
    tables.write(table.drop_columns(["split"]), folder / "rows.parquet")
    tables.write(table.select(["id", "group", "cluster", "split"]), folder / "split.parquet")
    copies = make_rows([{"source": copies_of, "source_key": f"copy-{number}"} for number in range(3)])
    clean = pa.concat_tables([part.select(["id", "source"]) for part in (table, copies)])
    tables.write(clean, folder / "clean.parquet")
    ledger = Ledger("deduplicate")
    rules = ("exact_duplicate", "near_duplicate", "against")  # the last: of another dataset's text
    for id, rule in zip(copies["id"].to_pylist(), rules, strict=True):
        ledger.add(id, "drop", rule, "duplicate of another")
    ledger.add(table["id"][0].as_py(), "note", "near_duplicate", "kept")
    ledger.write(folder / "ledger.parquet")
    rng = np.random.default_rng(2)
    shift = np.array([6 * (row["source"] == "far") for row in rows])[:, None] * np.eye(5)[0]
    vectors = rng.normal(size=(len(rows), 5)) + 3 * np.eye(5)[1] + shift
    embeddings.write(folder / "embeddings", table["id"].to_pylist(), vectors)
    return table


def run(
    workspace, rows: list[dict] | None = None, gates: dict | None = None, copies_of: str = "far", **changes
) -> dict:
    folder = workspace(task=TASK, represent=PARAMS | {"gates": gates or GATES} | changes)
    write_inputs(folder, rows or documents(), copies_of)
    represent.main(COMMAND)
    return json.loads((folder / "out/metrics.json").read_text())


def plot(name: str) -> list[dict]:
    with open(f"out/plots/{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_counts_of_every_row(workspace):
    metrics = run(workspace)
    sources = metrics["sources"]
    assert {name: of["rows"] for name, of in sources.items()} == {"notes": 120, "near": 60, "far": 60}
    assert metrics["all"]["rows"] == 240
    assert sources["notes"]["words"]["total"] == 120 * 12
    assert sources["notes"]["words"]["median"] == 12
    assert sources["notes"]["labels"]["shares"] == pytest.approx({"FRUIT": 2 / 3, "STONE": 1 / 3}, abs=1e-6)
    assert sources["notes"]["labels"]["entropy"] == pytest.approx(0.918296)
    assert sources["near"]["labels"] == {"rows": 0, "shares": {}, "entropy": None}
    assert metrics["all"]["published"] == {"from": "2000-01-01", "to": "2004-01-01", "undated": 24}
    assert sum(int(row["rows"]) for row in plot("dates")) == 240 - 24
    assert sources["far"]["duplicates"] == {"dropped": 2, "kept": 0, "share": pytest.approx(2 / 62, abs=1e-6)}
    assert sources["near"]["duplicates"]["share"] == 0


def test_rows_that_share_a_cluster_count_as_near_duplicates(workspace):
    rows = documents()
    for number, row in enumerate(rows):
        row["cluster"] = "together" if number in (2, 6, 10) else f"alone-{number}"
    of = run(workspace, rows)["sources"]["near"]["duplicates"]
    assert of == {"dropped": 0, "kept": 3, "share": 0.05}


def test_words_and_languages_are_those_of_the_texts(workspace):
    metrics = run(workspace)
    near = metrics["sources"]["near"]
    assert near["vocabulary"]["distinct"] == len(set(GARDEN))
    assert near["vocabulary"]["tokens"] == 60 * 12
    assert near["vocabulary"]["distinct_words"] == pytest.approx(len(set(GARDEN)) / 300, abs=1e-6)
    assert near["languages"]["en"] > 0.9
    grown = [row for row in plot("vocabulary") if row["source"] == "near"]
    assert (int(grown[-1]["tokens"]), int(grown[-1]["distinct"])) == (720, len(set(GARDEN)))


def test_a_far_source_is_told_from_a_near_one(workspace):
    metrics = run(workspace)
    floors = metrics["reference"]["noise_floor"]
    assert metrics["reference"]["rows"] == 60
    for measure, floor in floors.items():
        far, near, own = (metrics["sources"][name]["distance"][measure] for name in ("far", "near", "notes"))
        assert far["low"] > 10 * floor
        assert near["low"] < floor
        assert own["low"] < floor
    assert {row["source"] for row in plot("distances")} == {"far", "near", "notes"}
    # The reference's own groups are left out of its source.
    assert metrics["sources"]["notes"]["distance"]["words"]["groups"] == 30


def test_what_a_source_adds(workspace):
    sources = run(workspace)["sources"]
    assert sources["far"]["adds"]["own_mass"]["low"] > 0.9
    assert sources["near"]["adds"]["own_mass"]["high"] < 0.3
    new = set(HARBOUR) - set(GARDEN)
    assert sources["far"]["adds"]["new_words"] == len(new)
    assert sources["near"]["adds"]["new_words"] == 0
    told = [row["word"] for row in plot("characteristic") if row["source"] == "far"]
    assert set(told[: len(new)]) == new
    ids = {row["id"] for row in tables.read(represent.Path("rows.parquet")).to_pylist() if row["source"] == "far"}
    examples = [row for row in plot("examples") if row["source"] == "far"]
    assert examples
    assert {row["id"] for row in examples} <= ids


def test_coverage_is_the_share_of_clusters_with_a_row(workspace):
    sources = run(workspace)["sources"]
    counts = {name: [int(r["rows"]) for r in plot("clusters") if r["source"] == name] for name in sources}
    for name, of in sources.items():
        assert sum(counts[name]) == of["clusters"]["rows"] == 60
        assert of["clusters"]["coverage"] == sum(map(bool, counts[name])) / 8
    assert sources["far"]["clusters"]["vendi"] < 6


def test_a_source_as_the_reference_has_no_distance_to_itself(workspace):
    gates = GATES | {"max_word_distance": 1.0}
    metrics = run(workspace, reference="far", gates=gates)
    assert metrics["reference"]["rows"] == 60
    assert metrics["sources"]["far"]["distance"] == {"embeddings": None, "words": None}
    assert metrics["sources"]["near"]["distance"]["embeddings"]["low"] > 0


def test_one_source_adds_nothing_to_others(workspace):
    rows = [row for row in documents() if row["source"] == "notes"]
    assert run(workspace, rows, copies_of="notes")["sources"]["notes"]["adds"] is None
    assert plot("characteristic") == plot("examples") == []


def test_another_source_changes_no_word_of_the_others_distances(workspace):
    more = documents() + [
        {"source": "zoo", "source_key": str(n), "purpose": "text", "text": "apples", "split": "train"}
        | {"group": f"zoo-{n}"} for n in range(12)
    ]  # fmt: skip
    before, after = (run(workspace, rows)["sources"] for rows in (documents(), more))
    assert before["near"]["duplicates"] == after["near"]["duplicates"]
    assert before["near"]["vocabulary"] == after["near"]["vocabulary"]
    assert after["zoo"]["distance"]["words"] is not None


def test_the_same_bytes_twice_and_in_batches_of_any_length(workspace, monkeypatch):
    def outputs() -> dict[str, bytes]:
        run(workspace)
        return {path.name: path.read_bytes() for path in sorted(represent.Path("out").rglob("*.*"))}

    first = outputs()
    assert len(first) == 7
    whole = tables.batches
    monkeypatch.setattr(represent.tables, "batches", lambda path, columns=None: whole(path, columns, rows=7))
    assert outputs() == first


def test_a_source_without_embeddings_is_said_to_have_none(workspace):
    folder = workspace(task=TASK, represent=PARAMS)
    table = write_inputs(folder, documents())
    ids, vectors = embeddings.read(folder / "embeddings")
    kept = [n for n, (id, source) in enumerate(zip(ids, table["source"].to_pylist(), strict=True)) if source != "far"]
    embeddings.write(folder / "embeddings", [ids[n] for n in kept], vectors[kept])
    represent.main(COMMAND)
    far = json.loads((folder / "out/metrics.json").read_text())["sources"]["far"]
    assert far["clusters"] == {"rows": 0}
    assert far["distance"]["embeddings"] is None
    assert far["adds"]["own_mass"] is None
    assert far["adds"]["new_words"] > 0
    workspace(task=TASK, represent=PARAMS | {"gates": GATES | {"min_cluster_coverage": 0.5}})
    represent.main(COMMAND)
    (told,) = [doubt.what for _, doubt in read(folder / "out")]
    assert told == "source 'far': too few rows or groups to measure what represent.gates.min_cluster_coverage bounds"


@pytest.mark.parametrize(
    ("gate", "bound", "message"),
    [
        ("min_rows", 100, r"source 'far': 60 is beyond \S+min_rows 100;source 'near': 60 is beyond"),
        ("max_duplicate_share", 0.001, r"source 'far': 0.03226 is beyond \S+max_duplicate_share 0.001;$"),
        ("min_cluster_coverage", 0.9, r"source 'far': 0\.\d+ is beyond \S+min_cluster_coverage 0.9;$"),
        ("max_embedding_distance", 0.1, r"source 'far': \S+ is beyond \S+max_embedding_distance 0.1;$"),
        ("max_word_distance", 0.1, r"source 'far': \S+ is beyond \S+max_word_distance 0.1;$"),
    ],
)
def test_a_source_beyond_a_gate_is_in_doubt_until_it_is_accepted(workspace, gate, bound, message):
    run(workspace, gates=GATES | {gate: bound})
    doubts = [doubt for _, doubt in read(represent.Path("out"))]
    assert re.match(message, "".join(f"{doubt.what};" for doubt in doubts))
    accepted = YAML(typ="safe").load(doubts[0].accept)[f"represent.gates.{gate}"]
    run(workspace, gates=GATES | {gate: accepted})
    assert list(read(represent.Path("out"))) == []


def test_two_duplicates_of_sixty_rows_are_chance(workspace):
    assert run(workspace, gates=GATES | {"max_duplicate_share": 0.01})["doubts"] == []


def test_a_gate_that_every_source_keeps_stops_nothing(workspace):
    run(workspace, gates=GATES | {"min_rows": 60, "max_duplicate_share": 0.1, "max_word_distance": 1.0})


def test_a_source_of_nothing_but_duplicates_falls_under_the_gate(workspace):
    rows = [row for row in documents() if row["source"] != "far"]
    metrics = run(workspace, rows)
    assert metrics["sources"]["far"]["rows"] == 0
    assert metrics["sources"]["far"]["duplicates"]["share"] == 1
    (doubt,) = run(workspace, rows, gates=GATES | {"min_rows": 1})["doubts"]
    assert doubt["what"] == "source 'far': 0 is beyond represent.gates.min_rows 1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "sea"}, "represent.reference: no row is of source 'sea'; the sources are far, near, notes"),
        ({"gates": GATES | {"max_word_distance": 2}}, "represent.gates.max_word_distance"),
        ({"clusters": 1}, "represent.clusters"),
        ({"nearly_empty": 0.5}, "represent.nearly_empty"),
        ({"colour": 1}, "represent.colour: unknown parameter"),
    ],
)
def test_bad_parameters_are_named_and_nothing_is_written(workspace, tmp_path, changes, message):
    with pytest.raises(UserError, match=re.escape(message)):
        run(workspace, **changes)
    assert not (tmp_path / "out").exists()


def test_rows_without_a_label_make_no_reference(workspace):
    rows = [row | {"label": None} for row in documents()]
    with pytest.raises(UserError, match=r"represent\.reference: no training row came with a label; name a source"):
        run(workspace, rows)


def test_inputs_that_do_not_fit_are_named(workspace):
    folder = workspace(task=TASK, represent=PARAMS)
    write_inputs(folder, documents())
    split = tables.read(folder / "split.parquet")
    tables.write(split.slice(1), folder / "split.parquet")
    with pytest.raises(UserError, match=r"split\.parquet: its rows are not those of rows\.parquet; run"):
        represent.main(COMMAND)
    tables.write(split, folder / "split.parquet")
    embeddings.write(folder / "embeddings", ["ffffffffffffffff"], np.ones((1, 5)))
    with pytest.raises(UserError, match="embeddings: none of the rows has an embedding; run `dvc repro embed_base`"):
        represent.main(COMMAND)
