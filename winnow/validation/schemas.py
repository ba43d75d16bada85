"""Each table's schema and constraints, as pandera schemas on Arrow-backed columns, checked batch by batch.

`check_table` reads a table once: columns and types, the constraints on each row, and ids that ascend (so that none
stands twice). It keeps 8 bytes a row, the ids as numbers, with which `conserved` compares the tables of two stages.
A schema names the columns that the contract needs; a stage may add others.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.people.decisions import VERDICTS
from winnow.rows import tables
from winnow.rows.edited import GIVEN_TEXT
from winnow.rows.ids import PATTERN, numbers
from winnow.rows.splits import SPLITS

STRING, DATE, BOOL = (pd.ArrowDtype(type_) for type_ in (pa.string(), pa.date32(), pa.bool_()))
FLOAT = pd.ArrowDtype(pa.float64())
ORIGINS = ("given", "rule", "model", "human")
LABEL = "is no label of params.yaml: task"
REASONS = {"WRONG_DATATYPE": 0, "CHECK_ERROR": 2}
SHOWN = 3  # ids of failing rows in a message


def rows(task: Task, extra: dict[str, pandera.Column] | None = None) -> pandera.DataFrameSchema:
    """Return the schema of the data contract (`tables.ROW` without `meta`), with further columns."""
    return pandera.DataFrameSchema(
        {
            "id": _id(),
            "source": _filled(),
            "source_key": _string(),
            "licence": _string(),
            "published": pandera.Column(DATE, nullable=True),
            "purpose": _one_of(("task", "text")),
            "group": _filled(),
            "text": _filled(),
            "label": _label(task, nullable=True),
            "label_origin": _one_of(ORIGINS, nullable=True),
            "label_confidence": pandera.Column(FLOAT, _share(), nullable=True),
        }
        | (extra or {}),
        checks=[*_labelled(), *_fitting(task)],
    )


def raw(task: Task) -> pandera.DataFrameSchema:
    """data/raw/<source>.parquet: as the contract, but a text may be empty still."""
    return rows(task, {"text": _string()})


def clean(task: Task) -> pandera.DataFrameSchema:
    """data/clean.parquet: the contract."""
    return rows(task)


def deduplicated(task: Task) -> pandera.DataFrameSchema:
    """The contract with the cluster of near-duplicates, named by an id."""
    return rows(task, {"cluster": _id()})


def split(task: Task) -> pandera.DataFrameSchema:
    """Which row is in which split."""
    return pandera.DataFrameSchema(
        {"id": _id(), "group": _filled(), "cluster": _id(), "split": _one_of(SPLITS)},
    )


def annotations(task: Task) -> pandera.DataFrameSchema:
    """Labels set by rule or model, each with its confidence."""
    return pandera.DataFrameSchema(
        {
            "id": _id(),
            "label": _label(task),
            "label_origin": _one_of(("rule", "model")),
            "label_confidence": pandera.Column(FLOAT, _share()),
            "rule": _filled(),
            "version": _filled(),
        }
    )


def labelled(task: Task) -> pandera.DataFrameSchema:
    """Rows of the task after people's decisions."""
    extra = {
        "purpose": _one_of(("task",)),
        "cluster": _id(),
        "split": _one_of(SPLITS),
        "given_label": _label(task, nullable=True),
        "verdict": _one_of(VERDICTS, nullable=True),
        "conflict": pandera.Column(BOOL),
    } | ({GIVEN_TEXT: pandera.Column(STRING, nullable=True)} if task.edits_text else {})
    settled = pandera.Check(
        lambda frame: ~(frame["verdict"].isin(["ambiguous", "out_of_scope"]) & frame["label"].notna()),
        error="a row that people found ambiguous or out of scope has a label",
        ignore_na=False,
    )
    schema = rows(task, extra)
    edited = pandera.Check(
        lambda frame: (
            frame[GIVEN_TEXT].isna() | ((frame["verdict"] == "relabel") & (frame[GIVEN_TEXT] != frame["text"]))
        ),
        error="a row has a given_text although nobody edited its text",
        ignore_na=False,
    )
    schema.checks = [*schema.checks, settled, *([edited] if task.edits_text else [])]
    return schema


