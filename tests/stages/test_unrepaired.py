"""unrepaired: the training table as it would be without people's decisions, and that thinned at random."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from stages.annotate import __main__ as annotate
from stages.apply_decisions import __main__ as apply_decisions
from stages.balance import __main__ as balance
from stages.semantic_duplicates.__main__ import LEFT_OUT
from stages.unrepaired import __main__ as unrepaired
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.people import decisions
from winnow.rows import tables

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
BALANCE = {"max_labels": None, "weights": "inverse", "train_on": ["given", "human", "rule"]}
ACCEPTANCE = {"method": "precision", "min_rows": 1, "min_precision": 0.1}
ACCEPTANCE |= {"min_reviewers": 3, "epsilon": 0.15, "winning_rate": 0.5}
# 0 to 29 have labels, 30 to 39 get STONE by a rule, 40 to 44 are dev rows, 45 belongs to no task.
ROWS = [
    *({"label": "FRUIT" if number % 2 else "STONE"} for number in range(30)),
    *({} for _ in range(10)),
    *({"label": "FRUIT"} for _ in range(5)),
    {"purpose": "text"},
]
TABLE = make_rows(ROWS)
IDS, TEXTS = TABLE["id"].to_pylist(), TABLE["text"].to_pylist()
DEV = range(40, 45)
AUDITED = ["keep"] * 9  # of the rows that the rule labels: nine are right, which accepts it


def line(row: int, verdict: str, new_label: str = "") -> str:
    label = ROWS[row].get("label", "STONE")
    return f"{IDS[row]},{hashing.text_sha(TEXTS[row])},{label},{verdict},{new_label},ana,2026-01-31,"


AUDIT = [line(30 + number, verdict) for number, verdict in enumerate(AUDITED)]


def run(workspace, lines: list[str], controls: list[str], seeds=(1, 2)) -> Path:
    """Run apply_decisions, balance and unrepaired on the rows, with some decisions."""
    arms = {"approaches": ["transfer"], "encoders": ["base"], "seeds": list(seeds), "controls": controls}
    applied = {"min_rows_per_label": 0, "acceptance": ACCEPTANCE}
    folder = workspace(task=TASK, apply_decisions=applied, balance=BALANCE, arms=arms)
    tables.write(TABLE, Path("rows.parquet"))
    splits = ["dev" if number in DEV else "train" for number in range(len(ROWS))]
    tables.write(tables.set_column(TABLE.select(["id"]), "split", splits, pa.string()), Path("split.parquet"))
    own = {"label": "STONE", "label_origin": "rule", "label_confidence": 0.9, "rule": "r", "version": "v1"}
    made = pa.Table.from_pylist([{"id": IDS[number]} | own for number in range(30, 40)], schema=annotate.OUT)
    tables.write(made.sort_by("id"), Path("annotations.parquet"))
    tables.write(made.select(["id"]).sort_by("id"), Path("audit.parquet"))
    tables.write(LEFT_OUT.empty_table(), Path("left_out.parquet"))
    Path("decisions.csv").write_text("\n".join([",".join(decisions.COLUMNS), *AUDIT, *lines, ""]), encoding="utf-8")
    apply_decisions.main(
        "--rows rows.parquet --split split.parquet --annotations annotations.parquet --audit audit.parquet "
        "--decisions decisions.csv --out labelled.parquet --edited edited.parquet --evaluated measuring.parquet "
        "--undecided undecided.parquet --ledger ledger.parquet --metrics applied.json".split()
    )
    balance.main(
        "--rows labelled.parquet --left-out left_out.parquet --embeddings embeddings --out training.parquet "
        "--dev dev.parquet --ledger balanced.parquet --metrics balance.json".split()
    )
    unrepaired.main(
        "--rows rows.parquet --split split.parquet --labelled labelled.parquet --undecided undecided.parquet "
        "--left-out left_out.parquet --embeddings embeddings --out unrepaired --metrics unrepaired.json".split()
    )
    return folder


def read(path: str) -> dict[str, str]:
    table = tables.read(Path(path))
    return dict(zip(table["id"].to_pylist(), table["label"].to_pylist(), strict=True))


DECIDED = [
    line(0, "relabel", "FRUIT"),
    line(1, "out_of_scope"),
    line(2, "ambiguous"),
    line(3, "keep"),
    line(39, "relabel", "FRUIT"),
    line(40, "relabel", "STONE"),
]


def test_the_given_rows_are_those_that_balance_makes_without_decisions(workspace):
    """But for their origins, which people's audit of the rule changes too: `balance` does not write them."""
    run(workspace, [], ["given"])
    expected = read("training.parquet")
    assert len(expected) == 40
    run(workspace, DECIDED, ["given"])
    assert read("unrepaired/1/given.parquet") == read("unrepaired/2/given.parquet") == expected
    repaired = read("training.parquet")
    assert repaired == {id: label for id, label in expected.items() if id not in (IDS[1], IDS[2])} | {
        IDS[0]: "FRUIT",
        IDS[39]: "FRUIT",
    }
    given, trained = tables.read(Path("unrepaired/1/given.parquet")), tables.read(Path("training.parquet"))
    assert given.schema.equals(trained.schema)
    assert given["weight"].to_pylist() != [1.0] * 40  # weighed as params.yaml says
    assert json.loads(Path("unrepaired.json").read_text()) == {"rows": 40, "changed": 2, "removed": 2}
    assert not Path("unrepaired/1/thinned.parquet").exists()


def test_as_many_rows_leave_at_random_as_people_changed_or_took_out(workspace):
    run(workspace, DECIDED, ["given", "thinned"])
    given, thinned = read("unrepaired/1/given.parquet"), read("unrepaired/1/thinned.parquet")
    assert len(thinned) == len(given) - 4
    assert thinned.items() <= given.items()
    assert read("unrepaired/2/thinned.parquet").keys() != thinned.keys()
    first = Path("unrepaired/1/thinned.parquet").read_bytes()
    run(workspace, DECIDED, ["thinned"])
    assert Path("unrepaired/1/thinned.parquet").read_bytes() == first
    assert sorted(path.name for path in Path("unrepaired").rglob("*.parquet")) == ["thinned.parquet"] * 2


def test_nothing_is_made_where_nothing_asks(workspace):
    run(workspace, DECIDED, [])
    assert list(Path("unrepaired").iterdir()) == []
    assert json.loads(Path("unrepaired.json").read_text()) == {}


def test_decisions_on_every_row_leave_none_to_thin():
    with pytest.raises(UserError, match=r"arms\.controls: people changed or took out 46 of 46 training rows"):
        unrepaired.thinned(TABLE, len(ROWS), 1)


def test_a_changed_text_counts_as_a_changed_row(tmp_path):
    changed = [row | {"text": "another"} if number == 3 else row for number, row in enumerate(ROWS)]
    for name, rows in (("before", ROWS), ("after", changed)):
        tables.write(make_rows(rows), tmp_path / f"{name}.parquet")
    found = unrepaired.changed_texts([IDS[3], IDS[4]], tmp_path / "before.parquet", tmp_path / "after.parquet")
    assert found == {IDS[3]: True, IDS[4]: False}
    given = TABLE.select(["id", "label"]).slice(0, 30)
    labelled = dict(zip(given["id"].to_pylist(), given["label"].to_pylist(), strict=True))
    assert unrepaired.repaired(given, labelled, found) == {"changed": int(IDS[3] in labelled), "removed": 0}
