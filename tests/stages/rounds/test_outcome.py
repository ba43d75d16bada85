"""What decisions did is counted by hand; errors before and after a round are estimated without bias."""

import math
from dataclasses import replace

import numpy as np

from stages.rounds import outcome
from stages.rounds.audit import Certainty
from stages.rounds.outcome import Course
from stages.rounds.replay import Rows, settle
from tests.stages.rounds.test_replay import TASK, decide, make
from winnow.base import hashing
from winnow.kinds.token_classification import labels as spans
from winnow.people.decisions import VERDICTS
from winnow.people.rounds import sample
from winnow.people.rounds.sample import Candidate, Round
from winnow.people.rounds.settings import Sample

SURE = Certainty(0.95, 1)


def verdicts(**counts: int) -> dict[str, int]:
    return dict.fromkeys(VERDICTS, 0) | counts


def test_changes_of_spans_are_told_by_their_types():
    task = spans.Task(kind="token_classification", labels=["drug", "ill"])
    pairs = [('[[0,9,"drug"]]', '[[0,4,"drug"]]'), ('[[2,9,"drug"]]', '[[2,4,"drug"]]'), ('[[0,1,"ill"]]', "[]")]
    given, new = (np.array(labels, dtype=object) for labels in zip(*pairs, strict=True))
    assert outcome.changes(given, np.array(["relabel"] * 3, dtype=object), new, task) == [
        {"given": "drug", "new": "drug, marked otherwise", "rows": 2},
        {"given": "ill", "new": "no entity", "rows": 1},
    ]


def test_deeds_are_counted_by_verdict_split_and_class():
    rows = make("AABB.AAC", "tttdetee", trusted=[True] * 4 + [False] + [True] * 3)
    made = [
        decide(0, "keep", seconds=10.0),
        decide(1, "relabel", "B", seconds=20.0),
        decide(2, "ambiguous", given="B", seconds=60.0),
        decide(3, "relabel", "A", given="B"),
        decide(4, "relabel", "A", given=""),
        decide(6, "keep"),
        decide(6, "ambiguous", who="bo"),
        decide(7, "out_of_scope", given="C"),
    ]
    found = outcome.deeds(rows, settle(rows, made, TASK), made, {"r0", "r3"}, TASK)
    assert found == {
        "decisions": 8,
        "rows": 7,
        "open": 1,  # reviewers disagree on r6
        "verdicts": verdicts(keep=1, relabel=3, ambiguous=1, out_of_scope=1),
        "by_split": {
            "train": verdicts(keep=1, relabel=1, ambiguous=1),
            "dev": verdicts(relabel=1),
            "test": verdicts(relabel=1, out_of_scope=1),
        },
        "by_label": {
            "A": verdicts(keep=1, relabel=1),
            "B": verdicts(relabel=1, ambiguous=1),
            "C": verdicts(out_of_scope=1),
            "none": verdicts(relabel=1),
        },
        "changes": [
            {"given": "A", "new": "B", "rows": 1},
            {"given": "B", "new": "A", "rows": 1},
            {"given": "B", "new": "ambiguous", "rows": 1},
            {"given": "C", "new": "out_of_scope", "rows": 1},
            {"given": "none", "new": "A", "rows": 1},
        ],
        "queue": {"rows": 3, "changed": 3},  # r1, r2 and r7: neither sampled, nor open, nor without a given label
        "seconds": {"timed": 3, "total": 90.0, "median": 20.0},
    }


def test_nothing_decided_is_nothing_done():
    rows = make("AB")
    found = outcome.deeds(rows, settle(rows, [], TASK), [], set(), TASK)
    assert (found["rows"], found["changes"], "seconds" in found) == (0, [], False)


