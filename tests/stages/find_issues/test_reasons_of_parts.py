"""Where a kind tells what speaks against parts of a label, people read that instead of whole labels."""

from stages.find_issues.reasons import Findings, in_words


def test_what_speaks_against_parts_of_a_label_stands_in_place_of_whole_labels():
    label, other = '[[0,3,"drug"]]', "[]"
    common = {"label": label, "origin": "given", "suggested": other, "chances": {}, "nearest": [label]}
    assert in_words(Findings(**common)) == [f"the models give {other}", f"labels of the 1 nearest rows: 1 {label}"]
    assert in_words(Findings(**common, why=['"abc" at 0-3 is drug here'])) == ['"abc" at 0-3 is drug here']
    assert in_words(Findings(**common, why=(), outlier=True)) == [
        "no part of the label is in doubt",
        "it is unlike all other rows",
    ]
