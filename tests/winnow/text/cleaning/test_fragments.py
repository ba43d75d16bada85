"""Markup rules on the hand-made set of hard fragments: what a reader of the page sees, no more and no less."""

import pytest

from bench import fidelity
from winnow.text.cleaning.markup import strip_markup


@pytest.fixture(scope="module")
def made() -> list[str]:
    return [strip_markup(item["html"]) for item in fidelity.fragments()]


@pytest.mark.parametrize(("kind", "exact", "token_f1"), [("html", 0.98, 0.99), ("xml", 1, 1), ("plain", 1, 1)])
def test_fidelity(made, kind, exact, token_f1):
    score = fidelity.score(made, (kind,))
    pairs = zip(fidelity.fragments(), made, strict=True)
    missed = [item["name"] for item, text in pairs if item["kind"] == kind and not fidelity.exact(item, text)]
    assert score["exact"] >= exact, missed
    assert score["token_f1"] >= token_f1, missed
