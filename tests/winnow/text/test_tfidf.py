"""TF-IDF tells texts apart by their words in every script."""

import numpy as np
import pytest

from winnow.text import tfidf

# Two texts each that differ in what only marks, single characters or signs say, and one that says the first's.
ALIKE = [
    ("the cat came home", "the dog came home", "a cat at last"),
    ("वह घर जाता", "वह घर जाती", "फिर जाता"),
    ("ไปหาป่า", "ไปหาป้า", "ในป่า"),
    ("كُتِبَ الكتاب", "كَتَبَ الكتاب", "قد كُتِبَ"),
    ("con ma nhỏ", "con má nhỏ", "một ma"),
    ("这家店很好吃", "这家店很难吃", "真的很好吃"),
    ("とても美味しい店", "とても汚い店", "美味しい"),
    ("តម្លៃថោកណាស់", "តម្លៃថ្លៃណាស់", "ថោក"),
    ("see you 👍", "see you 👎", "👍"),
    ("see you :)", "see you :(", "ok :)"),
    ("we know c++", "we know c", "+"),
]


@pytest.mark.parametrize(("first", "second", "query"), ALIKE)
def test_texts_that_differ_in_a_word_differ(first, second, query):
    vectorizer, matrix = tfidf.features([first, second], 2, 1000)
    similar = (matrix @ vectorizer.transform([query]).T).toarray().ravel()
    assert similar[0] > similar[1]
    assert matrix.shape == (2, len(vectorizer.vocabulary_))


def test_runs_of_words_are_features_and_the_most_frequent_stay():
    vectorizer, _ = tfidf.features(["The CAT came", "the cat went"], 2, 1000)
    assert set(vectorizer.vocabulary_) == {"the", "cat", "came", "went", "the cat", "cat came", "cat went"}
    assert set(tfidf.features(["The CAT came", "the cat went"], 2, 3)[0].vocabulary_) == {"the", "cat", "the cat"}


@pytest.mark.parametrize("form", ["cafe\u0301", "CAFÉ", "ｃａｆé"])
def test_the_same_word_is_one_feature_however_it_is_written(form):
    vectorizer, _ = tfidf.features(["café"], 1, 10)
    assert np.allclose(vectorizer.transform([form]).toarray(), 1)


def test_no_word_at_all_is_an_error():
    with pytest.raises(ValueError, match="empty vocabulary"):
        tfidf.features(["...", ""], 1, 10)
