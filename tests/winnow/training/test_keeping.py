"""Which weights a run ends with: the average, or the best on dev."""

import pytest

from winnow.training.keeping import EarlyStop, Keeper


def model_of(value: float):
    import torch

    model = torch.nn.Linear(1, 1, bias=False)
    return set_to(model, value)


def set_to(model, value: float):
    import torch

    with torch.no_grad():
        model.weight.fill_(value)
    return model


def run(keeper: Keeper, model, values: list[float]) -> int:
    """Let each step set the weight to the next value; return the number of steps made."""
    for step, value in enumerate(values, start=1):
        set_to(model, value)
        keeper.after_step(step)
        if keeper.has_ended:
            break
    keeper.finish()
    return step


def test_the_average_follows_closely_at_first_and_then_by_the_decay():
    model = model_of(9.0)
    run(Keeper(model, [], 0.5, None), model, [1.0, 3.0])
    assert model.weight.item() == pytest.approx(1 + (1 - 2 / 11) * 2)
    values = [float(step) for step in range(1, 60)]
    run(Keeper(model, [], 0.5, None), model, values)
    assert model.weight.item() == pytest.approx(58, abs=0.01), "half of the way each step: one step behind a ramp"


def test_without_average_and_early_stop_the_last_weights_stay():
    model = model_of(9.0)
    assert run(Keeper(model, [1, 2, 3], 0.0, None), model, [1.0, 2.0, 3.0]) == 3
    assert model.weight.item() == 3


def test_the_best_epoch_s_weights_come_back_and_the_run_ends_after_patience():
    model, seen = model_of(0.0), []

    def score(judged) -> float:
        assert not judged.training
        seen.append(judged.weight.item())
        return -abs(judged.weight.item() - 4)

    values = [float(step) for step in range(1, 21)]
    steps = run(Keeper(model, range(2, 21, 2), 0.0, EarlyStop(score, 3)), model, values)
    assert seen == [2, 4, 6, 8, 10]
    assert (steps, model.weight.item()) == (10, 4)
    assert model.training


def test_with_both_the_average_is_judged_and_kept_and_training_goes_on_from_the_last_weights():
    model, seen, after = model_of(0.0), [], []

    def score(judged) -> float:
        seen.append(judged.weight.item())
        return seen[-1]

    keeper = Keeper(model, [2], 0.5, EarlyStop(score, 1))
    for step, value in ((1, 1.0), (2, 3.0)):
        set_to(model, value)
        keeper.after_step(step)
        after.append(model.weight.item())
    assert after == [1, 3]
    keeper.finish()
    assert seen == [model.weight.item()] == [pytest.approx(1 + (1 - 2 / 11) * 2)]


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("cut", range(1, 11))
def test_a_keeper_with_another_s_state_goes_on_as_it_would_have(decay, cut):
    import json

    def keeper_of(model) -> Keeper:
        return Keeper(model, range(2, 21, 2), decay, EarlyStop(lambda judged: -abs(judged.weight.item() - 4), 3))

    values = [float(step) for step in range(1, 21)]
    whole, first, second = model_of(0.0), model_of(0.0), model_of(0.0)
    steps = run(keeper_of(whole), whole, values)
    before, after = keeper_of(first), keeper_of(second)
    for step in range(1, cut + 1):
        set_to(first, values[step - 1])
        before.after_step(step)
    tensors, state = before.state()
    after.restore({name: tensor.clone() for name, tensor in tensors.items()}, json.loads(json.dumps(state)))
    assert after.has_ended == (cut >= steps)
    for step in range(cut + 1, steps + 1):
        assert not after.has_ended
        set_to(second, values[step - 1])
        after.after_step(step)
    after.finish()
    assert after.has_ended
    assert second.weight.item() == whole.weight.item()
