"""What a comment tells of data, people and set-up: each in the line that is seen, or in the part that unfolds."""

import json
import runpy
from dataclasses import asdict, replace

from tests.conftest import ROOT
from tests.winnow.commands.diff.project import LABELS, PARAMS, Row, State, rows
from tests.winnow.commands.diff.test_reviewer import decision, seen
from winnow.base.timing import FOLDER, Last
from winnow.commands.diff import layout, markdown
from winnow.commands.diff.document import Bullets, Folded, Foreign, Paragraph

BASE = State(rows(300))


def part(text: str, title: str) -> str:
    """What a line unfolds."""
    return text.partition(f"<details><summary>{title}</summary>")[2].partition("</details>")[0]


# Data


def test_texts_that_a_rule_changed_are_told_with_both_texts(reported):
    ids = [row.id for row in BASE.rows if row.split == "train" and row.label == "FRUIT"][:6]
    new = [replace(row, text=f"{row.text} at last") if row.id in ids else row for row in BASE.rows]
    old = replace(BASE, entries=[(ids[0], "clean", "change", "strip_markup")])
    head = replace(BASE, rows=new, entries=[(id, "clean", "change", "join_lines") for id in ids[:4]])
    text, told = reported(old, head)
    changed = told["data"]["changed"]
    assert changed["rows"] == 6
    assert changed["by_class"] == {"FRUIT": 6}
    assert changed["by_rule"] == {
        "clean: join_lines": 4,
        "no rule: the source's text is another": 2,
        "clean: strip_markup no more": 1,
    }
    assert "| text changed | 6 | <code>clean&#58; join&#95;lines</code> 4" in text
    folded = part(text, "Text changed: 6 rows")
    assert "at some length</code> → <code>row" in folded
    assert "at some length at last</code> <code>winnow why" in folded


def test_a_class_that_lost_much_of_its_text_alarms(reported):
    new = [replace(row, text=f"stone {row.group}-{row.id[:4]}") if row.label == "STONE" else row for row in BASE.rows]
    text, told = reported(BASE, replace(BASE, rows=new))
    assert [line["class"] for line in told["data"]["changed"]["shortened"]] == ["STONE"]
    assert "**Look before you merge.** Class STONE lost 6" in text
    assert "of its text, other classes 0% (100 rows changed)" in text


def test_rows_that_came_are_told_by_what_kept_them_out(reported):
    kept_out, new = [row.id for row in BASE.rows if row.split == "train"][:7], "0" * 16
    old = replace(
        BASE,
        rows=[row for row in BASE.rows if row.id not in kept_out],
        entries=[(id, "clean", "drop", "too_short") for id in kept_out],
    )
    row = Row(new, "row of another source tells of water", "WATER", "WATER", "train", "g-new", source="letters")
    text, told = reported(old, replace(BASE, rows=[*BASE.rows, row]))
    added = told["data"]["added"]
    assert added["by_rule"] == {"clean: too_short removed it before": 7, "new in its source": 1}
    assert added["by_source"] == {"notes": 7, "letters": 1}
    assert "| added | 8 | <code>clean&#58; too&#95;short removed it before</code> 7" in text
    assert "<code>row of another source tells of water</code>" in part(text, "Added: 8 rows")


def profile(fruit: float) -> dict:
    shares = {"labels": {"FRUIT": fruit, "STONE": 1 - fruit}, "sources": {"notes": 1.0}, "years": {"2020": 1.0}}
    return {"train": {"rows": 900, "groups": 450, "characters": {"100": 1.0}, "words": {"row": 1.0}} | shares}


def test_drift_beyond_a_limit_is_named(reported):
    text, told = reported(replace(BASE, profile=profile(0.5)), replace(BASE, profile=profile(0.8)))
    assert told["data"]["drift"].keys() == {"labels of train"}
    assert "Drift beyond a limit of validate.drift: <code>labels of train</code>." in text
    assert "| <code>labels of train</code> | 0.0" in part(text, "Drift")
    _, told = reported(replace(BASE, profile=profile(0.5)), replace(BASE, profile=profile(0.51)))
    assert told["data"]["drift"] == {}


