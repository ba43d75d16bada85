"""Predictions, one Parquet file a trained model: `<arm>-<seed>.parquet`, one row a dev or test example.

An arm is an approach and the encoder that it starts from: `transfer`, `dapt`, `few_shot`, `dapt_few_shot`; or a model
without an encoder, `tfidf`. A seed is 1 or more; run 0 of an arm draws no random number, so that it would be the same
again, as the baseline's (`tfidf-0`) is.

Columns: id, group, split (dev or test), label and predicted (strings that the kind of task alone reads), and columns of
the kind's own. Every metric can be computed again from them, on any revision.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.rows import origins, tables
from winnow.rows.text_column import TextColumn

SPLITS = ("dev", "test")
NO_SEED = 0
ADAPTED = "dapt"  # begins the name of an arm that starts from the adapted encoder (Gururangan et al. 2020)
CONTROL = r"_(?P<control>given|thinned)"  # ends what an arm starts from, and its name: it learns from unrepaired rows
RUN = re.compile(rf"(?P<approach>.+)-(?P<encoder>base|adapted|generator|adapted_generator)({CONTROL})?-(?P<seed>\d+)")
COLUMNS = ("id", "group", "split", "label", "predicted")
NAME = re.compile(r"(?P<approach>.+)-(?P<seed>\d+)")
EVALUATED = ("id", "group", "split", "label", "label_origin")  # what is read of the rows that measure, beside the text


def table(rows: pa.Table, predicted: Sequence[str], own: Mapping[str, pa.Array] | None = None) -> pa.Table:
    """Return predictions as a table.

    Args:
        rows: id, group, split and label of the examples.
        predicted: (rows,) labels.
        own: columns of the kind of task, (rows,) each.
    """
    columns = {name: pa.array(rows[name].to_pylist(), pa.string()) for name in COLUMNS[:-1]}
    return pa.table(columns | {"predicted": pa.array(predicted, pa.string())} | dict(own or {}))


def of_run(run: str) -> str | None:
    """Return the arm and seed of a run of the stage `finetune`, or None if the name is of no run.

    `transfer-base-1` and `transfer-generator-1` are transfer-1, `transfer-adapted-1` is dapt-1, and
    `few_shot-adapted-1` is dapt_few_shot-1; `transfer-base_given-1`, of unrepaired rows, is transfer_given-1.
    """
    match = RUN.fullmatch(run)
    if not match:
        return None
    arm = match["approach"]
    if match["encoder"].startswith("adapted"):
        arm = ADAPTED if arm == "transfer" else f"{ADAPTED}_{arm}"
    if match["control"]:
        arm = f"{arm}_{match['control']}"
    return f"{arm}-{match['seed']}"


def of_repaired(arm: str) -> str:
    """Return the arm that a control is held against, which learns from the rows after people's decisions."""
    return re.sub(f"{CONTROL}$", "", arm)


def is_control(arm: str) -> bool:
    """Return whether an arm learns from rows without people's decisions."""
    return of_repaired(arm) != arm


def is_of_generator(run: str) -> bool:
    """Return whether a run of the stage `finetune` starts from a language model."""
    match = RUN.fullmatch(run)
    return bool(match) and match["encoder"].endswith("generator")


def is_adapted(arm: str) -> bool:
    """Return whether an arm starts from the adapted encoder."""
    return arm.partition("_")[0] == ADAPTED


def evaluated(rows: pa.Table) -> pa.Table:
    """Return the rows that measure, see `is_evaluated`."""
    return rows.filter(is_evaluated(rows))


def read_evaluated(path: Path) -> pa.Table:
    """Return `EVALUATED` and the text of a labelled table's rows that measure, sorted by id.

    No other text is read.
    """
    rows = tables.read(path, EVALUATED)
    measuring = is_evaluated(rows)
    texts = TextColumn(path, measuring.to_numpy()).column()
    return tables.set_column(rows.filter(measuring), "text", texts, texts.type).sort_by("id")


def is_evaluated(rows: pa.Table) -> pa.ChunkedArray:
    """Return which are dev and test rows whose label a source gave or a person set; automatic labels prove nothing."""
    return pc.and_(pc.is_in(rows["split"], pa.array(SPLITS)), origins.trusted(rows))


def read_all(folder: Path) -> dict[str, pa.Table]:
    """Return the predictions of every arm in a folder, by file name without suffix; rows sorted by id.

    Raises:
        UserError: there is no file, a name is not `<arm>-<seed>`, a column is missing, or two files differ in
            their rows, labels, groups or splits.
    """
    arms: dict[str, pa.Table] = {}
    for path in sorted(folder.glob("*.parquet")):
        split_name(path.stem)
        arm = tables.read(path).sort_by("id")
        for column in COLUMNS:
            if column not in arm.column_names:
                raise UserError(f"{path}: column '{column}' is missing; `dvc repro evaluate` makes it")
        if arms:
            first = next(iter(arms))
            for column in ("id", "label", "group", "split"):
                if not arm[column].equals(arms[first][column]):
                    raise UserError(
                        f"{path}: column '{column}' differs from that of {first}.parquet; arms are compared on the "
                        f"same rows only: run `dvc repro evaluate`"
                    )
        arms[path.stem] = arm
    if not arms:
        raise UserError(f"{folder}: holds no <arm>-<seed>.parquet; `dvc repro evaluate` makes them")
    return arms


def of_split(arm: pa.Table, split: str) -> pa.Table:
    """Return the rows of one split."""
    return arm.filter(pc.equal(arm["split"], split))


def split_name(name: str) -> tuple[str, int]:
    """Return approach and seed of an arm's name, or raise `UserError` if it is not `<arm>-<seed>`."""
    match = NAME.fullmatch(name)
    if not match:
        raise UserError(f"arm '{name}': not of the form <arm>-<seed>, such as transfer-1")
    return match["approach"], int(match["seed"])


def by_approach(arms: Iterable[str]) -> dict[str, list[str]]:
    """Return the arms' names of each approach, in order of seed."""
    approaches: dict[str, list[str]] = {}
    for name in sorted(arms, key=split_name):
        approaches.setdefault(split_name(name)[0], []).append(name)
    return approaches
