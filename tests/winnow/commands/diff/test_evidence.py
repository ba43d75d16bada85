"""What is taken for what, and what a confidence is worth, before and after: as values, Markdown and SVG."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT
from winnow.commands.diff import escaping, evidence, grid, layout, markdown, plots
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


def pictures(told: dict) -> list[str]:
    return [svg for block in plots._of_evidence(told) if isinstance(block, Plot) for svg in block.pictures]


def test_plots_are_svg_no_wider_than_a_phone_and_the_same_each_time(told):
    drawn = pictures(told)
    assert len(drawn) == 3  # two grids and the calibration
    for svg in drawn:
        root = ElementTree.fromstring(svg)
        width, height = map(float, root.get("viewBox").split()[2:])
        assert width <= 368  # what a window of 400 leaves
        for element in root.iter():
            sides = {**dict.fromkeys(("x", "cx", "x1", "x2"), width), **dict.fromkeys(("y", "cy", "y1"), height)}
            for name, most in sides.items():
                assert 0 <= float(element.get(name, 0)) <= most
        assert not {key for element in root.iter() for key in element.attrib} & {"style", "fill", "stroke"}
    assert drawn == pictures(told)
    assert list(plots._of_evidence({})) == []


def test_of_few_classes_every_cell_is_drawn_and_of_more_those_that_changed_by_name(told):
    before, after = pictures(told)[:2]
    for svg, shares in ((before, ["20", "80", "100"]), (after, ["90", "10", "0", "100"])):
        root = ElementTree.fromstring(svg)
        assert [each.text for each in root.iter("text") if each.get("class") == "number"][3:] == shares
        boxes = [each.get("class") for each in root.iter("rect") if each.get("class") != "share"]
        assert (len(boxes), boxes.count("framed")) == (9, 3)
        assert max(float(each.get("fill-opacity", 0)) for each in root.iter()) <= grid.DARKEST
    for count, drawn in ((grid.MOST, 2), (grid.MOST + 1, 1)):
        names = [f"{'部' * 40} {n}" for n in range(count)]
        cells = [{"actual": name, "predicted": name, "base": 1.0, "head": 0.9} for name in names]
        assert len(pictures({"approach": "dapt", "confusion": cells})) == drawn


def test_a_name_is_cut_to_columns_of_which_wide_signs_take_two():
    assert escaping.fitting("結論と考察", 10) == "結論と考察"
    assert escaping.fitting("結論と考察", 9) == "結論と …"
    assert escaping.fitting("RESULTS", 7) == "RESULTS"
