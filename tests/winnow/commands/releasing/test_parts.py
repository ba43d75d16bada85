"""The parts of a release that need no repository: versions, what the changes ask for, dvc.yaml, the changelog."""

import copy

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.commands.releasing import artifacts, changelog, proposal, versions
from winnow.commands.releasing.artifacts import Artifact
from winnow.commands.releasing.versions import LEVELS, Version

DATASET, MODEL = Artifact("dataset", "data/labelled.parquet", "dataset"), Artifact("model", "models/a", "model")
SCHEMA = pa.schema([("id", pa.string()), ("label", pa.string())])
SAME = {
    "data": {
        "by_class": [{"A": 3}, {"A": 3}],
        "moved": {},
        **{key: {"rows": 0} for key in ("added", "removed", "relabelled", "changed")},
    },
    "setup": {"params": {}},
}
VERSIONS = st.builds(Version, *[st.integers(0, 99)] * 3)


def found(**changes: object) -> dict:
    """What `winnow diff` finds where nothing differs but this."""
    told = copy.deepcopy(SAME)
    for key, value in changes.items():
        if key == "params":
            told["setup"]["params"] = value
        elif key in ("moved", "by_class"):
            told["data"][key] = value
        else:
            told["data"][key] = {"rows": value}
    return told


@pytest.mark.parametrize(
    ("artifact", "changes", "level", "reason"),
    [
        (DATASET, {"relabelled": 2, "removed": 3}, "patch", "2 rows relabelled"),
        (DATASET, {"added": 1, "relabelled": 2}, "minor", "1 row added"),
        (DATASET, {"moved": {"train → test": 4}, "added": 1}, "major", "4 rows in another split (train → test)"),
        (DATASET, {"by_class": [{"A": 3}, {"A": 2, "B": 1}]}, "major", "class B new"),
        (DATASET, {"by_class": [{"A": 3, "(no label)": 1}, {"A": 3}]}, "patch", "the bytes are others"),
        (DATASET, {"params": {"task.kind": ["a", "b"]}}, "major", "the task has other parameters: task.kind"),
        (DATASET, {"params": {"finetune.epochs": [1, 2]}}, "patch", "the bytes are others"),
        (MODEL, {"params": {"finetune.epochs": [1, 2]}}, "minor", "trained with other parameters: finetune.epochs"),
        (MODEL, {"params": {"report.title": [1, 2]}, "relabelled": 5}, "patch", "5 rows relabelled"),
        (MODEL, {"params": {"task.labels": [["A"], ["A", "B"]]}}, "major", "the task has other parameters"),
    ],
)
def test_what_the_changes_ask_for(artifact, changes, level, reason):
    asked = proposal.of(artifact, artifact.path, found(**changes), (SCHEMA, SCHEMA))
    assert asked.level == level
    assert reason in asked.reasons[0]


def test_another_column_is_major_of_a_dataset_and_another_approach_minor_of_a_model():
    wider = SCHEMA.append(pa.field("aux_place", pa.string()))
    assert proposal.of(DATASET, DATASET.path, found(), (SCHEMA, wider)).level == "major"
    asked = proposal.of(MODEL, "models/b", found(), (SCHEMA, wider))
    assert (asked.level, asked.reasons) == ("minor", ["the model is another, models/a and not models/b"])


@given(VERSIONS, st.sampled_from(LEVELS))
def test_a_bumped_version_is_above_and_differs_in_its_level(version, level):
    assert version.bumped(level) > version
    assert version.bumped(level).level_over(version) == level
    assert versions.parsed(f"v{version}") == versions.parsed(str(version)) == version


@settings(max_examples=50)
@given(st.text() | st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){1,3}", fullmatch=True))
def test_a_version_is_three_numbers_and_nothing_else(text):
    parts = text.removeprefix("v").split(".")
    if len(parts) == 3 and all(part.isdecimal() and part.isascii() and str(int(part)) == part for part in parts):
        assert str(versions.parsed(text)) == text.removeprefix("v")
    else:
        with pytest.raises(UserError, match=r"MAJOR\.MINOR\.PATCH"):
            versions.parsed(text)


@settings(max_examples=50)
@given(st.lists(VERSIONS, unique=True, min_size=1, max_size=5), st.text(alphabet="ab#\n ", max_size=40))
def test_a_section_stands_above_the_others_and_nothing_is_lost(several, words):
    text = None
    for version in several:
        before, text = text, changelog.extended(text, f"dataset@v{version}", f"of {version}")
        assert before is None or before.partition("\n## ")[2].strip() in text
    assert changelog.headings(text) == [f"dataset@v{version}" for version in reversed(several)]
    assert text.startswith(changelog.BEGINNING.rstrip("\n"))
    with pytest.raises(UserError, match="already"):
        changelog.extended(text, f"dataset@v{several[0]}", words)


WRITTEN = """\
stages:
  model: {cmd: "path: a"}
# What others get.
artifacts:
  dataset:
    path: data/labelled.parquet  # rows
    type: dataset

  # the best
  model:
    type: model
    path: models/a # on dev
    desc: "path: none"
plots: []
"""


def test_only_the_path_of_the_artifact_changes():
    new = artifacts.pointed(WRITTEN, artifacts.named(WRITTEN, "model"), artifacts.Path("models/b-2"))
    assert new == WRITTEN.replace("models/a ", "models/b-2 ")
    assert artifacts.pointed(new, artifacts.named(new, "model"), artifacts.Path("models/b-2")) == new


def test_an_entry_that_is_written_otherwise_is_left_to_people():
    text = "artifacts:\n  model: {path: models/a, type: model}\n"
    with pytest.raises(UserError, match="set its path to models/b yourself"):
        artifacts.pointed(text, artifacts.named(text, "model"), artifacts.Path("models/b"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: {}\n", "lists none"),
        ("artifacts: {a/b: {path: c}}\n", "letters, digits"),
        ("artifacts: {model: {type: model}}\n", "has no path"),
        ("artifacts: [\n", "not valid YAML"),
        ("artifacts: 2021-02-30\n", "not valid YAML"),
    ],
)
def test_what_dvc_yaml_lists_wrongly_is_told(text, message):
    with pytest.raises(UserError, match=message):
        artifacts.named(text, "model")
