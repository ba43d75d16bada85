"""The generated pairs of bench/near_duplicates.py: the same for a seed, of the script, and edited as they say."""

import pytest

from bench import near_duplicates
from winnow.text.words import scripts, words


@pytest.mark.parametrize("script", near_duplicates.SYLLABLES)
def test_pairs_are_of_their_script_and_differ_as_they_should(script):
    made = near_duplicates.pairs(script, 20, 1)
    assert made == near_duplicates.pairs(script, 20, 1) != near_duplicates.pairs(script, 20, 2)
    assert {kind: len(each) for kind, each in made.items()} == {"near": 20, "telling": 20, "topic": 40}
    names = {"Han": "CJK", "Kana": "HIRAGANA"}
    assert scripts(text for pair in made["topic"] for text in pair) == {names.get(script, script.upper()): 1}
    for one, other in made["telling"]:
        assert words(one) != words(other)
    for one, other in made["near"]:
        shared = set(words(one)) & set(words(other))
        assert len(shared) > 0.7 * len(set(words(one)))
