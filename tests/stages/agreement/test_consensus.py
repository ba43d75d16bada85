"""Consensus, against the example of 1979 and raters whose confusions are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stages.agreement import consensus
from stages.agreement.consensus import one_hot

# Dawid and Skene (1979), table 1: 45 patients by five anaesthetists, the first of whom looked three times.
PATIENTS = """
    111,1,1,1,1 333,4,3,3,4 112,2,1,2,2 222,3,1,2,1 222,3,2,2,2 222,3,3,2,2 122,2,1,1,1 333,3,4,3,3 222,2,2,2,3
    232,2,2,2,3 444,4,4,4,4 222,3,3,4,3 111,1,1,1,1 222,3,2,1,2 121,1,1,1,1 111,2,1,1,1 111,1,1,1,1 111,1,1,1,1
    222,2,2,2,1 222,1,3,2,2 222,2,2,2,2 222,2,2,2,1 222,3,2,2,2 221,2,2,2,2 111,1,1,1,1 111,1,1,1,1 232,2,2,2,2
    111,1,1,1,1 111,1,1,1,1 112,1,1,2,1 111,1,1,1,1 333,3,2,3,3 111,1,1,1,1 222,2,2,2,2 222,3,2,3,2 433,4,3,4,3
    221,2,2,3,2 232,3,2,3,3 333,3,4,3,2 111,1,1,1,1 111,1,1,1,1 121,2,1,1,1 232,2,2,2,2 121,1,1,1,1 222,2,2,2,2
""".split()


def simulated(
    rng: np.random.Generator, rows: int, classes: int, accuracies: list[float], votes_a_row: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth (rows,), confusions (reviewers, classes, classes) and votes (rows, reviewers)."""
    confusion = np.zeros((len(accuracies), classes, classes))
    for number, accuracy in enumerate(accuracies):
        for label in range(classes):
            wrong = rng.dirichlet(np.full(classes - 1, 0.5)) * (1 - accuracy)
            confusion[number, label] = np.insert(wrong, label, accuracy)
    truth = rng.integers(0, classes, size=rows)
    votes = np.full((rows, len(accuracies)), -1)
    for row in range(rows):
        for reviewer in rng.choice(len(accuracies), votes_a_row, replace=False):
            votes[row, reviewer] = rng.choice(classes, p=confusion[reviewer, truth[row]])
    return truth, confusion, votes


def model(rng: np.random.Generator, truth: np.ndarray, classes: int, sharpness: float) -> np.ndarray:
    """Return the probabilities of a classifier that sees the truth through noise, (rows, classes)."""
    logits = rng.normal(size=(len(truth), classes)) + sharpness * (truth[:, None] == np.arange(classes))
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def right(labels: np.ndarray, truth: np.ndarray) -> float:
    return float((labels == truth).mean())


def by_dawid_skene(votes: np.ndarray, classes: int) -> np.ndarray:
    return consensus.dawid_skene(one_hot(votes, classes)).probabilities.argmax(axis=1)


def test_dawid_skene_equals_the_example_of_1979():
    counts = np.zeros((len(PATIENTS), 5, 4))
    for row, patient in enumerate(PATIENTS):
        for observer, said in enumerate(patient.split(",")):
            for vote in said:
                counts[row, observer, int(vote) - 1] += 1
    found = consensus.dawid_skene(counts, shrinkage=0)
    assert found.prior == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=0.005)
    first = [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]
    assert found.confusion[0] == pytest.approx(np.array(first), abs=0.005)


@pytest.mark.parametrize("classes", [2, 4])
def test_dawid_skene_finds_the_confusions_and_beats_the_majority(classes):
    rng = np.random.default_rng(classes)
    truth, confusion, votes = simulated(rng, 600, classes, [0.95, 0.9, 0.7, 0.6, 0.55], votes_a_row=3)
    found = consensus.dawid_skene(one_hot(votes, classes))
    most, _ = consensus.majority(votes, classes)
    assert right(found.probabilities.argmax(axis=1), truth) > right(most, truth) + 0.05
    assert np.abs(found.confusion - confusion).mean() < 0.06
    assert np.argsort(-found.accuracy())[:2].tolist() == [0, 1]


def test_shrinkage_brings_the_confusions_of_reviewers_with_few_rows_nearer_to_the_truth():
    errors = {0.0: [], consensus.SHRINKAGE: []}
    for seed in range(10):
        _, confusion, votes = simulated(np.random.default_rng(seed), 60, 5, [0.9, 0.8, 0.6], votes_a_row=3)
        for shrinkage, of in errors.items():
            of.append(np.abs(consensus.dawid_skene(one_hot(votes, 5), shrinkage).confusion - confusion).mean())
    assert np.mean(errors[consensus.SHRINKAGE]) < np.mean(errors[0.0])


