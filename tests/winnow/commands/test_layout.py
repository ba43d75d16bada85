"""params.yaml in DVC's own layout: what lint takes for it is what DVC writes."""

import shutil

import pytest
from dvc.utils.hydra import apply_overrides

from tests.conftest import ROOT
from winnow.commands import layout

SAMPLE = """\
# Told at the head.
task: # what is learnt
  labels: # in this order
  - A
  - B
  kind: classification

# Another section.
adapt:
  objectives: {masked_lm: 0, position: 1} # shares
  learning_rate: 1e-4
  regex: |-
    as it stands, however many characters the line may have, for it is no folded text or plain one
  max_labels: # null: all
  weight: 5e-05
"""


def written(text: str, tmp_path, *overrides: str) -> str:
    """Return a file's text after DVC's `-S` of each override."""
    file = tmp_path / "params.yaml"
    file.write_text(text, encoding="utf-8")
    apply_overrides(file, list(overrides))
    return file.read_text(encoding="utf-8")


def problems(text: str, tmp_path) -> list[str]:
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    return layout.problems(tmp_path)


def test_the_repositorys_params_yaml_is_as_dvc_writes_it(tmp_path):
    assert layout.problems(ROOT) == []
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert written(text, tmp_path, "split.salt=winnow-1") == text
    assert len(text.splitlines()) <= 285


@pytest.mark.parametrize(
    "override",
    [
        "adapt.tokens=20000000",
        "balance.max_labels=null",
        "arms.seeds.1=3",
        "collect.sources.0.max_groups=50",
        "adapt.learning_rate=5e-5",
    ]
    + ["clean.missing.no_text.action=keep", "adapt.objectives.masked_lm=0.5", "split.salt=x", "clean.min_words=11"],
)
def test_one_override_changes_one_line_of_it(override, tmp_path):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    pairs = zip(text.splitlines(), written(text, tmp_path, override).splitlines(), strict=True)
    assert sum(before != after for before, after in pairs) == 1


def test_a_key_that_is_added_is_one_line_more(tmp_path):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    after = written(text, tmp_path, "+adapt.seed=2").splitlines()
    assert "  seed: 2" in after
    after.remove("  seed: 2")
    assert after == text.splitlines()


def test_a_sample_in_the_layout_has_no_problem_and_stays_as_it_is(tmp_path):
    assert problems(SAMPLE, tmp_path) == []
    assert written(SAMPLE, tmp_path, "task.kind=classification") == SAMPLE


@pytest.mark.parametrize(
    ("ours", "other"),
    [
        ("  - A\n  - B\n", "  - A # the first\n  - B\n"),
        ("  labels: # in this order\n  - A\n  - B\n", "  labels: [A, B]\n"),
        ("{masked_lm: 0, position: 1} # shares", "{masked_lm: 0, # hidden\n    position: 1}"),
        ("{masked_lm: 0, position: 1}", "{ masked_lm: 0, position: 1 }"),
        ("max_labels: #", "max_labels: null #"),
        ("classification", '"classification"'),
        ("  kind: classification\n", "  kind: classification\n  more:\n  - C\n"),  # the comment after it would go
        ("  weight: 5e-05\n", f"  weight: 5e-05\n  text: {'word ' * 20}end\n"),
    ],
)
def test_what_dvc_would_write_otherwise_is_told_with_its_line(ours, other, tmp_path):
    text = SAMPLE.replace(ours, other)
    assert text != SAMPLE
    theirs = written(text, tmp_path, "adapt.objectives.position=1")
    assert theirs == layout.rewritten(text) != text
    [told, *_] = problems(text, tmp_path)
    line = next(
        number
        for number, pair in enumerate(zip(text.splitlines(), theirs.splitlines(), strict=False), 1)
        if pair[0] != pair[1]
    )
    assert told.startswith(f"params.yaml: line {line}: `dvc exp run -S` would write ")


def test_the_file_stays_where_it_is_wrong(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    before = (tmp_path / "params.yaml").read_bytes()
    layout.problems(tmp_path)
    assert (tmp_path / "params.yaml").read_bytes() == before
