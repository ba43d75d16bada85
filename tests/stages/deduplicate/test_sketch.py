"""Sketches against plain Python: words by `re`, shingles as sets, MinHash against the true similarity."""

import random
import re
import subprocess
import sys
import unicodedata
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate import sketch

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
# Few letters, so that texts are often alike; İ and ß change length when folded, 𝒜 has four bytes, ﬁ two letters.
ALIKE = st.lists(
    st.sampled_from(["a", "A", "b_1", "é", "e\u0301", "ß", "İ", "ﬁ", "𝒜", "日本", " ", "-", "\n", "…"]), max_size=7
)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def shingles(text: str, count: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[start : start + count]) for start in range(len(found) - count + 1)} or {tuple(found)}


def hashes(sketched: sketch.Shingles, row: int) -> list[int]:
    return sketched.hashes[sketched.offsets[row] : sketched.offsets[row + 1]].tolist()


@given(st.lists(TEXT | ALIKE.map("".join), min_size=2, max_size=6), st.integers(1, 4))
def test_shingles_are_those_of_plain_python(texts, count):
    sketched = sketch.shingle(pa.array(texts), count)
    for row, text in enumerate(texts):
        assert len(hashes(sketched, row)) == len(shingles(text, count))
        assert hashes(sketched, row) == sorted(set(hashes(sketched, row)))
    for one, two in combinations(range(len(texts)), 2):
        common = len(set(hashes(sketched, one)) & set(hashes(sketched, two)))
        if words(texts[one]) and words(texts[two]):
            assert common == len(shingles(texts[one], count) & shingles(texts[two], count))
            same = words(texts[one]) == words(texts[two])
            assert (sketched.exact[one].tolist() == sketched.exact[two].tolist()) == same


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


def test_every_character_is_of_a_word_where_re_says_so():
    table = sketch._word_characters()
    characters = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert {ord(character) for character in re.findall(r"\w", characters)} == set(np.flatnonzero(table).tolist())


@pytest.mark.parametrize(("threshold", "rows"), [(0.8, 6), (0.5, 3), (1.0, 128)])
def test_bands_find_pairs_at_the_threshold(threshold, rows):
    length = sketch.rows_per_band(threshold, 128, 0.99)
    assert length == rows
    assert 1 - (1 - threshold**length) ** (128 // length) >= 0.99


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
    keys = sketch.band_keys(sketch.shingle(pa.array(texts), 1), bands=20, rows=4, seed=1)
    found = (keys[::2] == keys[1::2]).mean()
    assert found == pytest.approx(np.mean(np.array(similarities) ** 4), abs=0.03)


def test_another_seed_gives_other_bands():
    shingled = sketch.shingle(pa.array(["one two three four five"]), 2)
    assert sketch.band_keys(shingled, 4, 2, 1).tolist() != sketch.band_keys(shingled, 4, 2, 2).tolist()
    assert sketch.band_keys(shingled, 4, 2, 1).tolist() == sketch.band_keys(shingled, 4, 2, 1).tolist()


def test_the_numbers_are_the_same_in_every_process():
    code = (
        "import pyarrow as pa; from stages.deduplicate import sketch;"
        "s = sketch.shingle(pa.array(['Ünder the bridge', 'plain text here too']), 2);"
        "print(s.exact.tolist(), s.hashes.tolist(), sketch.band_keys(s, 3, 2, 1).tolist())"
    )
    shingled = sketch.shingle(pa.array(["Ünder the bridge", "plain text here too"]), 2)
    here = f"{shingled.exact.tolist()} {shingled.hashes.tolist()} {sketch.band_keys(shingled, 3, 2, 1).tolist()}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here
