"""Prompts with responses go through score, calibrate and find_issues: wrong responses come first, with reasons."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stages.agreement.__main__ import CONSENSUS
from stages.calibrate import __main__ as calibrate
from stages.deduplicate.outcome import CONFLICT
from stages.find_issues import __main__ as find_issues
from stages.score import __main__ as score
from tests import tiny_generator
from tests.conftest import make_rows
from tests.stages.conftest import ANIMALS, COLOURS
from winnow.encoder import embeddings
from winnow.generator import template
from winnow.people import decisions, queue
from winnow.rows import tables

PLACES = ["Oslo", "Bergen", "Tromso", "Narvik", "Molde"]
ROWS = 160
WRONG = {11: "swap", 42: "cut", 73: "fact", 104: "echo", 135: "boilerplate"}
SCORE = (
    "--rows rows --embeddings embeddings --encoder encoder --out scores --unlabelled unlabelled "
    "--metrics score.json".split()
)
GENERATOR = ["--generator", "generator"]
CALIBRATE = "--rows rows --scores scores --embeddings embeddings --out calibration --metrics calibrate.json".split()
INPUTS = ("rows", "scores", "embeddings", "calibration", "votes", "duplicates", "consensus", "decisions")
FIND = [part for name in INPUTS for part in (f"--{name}", name)]
FIND += "--out issues --queue queue --queue-csv q.csv --queue-html q.html --plot plot --metrics find.json".split()


def pair(number: int) -> tuple[str, str]:
    """Return a prompt that tells of an animal, and what it asks."""
    colour, animal = COLOURS[number % 4], ANIMALS[number // 4 % 4]
    place, weight = PLACES[number % 5], 100 + 7 * number
    prompt = f"A {colour} {animal} of {place} weighs {weight} g and sees one old {animal}. Tell me of it."
    return prompt, f"The {animal} in {place} is {colour} and weighs {weight} g."


def rows() -> list[dict]:
    made = []
    for number in range(ROWS):
        prompt, response = pair(number)
        made.append({"text": prompt, "label": response, "given_label": response})
    for number, sort in WRONG.items():
        prompt, response = pair(number)
        made[number]["label"] = made[number]["given_label"] = {
            "swap": pair(number + 1)[1],
            "cut": response[: response.index(" is ") + 3],
            "fact": response.replace("weighs", "weighs 9").replace("9 ", "9"),
            "echo": prompt,
            "boilerplate": "I am only a language model and cannot help with that.",
        }[sort]
    made += [{"text": pair(number)[0], "label": None, "given_label": None} for number in (200, 201)]
    splits = ("train", "train", "dev", "test")
    full = [{"cluster": f"c{n}", "split": splits[n % 4], "verdict": None} for n in range(len(made))]
    return [one | other for one, other in zip(made, full, strict=True)]


@pytest.fixture
def folder(workspace, encoder_folder, default_params):
    made = workspace(
        task={"kind": "generation"},
        compute={"threads": 1, "device": "cpu", "precision": "fp32"},
        encoder={"max_length": 64},
        score={"method": "probe", "folds": 3, "planted_rows": 120, "generator": {"max_length": 512}},
        calibrate={"noise": {"uniform": 0.1, "instance": 0.1}},
        find_issues=default_params["find_issues"] | {"queue_rows": 12},
    )
    (made / "encoder").symlink_to(encoder_folder)
    table = make_rows(rows())
    table = tables.set_column(table, "conflict", [False] * len(table), pa.bool_())
    tables.write(table, made / "rows")
    draw = np.random.default_rng(1)
    topics = np.array([[n % 4, n // 4 % 4, n % 5] for n in [*range(ROWS), 200, 201]])
    vectors = draw.normal(scale=0.1, size=(len(topics), 32))  # as many dimensions as the encoder has
    vectors[:, :15] += np.hstack([np.eye(5)[topic] for topic in topics.T])
    embeddings.write(made / "embeddings", table["id"].to_pylist(), vectors.astype(np.float32))
    return made


def scored(folder: Path, *options: str) -> dict[str, dict]:
    score.main([*SCORE, *options])
    return {row["id"]: row for row in tables.read(folder / "scores").to_pylist()}


def test_every_row_has_its_own_response_and_some_an_error_that_was_planted(folder):
    tiny_generator.write(folder / "generator")
    found = scored(folder, *GENERATOR)
    table = tables.read(folder / "rows").to_pylist()
    assert len(found) == ROWS + 2
    planted = 0
    for row in table:
        said = found[row["id"]]
        own = [response for response, sort in zip(said["response"], said["planted"], strict=True) if not sort]
        assert own == [row["label"]] * (row["label"] is not None)
        planted += sum(bool(sort) for sort in said["planted"])
        assert len(said["sign_ifd"]) == len(said["sign_echo"]) == len(said["response"])
        assert np.isfinite(said["sign_ifd"]).all()
    assert planted == 120
    measured = json.loads((folder / "score.json").read_text())
    assert measured["rows"] == sum(row["split"] != "test" for row in table if row["label"])
    assert set(measured["planted"]) <= {"swap", "cut", "fact", "echo", "boilerplate"}
    unlabelled = tables.read(folder / "unlabelled")
    assert unlabelled["id"].to_pylist() == sorted(row["id"] for row in table if row["label"] is None)
    assert unlabelled["response"].to_pylist() == [[], []]
    assert np.isfinite(unlabelled["spread"].to_numpy()).all()


def test_the_label_before_a_decision_has_signs_too_and_an_automatic_one(folder):
    table = tables.read(folder / "rows")
    given = table["given_label"].to_pylist()
    given[0] = "What it said before."
    table = tables.set_column(table, "given_label", given, pa.string())
    origins = ["rule" if number == 1 else origin for number, origin in enumerate(table["label_origin"].to_pylist())]
    tables.write(tables.set_column(table, "label_origin", origins, pa.string()), folder / "rows")
    found = scored(folder)
    first, second = table["id"].to_pylist()[:2]
    assert found[first]["response"][:2] == [table["label"][0].as_py(), "What it said before."]
    assert found[second]["response"] == [table["label"][1].as_py()], "nobody stands for it: nothing is planted there"


def test_without_a_language_model_its_signs_are_left_out(folder):
    score.main(SCORE)
    columns = tables.read(folder / "scores").column_names
    assert "sign_misplaced" in columns
    assert "sign_ifd" not in columns
    written = (folder / "scores").read_bytes()
    (folder / "generator").mkdir()
    (folder / "generator" / template.NONE).touch()
    score.main([*SCORE, *GENERATOR])
    assert (folder / "scores").read_bytes() == written


def test_wrong_responses_lead_the_queue_with_reasons_and_without_a_suggestion(folder):
    scored(folder)
    calibrate.main(CALIBRATE)
    table = tables.read(folder / "rows")
    tables.write_sorted(
        pa.Table.from_pylist([], pa.schema([(name, pa.string()) for name in ("id", "rule", "label")])), folder / "votes"
    )
    tables.write(pa.Table.from_pylist([], CONFLICT), folder / "duplicates")
    tables.write(pa.Table.from_pylist([], CONSENSUS), folder / "consensus")
    with (folder / "decisions").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow((*decisions.COLUMNS, "seconds"))
    find_issues.main(FIND)

    keys = dict(zip(table["id"].to_pylist(), table["source_key"].to_pylist(), strict=True))
    waiting = sorted(queue.read(folder / "queue"), key=lambda entry: entry["rank"])
    first = [int(keys[entry["id"]].removeprefix("row-")) for entry in waiting]
    assert len(set(first[:8]) & set(WRONG)) >= 4
    assert {entry["suggested_label"] for entry in waiting} == {None}
    said = {number: "; ".join(entry["reasons"]) for number, entry in zip(first, waiting, strict=True)}
    assert all("no part of the label" not in said[number] for number in set(first) & set(WRONG))
    planted = json.loads((folder / "calibrate.json").read_text())["plantings"][0]["detectors"]
    alone = [figures["average_precision"] for name, figures in planted.items() if name != "together"]
    assert planted["together"]["average_precision"] > max(alone)
