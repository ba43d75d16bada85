"""Words of a sample: growth and repetition are counts, and characteristic words are those that differ."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.represent import words

TEXTS = st.lists(st.text("ab cd-é'1"), max_size=8)


def encoded(texts: list[str]) -> tuple[list[np.ndarray], words.Vocabulary]:
    vocabulary = words.Vocabulary()
    return [vocabulary.encode(text) for text in texts], vocabulary


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "The dog's co-author: 42 % of STRASSE, Straße x2",
            ["the", "dog's", "co", "author", "%", "of", "strasse", "x2"],
        ),
        ("3.5 10mg १२ 👍", ["👍"]),
        ("यह किताब, वह किताब", ["यह", "किताब", "वह"]),
        ("东京 7 东京都", ["东京", "京都"]),
        ("ภาษาไทย", ["ภา", "าษ", "ษา", "าไ", "ไท", "ทย"]),
    ],
)
def test_a_vocabulary_holds_the_terms_but_figures(text, found):
    vocabulary = words.Vocabulary()
    vocabulary.encode(text)
    assert vocabulary.words() == found


@given(TEXTS)
def test_growth_counts_distinct_words_of_each_prefix(texts):
    codes, _ = encoded(texts)
    tokens = np.concatenate([np.empty(0, np.int32), *codes]).tolist()
    places, distinct = words.growth(codes)
    assert distinct.tolist() == [len(set(tokens[:place])) for place in places]
    assert not tokens or places[-1] == len(tokens)


@given(TEXTS, st.integers(1, 30))
def test_richness_looks_at_the_first_tokens_alone_and_at_no_pair_across_texts(texts, tokens):
    codes, _ = encoded(texts)
    every = [(number, code) for number, text in enumerate(codes) for code in text.tolist()]
    found = words.richness(codes, tokens)
    if len(every) < tokens:
        assert found is None
        return
    kept = every[:tokens]
    pairs = [(a, b) for (i, a), (j, b) in pairwise(kept) if i == j]
    assert found["distinct_words"] == len({code for _, code in kept}) / tokens
    assert found["distinct_pairs"] == len(set(pairs)) / max(len(pairs), 1)


@pytest.mark.parametrize("exponent", [0.5, 0.8])
def test_heaps_exponent_is_found_again(exponent):
    tokens = np.geomspace(100, 1e6, 20)
    assert words.heaps_exponent(tokens, 10 * tokens**exponent) == pytest.approx(exponent)


def test_heaps_exponent_of_too_few_points_is_unknown():
    assert words.heaps_exponent(np.array([1, 2]), np.array([1, 2])) is None


@given(TEXTS, st.integers(1, 5))
def test_rare_words_are_one_and_no_word_is_lost(texts, keep):
    codes, vocabulary = encoded(texts)
    matrix = words.counts(codes, len(vocabulary))
    folded = words.fold_rare(matrix, keep)
    assert folded.sum(axis=1).tolist() == matrix.sum(axis=1).tolist() == [len(text) for text in codes]
    assert folded.shape[1] == min(keep, len(vocabulary)) + 1
    units = np.array([number % 3 for number in range(len(codes))], dtype=int)
    if len(codes) >= 3:
        by_unit = words.summed(matrix, units)
        assert by_unit.shape[0] == 3
        assert by_unit.sum() == matrix.sum()


def test_log_odds_is_the_published_formula():
    own, others = np.array([30, 1, 5, 0]), np.array([2, 1, 90, 0])
    prior = own + others
    a0, n, m = prior.sum(), own.sum(), others.sum()

    def one(i: int) -> float:
        y, z, a = own[i], others[i], prior[i]
        delta = math.log((y + a) / (n + a0 - y - a)) - math.log((z + a) / (m + a0 - z - a))
        return delta / math.sqrt(1 / (y + a) + 1 / (z + a))

    scores = words.log_odds(own, others)
    assert scores[:3] == pytest.approx([one(0), one(1), one(2)])
    assert scores[3] == 0
    assert words.top(scores, own > 0, 2) == [0, 1]


def test_new_words_stand_twice_here_and_never_elsewhere():
    own, others = np.array([4, 1, 3, 2]), np.array([0, 0, 1, 0])
    assert words.only_here(own, others) == {"new_words": 2, "new_word_share": 2 / 3, "new_token_share": 0.6}


@pytest.mark.parametrize(
    ("counts", "kinds", "value"),
    [([5, 5], 2, 1), ([9, 0], 2, 0), ([1, 1, 0, 0], 4, 0.5), ([], 3, None), ([4], 1, None)],
)
def test_entropy_is_between_one_kind_and_an_even_spread(counts, kinds, value):
    assert words.entropy(counts, kinds) == (value if value is None else pytest.approx(value))


def test_a_text_without_words_is_empty():
    assert len(words.Vocabulary().encode("12 – 7…")) == 0
    assert re.fullmatch(r"int32", str(words.Vocabulary().encode("").dtype))
