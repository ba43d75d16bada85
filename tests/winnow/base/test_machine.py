"""Settings of the machine: from environment variables, each refused in one line if it is wrong."""

import pytest

from winnow.base.errors import UserError
from winnow.base.machine import Machine, this_machine


def test_what_no_variable_sets_has_its_default():
    assert this_machine({}) == Machine() == this_machine({"WINNOW_PROCESSES": "", "OTHER": "1"})


def test_variables_are_read_as_what_their_settings_are():
    told = {
        "WINNOW_ENGINE": "ray",
        "WINNOW_PROCESSES": "4",
        "WINNOW_BATCH_ROWS": "100",
        "WINNOW_RAY_ADDRESS": "10.0.0.5:6379",
        "WINNOW_CHECKPOINT_SECONDS": "0.5",
        "WINNOW_LAUNCHER": "launch/one-gpu.yaml",
    }
    assert this_machine(told) == Machine(
        engine="ray",
        processes=4,
        batch_rows=100,
        ray_address="10.0.0.5:6379",
        checkpoint_seconds=0.5,
        launcher="launch/one-gpu.yaml",
    )


def test_none_is_a_word():
    told = dict.fromkeys(("WINNOW_CHECKPOINT_SECONDS", "WINNOW_LAUNCHER", "WINNOW_RAY_ADDRESS"), "none")
    assert this_machine(told) == Machine(checkpoint_seconds=None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("WINNOW_ENGINE", "spark", "Input should be 'local' or 'ray', got 'spark'"),
        ("WINNOW_PROCESSES", "0", "Input should be greater than or equal to 1, got '0'"),
        ("WINNOW_PROCESSES", "two", ".*valid integer.*, got 'two'"),
        ("WINNOW_PROCESSES", "none", ".*valid integer.*, got 'none'"),
        ("WINNOW_BATCH_ROWS", "4.5", ".*valid integer.*, got '4.5'"),
        ("WINNOW_CHECKPOINT_SECONDS", "-1", "Input should be greater than or equal to 0, got '-1'"),
        ("WINNOW_CHECKPOINT_SECONDS", "never", ".*valid number.*, got 'never'"),
        ("WINNOW_CHECKPOINT_SECONDS", "nan", ".*finite number.*, got 'nan'"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(name, value, message):
    with pytest.raises(UserError, match=f"^{name}: {message}$"):
        this_machine({name: value})
    with pytest.raises(UserError, match=f"{name}: .*; WINNOW_BATCH_ROWS: |WINNOW_BATCH_ROWS: .*(; {name}: |$)"):
        this_machine({name: value, "WINNOW_BATCH_ROWS": "x"})
