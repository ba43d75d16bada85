"""Windows hold all of a text, each piece once in its home; what pieces say of words is a distribution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import tiny_encoder
from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.kinds.token_classification import decoding, model, windows, words
from winnow.kinds.token_classification.labels import STRATEGIES, Task, canonical
from winnow.kinds.token_classification.layout import Layout

TASK = Task(kind="token_classification", labels=["a", "b"])
WORDS = ["ab", "##c", "d", "-", "中", "🙂", "x", "##x"]
TEXTS = st.lists(st.text("abcdx- 中🙂\u200b\u0301", max_size=60), min_size=1, max_size=4)


@pytest.fixture(scope="module", params=["pieces", "bytes"])
def readers(request, tmp_path_factory):
    """Readers of windows of 4 to 13 tokens: WordPiece, and byte-level BPE, of whose pieces several make an emoji."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, WORDS)
    made = [Reader.of(folder, length, 64, None) for length in (4, 7, 12, 13)]
    if request.param == "bytes":
        learnt = ByteLevelBPETokenizer(add_prefix_space=True)
        learnt.train_from_iterator(["ab abc d - x"], vocab_size=270, special_tokens=["<s>"])
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=learnt._tokenizer, pad_token="<s>", bos_token="<s>")
        made = [Reader(folder, tokenizer, each.max_length, 64, None) for each in made]
    return made


@settings(max_examples=25)
@given(texts=TEXTS)
def test_each_piece_is_once_at_home_and_windows_are_full(readers, texts):
    for reader in readers:
        made = windows.cut(texts, [str(number) for number in range(len(texts))], reader)
        special = reader.tokenizer.num_special_tokens_to_add()
        shared = windows.stride(reader.tokenizer, reader.max_length)
        assert len(made.tokens) == len(made.row) == len(made.ids)
        for row, text in enumerate(texts):
            whole = reader.tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
            pieces = [
                offset
                for offset, is_special in zip(whole["offset_mapping"], whole["special_tokens_mask"], strict=True)
                if not is_special
            ]
            home = made.is_home & (made.row_of_token == row)
            assert list(map(tuple, made.offsets[home].tolist())) == pieces
            own = np.flatnonzero(made.row == row)
            assert len(own) > 0
            for window in own:
                length = len(made.tokens[window])
                assert length == reader.max_length or window == own[-1]
                first, end = made.bounds[window : window + 2]
                place = np.flatnonzero(made.is_home[first:end])
                left = window != own[0]
                right = window != own[-1]
                # farther from a border with text beyond it than in the other window, or as far
                assert not left or place.min() - (special + 1) // 2 >= shared // 2
                assert not right or length - 1 - place.max() - special // 2 >= shared // 2


@settings(max_examples=25)
@given(texts=TEXTS, data=st.data())
def test_tags_of_pieces_tell_what_they_should_and_words_follow(readers, texts, data):
    for reader in readers:
        made = windows.cut(texts, texts, reader)
        offsets = [words.offsets(text) for text in texts]
        labels = [
            words.spans_of(TASK, data.draw(st.lists(st.integers(0, 4), min_size=len(own), max_size=len(own))), own)
            for own in offsets
        ]
        truth = model.targets(TASK, labels, made)
        assert ((truth == model.IGNORED) == ~made.is_home).all()
        chances = np.eye(5, dtype=np.float32)[np.maximum(truth, 0)]
        found = decoding.of_words(made, chances, Layout.of(texts))
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
        assert (found >= 0).all()
        drawn = np.random.default_rng(1).dirichlet(np.ones(5), len(truth)).astype(np.float32)
        loose = decoding.of_words(made, drawn, Layout.of(texts))
        np.testing.assert_allclose(loose.sum(axis=1), 1, atol=1e-6)
        assert (loose >= 0).all()
        for strategy in STRATEGIES:
            for text, each in zip(texts, decoding.spans(TASK, made, drawn, texts, strategy), strict=True):
                label = canonical(span for span, _ in each)
                assert TASK.check(label, "") == label  # none overlap
                TASK.fits(label, text, "")


@pytest.mark.parametrize("reader", [1, 3])
def test_what_is_certain_of_pieces_is_told_of_words(readers, reader):
    texts = ["ab abc - d 中x", "d", "", "abc " * 12]
    offsets = [words.offsets(text) for text in texts]
    labels = [canonical([(0, 2, "a"), (3, 8, "b"), (12, 13, "a")]), "[]", "[]", canonical([(8, 23, "b")])]
    made = windows.cut(texts, texts, readers[reader])
    chances = np.eye(5, dtype=np.float32)[np.maximum(model.targets(TASK, labels, made), 0)]
    found = decoding.of_words(made, chances, Layout.of(texts)).argmax(axis=1)
    bounds = np.cumsum([0, *map(len, offsets)])
    for row, label in enumerate(labels):
        assert words.spans_of(TASK, found[bounds[row] : bounds[row + 1]], offsets[row]) == label


def test_a_word_without_a_piece_is_in_the_span_that_goes_on_behind_it(readers):
    texts = ["ab \u200b d \u200b x"]
    made = windows.cut(texts, texts, readers[3])
    if any("200b" in ascii(texts[0][start:end]) for start, end in made.offsets.tolist()):
        pytest.skip("this tokenizer makes a piece of it")
    label = canonical([(0, 6, "a")])
    chances = np.eye(5, dtype=np.float32)[np.maximum(model.targets(TASK, [label], made), 0)]
    offsets = [words.offsets(texts[0])]
    found = decoding.of_words(made, chances, Layout.of(texts)).argmax(axis=1)
    assert words.spans_of(TASK, found, offsets[0]) == label


def test_some_texts_are_taken_with_their_windows(readers):
    texts = ["ab " * 20, "x", "d " * 30]
    made = windows.cut(texts, ["p", "q", "r"], readers[2])
    some, alone = made.take(np.array([False, True, True])), windows.cut(texts[1:], ["q", "r"], readers[2])
    assert list(some.tokens) == list(alone.tokens)
    for name in ("row", "bounds", "offsets", "is_piece", "is_home", "is_subword"):
        np.testing.assert_array_equal(getattr(some, name), getattr(alone, name))
    assert some.ids == alone.ids


def test_a_tokenizer_without_places_is_one_clear_line(readers):
    slow = type("Slow", (), {"is_fast": False})()
    with pytest.raises(UserError, match="does not tell where a token stands in a text"):
        windows.cut(["x"], ["x"], Reader(readers[0].folder, slow, 8, 64, None))
