"""deduplicate: what it finds against brute force, which row it keeps, and that neither batches nor processes matter."""

import csv
import datetime
import gzip
import io
import json
import random
import re
import unicodedata
from itertools import combinations
from types import SimpleNamespace
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.deduplicate import __main__ as stage
from stages.deduplicate import compare
from tests.conftest import make_rows, on_machine
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.rows import tables
from winnow.text.cleaning import saved

ALL = {
    "permutations": 128,
    "shingle_words": 3,
    "threshold": 0.8,
    "drop_near": True,
    "keep": ["labelled", "longest"],
    "source_order": [],
    "against": [],
    "drop_against": True,
    "seed": 1,
}
TASK = {"kind": "classification", "labels": ["A", "B"]}
NAMES = ("out", "conflicts", "ledger", "metrics")
PLAIN = dict.fromkeys(saved.Profile.model_fields, False)
PLAIN |= {"normalize_unicode": "none", "urls": "keep", "collapse_space": "none"}
PROFILES = {
    "plain": (PLAIN, []),
    "html": (PLAIN | {"strip_markup": True, "strip_boilerplate": True}, ["Read on here."]),
}
CLEANING = {
    "default": "plain",
    "profiles": {name: {"profile": profile, "boilerplate": found} for name, (profile, found) in PROFILES.items()},
    "personal_data": None,
}


def options(**changes) -> stage.Params:
    return params.parse(ALL | changes, stage.Params, "params.yaml: deduplicate")


def run(workspace, rows: list[dict] | pa.Table, machine: dict | None = None, task=TASK, **changes) -> SimpleNamespace:
    """Run the stage, with settings of the machine; return its outputs, as tables and as bytes."""
    folder = workspace(deduplicate=ALL | changes, task=task)
    table = rows if isinstance(rows, pa.Table) else make_rows(rows)
    tables.write(table, folder / "rows")
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "cleaning").write_text(json.dumps(CLEANING))
    paths = {"against": folder / "sources"} | {name: folder / name for name in ("rows", "cleaning", *NAMES)}
    with on_machine(**{"batch_rows": 64} | (machine or {})):
        stage.main([f"--{name}={path}" for name, path in paths.items()])
    out, conflicts, ledger = (tables.read(folder / name) for name in NAMES[:3])
    return SimpleNamespace(
        table=table,
        out=out,
        texts=out["text"].to_pylist(),
        conflicts=conflicts.to_pylist(),
        ledger=ledger.to_pylist(),
        metrics=json.loads((folder / "metrics").read_text()),
        bytes=[(folder / name).read_bytes() for name in NAMES],
    )


def test_how_rows_were_cleaned_is_asked_for_where_others_are_compared(workspace):
    against = [{"name": "bench", "path": "bench.jsonl", "text": "text"}]
    folder = workspace(deduplicate=ALL | {"against": against}, task=TASK)
    tables.write(make_rows([{"text": "one"}]), folder / "rows")
    paths = {"against": folder} | {name: folder / name for name in ("rows", *NAMES)}
    with pytest.raises(UserError, match="--cleaning must say how the rows were cleaned"):
        stage.main([f"--{name}={path}" for name, path in paths.items()])
    workspace(deduplicate=ALL, task=TASK)
    stage.main([f"--{name}={path}" for name, path in paths.items()])
    assert tables.read(folder / "out")["text"].to_pylist() == ["one"]