def world(rng: np.random.Generator, count: int = 800) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows, which of them are wrong, and which a detector flags: two thirds of the wrong ones, few of the others."""
    splits = "".join(rng.choice(list("ttttde"), count))
    wrong = rng.random(count) < 0.1
    flagged = rng.random(count) < np.where(wrong, 0.67, 0.05)
    return make("A" * count, splits), wrong, flagged


def begin(rows: Rows, flagged: np.ndarray, settled: np.ndarray, number: int, decided: int, counts: Sample) -> Round:
    found = [
        Candidate(id, "flagged" if flag else "unflagged", split, hashing.text_sha(text), "A", 0.9 if flag else 0.05)
        for id, split, text, flag, done in zip(rows.ids, rows.splits, rows.texts, flagged, settled, strict=True)
        if not done
    ]
    return sample.draw(number, found, counts, decided)


def judge(rows: Rows, wrong: np.ndarray, ids) -> list:
    return [decide(int(id[1:]), "relabel", "B") if wrong[rows.place[id]] else decide(int(id[1:]), "keep") for id in ids]


def test_errors_before_and_after_are_unbiased_and_covered():
    rng = np.random.default_rng(5)
    rows, wrong, flagged = world(rng)
    queue = [id for id, flag in zip(rows.ids, flagged, strict=True) if flag][:80]
    start = settle(rows, [], TASK)
    before, after, covered = [], [], []
    for number in range(1, 81):
        round_ = begin(rows, flagged, start.done, number, 0, Sample(flagged=30, unflagged=80, test=40))
        made = judge(rows, wrong, [*queue, *(row.id for row in round_.rows)])
        end = settle(rows, made, TASK)
        found = outcome.noise(round_, rows, Course(start, end, end), SURE)
        left = wrong & ~end.done
        before.append(found["before"]["all"]["errors"] - wrong.sum())
        after.append(found["after"]["all"]["errors"] - left.sum())
        for when, truth in (("before", wrong), ("after", left)):
            for split in ("all", "train", "test"):
                inside = truth if split == "all" else truth[rows.splits == split]
                of = found[when][split]
                covered.append(of["share_low"] <= inside.mean() <= of["share_high"])
    for biases in (before, after):
        assert abs(np.mean(biases)) < 4 * np.std(biases) / math.sqrt(len(biases))
    assert np.mean(covered) > 0.93
    assert np.mean(after) == np.mean(before)  # what was found is counted, not estimated


def test_what_earlier_rounds_settled_is_right_and_not_drawn_again():
    rng = np.random.default_rng(6)
    rows, wrong, flagged = world(rng, 600)
    first = judge(rows, wrong, rows.ids[:300])
    start = settle(rows, first, TASK)
    round_ = begin(rows, flagged, start.done, 2, len(first), Sample(flagged=400, unflagged=400, test=0))
    assert {row.id for row in round_.rows} == set(rows.ids[300:])
    end = settle(rows, [*first, *judge(rows, wrong, rows.ids[300:])], TASK)
    found = outcome.noise(round_, rows, Course(start, end, end), SURE)
    # All rows of the sample are judged, so the estimate is a count.
    assert found["before"]["all"]["errors"] == wrong[300:].sum()
    assert math.isclose(found["before"]["all"]["share"], wrong[300:].sum() / 600)
    assert found["after"]["all"] == {"rows": 600, "errors": 0, "share": 0, "share_low": 0, "share_high": 0}
    assert math.isclose(found["precision"], wrong[300:][flagged[300:]].mean())
    assert math.isclose(found["recall"], flagged[300:][wrong[300:]].mean())


def small_round() -> tuple[Rows, np.ndarray, Round]:
    rows, wrong, flagged = world(np.random.default_rng(7), 300)
    return rows, wrong, begin(rows, flagged, np.zeros(300, bool), 1, 0, Sample(flagged=10, unflagged=20, test=0))


def test_an_open_sample_counts_up_to_its_first_open_row():
    rows, wrong, round_ = small_round()
    ids = [row.id for row in round_.rows]
    start = settle(rows, [], TASK)
    some = settle(rows, judge(rows, wrong, [*ids[:12], *ids[13:17]]), TASK)
    found = outcome.noise(round_, rows, Course(start, some, some), SURE)
    assert (found["drawn"], found["judged"], found["open"], found["passed_over"]) == (len(ids), 12, len(ids) - 16, 4)
    same = settle(rows, judge(rows, wrong, ids[:12]), TASK)
    assert found["before"] == outcome.noise(round_, rows, Course(start, same, same), SURE)["before"]
    assert [row.id for row in outcome.waiting(round_, rows, some)] == [ids[12], *ids[17:]]

    nobody = outcome.noise(round_, rows, Course(start, start, start), SURE)
    assert (nobody["judged"], nobody["open"]) == (0, len(ids))
    assert not {"before", "after", "precision", "recall"} & set(nobody)


def test_rows_that_vanished_or_changed_are_named_and_the_population_shrinks():
    rows, wrong, round_ = small_round()
    ids = [row.id for row in round_.rows]
    gone = {ids[2], ids[5]}
    stay = np.array([id not in gone for id in rows.ids])
    texts = rows.texts.copy()
    texts[rows.place[ids[0]]] = "another text"
    rows = replace(rows, texts=texts)
    fewer = Rows(*(part[stay] for part in (rows.ids, rows.groups, rows.splits, rows.texts, rows.given, rows.trusted)))
    end = settle(fewer, judge(fewer, wrong[stay], [id for id in ids if id not in gone]), TASK)
    found = outcome.noise(round_, fewer, Course(settle(fewer, [], TASK), end, end), SURE)
    assert found["vanished"] == {"rows": 2, "ids": [ids[2], ids[5]]}
    assert found["changed"] == {"rows": 1, "ids": [ids[0]]}
    assert (found["judged"], found["open"]) == (len(ids) - 2, 0)
    assert found["before"]["all"]["rows"] == 298


def test_errors_found_are_held_against_errors_expected():
    rows, wrong, round_ = small_round()
    end = settle(rows, judge(rows, wrong, [row.id for row in round_.rows]), TASK)
    found = outcome.noise(round_, rows, Course(settle(rows, [], TASK), end, end), SURE)
    flagged = sum(size for cell, size in round_.cells.items() if cell[0] == "flagged")
    expected = flagged * 0.9 + (300 - flagged) * 0.05
    assert math.isclose(found["observed_to_expected"], found["before"]["all"]["errors"] / expected)
