"""The first look: boilerplate as the rule will meet it, the length at which a source cuts, whatever the batches."""

import pytest

from stages.clean import survey
from tests.conftest import make_rows
from tests.nasty import profile
from winnow.text.cleaning.boilerplate import Boilerplate

SETTINGS = Boilerplate(min_share=0.1, min_groups=5, min_words=3, survey_rows=1000)
PAGE = profile(strip_scripts=True, strip_markup=True, strip_boilerplate=True, collapse_space="all")


def look(texts: list[str], rows: int = 7, settings: Boilerplate = SETTINGS, **changes) -> survey.Findings:
    table = make_rows([{"text": text} for text in texts])
    batches = [table.slice(start, rows) for start in range(0, len(texts), rows)]
    return survey.look(lambda: iter(batches), PAGE.model_copy(update=changes), settings, lengths=True)


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_boilerplate_is_found_below_its_markup_whatever_the_batches(rows):
    texts = [f"<p>Tide {n} came.</p><div>Home | <b>News</b> | About</div>" for n in range(20)]
    assert look(texts, rows).boilerplate == {"Home | News | About": 1.0}
    assert look(texts, rows, strip_boilerplate=False).boilerplate == {}


def test_of_a_plain_text_the_lines_are_looked_at_as_they_stand():
    plain = {"media_type": "text/plain"}
    table = make_rows([{"text": f"Tide {n} came.\n<b>Home</b> | News | About", "meta": plain} for n in range(20)])
    found = survey.look(lambda: iter([table]), PAGE, SETTINGS, lengths=False)
    assert found.boilerplate == {"<b>Home</b> | News | About": 1.0}


def test_no_more_rows_are_read_than_asked():
    texts = [f"Tide {n} came." for n in range(20)] + ["Read our terms of use."] * 20
    assert look(texts, settings=SETTINGS.model_copy(update={"survey_rows": 20})).boilerplate == {}
    assert look(texts).boilerplate == {"Read our terms of use.": 0.5}


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_the_length_at_which_texts_are_cut_is_found(rows):
    cut = [f"{n:02} " + "a tide that ne" * 3 for n in range(12)]
    ended = [f"{n:02} " + "a tide that ended well." for n in range(30)]
    assert look(ended + cut, rows).max_length == len(cut[0])
    assert look(ended + cut[:5], rows).max_length is None
    assert look(ended, rows).max_length is None
