"""Text parts that are no HTML: paragraphs that flow, and the two old formats with commands."""

import pytest

from winnow.readers.mime import texts


@pytest.mark.parametrize(
    ("text", "delsp", "expected"),
    [
        ("one \ntwo", False, "one two"),
        ("one \ntwo\nthree", False, "one two\nthree"),
        ("one  \n\ntwo", False, "one  \ntwo"),
        ("one \n", False, "one "),
        (" one\n From\n  two", False, "one\nFrom\n two"),  # space-stuffed
        ("-- \nAnn \nB.", False, "-- \nAnn B."),
        ("one \n-- \nAnn", False, "one\n-- \nAnn"),
        ("> -- \n> Ann", False, "> -- \n> Ann"),
        ("> one \n> two\n>> three \nmine", False, "> one two\n>> three\nmine"),
        (">one \n> two", False, "> one two"),
        (">\n>> a", False, ">\n>> a"),
        (" > not quoted", False, "> not quoted"),
        ("注文 \nです", True, "注文です"),
        ("one  \ntwo", True, "one two"),
        ("", False, ""),
    ],
)
def test_flowed(text, delsp, expected):
    assert texts.flowed(text, delsp) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", "a b"),
        ("a\n\nb", "a\nb"),
        ("a\n\n\nb", "a\n\nb"),
        ("<bold>Now</bold> is <<all> <color><param>red</param>red</color>", "Now is <all> red"),
        ("<nofill>a\nb</nofill>\nc", "a\nb c"),
        ("<excerpt>one\n\ntwo</excerpt>mine", "> one\n> two\nmine"),
        ("a < b", "a < b"),
        ("<excerpt>a<excerpt>b</excerpt></excerpt>", "> a\n>> b\n>"),
    ],
)
def test_enriched(text, expected):
    assert texts.enriched(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb<nl>c", "a b\nc"),
        ("<bold>a</bold><lt>b", "a<b"),
        ("a<comment>hidden <comment>deep</comment></comment>b", "ab"),
        ("<paragraph>a</paragraph>b", "a\nb"),
    ],
)
def test_rich(text, expected):
    assert texts.rich(text) == expected