def shingles(text: str, count: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    return {tuple(words[start : start + count]) for start in range(len(words) - count + 1)} or {tuple(words)}


def jaccard(first: str, second: str) -> float:
    one, two = shingles(first, 3), shingles(second, 3)
    return len(one & two) / len(one | two)


def words(chooser: random.Random, count: int) -> list[str]:
    return [f"w{chooser.randrange(3000)}" for _ in range(count)]


def perturbed(seed: int, originals: int = 60, copies: int = 5) -> list[str]:
    """Return texts and edited copies, whose similarities lie on both sides of any threshold."""
    chooser = random.Random(seed)
    texts = []
    for _ in range(originals):
        text = words(chooser, chooser.randrange(20, 120))
        texts.append(" ".join(text))
        for edits in range(copies):
            copy = list(text)
            for _ in range(edits * len(copy) // 40):
                copy[chooser.randrange(len(copy))] = f"w{chooser.randrange(3000)}"
            texts.append(" ".join([*copy, f"end{len(texts)}"]))
    return texts


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_near_duplicates_equal_those_of_brute_force(workspace, threshold):
    texts = perturbed(seed=7)
    out = run(workspace, [{"text": text} for text in texts], threshold=threshold, drop_near=False).out
    cluster = dict(zip(out["text"].to_pylist(), out["cluster"].to_pylist(), strict=True))
    sets = {text: shingles(text, 3) for text in texts}
    linked = {text: {text} for text in texts}
    true_pairs = 0
    found = 0
    for first, second in combinations(texts, 2):
        if len(sets[first] & sets[second]) / len(sets[first] | sets[second]) >= threshold:
            true_pairs += 1
            found += cluster[first] == cluster[second]
            joined = linked[first] | linked[second]
            for text in joined:
                linked[text] = joined
    assert true_pairs > 50
    assert found / true_pairs >= 0.98
    for first, second in combinations(texts, 2):
        assert cluster[first] != cluster[second] or second in linked[first]


def test_every_drop_names_a_kept_row_that_is_truly_similar(workspace):
    result = run(workspace, [{"text": text} for text in perturbed(seed=3, originals=30)])
    text = dict(zip(result.table["id"].to_pylist(), result.table["text"].to_pylist(), strict=True))
    kept = set(result.out["id"].to_pylist())
    assert result.metrics["near"] > 10
    for entry in result.ledger:
        keeper = entry["other_id"]
        share = jaccard(text[entry["id"]], text[keeper])
        assert (entry["action"], entry["rule"], keeper in kept) == ("drop", "near_duplicate", True)
        assert share >= 0.8
        assert entry["reason"] == f"near-duplicate (similarity {share:.3f}) of {keeper}"
        assert entry["before_sha"] == hashing.text_sha(text[entry["id"]])


def test_no_two_kept_rows_are_similar(workspace):
    result = run(workspace, [{"text": text} for text in perturbed(seed=8, originals=30)])
    assert all(jaccard(*pair) < 0.8 for pair in combinations(result.texts, 2))


def test_exact_duplicates_differ_in_case_punctuation_and_form_only(workspace):
    texts = ["The café – is OPEN.", "the CAFE\u0301 is open", "(The) café is “open”!", "the café is shut"]
    result = run(workspace, [{"text": text} for text in texts], drop_near=False)
    assert (result.metrics["exact"], result.metrics["near"], result.metrics["clusters"]) == (2, 0, 1)
    assert sorted(result.texts) == sorted([max(texts[:3], key=len), texts[3]])


def test_texts_without_words_are_not_all_alike(workspace):
    result = run(workspace, [{"text": "!!!"}, {"text": "???"}, {"text": "???"}])
    assert sorted(result.texts) == ["!!!", "???"]
    assert result.metrics["exact"] == 1


HUMAN = {"label": "X", "label_origin": "human"}
GIVEN = {"label": "X", "label_origin": "given"}
RULE = {"label": "X", "label_origin": "rule"}
SHORT, LONG = {"text": "a b c d"}, {"text": "a, b, c, d!!"}
OLD, NEW = {"published": datetime.date(1999, 1, 1)}, {"published": datetime.date(2021, 1, 1)}


@pytest.mark.parametrize(
    ("keep", "best", "other"),
    [
        (["labelled", "longest"], {"purpose": "task"} | SHORT, {"purpose": "text", "label": "X"} | LONG),
        (["labelled", "longest"], GIVEN | SHORT, LONG),
        (["labelled", "longest"], GIVEN | LONG, GIVEN | SHORT),
        (["longest", "labelled"], LONG, GIVEN | SHORT),
        (["best_label"], HUMAN, GIVEN | {"label_confidence": 1.0}),
        (["best_label"], GIVEN, RULE | {"label_confidence": 0.99}),
        (["best_label"], RULE | {"label_confidence": 0.9}, RULE | {"label_confidence": 0.8}),
        (["best_label"], RULE | {"label_confidence": 0.1}, RULE),
        (["best_label", "longest"], RULE | SHORT, LONG),
        (["newest"], NEW | SHORT, OLD | LONG),
        (["newest"], OLD, {"published": None}),
        (["source_order"], {"source": "b"}, {"source": "a"}),
        (["source_order"], {"source": "a"}, {"source": "z"}),
    ],
)
def test_which_row_is_kept(workspace, keep, best, other):
    order = {"source_order": ["b", "a"]} if keep == ["source_order"] else {}
    first, second = ({"text": "a b c d", "meta": {"best": str(row is best)}} | row for row in (best, other))
    lone = [{"text": f"lone {name}", "source": name} for name in "ab"]
    for rows in ([first, second], [second, first]):
        out = run(workspace, [*rows, *lone], keep=keep, **order).out.to_pylist()
        assert [dict(row["meta"])["best"] for row in out if row["meta"]] == ["True"]


def test_of_equals_the_lowest_id_is_kept(workspace):
    result = run(workspace, [{"text": "one and the same"} for _ in range(5)])
    assert result.out["id"].to_pylist() == [min(result.table["id"].to_pylist())]


def test_near_duplicates_go_by_the_same_rules(workspace):
    chooser = random.Random(2)
    long = " ".join(words(chooser, 60))
    rows = [{"text": long + " more"} | OLD, {"text": long} | NEW]
    assert run(workspace, rows, keep=["longest"]).texts == [long + " more"]
    assert run(workspace, rows, keep=["newest"]).texts == [long]


def test_near_duplicates_kept_share_the_lowest_id_as_cluster(workspace):
    text = words(random.Random(1), 60)
    rows = [{"text": " ".join(text)}, {"text": " ".join([*text, "more"])}, {"text": "alone in the world"}]
    result = run(workspace, rows, drop_near=False)
    ids = result.table["id"].to_pylist()
    clusters = dict(zip(result.out["id"].to_pylist(), result.out["cluster"].to_pylist(), strict=True))
    assert clusters == {ids[0]: min(ids[:2]), ids[1]: min(ids[:2]), ids[2]: ids[2]}
    assert (len(result.ledger), result.metrics["clusters"]) == (0, 1)
    assert result.out.schema.names == [*result.table.schema.names, "cluster"]


def test_the_ends_of_a_chain_stay_in_one_cluster(workspace):
    chooser = random.Random(5)
    text = words(chooser, 100)
    middle = text + words(chooser, 15)
    end = middle + words(chooser, 15)
    result = run(workspace, [{"text": " ".join(each)} for each in (text, middle, end)])
    assert result.metrics["near"] == 1
    assert sorted(map(len, result.texts)) == sorted(map(len, [" ".join(text), " ".join(end)]))
    assert len(set(result.out["cluster"].to_pylist())) == 1


def test_labels_that_differ_are_told_everywhere(workspace):
    text = " ".join(words(random.Random(6), 60))
    rows = [
        {"text": text + " more", "label": "A"},
        {"text": text, "label": "B"},
        {"text": text + " more!", "label": "A"},
        {"text": text.upper()},
        {"text": "alone in the world", "label": "B"},
    ]
    result = run(workspace, rows)
    ids = result.table["id"].to_pylist()
    assert (result.metrics["label_conflicts"], result.metrics["label_conflict_rows"]) == (1, 3)
    told = {row["id"]: row for row in result.conflicts}
    kept = next(row for row in told.values() if row["kept"])
    assert set(told) == {ids[0], ids[1], ids[2]}
    assert kept["id"] in (ids[0], ids[2])
    assert {row["cluster"] for row in told.values()} == {min(ids[:4])}
    assert (kept["label"], kept["others_total"]) == ("A", 1)
    assert kept["others"] == [{"id": ids[1], "label": "B", "kept": False}]
    assert [row["id"] for row in told[ids[1]]["others"]] == sorted([ids[0], ids[2]])
    reasons = {(entry["id"], entry["rule"]): entry["reason"] for entry in result.ledger}
    assert reasons[ids[1], "near_duplicate"].endswith(f" of {kept['id']}; labels differ (A, B)")
    others = {(entry["id"], entry["rule"]): entry["other_id"] for entry in result.ledger}
    assert (others[ids[1], "near_duplicate"], others[kept["id"], "label_conflict"]) == (kept["id"], ids[1])
    assert reasons[kept["id"], "label_conflict"] == f"labels of its cluster differ from its own, A: {ids[1]} B"
    assert {entry["action"] for entry in result.ledger if entry["rule"] == "label_conflict"} == {"note"}


def test_a_kept_row_without_a_label_is_told_of_its_copies_labels(workspace):
    rows = [{"text": "a, b, c!!"}, {"text": "a b c", "label": "A"}, {"text": "a b c.", "label": "B"}]
    result = run(workspace, rows, keep=["longest"])
    [kept] = [row for row in result.conflicts if row["kept"]]
    assert (kept["label"], kept["others_total"], len(kept["others"])) == (None, 2, 2)
    assert [entry["reason"] for entry in result.ledger if entry["rule"] == "label_conflict"] == [
        "labels of its cluster differ: " + ", ".join(f"{other['id']} {other['label']}" for other in kept["others"])
    ]


SPANS = {"kind": "token_classification", "labels": ["drug", "ill"]}
SAYS = " ".join(["Aspirin helped him against the fever", *(f"w{number}" for number in range(40))])


def marked(text: str, *found: tuple[str, str]) -> dict:
    """Return a row whose label marks words, each as a type."""
    spans = sorted((text.index(word), text.index(word) + len(word), name) for word, name in found)
    return {"text": text, "label": json.dumps(spans, separators=(",", ":"))}


AS_DRUG, AS_ILL = ("Aspirin", "drug"), ("Aspirin", "ill")


@pytest.mark.parametrize(
    ("other", "conflicts"),
    [
        (marked(f'"{SAYS}"', AS_DRUG), 0),  # an exact duplicate, whose words stand elsewhere
        (marked(f'"{SAYS}"', AS_ILL), 1),
        (marked(f'"{SAYS}"'), 1),
        (marked(f"So: {SAYS}", AS_DRUG), 0),  # a near-duplicate
        (marked(f"So: {SAYS}", AS_ILL), 1),
        (marked(f"So: {SAYS}"), 1),
        (marked(f"So: {SAYS} Ibuprofen", AS_DRUG, ("Ibuprofen", "drug")), 0),  # the first text has no such word
        (marked(SAYS.replace("Aspirin", "Ibuprofen"), ("Ibuprofen", "ill")), 0),
        (marked(f"So: {SAYS}", AS_DRUG, ("fever", "ill")), 1),  # it does have this one
        (marked(f"So: {SAYS}", ("spirin", "drug")), 1),
    ],
)
def test_spans_that_another_text_shifts_say_the_same(workspace, other, conflicts):
    rows = [marked(SAYS, AS_DRUG), other, {"text": SAYS + " more"}]
    result = run(workspace, rows, task=SPANS)
    assert result.metrics["clusters"] == 1
    assert result.metrics["label_conflicts"] == conflicts
    told = [entry["reason"] for entry in result.ledger if "differ" in entry["reason"]]
    assert bool(told) == bool(conflicts)
    # People read what labels mark, in the words of each one's own text.
    assert not any("[" in reason for reason in told)
    others = {member["label"] for row in result.conflicts for member in row["others"]}
    assert not others or "drug: Aspirin" in others
    assert not any("[" in label for label in others)
    assert {row["label"][:1] for row in result.conflicts if row["label"]} <= {"["}  # the row's own is data


def test_copies_without_end_do_not_make_conflicts_without_end(workspace):
    rows = [{"text": "one and the same", "label": "A" if number else "B"} for number in range(200)]
    result = run(workspace, rows)
    totals = {row["label"]: (len(row["others"]), row["others_total"]) for row in result.conflicts}
    assert totals == {"A": (1, 1), "B": (10, 199)}
    assert len(result.conflicts) == 200


def write_reference(folder, name, texts):
    path = folder / "sources" / name
    path.parent.mkdir(exist_ok=True, parents=True)
    data = reference_bytes(name.removesuffix(".gz").removesuffix(".zst"), texts)
    if name.endswith(".gz"):
        data = gzip.compress(data)
    if name.endswith(".zst"):
        data = pa.compress(data, "zstd", asbytes=True)
    path.write_bytes(data)


def reference_bytes(name: str, texts: list) -> bytes:
    if name.endswith(".parquet"):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"body": texts, "n": [1] * len(texts)}), sink)
        return sink.getvalue().to_pybytes()
    if name.endswith(".jsonl"):
        return "".join(json.dumps({"body": text, "n": 1}) + "\n" for text in texts).encode()
    out = io.StringIO(newline="")
    csv.writer(out, "excel-tab" if name.endswith(".tsv") else "excel").writerows(
        [["n", "body"], *([1, t] for t in texts)]
    )
    return out.getvalue().encode()


