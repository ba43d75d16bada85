import pytest

from winnow.commands.init.budget import Data, Machine, plan

SLOW, FAST = Machine(2, "avx2"), Machine(8, "gpu")


def data(labelled: int, classes: int = 5, tokens: int = 20) -> Data:
    return Data(labelled, labelled, classes, labelled * tokens, tokens)


def test_few_labels_all_train_as_often_as_by_default():
    made = plan(data(300), 300_000, SLOW, 10)
    assert (made.max_labels, made.seeds, made.max_length) == (None, (1, 2, 3, 4, 5), 32)
    assert made.adapt_tokens == 20 * 300 * 20


def test_many_labels_fit_the_minutes():
    small, large = (plan(data(100_000, 77), 300_000, SLOW, minutes) for minutes in (10, 60))
    assert 770 <= small.max_labels < large.max_labels < 68_000
    assert small.minutes < large.minutes
    assert plan(data(100_000, 77), 300_000, FAST, 10).max_labels is None


def test_each_class_keeps_some_labels():
    assert plan(data(100_000, 1000), 300_000, SLOW, 0.1).max_labels >= 9000


@pytest.mark.parametrize("tokens", [1, 40, 5000])
def test_lengths_are_steps_within_bounds(tokens):
    length = plan(data(1000, tokens=tokens), 300_000, SLOW, 10).max_length
    assert length % 16 == 0
    assert 32 <= length <= 256


def test_an_earlier_init_does_not_bind_the_next():
    assert plan(data(100_000), 50_000, SLOW, 10).adapt_tokens == 300_000
    assert plan(data(100_000), 900_000, SLOW, 10).adapt_tokens == 900_000
