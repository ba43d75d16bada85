"""What people see and give in place of a label: written, or in the form that a spreadsheet makes of it."""

import pytest

from tests.other_tasks import NUMBERS
from winnow.kinds import widget


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        ("TRUE", "true"), ("true", "true"), ("1", "01"), ("1.0", "01"), ("100000", "1e5"), ("1E+05", "1e5"),
        ("fruit ", "Fruit"), ("STONE", "STONE"), ("stone", "stone"), ("Stone", "Stone"), ("", ""), ("WAHR", "WAHR"),
    ],
)  # fmt: skip
def test_labels_that_spreadsheets_changed(cell, label):
    assert widget.match(cell, ["true", "01", "1e5", "Fruit", "STONE", "stone"]) == label


@pytest.mark.parametrize(("cell", "label"), [("2.50", "2.5"), (" 3 ", "3"), ("three", "three"), ("", "")])
def test_a_cell_is_a_label_in_its_canonical_form_or_stays(cell, label):
    assert widget.read_cell(cell, NUMBERS, "") == label
