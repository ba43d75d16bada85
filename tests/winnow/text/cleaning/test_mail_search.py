"""What a search for plain characters passes over in a mail, no slow pattern would have taken."""

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import mail_corpus
from winnow.text.cleaning.mail import closings, signatures, strip_signature
from winnow.text.cleaning.mail.folding import Literals, folded

LISTS = [closings.NOTICE, closings.LIST, closings.SENT_LAST]
LINES = sorted({line for mail in mail_corpus.mails() for line in mail.text.split("\n")})
FOOTERS = ["To unsubscribe write to ann@example.org", "--", "____________", "This mail is confidential.", "P.S. Red."]


def test_letters_are_the_same_in_folded_texts_where_patterns_that_ignore_case_take_them_for_the_same():
    cased = "".join(char for char in map(chr, range(sys.maxunicode + 1)) if char.lower() != char.upper())
    letters = {letter for words in (closings.CLOSINGS, closings.THANKS, *LISTS) for letter in words if letter.isalpha()}
    for letter in letters:
        same = re.findall(letter, cased, re.I)
        assert set(map(folded, same)) <= {folded(letter)}
        assert set(map(len, map(folded, same))) <= {1}


@pytest.mark.parametrize("pattern", LISTS, ids=["notices", "lists", "devices"])
@given(data=st.data())
@settings(max_examples=50)
def test_a_match_holds_one_of_the_literals(pattern, data):
    match = data.draw(st.from_regex(pattern, fullmatch=True))
    assert all(Literals(pattern).stand_in(folded(text)) for text in (match, match.upper()))


def test_literals_are_no_text_of_other_words():
    assert not any(Literals(pattern).stand_in("please send the lamp to my sister. it is late.") for pattern in LISTS)
    assert Literals("(?:ab?cd|e[fg]hi|(?:j|k)lm)").all == ("cd", "hi", "lm")


@given(st.lists(st.sampled_from(["", *FOOTERS, *LINES]), min_size=1, max_size=30))
@settings(max_examples=150)
def test_no_signature_begins_in_the_lines_that_are_passed_over(lines):
    text = "\n".join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "first_line", lambda lines, top, end: top)
        slowly = strip_signature(text)
    assert strip_signature(text) == slowly
