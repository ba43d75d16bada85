"""Parameters are typed: what is mistyped, unknown, missing or out of range is named in one line."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, field_validator

from winnow.base import params
from winnow.base.errors import UserError


class Inner(params.Section):
    name: str


class Example(params.Section):
    rate: float = Field(gt=0)
    count: int = Field(ge=0)
    flag: bool
    parts: list[Inner] = Field(default_factory=list)


def write(path, text):
    (path / "params.yaml").write_text(text, encoding="utf-8")
    return path / "params.yaml"


def test_yaml_1_2_numbers_are_numbers(tmp_path):
    file = write(tmp_path, "example: {rate: 5e-5, count: 3, flag: true}")
    assert params.load("example", Example, file) == Example(rate=5e-5, count=3, flag=True)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{rate: '5e-5', count: 3, flag: true}", r"example\.rate: Input should be a valid number, got '5e-5'"),
        ("{rate: 1.0, count: -1, flag: true}", r"example\.count: .* greater than or equal to 0, got -1"),
        ("{rate: 1.0, count: 1.5, flag: true}", r"example\.count: Input should be a valid integer.*, got 1\.5"),
        ("{rate: 0, count: 1, flag: true}", r"example\.rate: .* greater than 0, got 0"),
        ("{rate: 1.0, count: 1, flag: 'yes'}", r"example\.flag: Input should be a valid boolean, got 'yes'"),
        (
            "{rate: 1.0, count: 1, flag: true, cuont: 2}",
            r"example\.cuont: unknown parameter; remove it",
        ),
        ("{rate: 1.0, flag: true}", r"example\.count: missing; add it"),
        ("{rate: 1.0, count: 1, flag: true, parts: [{name: a}, {nam: b}]}", r"example\.parts\[1\]\.name: missing"),
        ("null", r"example: Input should be a valid dictionary"),
    ],
)
def test_a_bad_value_is_named_in_one_line(tmp_path, section, message):
    file = write(tmp_path, f"example: {section}")
    with pytest.raises(UserError, match=message) as caught:
        params.load("example", Example, file)
    assert str(caught.value).startswith(f"{file}: example")
    assert "\n" not in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path):
    file = write(tmp_path, "example: {rate: -1.0, count: -1, flag: true}")
    with pytest.raises(UserError, match=r"example\.rate: .*; .*example\.count: "):
        params.load("example", Example, file)


def test_a_missing_section_or_file_is_told(tmp_path):
    with pytest.raises(UserError, match=r"params\.yaml: not found; run from the repository's root"):
        params.load("example", Example, tmp_path / "params.yaml")
    file = write(tmp_path, "other: {}")
    with pytest.raises(UserError, match="section 'example' is missing"):
        params.load("example", Example, file)
    write(tmp_path, "")
    with pytest.raises(UserError, match="section 'example' is missing"):
        params.load("example", Example, file)


@pytest.mark.parametrize("content", ["example: {rate: [1.0", "example: {since: 2021-02-30}"])
def test_a_file_that_is_not_yaml_is_told(tmp_path, content):
    file = write(tmp_path, content)
    with pytest.raises(UserError, match="not valid YAML"):
        params.load("example", Example, file)


def test_a_list_as_document_is_told(tmp_path):
    file = write(tmp_path, "- example")
    with pytest.raises(UserError, match="must hold one section a stage"):
        params.load("example", Example, file)


def test_bytes_that_are_not_utf8_are_told(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_bytes("example: {salt: naïve}".encode("latin-1"))
    with pytest.raises(UserError, match="byte 18 is not UTF-8"):
        params.load("example", Example, file)


@pytest.mark.parametrize(
    ("text", "key", "variable"),
    [
        ("engine: {kind: ray}", "engine", "WINNOW_ENGINE, WINNOW_PROCESSES"),
        ("checkpoints: {seconds: 0}", "checkpoints", "WINNOW_CHECKPOINT_SECONDS"),
        ("adapt: {launcher: null}", "adapt.launcher", "WINNOW_LAUNCHER"),
        ("finetune: {launcher: launch/one-gpu.yaml}", "finetune.launcher", "WINNOW_LAUNCHER"),
    ],
)
def test_what_changes_no_byte_is_refused_with_where_it_went(tmp_path, text, key, variable):
    file = tmp_path / "params.yaml"
    file.write_text(f"example: {{rate: 0.5, count: 3, flag: true}}\n{text}\n", encoding="utf-8")
    with pytest.raises(UserError, match=rf"^{file}: {key}: is no parameter.*variable\(s\) {variable}"):
        params.load("example", Example, file)


def test_a_section_cannot_be_changed():
    section = Example(rate=1.0, count=1, flag=True)
    with pytest.raises(ValueError, match="frozen"):
        section.count = 2


class Place(params.Section):
    kind: Literal["file"]
    path: str


class Other(params.Section):
    kind: Literal["url"]
    url: str


class Places(params.Section):
    place: Annotated[Place | Other, Field(discriminator="kind")]

    @field_validator("place", mode="before")
    @classmethod
    def _short(cls, place: dict) -> dict:
        if len(place) > 3:
            raise ValueError("too many keys")
        return place


def test_a_missing_kind_is_named():
    with pytest.raises(UserError, match=r"^here\.place: 'kind' is missing; add it$"):
        params.parse({"place": {"path": "a"}}, Places, "here")


def test_a_message_repeats_no_long_value():
    with pytest.raises(UserError, match=r"^here\.place: too many keys$"):
        params.parse({"place": dict.fromkeys("abcdefgh", "a long value")}, Places, "here")
