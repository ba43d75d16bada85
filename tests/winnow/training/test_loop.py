"""The training loop: killed after any step it ends in the same bytes; too little memory; a loss that is not finite."""

import numpy as np
import pytest

from winnow.base.errors import UserError
from winnow.encoder.compute import Compute, start
from winnow.training import checkpoints, loop
from winnow.training.keeping import EarlyStop, Keeper

ROWS, FEATURES = 12, 3
IDS = [f"id-{row}" for row in range(ROWS)]
BATCHES = [loop.Batch(np.arange(4) + 4 * (step % 3), epoch=step // 3) for step in range(9)]


@pytest.fixture(scope="module")
def accelerator():
    return start(Compute(threads=1, device="cpu", precision="fp32"), 1)


def build(dropout=0.5):
    import torch

    torch.manual_seed(1)
    layers = (torch.nn.Linear(FEATURES, 8), torch.nn.Tanh(), torch.nn.Dropout(dropout), torch.nn.Linear(8, 1))
    return torch.nn.Sequential(*layers)


def loss_of(model, batch):
    """A weighted mean of squares, in which each row weighs something else."""
    import torch

    rows = torch.tensor(batch.rows)
    weights = 1.0 + rows**2
    inputs = torch.sin(torch.outer(1.0 + rows, torch.arange(1.0, FEATURES + 1)))
    each = (model(inputs)[:, 0] - (rows % 5)) ** 2
    return (each * weights).sum() / weights.sum(), weights.sum()


def fit(accelerator, model, loss_of=loss_of, seed=1, saved=None, batches=BATCHES, keeper=None):
    groups = loop.parameter_groups(model[0], model, loop.Rates(1e-2, 1e-1, 0.01))
    training = loop.Training(batches, loss_of, 2, seed, IDS, longest=8, saved=saved, keeper=keeper)
    return loop.fit(model, groups, training, accelerator)


def state(model) -> list:
    return [parameter.tolist() for parameter in model.parameters()]


class Killed(BaseException):
    """Stands for a signal."""


class KilledAfter(checkpoints.Series):
    """Saves each step and is killed after one of them."""

    def save_if_due(self, learning, curve):
        super().save_if_due(learning, curve)
        if len(curve) == self.step:
            raise Killed


@pytest.mark.parametrize("step", range(1, len(BATCHES) + 1))
def test_killed_after_any_step_it_goes_on_to_the_same_bytes(accelerator, tmp_path, step):
    whole = build()
    curve = fit(accelerator, whole)
    series = KilledAfter(tmp_path, 0.0)
    series.step = step
    with pytest.raises(Killed):
        fit(accelerator, build(), saved=series)
    resumed = build()
    assert fit(accelerator, resumed, saved=checkpoints.Series(tmp_path, 0.0)) == curve
    assert state(resumed) == state(whole)


ENDS = [2, 4, 6, 8]  # epochs of two steps


def keeping(model, decay, best: float, patience=2) -> Keeper:
    """Return a keeper for which the weights are the better, the nearer the first is to `best`."""
    return Keeper(model, ENDS, decay, EarlyStop(lambda judged: -abs(judged[0].weight[0, 0].item() - best), patience))


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_killed_after_any_step_it_ends_early_at_the_same_one_with_the_same_weights(accelerator, tmp_path, decay):
    judged: list[float] = []
    watched = build()

    def see(model) -> float:
        judged.append(model[0].weight[0, 0].item())
        return len(judged)

    fit(accelerator, watched, keeper=Keeper(watched, ENDS, decay, EarlyStop(see, 9)))
    whole = build()
    curve = fit(accelerator, whole, keeper=keeping(whole, decay, judged[1]))
    assert len(curve) == ENDS[3], "two epochs after the second, which is the best"
    assert whole[0].weight[0, 0].item() == judged[1]
    for step in range(1, len(curve) + 1):
        folder = tmp_path / str(step)
        series, killed, resumed = KilledAfter(folder, 0.0), build(), build()
        series.step = step
        with pytest.raises(Killed):
            fit(accelerator, killed, saved=series, keeper=keeping(killed, decay, judged[1]))
        found = fit(
            accelerator, resumed, saved=checkpoints.Series(folder, 0.0), keeper=keeping(resumed, decay, judged[1])
        )
        assert found == curve
        assert state(resumed) == state(whole)


def test_dropout_is_a_function_of_seed_and_step(accelerator):
    import torch

    dropped = []

    def spying(model, batch):
        dropped.append(torch.nn.functional.dropout(torch.ones(64)).tolist())
        return loss_of(model, batch)

    before = torch.random.get_rng_state()
    for seed in (1, 1, 2):
        torch.manual_seed(seed + 7)
        fit(accelerator, build(), spying, seed)
    steps = len(BATCHES)
    first, again, other = dropped[:steps], dropped[steps : 2 * steps], dropped[2 * steps :]
    assert first == again
    assert len({tuple(mask) for mask in first + other}) == 2 * steps
    torch.random.set_rng_state(before)


def test_the_generator_is_left_as_it_was(accelerator):
    import torch

    model = build()
    before = torch.random.get_rng_state()
    fit(accelerator, model)
    assert torch.random.get_rng_state().equal(before)


def too_big_above(rows):
    """Return `loss_of` for a machine whose memory holds the activations of so many rows."""
    import torch

    def loss(model, batch):
        out = loss_of(model, batch)
        if len(batch.rows) > rows:
            torch.empty(1 << 50)  # the allocator's own error
        return out

    return loss


@pytest.mark.parametrize("rows", [3, 2, 1])
def test_a_batch_that_memory_does_not_hold_is_split_with_the_same_result(accelerator, capfd, rows):
    import torch

    whole, parts = build(dropout=0.0), build(dropout=0.0)
    expected = fit(accelerator, whole)
    found = fit(accelerator, parts, too_big_above(rows))
    assert [point["learning_rate"] for point in found] == [point["learning_rate"] for point in expected]
    np.testing.assert_allclose([p["loss"] for p in found], [p["loss"] for p in expected], rtol=1e-4)
    for one, other in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    told = capfd.readouterr().err.splitlines()
    assert told[-1] == f"training: step 9 does not fit into memory; again in {4 if rows == 1 else 2} parts"


def test_a_backward_pass_that_memory_does_not_hold_leaves_no_gradient_behind(accelerator):
    import torch

    def greedy(model, batch):
        def refuse(gradient):
            if len(batch.rows) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1024.00 TiB.")

        # The first layer's gradient comes last: those above it are set by then.
        handle.append(model[0].weight.register_hook(refuse))
        return loss_of(model, batch)

    handle: list = []
    whole, parts = build(dropout=0.0), build(dropout=0.0)
    fit(accelerator, whole, batches=BATCHES[:1])

    def once(model, batch):
        for old in handle:
            old.remove()
        return greedy(model, batch)

    fit(accelerator, parts, once, batches=BATCHES[:1])
    assert len(handle) == 3, "once whole, then two halves"
    for one, other in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_a_row_that_memory_does_not_hold_is_named(accelerator):
    with pytest.raises(UserError, match=r"step 1: memory does not hold one row \(id-0, id-1, id-2, id-3\)"):
        fit(accelerator, build(), too_big_above(0))


def test_another_error_is_not_taken_for_too_little_memory(accelerator):
    def broken(model, batch):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        fit(accelerator, build(), broken)


def test_a_loss_that_is_no_number_stops_with_the_step_and_its_rows(accelerator):
    def ill(model, batch):
        loss, weight = loss_of(model, batch)
        return loss * (np.nan if 7 in batch.rows and batch.epoch == 1 else 1.0), weight

    with pytest.raises(UserError, match=r"the loss is nan at step 5; .* these rows: id-4, id-5, id-6, id-7$"):
        fit(accelerator, build(), ill)


def test_a_gradient_that_is_no_number_stops_before_it_spoils_the_weights(accelerator):
    def ill(model, batch):
        loss, weight = loss_of(model, batch)
        return loss + (0.0 * loss).sqrt() if 9 in batch.rows else loss, weight

    model = build()
    with pytest.raises(UserError, match=r"the gradient is nan at step 3; .* these rows: id-8, id-9, id-10, id-11$"):
        fit(accelerator, model, ill)
    assert np.isfinite(model[0].weight.tolist()).all()