@pytest.mark.parametrize(
    "name",
    ["test.parquet", "test.jsonl", "test.csv", "test.tsv", "a/b/test.jsonl.gz", "test.csv.zst", "test.parquet.gz"],
)
def test_copies_of_another_dataset_are_dropped(workspace, tmp_path, name):
    text = " ".join(words(random.Random(6), 60))
    write_reference(
        tmp_path, name, ["007", "quite, another\ntext", "One or the OTHER", f"{text} more", "", text + " end"]
    )
    quote = {"quote": '"'} if name.endswith(".tsv") else {}
    against = [{"name": "bench", "path": name, "text": "body"} | quote]
    rows = [{"text": "one, or the other"}, {"text": "One or the other"}, {"text": text}, {"text": "alone in the world"}]
    result = run(workspace, rows, against=against)
    assert result.texts == ["alone in the world"]
    ids = result.table["id"].to_pylist()
    reasons = {entry["id"]: entry["reason"] for entry in result.ledger}
    assert {(entry["action"], entry["rule"]) for entry in result.ledger} == {("drop", "against")}
    assert {entry["other_id"] for entry in result.ledger} == {None}
    assert reasons[ids[0]] == reasons[ids[1]] == "duplicate (similarity 1.000) of row 3 of bench"
    assert re.fullmatch(r"duplicate \(similarity 0\.98\d\) of row [46] of bench", reasons[ids[2]])
    (told,) = result.metrics["against"].values()
    assert {name: told[name] for name in ("texts", "duplicates", "dropped")} == {
        "texts": 6,
        "duplicates": 3,
        "dropped": 3,
    }
    assert told["overlap"]["text"]["any"] == 0  # in the row that stays
    assert (result.metrics["exact"], result.metrics["near"]) == (0, 0)

    noted = run(workspace, rows, against=against, drop_against=False)
    assert len(noted.texts) == 3
    (told,) = noted.metrics["against"].values()
    assert [told[name] for name in ("texts", "duplicates", "dropped")] == [6, 3, 0]
    assert told["overlap"]["text"]["any"] == 2
    told = {(entry["action"], entry["rule"]) for entry in noted.ledger}
    assert told == {("note", "against"), ("drop", "exact_duplicate")}


