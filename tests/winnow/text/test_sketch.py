"""Sketches against plain Python: words by `winnow.text`, shingles as sets, MinHash against the true similarity."""

import random
import subprocess
import sys
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.text import sketch
from winnow.text import words as rules
from winnow.text.words import words

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
# Few letters, so that texts are often alike; İ and ß change length when folded, 𝒜 has four bytes, ﬁ two letters.
ALIKE = st.lists(
    st.sampled_from(["a", "A", "b_1", "é", "e\u0301", "ß", "İ", "ﬁ", "𝒜", "日本", "กี", " ", "-5", "\n", "…"]),
    max_size=7,
)
# At least one of each class of characters, and all that signs are made of.
SIGNS = (
    "abdpoAx139_ '\":;=-^()[]{}|*/\\.,#%&@!?<>+$`~\n\t"
    "éא״׳字かカ゛กื่ँ्́€½²−’‐·…—🇩🇪👍🏽❤\u200d\u200b\u2003一、。！：；（）１٣"
)


def is_unspaced(text: str) -> bool:
    found = words(text)
    return 2 * sum(int(rules.classes()[ord(word[0])]) == rules.UNSPACED for word in found) > len(found)


def shingles(text: str, count: int) -> list[tuple[str, ...]]:
    found = words(text)
    if is_unspaced(text):
        found = [""] * (count - 1) + found + [""] * (count - 1)
        return [tuple(found[start : start + count]) for start in range(len(found) - count + 1)]
    return list({tuple(found[start : start + count]) for start in range(len(found) - count + 1)} or {tuple(found)})


def words_of_the_kernel(text: str) -> list[str]:
    folded = rules.fold(text)
    data = np.frombuffer(folded.encode(), np.uint8)
    codes, kinds = np.empty(len(data), np.int32), np.empty(len(data), np.uint8)
    length = sketch._read(data, 0, len(data), rules.classes(), codes, kinds)
    found, at = [], 0
    while at < length:
        end = sketch._word_end(kinds, at, length)
        if end > at:
            found.append(folded[at:end])
        at = max(end, at + 1)
    return found


def hashes(sketched: sketch.Shingles, row: int) -> list[int]:
    return sketched.hashes[sketched.offsets[row] : sketched.offsets[row + 1]].tolist()


@settings(max_examples=1000)
@given(TEXT | st.text(SIGNS, max_size=14) | st.text(SIGNS[:48], max_size=14))
def test_the_kernel_finds_the_words_of_the_one_definition(text):
    assert words_of_the_kernel(text) == words(text)


@given(st.lists(TEXT | ALIKE.map("".join), min_size=2, max_size=6), st.integers(1, 4))
def test_shingles_are_those_of_plain_python(texts, count):
    sketched = sketch.shingle(pa.array(texts), count)
    assert sketched.unspaced.tolist() == [is_unspaced(text) for text in texts]
    for row, text in enumerate(texts):
        assert len(hashes(sketched, row)) == len(shingles(text, count))
        assert hashes(sketched, row) == sorted(set(hashes(sketched, row)))
    for one, two in combinations(range(len(texts)), 2):
        if words(texts[one]) and words(texts[two]):
            same = words(texts[one]) == words(texts[two])
            assert (sketched.exact[one].tolist() == sketched.exact[two].tolist()) == same
        if is_unspaced(texts[one]) == is_unspaced(texts[two]):
            bits = sketch.PLACE_BITS * is_unspaced(texts[one])
            found = [{value >> bits for value in hashes(sketched, row)} for row in (one, two)]
            if words(texts[one]) and words(texts[two]):
                assert len(found[0] & found[1]) == len(
                    set(shingles(texts[one], count)) & set(shingles(texts[two], count))
                )


def test_a_shingle_of_an_unspaced_text_says_where_it_ends():
    sketched = sketch.shingle(pa.array(["字典在家"]), 2)
    assert sorted(value & (2**sketch.PLACE_BITS - 1) for value in hashes(sketched, 0)) == [0, 1, 2, 3, 4]
    sketched = sketch.shingle(pa.array(["字典12在家"]), 2)
    assert sorted(value & (2**sketch.PLACE_BITS - 1) for value in hashes(sketched, 0)) == [
        0,
        1,
        3,
        4,
        5,
        2 | sketch.WHOLE,
    ]