def test_a_profile_of_another_version_has_no_part_in_it(reported):
    old = {name: {"rows": each["rows"]} for name, each in profile(0.5).items()}
    text, told = reported(replace(BASE, profile=old), replace(BASE, profile=profile(0.8)))
    assert told["data"]["drift"] == {}
    assert "Drift" not in text


# People


def test_decisions_are_told_by_who_with_agreement_and_conflicts(reported):
    first, second, third, fourth = [row for row in BASE.rows if row.label == "FRUIT"][:4]
    by_ana = [decision(row) for row in (first, second, third)]
    agreed = [decision(row, "ben") for row in (first, second)]
    other = decision(third, "ben").replace(",relabel,STONE,", ",keep,,")
    text, told = reported(replace(BASE, decided=[decision(fourth)]), replace(BASE, decided=[*by_ana, *agreed, other]))
    decisions = told["decisions"]
    assert decisions["by_reviewer"] == {"ana": {"relabel": 3}, "ben": {"relabel": 2, "keep": 1}}
    assert decisions["removed_by_reviewer"] == {"ana": 1}
    assert decisions["agreement"][0] == {"rows": 3, "agreed": 2}
    assert decisions["conflicts"] == [0, 1]
    people = "<code>ana</code> <code>relabel</code> 3, <code>ben</code> <code>relabel</code> 2, <code>keep</code> 1"
    assert f"Decisions: 6 new, {people}; 1 taken back. Several people decided on 3 of these rows" in text
    assert "and agree on 2. ⚠ 1 row in conflict." in text
    assert f"<code>{third.id}</code>" in part(text, "Rows on which people disagree")


# Set-up


def test_parameters_packages_code_and_the_cost_of_stages_are_told(reported, project):
    (project.folder / FOLDER).mkdir(parents=True)
    (project.folder / FOLDER / "split.json").write_text(json.dumps(asdict(Last(1, 0.0, seconds=71.6))))
    head = replace(
        BASE,
        rows=BASE.rows[:-2],
        params=PARAMS | {"compare": PARAMS["compare"] | {"resamples": 310}},
        packages="numpy==2.1\npandas==3.0\n",
        code={"stages/clean/__main__.py": "b" * 64},
    )
    text, told = reported(BASE, head)
    assert told["setup"]["packages"] == {"numpy": ["2.0", "2.1"], "pandas": [None, "3.0"]}
    assert "Changed: 1 parameter, 2 packages, the code of 1 stage; " in text
    assert "| <code>compare.resamples</code> | <code>300</code> → <code>310</code> |" in part(text, "Parameters: 1")
    assert "| <code>pandas</code> | <code>&#8212;</code> → <code>3.0</code> |" in part(text, "Packages: 2")
    assert "<code>stages/clean/&#95;&#95;main&#95;&#95;.py</code>" in part(text, "Code: 1 stage")
    (line,) = [line for line in text.splitlines() if line.startswith("| <code>split</code> |")]
    assert line.endswith("| 72 s |")


def test_what_training_reads_is_told_where_it_changed(reported):
    arms = {"approaches": ["transfer"], "encoders": ["adapted"], "seeds": [1]}
    base = replace(BASE, params=PARAMS | {"arms": arms, "finetune": {"batch_tokens": 8}}, tokens=1000, steps=100)
    text, told = reported(base, replace(base, steps=250))
    assert told["setup"]["training"] == [1800, 3000]
    assert "inputs or results; all training reads 1,800 → 3,000 tokens." in text
    text, _ = reported(base, base)
    assert "tokens" not in text


# Models