def issues(task: Task) -> pandera.DataFrameSchema:
    """Rows that people may look at, with the quality of their label."""
    return pandera.DataFrameSchema(
        {
            "id": _id(),
            "split": _one_of(SPLITS),
            "given_label": _label(task, nullable=True),
            # None: reviewers who disagree hold together that the row has no label.
            "suggested_label": _label(task, nullable=True),
            "score": pandera.Column(FLOAT, _share(), nullable=True),
            "is_issue": pandera.Column(BOOL),
            "reasons": _filled(),
        }
    )


def training(task: Task) -> pandera.DataFrameSchema:
    """What models are trained on."""
    return pandera.DataFrameSchema(
        {
            "id": _id(),
            "group": _filled(),
            "text": _filled(),
            "label": _label(task),
            "weight": pandera.Column(FLOAT, pandera.Check.gt(0, error="is not above 0")),
        },
        checks=_fitting(task),
    )


def predictions(task: Task) -> pandera.DataFrameSchema:
    """What a model says of dev and test rows; the kind of task has columns of its own beside these."""
    columns = {"id": _id(), "group": _filled(), "split": _one_of(("dev", "test"))}
    return pandera.DataFrameSchema(columns | {name: _label(task) for name in ("label", "predicted")})


def check_table(
    path: Path, schema: pandera.DataFrameSchema, mend: str, see: Callable[[pa.Table], None] = lambda batch: None
) -> np.ndarray:
    """Return a table's ids as `numbers`, (rows,) uint64, ascending.

    Args:
        mend: what to do about an error.
        see: called with each batch of the schema's columns until a row fails.

    Raises:
        UserError: a column is missing, or rows fail; it names table, column, what is wrong, how many rows, first ids.
    """
    failures: dict[tuple[str, str], tuple[int, list[str]]] = {}
    ids = [np.empty(0, np.uint64)]
    for batch in tables.batches(path, list(schema.columns), tables.ROW_GROUP):
        found = list(_failures(batch, schema)) or list(_disorder(batch, ids[-1][-1:]))
        for column, what, failing in found:
            count, first = failures.get((column, what), (0, []))
            shown = batch["id"].filter(pa.array(failing))[: SHOWN - len(first)].to_pylist()
            failures[column, what] = count + int(failing.sum()), first + shown
        if not failures:
            ids.append(numbers(batch["id"]))
            see(batch)
    if failures:
        (column, what), (count, first) = next(iter(failures.items()))
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        where = f"column '{column}' " if column else ""
        shown = ", ".join(map(str, first))
        raise UserError(f"{path}: {where}{what}: {count} row(s), first {shown}{more}; {mend}")
    return np.concatenate(ids)


def _failures(batch: pa.Table, schema: pandera.DataFrameSchema) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield column ("" for a check of several), what is wrong, and which rows, (rows,) bool."""
    frame = batch.to_pandas(types_mapper=pd.ArrowDtype)
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        # A check that could not run on a column of the wrong type comes last: the type is what to mend.
        for error in sorted(errors.schema_errors, key=lambda error: REASONS.get(error.reason_code.name, 1)):
            column = "" if isinstance(error.schema, pandera.DataFrameSchema) else error.schema.name
            if error.reason_code.name == "WRONG_DATATYPE":
                what = (
                    f"has type {batch.schema.field(column).type}, not {str(error.schema.dtype).removeprefix('arrow_')}"
                )
                yield column, what, np.ones(batch.num_rows, bool)
            elif error.reason_code.name == "SERIES_CONTAINS_NULLS":
                yield column, "has no value", frame[column].isna().to_numpy()
            elif error.reason_code.name == "CHECK_ERROR":
                yield column, error.check.error, np.ones(batch.num_rows, bool)
            else:
                passed = error.check_output.fillna(False)  # without the rows that have no value
                yield column, error.check.error, np.isin(frame.index, passed.index[~passed.astype(bool)])


def _disorder(batch: pa.Table, last: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield what is wrong with the order of valid ids, `last` (0 or 1 number) being the one before the batch."""
    ids = np.concatenate([last, numbers(batch["id"])])
    for what, wrong in (("stands twice", ids[1:] == ids[:-1]), ("is not in ascending order", ids[1:] < ids[:-1])):
        failing = np.concatenate([np.zeros(batch.num_rows - len(wrong), bool), wrong])
        if failing.any():
            yield "id", what, failing


