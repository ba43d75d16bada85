import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.encoder import models
from winnow.encoder.tokens import CHUNK, Drawn, Tokens, chunks

ROWS = st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=5), max_size=8)


@given(rows=ROWS, more=ROWS)
def test_tokens_are_read_like_the_lists_they_were_made_of(rows, more):
    tokens = Tokens()
    tokens.extend(rows)
    tokens.extend(iter(more))
    whole = rows + more
    assert list(tokens) == whole
    assert len(tokens) == len(whole)
    assert tokens[1:3] == whole[1:3]
    assert models.lengths(tokens).tolist() == [len(row) for row in whole]
    for first in range(len(whole) + 1):
        assert tokens.start(first) == sum(map(len, whole[:first]))
        for end in range(first, len(whole) + 1):
            assert tokens.between(first, end) == [token for row in whole[first:end] for token in row]
    if whole:
        assert tokens[-1] == whole[-1]
    with pytest.raises(IndexError):
        tokens[len(whole)]


def test_drawn_rows_are_made_when_they_are_read():
    read = []

    def draw(row: int) -> list[int]:
        read.append(row)
        return [row] * row

    drawn = Drawn(4, draw)
    assert (len(drawn), read) == (4, [])
    assert (drawn[2], drawn[-1]) == ([2, 2], [3, 3, 3])
    assert read == [2, 3]
    assert list(drawn) == drawn[:] == [[], [1], [2, 2], [3, 3, 3]]


@given(count=st.integers(0, 2 * CHUNK + 1))
def test_chunks_are_all_texts_in_their_order(count):
    texts = list(map(str, range(count)))
    cut = list(chunks(texts))
    assert [text for chunk in cut for text in chunk] == texts
    assert all(0 < len(chunk) <= CHUNK for chunk in cut)
