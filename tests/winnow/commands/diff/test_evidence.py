"""What is taken for what, and what a confidence is worth, before and after: as values, Markdown and SVG."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT
from winnow.commands.diff import evidence, layout, markdown, plots
from winnow.commands.diff.document import Plot
from winnow.commands.diff.revision import Revision

HOSTILE = "</code>|@ana #1"
BEFORE = [("FRUIT", "FRUIT")] * 8 + [("FRUIT", HOSTILE)] * 2 + [("WATER", "WATER")] * 200
AFTER = [("FRUIT", "FRUIT")] * 9 + [("FRUIT", "WATER")] + [("WATER", "WATER")] * 199 + [("WATER", "FRUIT")]


@pytest.fixture
def told(tmp_path) -> dict:
    """What two revisions say of the approach dapt; the other approach would change all of it."""
    before = side(tmp_path / "base", BEFORE, ["dapt-1,0.55,0.5,10", "dapt-2,0.5,0.2,10", "dapt-1,0.95,0.9,100"])
    after = side(tmp_path / "head", AFTER, ["dapt-1,0.55,0.6,10", "dapt-1,1,1,4"])
    return evidence.compared(before, after, "dapt")


def side(folder: Path, confusion: list[tuple[str, str]], calibration: list[str]) -> Revision:
    place = folder / "reports/plots/evaluate"
    place.mkdir(parents=True)
    shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
    lines = [f"dapt,{actual},{predicted}\n" for actual, predicted in confusion]
    (place / "confusion.csv").write_text("approach,actual,predicted\n" + "".join(lines) + "tfidf,FRUIT,STONE\n" * 90)
    text = "".join(f"{line}\n" for line in [*calibration, "tfidf-0,0.35,0.1,50"])
    (place / "calibration.csv").write_text(f"arm,confidence,accuracy,rows\n{text}")
    return Revision(folder.name, "", folder)


def test_cells_are_shares_of_their_class_and_the_largest_change_comes_first(told):
    cells = evidence.changed(told["confusion"])
    found = [(cell["actual"], cell["predicted"], cell["base"], cell["head"]) for cell in cells]
    assert found == [
        ("FRUIT", HOSTILE, 0.2, 0.0),
        ("FRUIT", "FRUIT", 0.8, 0.9),
        ("FRUIT", "WATER", 0.0, 0.1),
    ]  # one row of 200 of WATER is too few to tell
    assert evidence.changed([*reversed(told["confusion"])]) == cells


def test_bins_hold_the_runs_of_the_approach_together(told):
    bins = {each["low"]: (each["base"], each["head"]) for each in told["calibration"]}
    assert sorted(bins) == [0.5, 0.9]
    old, new = bins[0.5]
    assert old == {"rows": 20, "confidence": pytest.approx(0.525), "accuracy": pytest.approx(0.35)}
    assert new["accuracy"] == pytest.approx(0.6)
    assert [each["rows"] for each in bins[0.9]] == [100, 4]


def test_a_revision_without_these_plots_or_with_other_columns_tells_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the workspace, which has none either
    first, second = (side(tmp_path / name, BEFORE, ["dapt-1,0.5,0.5,1"]) for name in ("base", "head"))
    assert evidence.compared(first, second, "other")["confusion"] == []
    (second.folder / "reports/plots/evaluate/confusion.csv").write_text("a,b\n1,2\n")
    (second.folder / "reports/plots/evaluate/calibration.csv").unlink()
    told = evidence.compared(first, second, "dapt")
    assert (told["confusion"], told["calibration"]) == ([], [])


def test_markdown_has_a_table_of_two_columns_in_which_names_are_not_obeyed(told):
    text = markdown.written(layout._evidence(told))
    assert "| <code>FRUIT</code> → <code>FRUIT</code> | 80.0% → 90.0% |" in text
    assert "| 50% to 60% | 35% → 60% (20 → 10) |" in text
    assert "</code>|" not in text.replace("</code> |", "")
    assert "@ana" not in text
    assert markdown.written(layout._evidence({})).strip() == ""


def test_plots_are_svg_no_wider_than_a_phone_and_the_same_each_time(told):
    drawn = [block.svg for block in plots._of_evidence(told) if isinstance(block, Plot)]
    assert len(drawn) == 2
    for svg in drawn:
        root = ElementTree.fromstring(svg)
        width, height = map(float, root.get("viewBox").split()[2:])
        assert width <= 368  # what a window of 400 leaves
        for element in root.iter():
            for name, most in (("cx", width), ("x1", width), ("x2", width), ("cy", height), ("y1", height)):
                assert 0 <= float(element.get(name, 0)) <= most
        assert not {key for element in root.iter() for key in element.attrib} & {"style", "fill", "stroke"}
    assert drawn == [block.svg for block in plots._of_evidence(told) if isinstance(block, Plot)]
    assert list(plots._of_evidence({})) == []