@pytest.mark.parametrize("reviewers", [2, 3])
def test_crowdlab_beats_dawid_skene_where_the_model_knows_something(reviewers):
    """With two reviewers Dawid-Skene cannot know who is right where they disagree; the model can."""
    scores = {"dawid_skene": [], "crowdlab": []}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        truth, _, votes = simulated(rng, 200, 4, [0.85, 0.75, 0.65][:reviewers], votes_a_row=2)
        found = consensus.crowdlab(votes, model(rng, truth, 4, sharpness=3))
        scores["crowdlab"].append(right(found.label, truth))
        scores["dawid_skene"].append(right(by_dawid_skene(votes, 4), truth))
    assert np.mean(scores["crowdlab"]) > np.mean(scores["dawid_skene"]) + 0.05


def test_crowdlab_knows_good_reviewers_and_does_not_follow_a_model_that_guesses():
    rng = np.random.default_rng(3)
    truth, _, votes = simulated(rng, 300, 4, [0.95, 0.8, 0.6], votes_a_row=3)
    found = consensus.crowdlab(votes, model(rng, truth, 4, sharpness=0))
    most, _ = consensus.majority(votes, 4)
    assert found.quality[0] > found.quality[1] > found.quality[2]
    assert right(found.label, truth) >= right(most, truth)
    assert found.confidence[found.label == truth].mean() > found.confidence[found.label != truth].mean()


def test_crowdlab_leaves_out_rows_and_reviewers_without_a_vote():
    votes = np.array([[0, 0, -1], [1, 0, -1], [-1, -1, -1], [1, -1, -1]])
    found = consensus.crowdlab(votes, np.array([[0.9, 0.1], [0.2, 0.8], [0.0, 0.0], [0.4, 0.6]]))
    assert found.label.tolist() == [0, 1, -1, 1]
    assert np.isnan(found.confidence).tolist() == [False, False, True, False]
    assert np.isnan(found.quality).tolist() == [False, False, True]
    assert consensus.crowdlab(votes[2:], np.full((2, 2), 0.5)) is None


def test_crowdlab_breaks_exact_ties_alike_each_time():
    votes = np.tile([0, 1], (12, 1))
    chances = np.full((12, 2), 0.5)
    assert {tuple(consensus.crowdlab(votes, chances).label) for _ in range(5)} == {(0,) * 12}


def test_majority_is_none_at_a_tie():
    label, share = consensus.majority(np.array([[0, 0, 1], [0, 1, -1], [2, -1, -1], [0, 1, 2]]), 3)
    assert label.tolist() == [0, -1, 2, -1]
    assert share == pytest.approx([2 / 3, 1 / 2, 1, 1 / 3])


CAST = arrays(int, st.tuples(st.integers(1, 20), st.integers(1, 4)), elements=st.integers(-1, 2)).filter(
    lambda votes: (votes >= 0).any(axis=1).all()
)


@given(CAST)
def test_whatever_the_votes_probabilities_are_probabilities(votes):
    found = consensus.dawid_skene(one_hot(votes, 3))
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(len(votes)))
    assert (found.probabilities >= 0).all()
    assert ((found.accuracy() >= 0) & (found.accuracy() <= 1 + 1e-9)).all()


@given(CAST, st.permutations(range(3)))
def test_majority_knows_no_names(votes, names):
    label, share = consensus.majority(votes, 3)
    renamed, same = consensus.majority(np.where(votes < 0, -1, np.array(names)[votes]), 3)
    assert renamed.tolist() == [-1 if old < 0 else names[old] for old in label]
    assert same.tolist() == share.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_dawid_skene_and_crowdlab_know_no_names(seed):
    rng = np.random.default_rng(seed)
    truth, _, votes = simulated(rng, 80, 3, [0.9, 0.7, 0.6], votes_a_row=2)
    names, chances = rng.permutation(3), model(rng, truth, 3, sharpness=2)
    renamed = np.where(votes < 0, -1, names[votes])
    old, new = (consensus.dawid_skene(one_hot(cast, 3)).probabilities for cast in (votes, renamed))
    assert new[:, names] == pytest.approx(old, abs=1e-4)
    old, new = consensus.crowdlab(votes, chances), consensus.crowdlab(renamed, chances[:, np.argsort(names)])
    assert new.label.tolist() == names[old.label].tolist()
    assert new.confidence == pytest.approx(old.confidence, abs=1e-6)


def test_classes_that_nobody_gave_change_nothing_and_cost_no_time():
    random = np.random.default_rng(3)
    truth = random.integers(0, 3, 300)
    said = np.where(random.random((300, 4)) < 0.8, truth[:, None], random.integers(0, 3, (300, 4)))
    few = consensus.dawid_skene(consensus.one_hot(said, 3))
    places = np.array([5, 420, 999])
    many = consensus.dawid_skene(consensus.one_hot(places[said], 1000))
    np.testing.assert_allclose(many.probabilities[:, places], few.probabilities, atol=1e-12)
    assert many.probabilities.sum() == pytest.approx(300)
    np.testing.assert_allclose(many.accuracy(), few.accuracy())
