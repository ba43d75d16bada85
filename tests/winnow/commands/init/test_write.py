"""params.yaml with other values, as text."""

import pytest

from winnow.commands.init import write

TEXT = "gates: {on_doubt: warn} # or stop\n\n# How the stages compute.\ncompute:\n  threads: 2 # of one process\n"


def test_a_section_in_one_line_gets_lines_for_further_keys():
    assert write.changed(TEXT, {"gates": {"on_doubt": "stop", "more": 1}}) == (
        "gates: # or stop\n  more: 1\n  on_doubt: stop\n\n# How the stages compute.\ncompute:\n"
        "  threads: 2 # of one process\n"
    )


@pytest.mark.parametrize("values", [{"on_doubt": "stop"}, {}])
def test_a_section_in_one_line_stays_one_without_further_keys(values):
    made = write.changed(TEXT, {"gates": values})
    assert made == TEXT.replace("warn", values.get("on_doubt", "warn"))
