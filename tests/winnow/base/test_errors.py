"""A mistake's message is text that any output can hold."""

from winnow.base.errors import UserError


def test_a_message_tells_half_of_a_surrogate_pair_by_its_number():
    told = str(UserError("task 7: \ud800 gave 0 answers: 😀"))
    assert told.encode("utf-8").decode("utf-8") == "task 7: \\ud800 gave 0 answers: 😀"
