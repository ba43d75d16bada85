"""Duplicates of prompts, of responses and of pairs; benchmarks by either side."""

import json

import numpy as np

from stages.deduplicate import dialogues
from tests.stages.deduplicate.test_deduplicate import run
from winnow.kinds.generation import turns
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

TASK = {"kind": "generation"}
SYSTEM = " ".join(f"rule{n}" for n in range(60))
DOCUMENT = " ".join(f"fact{n}" for n in range(80))
ANSWER = "Tawny owls hunt mice by night in the old forest near the river."


def asked(*contents: str, system: str = SYSTEM) -> str:
    roles = ["user", "assistant"] * len(contents)
    messages = [Message(role, content) for role, content in zip(roles, contents, strict=False)]
    return dialogue.written(Dialogue([Message("system", system), *messages]))


def pairs(workspace, *rows: tuple[str, str | None], **changes):
    given = [{"id": f"{n:03}", "text": text, "label": label} for n, (text, label) in enumerate(rows)]
    return run(workspace, given, task=TASK, **changes)


def kept(found) -> list[str]:
    return found.out["id"].to_pylist()


def test_pairs_are_copies_if_both_sides_are(workspace):
    rows = ("Which owls?", "Tawny."), ("which owls", "tawny"), ("Which owls?", "Barn."), ("Who?", "Tawny.")
    found = pairs(workspace, *rows)
    assert kept(found) == ["000", "002", "003"]
    assert [(entry["id"], entry["rule"]) for entry in found.ledger if entry["action"] == "drop"] == [
        ("001", "exact_duplicate")
    ]
    told = {"prompts": 2, "same_prompt_other_response": 3, "same_response_other_prompt": 3}
    assert found.metrics["dialogues"] == told


def test_system_prompts_and_earlier_turns_make_no_copies(workspace):
    first = asked("Which owls live here?", ANSWER, "And which mice?")
    found = pairs(
        workspace, (asked("Which owls live here?"), ANSWER), (first, "Wood mice."), (asked("Who sings?"), "Thrushes.")
    )
    assert kept(found) == ["000", "001", "002"]
    assert found.metrics["near"] == 0


def test_one_prompt_with_two_responses_is_a_conflict_of_one_cluster(workspace):
    # The pairs are near-duplicates, since the prompt is long.
    found = pairs(
        workspace, (DOCUMENT, "A title of owls"), (DOCUMENT, "Mice at night"), ("Other words", "A title of owls")
    )
    assert kept(found) == ["000", "001", "002"]
    assert found.out["cluster"].to_pylist() == ["000", "000", "002"]
    assert [(row["id"], row["others"][0]["label"]) for row in found.conflicts] == [
        ("000", "“Mice at night”"),
        ("001", "“A title of owls”"),
    ]
    assert {entry["rule"] for entry in found.ledger} == {"label_conflict"}


def test_near_prompts_with_one_response_are_near_duplicates_and_with_another_no_conflict(workspace):
    near = f"{DOCUMENT} again"
    found = pairs(workspace, (DOCUMENT, ANSWER), (near, ANSWER), (f"{near} once", "Something else."))
    assert kept(found) == ["001", "002"]  # the longer of the two copies
    assert found.metrics["near"] == 1
    assert found.conflicts == []


def test_a_prompt_without_a_response_is_no_copy_of_an_answered_one(workspace):
    found = pairs(workspace, ("Which owls live here?", None), ("Which owls live here?", ANSWER))
    assert kept(found) == ["000", "001"]
    assert len(set(found.out["cluster"].to_pylist())) == 1


