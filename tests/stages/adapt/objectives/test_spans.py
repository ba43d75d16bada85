import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.adapt.objectives.spans import EDGE, Documents, special_tokens
from winnow.encoder import models

TEXT = "The red cat sees. The old dog sees the mouse! A blue horse? One white mouse and the green cat here."


@pytest.fixture(scope="session")
def tokenizer(encoder_folder):
    return models.load_tokenizer(encoder_folder)


@pytest.fixture(scope="session")
def documents(tokenizer):
    return Documents(["a", "b", "c"], [TEXT, "One sentence.", TEXT.replace("red", "blue")], tokenizer, 16)


def test_documents_of_one_sentence_are_left_out(documents):
    assert documents.ids == ["a", "c"]


@given(epoch=st.integers(0, 5000), many=st.integers(1, 5))
def test_a_span_is_whole_sentences_of_the_document_and_stands_where_it_says(documents, tokenizer, epoch, many):
    span = documents.draw(0, many, "key", epoch)
    assert span == documents.draw(0, many, "key", epoch), "a pure function of document and key"
    whole = models.tokenize(tokenizer, [TEXT], 1000)[0]
    opening, closing = special_tokens(tokenizer)
    assert span.tokens[: len(opening)] == opening
    assert span.tokens[-len(closing) :] == closing
    inside, body = span.tokens[len(opening) : -len(closing)], whole[len(opening) : -len(closing)]
    assert len(span.tokens) <= 16
    start = round(span.middle * len(body) - len(inside) / 2)
    assert inside == body[start : start + len(inside)]
    lengths = [len(tokenizer(each, add_special_tokens=False)["input_ids"]) for each in EDGE.split(TEXT)]
    assert start in {sum(lengths[:number]) for number in range(len(lengths))}


@given(epoch=st.integers(0, 5000), many=st.integers(1, 5))
def test_a_pair_is_two_spans_that_follow_each_other(documents, tokenizer, epoch, many):
    pair = documents.draw_pair(1, many, "key", epoch)
    assert pair == documents.draw_pair(1, many, "key", epoch), "a pure function of document and key"
    opening, closing = map(len, special_tokens(tokenizer))
    body = models.tokenize(tokenizer, [TEXT.replace("red", "blue")], 1000)[0][opening:-closing]
    lengths = [len(span.tokens) - opening - closing for span in pair]
    starts = [round(span.middle * len(body) - own / 2) for span, own in zip(pair, lengths, strict=True)]
    for span, start, own in zip(pair, starts, lengths, strict=True):
        assert own > 0
        assert span.tokens[opening:-closing] == body[start : start + own]
    assert starts[1] >= starts[0] + lengths[0]
    if len(pair[0].tokens) < 16:  # else it was cut off
        assert starts[1] == starts[0] + lengths[0]


def test_spans_differ_between_epochs_and_documents(documents):
    assert len({documents.draw(0, 3, "key", epoch).middle for epoch in range(30)}) > 5
    places = [
        (documents.draw(0, 3, "key", epoch).middle, documents.draw(1, 3, "key", epoch).middle) for epoch in range(9)
    ]
    assert any(one != two for one, two in places)


@pytest.mark.parametrize(
    ("text", "count"), [("Mr. A. Smith", 3), ("p < 0.05. we saw", 1), ("Été. Où? (Yes.) 12 rats.", 3)]
)
def test_edges_are_capitals_digits_and_brackets_after_a_stop(text, count):
    assert len(EDGE.split(text)) == count
