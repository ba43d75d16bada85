import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from winnow.encoder import batching

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=200).map(np.array)
BUDGET = st.integers(1, 2000)


def padded(batch: np.ndarray, lengths: np.ndarray) -> int:
    return len(batch) * lengths[batch].max()


@given(LENGTHS, BUDGET, st.integers(0, 5), st.integers(0, 5))
def test_each_row_stands_in_one_batch_within_the_budget(lengths, budget, seed, epoch):
    for batches in (batching.by_length(lengths, budget), batching.shuffled(lengths, budget, seed, epoch)):
        assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
        assert all(len(batch) == 1 or padded(batch, lengths) <= budget for batch in batches)


def test_order_depends_on_seed_and_epoch_alone():
    lengths = np.arange(1, 200)
    orders = {
        (seed, epoch): np.concatenate(batching.shuffled(lengths, 400, seed, epoch)).tolist()
        for seed in (1, 2)
        for epoch in (0, 1)
    }
    assert len({tuple(order) for order in orders.values()}) == 4
    assert np.concatenate(batching.shuffled(lengths, 400, 1, 0)).tolist() == orders[1, 0]


def test_rows_of_like_length_stand_together():
    lengths = np.random.default_rng(0).integers(5, 200, 5000)
    batches = batching.shuffled(lengths, 4096, 1, 0)
    padding = 1 - lengths.sum() / sum(padded(batch, lengths) for batch in batches)
    assert padding < 0.05
    # Sorting stays within blocks: the epoch must not run from long to short.
    means = [lengths[batch].mean() for batch in batches]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.4