def test_benchmarks_are_read_by_prompt_and_by_response(workspace, tmp_path):
    rows = [{"question": "Which owls live by the river?", "answer": ANSWER}, {"question": "Who?", "answer": "Yes."}]
    sources = workspace(deduplicate={}) / "sources"
    sources.mkdir(exist_ok=True)
    (sources / "bench.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    against = [{"name": name, "path": "bench.jsonl", "text": name} for name in ("question", "answer")]
    found = pairs(
        workspace,
        (asked("Which owls live by the river?"), "Barn owls."),
        ("Tell me of owls.", ANSWER),
        ("Is it so?", "Yes."),
        ("Which mice?", "Wood mice."),
        against=against,
    )
    assert kept(found) == ["002", "003"]
    reasons = {entry["id"]: entry["reason"] for entry in found.ledger}
    assert reasons == {
        "000": "duplicate (similarity 1.000) of row 1 of question",
        "001": "duplicate (similarity 1.000) of row 1 of answer",
    }
    assert [found.metrics["against"][name]["dropped"] for name in ("question", "answer")] == [1, 1]


QUIZ = "Which bird hunts mice by night in the old forest near the river and sleeps by day?"
STORY = "Tawny owls hunt mice by night in the old forest near the river and sleep in hollow trees by day."


def overlapping(workspace, **changes):
    """Rows that hold a benchmark's question in an earlier turn, or its answer within a longer one, or neither."""
    sources = workspace(deduplicate={}) / "sources"
    sources.mkdir(exist_ok=True)
    rows = [{"question": QUIZ, "answer": STORY}, {"question": "Who sings?", "answer": "Thrushes."}]
    (sources / "bench.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    against = [{"name": name, "path": "bench.jsonl", "text": name} for name in ("question", "answer")]
    return pairs(
        workspace,
        (asked(f"For a quiz: {QUIZ}", "An owl.", "Thank you, and which bird sings?"), "A thrush."),
        ("Tell me about owls, at length.", f"{DOCUMENT} {STORY} {DOCUMENT} And so on."),
        ("Which mice?", "Wood mice."),
        against=against,
        **changes,
    )


def test_what_of_a_benchmark_stands_within_rows_is_told_by_prompt_and_by_response(workspace):
    found = overlapping(workspace)
    assert kept(found) == ["000", "001", "002"]
    assert [(entry["id"], entry["action"], entry["rule"], entry["reason"]) for entry in found.ledger] == [
        ("000", "note", "overlap", "100% of the words of row 1 of question stand in its prompt, in runs of 13"),
        ("001", "note", "overlap", "100% of the words of row 1 of answer stand in its response, in runs of 13"),
    ]
    of = {name: found.metrics["against"][name]["overlap"] for name in ("question", "answer")}
    assert {name: {side: told["found"] for side, told in of[name].items()} for name in of} == {
        "question": {"prompt": 1, "response": 0},
        "answer": {"prompt": 0, "response": 1},
    }
    assert of["answer"]["response"] | {"covered": 1.0} == {
        "texts": 2, "too_short": 1, "covered": 1.0, "any": 1, "from_20_percent": 1, "from_80_percent": 1, "found": 1,
        "rows": 1,
    }  # fmt: skip


def test_rows_that_hold_a_text_of_a_benchmark_are_dropped_where_params_say_so(workspace):
    found = overlapping(workspace, overlap={"action": "drop"})
    assert kept(found) == ["002"]
    assert {(entry["id"], entry["action"], entry["rule"]) for entry in found.ledger} == {
        ("000", "drop", "overlap"),
        ("001", "drop", "overlap"),
    }
    told = found.metrics["against"]["question"]["overlap"]["prompt"]
    assert (told["covered"], told["left"]["covered"], told["left"]["rows"]) == (1.0, 0.0, 0)
    assert found.metrics["rows_out"] == 1


def test_overlap_is_not_looked_for_where_it_is_off(workspace):
    found = overlapping(workspace, overlap={"action": "off"})
    assert (kept(found), found.ledger) == (["000", "001", "002"], [])
    assert "overlap" not in found.metrics["against"]["question"]


def test_the_last_exchange():
    text = asked("Which owls?", "Tawny.", "And mice?")
    assert turns.last_exchange(text, "Wood mice.") == ("And mice?", "Wood mice.")
    assert turns.last_exchange("Which owls?", None) == ("Which owls?", "")
    assert turns.last_exchange("a", dialogue.response("", '[{"name":"x"}]')) == ("a", '[{"name":"x"}]')


def test_rows_of_one_prompt_are_one_cluster_whatever_else_ties_them():
    class Store:
        def get(self, name: str, dtype: type) -> np.ndarray:
            return np.array([5, 6, 7, 5, 6, 8], dtype)

    assert dialogues.tied(np.array([0, 1, 1, 3, 4, 5], np.int32), Store()).tolist() == [0, 1, 1, 0, 1, 5]