def conserved(before: np.ndarray, after: np.ndarray, dropped: np.ndarray, what: str) -> None:
    """Raise `UserError` unless each id of `before` is either in `after` or in `dropped`, and there is no other.

    Args:
        before, after, dropped: (rows,) uint64.
        what: the stage's name.
    """
    lost = np.setdiff1d(before, np.union1d(after, dropped), assume_unique=True)
    new = np.setdiff1d(np.union1d(after, dropped), before, assume_unique=True)
    both = np.intersect1d(after, dropped)
    for ids, how in (
        (lost, "went in and are neither in its table nor in its ledger"),
        (new, "are in its table or its ledger and never went in"),
        (both, "are in its table although its ledger says that they were dropped"),
    ):
        if len(ids):
            first = ", ".join(f"{number:016x}" for number in ids[:SHOWN].tolist())
            raise UserError(f"stage {what}: {len(ids)} row(s) {how}, first {first}; run `dvc repro --force {what}`")


def _id() -> pandera.Column:
    return pandera.Column(STRING, pandera.Check.str_matches(PATTERN, error="is not 16 hex digits"))


def _string() -> pandera.Column:
    return pandera.Column(STRING)


def _filled() -> pandera.Column:
    # A search that ends at the first letter; stripping would copy every text.
    check = pandera.Check(lambda column: column.str.contains(r"[^\s\p{Z}]"), error="is blank")
    return pandera.Column(STRING, check)


def _one_of(names: Sequence[str], nullable: bool = False) -> pandera.Column:
    error = f"is not one of {', '.join(names)}"
    return pandera.Column(STRING, pandera.Check.isin(list(names), error=error), nullable=nullable)


def _label(task: Task, nullable: bool = False) -> pandera.Column:
    def are_labels(column: pd.Series) -> pd.Series:
        codes, labels = pd.factorize(column)
        return pd.Series(np.array([task.is_label(label) for label in labels], bool)[codes], column.index)

    return pandera.Column(STRING, pandera.Check(are_labels, error=LABEL), nullable=nullable)


def _share() -> pandera.Check:
    return pandera.Check.in_range(0, 1, error="is outside of 0 to 1")


def _labelled() -> list[pandera.Check]:
    """Return the checks that label, origin and confidence say the same."""
    return [
        pandera.Check(
            lambda frame: frame["label"].isna() == frame["label_origin"].isna(),
            error="a label without label_origin, or an origin without label",
            ignore_na=False,
        ),
        pandera.Check(
            lambda frame: frame["label_confidence"].notna() == frame["label_origin"].isin(["rule", "model"]),
            error="label_confidence belongs to the label_origins rule and model, and only to them",
            ignore_na=False,
        ),
    ]


def _fitting(task: Task) -> list[pandera.Check]:
    """Return the check that each label can be one of its row's text, where a kind of task has labels that cannot."""
    if type(task).fits is Task.fits:
        return []

    def fits(label: str | None, text: str) -> bool:
        if not isinstance(label, str) or not task.is_label(label):
            return True  # null, or of another check
        try:
            task.fits(label, text, "")
        except UserError:
            return False
        return True

    def fit(frame: pd.DataFrame) -> pd.Series:
        pairs = zip(frame["label"], frame["text"], strict=True)
        return pd.Series([fits(label, text) for label, text in pairs], frame.index, dtype=bool)

    return [pandera.Check(fit, error="the label cannot be one of the row's text", ignore_na=False)]