def test_two_datasets_are_told_apart_and_tie_no_rows_together(workspace, tmp_path):
    chooser = random.Random(9)
    text = words(chooser, 100)
    middle = text + words(chooser, 15)
    end = middle + words(chooser, 15)
    write_reference(tmp_path, "a.csv", ["nothing of the kind", " ".join(middle)])
    write_reference(tmp_path, "b.csv", ["so it goes"])
    against = [{"name": name, "path": f"{name}.csv", "text": "body"} for name in "ab"]
    rows = [{"text": " ".join(text)}, {"text": " ".join(end)}, {"text": "So it goes!"}]
    result = run(workspace, rows, against=against, drop_against=False)
    assert len(set(result.out["cluster"].to_pylist())) == 3
    assert sorted(entry["reason"][-10:] for entry in result.ledger) == ["row 1 of b", "row 2 of a", "row 2 of a"]


def filler(count: int) -> str:
    return "".join(json.dumps({"id": n, "text": f"row {n} of it " + "x" * 60}) + "\n" for n in range(count))


@pytest.mark.parametrize(
    ("name", "data", "keys"),
    [
        # What is not compared is not read: its type may change, be null at first, or look like a date.
        ("a.jsonl", filler(20_000) + '{"id": "x-1", "text": "one, or the other"}\n', {}),
        ("a.jsonl", '{"id": null, "text": null}\n' * 20_000 + '{"id": {"a": 1}, "text": "one or the other"}\n', {}),
        ("a.jsonl", '{"id": 1, "text": "2021-03-05"}\n' * 9 + '{"id": 2, "text": "one or the other"}\n', {}),
        ("a.jsonl", '{"text": 7}\n{"text": "one or the other"}\n', {}),
        ("a.csv", "id,text\n" + "1,2021-03-05\n" * 9 + "x,one or the other\n", {}),
        ("a.csv", "id;text\n1;one or the other\n", {"delimiter": ";"}),
        ("a.txt", "id|text\n1|one or the other\n", {"format": "csv", "delimiter": "|"}),
        ("a.tsv", 'id\ttext\n1\t"one or the other\n', {"quote": None}),
        ("a.csv", "1,one or the other\n", {"header": ["id", "text"]}),
        ("a.csv", "id,text\n1,one or\u00a0the other\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("deep/a.txt", "one or\nthe other\n", {"path": "**/*.txt", "text": "body"}),
        ("a.jsonl", '{"row": {"text": "one or the other"}}\n', {"text": "row.text"}),
        ("a.jsonl", '{"head": "one or", "text": "the other", "none": null}\n', {"text": ["head", "none", "text"]}),
        # Cleaned as the rows that it is compared with.
        ("a.jsonl", '{"text": "<p>one <b>or</b> the&nbsp;other</p>\\nRead on here."}\n', {"profile": "html"}),
    ],
)
def test_a_dataset_is_read_and_cleaned_as_a_source_is(workspace, tmp_path, name, data, keys):
    path = tmp_path / "sources" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    against = [{"name": "bench", "path": name, "text": "text"} | keys]
    result = run(workspace, [{"text": "One or the OTHER"}, {"text": "alone in the world"}], against=against)
    assert result.texts == ["alone in the world"]


def test_a_tag_in_a_plain_mail_is_what_people_wrote_about(workspace, tmp_path):
    mail = "From: a@example.org\nSubject: x\nContent-Type: text/{}\n\nhow do I close a <br> tag\n"
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/a.eml").write_text(mail.format("plain"))
    against = [{"name": "bench", "path": "a.eml", "text": "body", "profile": "html"}]
    rows = [{"text": "how do I close a <br> tag"}, {"text": "alone in the world"}]
    assert run(workspace, rows, against=against).texts == ["alone in the world"]


def test_members_of_an_archive_and_several_files_are_one_dataset(workspace, tmp_path):
    (tmp_path / "sources").mkdir()
    with ZipFile(tmp_path / "sources/a.zip", "w") as archive:
        archive.writestr("test/b.csv", "text\nnothing\n")
        archive.writestr("test/c.csv", "text\nsomething\nOne or the other\n")
        archive.writestr("readme.md", "not this")
        archive.writestr("test/._b.csv", "nor this")
    against = [{"name": "bench", "path": "*.zip", "member": "test/*.csv", "format": "csv", "text": "text"}]
    result = run(workspace, [{"text": "one or the other"}, {"text": "alone in the world"}], against=against)
    assert [entry["reason"] for entry in result.ledger] == ["duplicate (similarity 1.000) of row 3 of bench"]
    assert result.metrics["against"]["bench"]["texts"] == 3


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"path": "../secret.csv"}, "path '../secret.csv' leaves"),
        ({"path": "/etc/passwd.csv"}, "leaves"),
        ({"path": "no.csv"}, "no such file in"),
        ({"path": "no/*.jsonl"}, "no such file in"),
        ({"path": "x.xlsx"}, "params.yaml: deduplicate.against[0].format: "),
        ({"path": "x"}, "params.yaml: deduplicate.against[0].format: "),
        ({"delimiter": "no"}, "params.yaml: deduplicate.against[0].delimiter: "),
        ({"profile": "no"}, "'bench': profile 'no' is none of the task's: plain, html"),
        (
            {"path": "x.csv", "text": "title"},
            "params.yaml: deduplicate.against: 'bench': x.csv: column 'title' is missing; it has n, body",
        ),
        (
            {"path": "x.parquet", "text": "title"},
            "params.yaml: deduplicate.against: 'bench': x.parquet: column 'title' is missing; it has body, n",
        ),
        (
            {"path": "x.jsonl", "text": "title"},
            "params.yaml: deduplicate.against: 'bench': x.jsonl: column 'title' is missing; it has body, n",
        ),
        (
            {"path": "x.jsonl", "text": ["body", "title"]},
            "params.yaml: deduplicate.against: 'bench': x.jsonl: column 'title' is missing; it has body, n",
        ),
        ({"path": "bad.csv"}, "params.yaml: deduplicate.against: 'bench': bad.csv: byte 9 is not UTF-8"),
        ({"path": "wide.csv"}, "'bench': wide.csv, line 3: 3 fields, the header has 2"),
        ({"path": "bad.jsonl"}, "'bench': bad.jsonl, line 1: not valid JSON"),
        ({"path": "list.jsonl"}, "'bench': list.jsonl, line 1: column 'body' holds a list, not text"),
        ({"path": "bad.parquet"}, "params.yaml: deduplicate.against: 'bench': bad.parquet: truncated or damaged"),
        ({"path": "mac.zip", "format": "csv"}, "'bench': path 'mac.zip' holds hidden files alone"),
    ],
)
def test_a_dataset_that_cannot_be_read_is_named(workspace, tmp_path, reference, message):
    for name in ("x.csv", "x.jsonl", "x.parquet"):
        write_reference(tmp_path, name, ["text"])
    (tmp_path / "sources/bad.csv").write_bytes(b"n,body\n1,\xff\xfe\n1,2,3\n")
    with ZipFile(tmp_path / "sources/mac.zip", "w") as archive:
        archive.writestr("__MACOSX/._a.csv", "n,body\n")
    (tmp_path / "sources/wide.csv").write_bytes(b"n,body\n1,a\n1,2,3\n")
    (tmp_path / "sources/bad.jsonl").write_text('{"body": "x"\n')
    (tmp_path / "sources/list.jsonl").write_text('{"body": ["x"]}\n')
    (tmp_path / "sources/bad.parquet").write_text("no")
    with pytest.raises(UserError, match=re.escape(message)):
        run(workspace, [{"text": "x"}], against=[{"name": "bench", "path": "x.csv", "text": "body"} | reference])
    assert not any((tmp_path / name).exists() for name in NAMES)
    assert not list(tmp_path.glob(".deduplicate.*"))


SMALL = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.lists(st.sampled_from(["a", "B", "c,", "é", "…"]), max_size=5).map(" ".join),
            "label": st.sampled_from([None, "X", "Y"]),
            "purpose": st.sampled_from(["task", "text"]),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(rows=SMALL, drop_near=st.booleans(), batch_rows=st.integers(1, 12))
def test_batches_change_nothing_and_no_row_is_lost(workspace, rows, drop_near, batch_rows):
    chosen = {"drop_near": drop_near, "threshold": 0.5, "shingle_words": 2}
    first, second = (run(workspace, rows, {"batch_rows": number}, **chosen) for number in (batch_rows, 50))
    assert first.bytes == second.bytes
    dropped = {entry["id"] for entry in first.ledger if entry["action"] == "drop"}
    kept = set(first.out["id"].to_pylist())
    assert kept | dropped == set(first.table["id"].to_pylist())
    assert not kept & dropped
    assert first.metrics["rows_out"] == first.metrics["rows_in"] - first.metrics["exact"] - first.metrics["near"]


def test_processes_portions_and_the_order_of_batches_change_no_byte(workspace, monkeypatch):
    chooser = random.Random(11)
    rows = [{"text": text, "label": chooser.choice("AB")} for text in [*perturbed(seed=9), "twice", "Twice"]]
    whole = run(workspace, rows, {"batch_rows": 1000})
    assert whole.metrics["near"] > 20
    assert run(workspace, rows, {"batch_rows": 50, "processes": 2}).bytes == whole.bytes
    monkeypatch.setattr(compare, "PORTION", 500)  # shingles of a few texts at a time
    monkeypatch.setattr(stage, "map_batches", lambda function, batches, _: map(function, reversed(list(batches))))
    assert run(workspace, rows, {"batch_rows": 7}).bytes == whole.bytes


def test_boilerplate_costs_no_square(workspace, monkeypatch):
    chooser = random.Random(12)
    text = words(chooser, 80)
    rows = [{"text": " ".join([*text, f"number{number}"])} for number in range(600)]
    compared = []
    link = compare._link
    monkeypatch.setattr(compare, "_link", lambda members, *more: (compared.append(len(members)), link(members, *more)))
    monkeypatch.setattr(compare, "PIECE", 20)
    result = run(workspace, rows)
    assert len(result.texts) == 1
    assert result.metrics["clusters"] == 1
    assert sum(compared) < 2 * len(rows)  # members of pieces: later bands find one component and compare nothing


def test_rows_that_are_not_sorted_by_id_are_refused(workspace):
    folder = workspace(deduplicate=ALL, task=TASK)
    table = make_rows([{"text": f"text {number}"} for number in range(9)]).sort_by([("id", "descending")])
    tables.write_sorted(table, folder / "rows")
    with pytest.raises(UserError, match="rows are not sorted by id"):
        stage.main([f"--{name}={folder / name}" for name in ("rows", "against", "cleaning", *NAMES)])
    assert not any((folder / name).exists() for name in NAMES)


def test_an_empty_table_is_an_error(workspace, tmp_path):
    with pytest.raises(UserError, match="has no row"):
        run(workspace, make_rows([]))
    assert not any((tmp_path / name).exists() for name in NAMES)


def test_a_source_that_is_not_there_is_an_error(workspace):
    with pytest.raises(UserError, match="source_order: no row is of source 'tset'"):
        run(workspace, [{"text": "x"}], keep=["source_order"], source_order=["test", "tset"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": "0.8"}, "threshold"),
        ({"permutations": -1}, "permutations"),
        ({"shingle_words": 0}, "shingle_words"),
        ({"shingles": 3}, "shingles"),
        ({"keep": ["best"]}, "keep"),
        ({"keep": ["longest", "longest"]}, "keep names one thing twice"),
        ({"keep": ["source_order"]}, "source_order names sources"),
        ({"source_order": ["a"]}, "source_order names sources"),
        ({"against": [{"name": "a", "path": "a.csv"}]}, r"against\[0\].text"),
        ({"against": [{"name": "a", "path": "a.csv", "text": "t"}] * 2}, "against names one thing twice"),
    ],
)
def test_bad_parameters_are_named(change, named):
    with pytest.raises(UserError, match=rf"params.yaml: deduplicate.*{named}"):
        options(**change)
