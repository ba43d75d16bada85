"""docs/parameters.md: made from the classes that the stages load, and fresh."""

import re

from pydantic import Field

from tests.conftest import ROOT
from winnow.base.params import Section
from winnow.commands import parameters

PAGE = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")


class Inner(Section):
    """Section `outer.inner` of params.yaml: what is inside."""

    rate: float | None = Field(0.5, gt=0, le=1)
    """How fast."""


class Outer(Section):
    """Section `outer` of params.yaml."""

    names: list[str]
    """Who
    | they are."""

    inner: Inner = Inner()
    other: Inner = Inner(rate=None)
    """Another one."""


def test_the_page_is_fresh():
    assert parameters.page(ROOT) == PAGE, "run `make docs`"


def test_a_key_has_type_bounds_default_and_meaning():
    assert parameters._section("outer", [Outer], ["one", "report"]).splitlines() == [
        "## outer",
        "",
        "Read by `one`.",
        "",
        "| key | value | default | meaning |",
        "|---|---|---|---|",
        "| `outer.names` | list of text | (none) | Who \\| they are. |",
        "| `outer.inner` | keys |  | What is inside. |",
        "| `outer.inner.rate` | number > 0, ≤ 1 or null | `0.5` | How fast. |",
        '| `outer.other` | as `outer.inner` | `{"rate": null}` | Another one. |',
    ]


def test_every_key_of_params_yaml_stands_on_the_page(default_params):
    for section, values in default_params.items():
        told = PAGE[PAGE.index(f"## {section}\n") :].split("\n## ")[0]
        for key in values:
            assert re.search(rf"^\| `{section}\.{key}[`.]", told, re.MULTILINE), f"{section}.{key}"


def test_every_key_has_a_meaning():
    assert [line for line in PAGE.splitlines() if line.startswith("| `") and line.endswith("|  |")] == []


def test_no_key_has_a_name_that_the_run_cache_ignores():
    """DVC leaves `size` and `nfiles` out of the run cache's key, at any depth (treeverse/dvc#10296)."""
    keys = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(keys) > 200
    assert not {"size", "nfiles"} & {part for key in keys for part in re.split(r"\W+", key)}
