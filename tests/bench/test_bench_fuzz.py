"""The bench of the fuzzer counts what the fuzzer ran, and what broke."""

from bench import fuzz


def test_inputs_are_counted_by_target(tmp_path):
    found = fuzz.measure(0.02, 5, tmp_path, ["--only", "dates", "charsets"])
    assert set(found["targets"]) == {"dates", "charsets"}
    assert found["inputs"] == sum(found["targets"].values()) > 0
    assert (found["seed"], found["minutes"], found["defects"]) == (5, 0.02, 0)