def test_sources_and_lengths_stand_beside_classes_and_what_is_newly_right_unfolds(reported):
    letters = {row.id for row in BASE.rows if unit_of(row) % 2}
    state = replace(
        BASE,
        rows=[
            replace(row, source="letters", text=f"{row.text}, and on and on") if row.id in letters else row
            for row in BASE.rows
        ],
    )
    wrong = frozenset(row.id for row in state.rows if row.id in letters and row.split == "dev")
    text, told = reported(replace(state, wrong=wrong), state)
    slices = {(line["dimension"], line["name"]): line for line in told["metrics"]["slices"]}
    assert slices["source", "letters"]["low"] > 0
    assert slices["source", "notes"]["value"] == 0
    assert [line["low"] > 0 for (what, name), line in slices.items() if what == "length" and "over" in name] == [True]
    seen_at_once = text.partition("<details>")[0]
    assert "| source <code>letters</code> | 0.0% →" in seen_at_once
    assert "source <code>notes</code>" not in seen_at_once  # nothing happened there
    right = told["metrics"]["turned"]["fixed"]
    folded = part(text, f"Newly right: {len(right['examples'])} of {right['rows']} rows")
    assert f"<code>{right['examples'][0]['text']}</code>" in folded
    assert f"<code>winnow why {right['examples'][0]['id']}</code>" in folded


def unit_of(row: Row) -> int:
    """The number of a row's group."""
    return int(row.group[1:])


# The comment as a whole


def test_a_change_of_every_kind_is_under_sixty_lines_before_anything_is_unfolded(reported):
    ids = [row.id for row in BASE.rows if row.split == "train"]
    new = [replace(row, label="WATER", given="WATER") if row.id in ids[:20] else row for row in BASE.rows[3:]]
    params = PARAMS | {"further": dict.fromkeys("ab", 1)}
    head = replace(BASE, rows=new, right=0.5, other=0.9, params=params, packages="numpy==2.1\n", device="another")
    _, told = reported(replace(BASE, other=0.6), head)
    metrics = told["metrics"]
    metrics["arms"] |= {f"arm {n}": metrics["arms"]["dapt"] for n in range(9)}
    metrics["slices"] = [dict(metrics["slices"][0], name=f"class {n}", low=-0.2, high=-0.1) for n in range(9)]
    told["verdict"]["alarms"] = [f"alarm {n}" for n in range(9)]
    told["leaks"] = [{"rows": 1, "what": f"leak {n}", "ids": ids, "is_new": True} for n in range(7)]
    told["duplicates"] = {"rows": [1, 2], "kinds": {}, "pairs": [1, 2]}
    told["data"]["drift"] = {f"words of {n}": {"value": 0.5, "status": "warn"} for n in range(9)}
    told["data"]["moved"] = {"dev → test": 1}
    for name in ("removed", "added", "changed"):
        told["data"][name] = dict(told["data"]["relabelled"], by_rule={"a: rule": 1}, rows=1)
        told["data"][name]["examples"] = [dict(one, text_after="") for one in told["data"]["relabelled"]["examples"]]
    told["decisions"] |= {"added": 1, "by_reviewer": {"ana": {"keep": 1}}, "new_conflicts": ids}
    cells = [{"actual": a, "predicted": b, "base": 0.1, "head": 0.4} for a in LABELS for b in LABELS]
    bins = [{"low": 0.1, "high": 0.2, "base": None, "head": {"rows": 1, "confidence": 0.1, "accuracy": 0.1}}]
    told["evidence"] = {"approach": "dapt", "confusion": cells, "calibration": bins}
    blocks = list(layout.blocks(told))
    text = markdown.written(blocks)
    parts = sum(isinstance(block, Folded) for block in blocks)
    assert parts > 15
    assert len([line for line in seen(text) if line]) < 60
    assert f"<details><summary>More, in {parts} parts</summary>\n\n<details>" in text
    assert text.count("<details>") == text.count("</details>") == parts + 1


def test_what_is_written_in_full_length_is_posted(tmp_path):
    """`.ci/comment.py` takes a report that is cut where the next part, a short one, would be too much."""
    blocks = [Paragraph(["seen"]), *(Folded([f"part {n}"], [Bullets([[Foreign("x")]])]) for n in range(1500))]
    text = markdown.written(blocks)
    assert text.endswith(f"{markdown.LEFT_OUT}\n")
    (tmp_path / "report.md").write_text(text, encoding="utf-8")
    assert runpy.run_path(str(ROOT / ".ci/comment.py"))["report"](tmp_path) == (text.strip(), True)