def test_texts_without_words_are_alike_only_if_equal():
    exact = sketch.shingle(pa.array(["!!!", "???", "!!!", ""]), 3).exact[:, 0]
    assert exact[0] == exact[2]
    assert len(set(exact.tolist())) == 3


@given(st.lists(TEXT, min_size=1, max_size=5), st.integers(0, 3))
def test_a_text_s_sketch_depends_on_nothing_else(texts, start):
    whole = sketch.shingle(pa.array(["x", *texts])[1:], 2)
    for row, text in enumerate(texts):
        alone = sketch.shingle(pa.array([text]), 2)
        assert hashes(whole, row) == alone.hashes.tolist()
        assert whole.exact[row].tolist() == alone.exact[0].tolist()


@pytest.mark.parametrize(("threshold", "rows"), [(0.8, 6), (0.5, 3), (1.0, 128)])
def test_bands_find_pairs_at_the_threshold(threshold, rows):
    length = sketch.rows_per_band(threshold, 128, 0.99)
    assert length == rows
    assert 1 - (1 - threshold**length) ** (128 // length) >= 0.99


@pytest.mark.parametrize(("threshold", "words"), [(0.8, 3), (0.6, 2), (0.9, 5)])
def test_bands_find_unspaced_pairs_at_the_threshold(threshold, words):
    found = sketch.bands(threshold, 128, words, 0.99)
    assert found.unspaced_rows <= found.rows == sketch.rows_per_band(threshold, 128, 0.99)
    least = sketch.least_shingles(threshold, words)
    assert least < threshold
    assert 1 - (1 - least**found.unspaced_rows) ** found.count >= sketch.UNSPACED_RECALL


def test_the_least_similarity_of_shingles_is_that_of_changes_here_and_there():
    chooser = random.Random(1)
    text = [chooser.randrange(10**9) for _ in range(20000)]
    other = [chooser.randrange(10**9) if chooser.random() < 1 / 9 else word for word in text]
    runs = [set(zip(words, words[1:], words[2:], strict=False)) for words in (text, other)]
    similarity = len(runs[0] & runs[1]) / len(runs[0] | runs[1])
    assert sketch.least_shingles(0.8, 3) == pytest.approx(similarity, abs=0.02)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_pairs_share_as_many_bands_as_theory_says(share):
    chooser = random.Random(4)
    texts, similarities = [], []
    for pair in range(400):
        common = [f"w{chooser.randrange(10**6)}" for _ in range(100)]
        extra = round(100 * (1 / share - 1) / 2)
        for side in range(2):
            own = [f"{side}x{pair}x{number}" for number in range(extra)]
            texts.append(" ".join(chooser.sample(common + own, 100 + extra)))
        similarities.append(100 / (100 + 2 * extra))
    keys = sketch.band_keys(sketch.shingle(pa.array(texts), 1), sketch.Bands(20, 4, 4), seed=1)
    found = (keys[::2] == keys[1::2]).mean()
    assert found == pytest.approx(np.mean(np.array(similarities) ** 4), abs=0.03)


BANDS = sketch.Bands(4, 2, 1)


def test_another_seed_gives_other_bands():
    shingled = sketch.shingle(pa.array(["one two three four five"]), 2)
    assert sketch.band_keys(shingled, BANDS, 1).tolist() != sketch.band_keys(shingled, BANDS, 2).tolist()
    assert sketch.band_keys(shingled, BANDS, 1).tolist() == sketch.band_keys(shingled, BANDS, 1).tolist()


def test_the_numbers_are_the_same_in_every_process():
    code = (
        "import pyarrow as pa; from winnow.text import sketch;"
        "s = sketch.shingle(pa.array(['Ünder the bridge', 'plain text here too']), 2);"
        "print(s.exact.tolist(), s.hashes.tolist(), sketch.band_keys(s, sketch.Bands(3, 2, 1), 1).tolist())"
    )
    shingled = sketch.shingle(pa.array(["Ünder the bridge", "plain text here too"]), 2)
    keys = sketch.band_keys(shingled, sketch.Bands(3, 2, 1), 1)
    here = f"{shingled.exact.tolist()} {shingled.hashes.tolist()} {keys.tolist()}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here
