"""Notices: copyright statements, headings and marks of cut texts go, sentences about them stay."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from winnow.text.cleaning.notices import CUT, strip_copyright, strip_truncation_mark


@pytest.mark.parametrize(
    "statement",
    [
        "© 2021 Some Society of Somewhere. Published by Someone & Sons, Ltd.",
        "© 2021 The Authors. The Journal of Things published by Someone Ltd. on behalf of The Society.",
        "© 2021 S. Karger AG, Basel.",
        "(Some Database Record (c) 2021 ABC, all rights reserved).",
        "This article is protected by copyright. All rights reserved.",
        "Copyright © 2020 The Author(s). Published by Someone B.V. All rights reserved.",
        "Copyright 2020 by the authors.",
    ],
)
def test_copyright_statements_are_removed(statement):
    assert strip_copyright(f"We found a thing. It holds in NZ N. {statement}") == "We found a thing. It holds in NZ N."


@pytest.mark.parametrize(
    "statement",
    [
        "(Some Database Record (c) 2021 ABC, all rights reserved).",
        "This article is protected by copyright. All rights reserved.",
        "All rights reserved.",
        "Copyright © 2020 Us.",
    ],
)
def test_a_statement_does_not_take_a_sentence_without_a_full_stop_along(statement):
    assert strip_copyright(f"We found a thing {statement}") == "We found a thing"


def test_a_copyright_statement_in_the_middle_stays():
    body = "One was here. " * 5
    text = f"{body}© 2021 The Society. {body}".strip()
    assert strip_copyright(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "the Outcome Measure (PROM) © was created last year",
        "three groups: (a) old, (b) young, and (c) 2021 births",
        "we ask who holds it. Copyright law changed much. Courts disagree.",
        "I like to read more. [1] And some more",
    ],
)
def test_what_only_looks_like_a_notice_stays(text):
    assert strip_truncation_mark(strip_copyright(text)) == text


@pytest.mark.parametrize(
    "mark",
    [
        "…",
        "...",
        " [truncated]",
        " (more)",
        " (ABSTRACT TRUNCATED AT 250 WORDS)",
        "… Read more",
        " [...]",
        "...[more…]",
    ],
)
def test_a_mark_of_a_cut_text_is_removed(mark):
    assert strip_truncation_mark(f"The tide turns and{mark} ") == "The tide turns and"
    assert strip_truncation_mark(f"It turned.{mark} It went.") == f"It turned.{mark} It went."


@pytest.mark.parametrize("space", [" ", "\n", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000"])
def test_any_white_space_may_follow_the_mark_of_a_cut_text(space):
    text = f"cut off…{space}"
    assert strip_truncation_mark(text) == "cut off"
    assert pc.match_substring_regex(pa.array([text]), CUT)[0].as_py()
