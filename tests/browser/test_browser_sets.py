"""Sets of labels on the page: ticked by key, the suggestion shown as + and −, decided and written in canonical form."""

from dataclasses import replace

import pytest

from tests import review_project
from tests.browser.conftest import opened, press, serving, settled, without_a_name
from tests.browser.test_hostile_texts import INERT, LABELS
from winnow.kinds.multilabel.labels import OPENING, Task, canonical
from winnow.people import decisions

NAMES = ["Rats", "Humans", "Mice"]
MANY = [*NAMES, *(f"label {number}" for number in range(9))]


def rows() -> list[dict]:
    given = ['["Humans"]', '["Humans"]', None, "[]", '["Mice"]']
    return [
        {"id": f"row-{number:03}", "text": f"the text of row {number}", "suggested_label": '["Rats"]', "split": "train"}
        | {"given_label": label, "p_error": 0.8, "reasons": ["the models say Rats"]}
        | {"probabilities": [{"label": name, "p": 0.3} for name in NAMES]}
        for number, label in enumerate(given)
    ]


@pytest.fixture
def project(tmp_path):
    project = review_project.make(tmp_path, rows())
    return replace(project, task=Task(kind="multilabel", labels=NAMES))


def made(project) -> list[tuple[str, str]]:
    return [(of.verdict, of.new_label) for of in decisions.read(project.decisions)]


def test_a_set_is_ticked_by_keys(page, project):
    with serving(project) as server:
        opened(page, server.address)
        assert page.locator("#labels .suggested b").inner_text() == "+ Rats, − Humans"
        assert page.locator(".tick[aria-pressed=true] span").all_inner_texts() == ["− Humans"]
        assert page.locator(".tick.more, .tick.less").all_inner_texts() == ["1\n+ Rats", "2\n− Humans"]
        assert page.locator("#labels .more").inner_text() == "+ Rats"
        assert without_a_name(page) == []
        press(page, "1", "3")
        assert page.locator(".choose span").inner_text() == "Decide: Humans, Mice, Rats"
        press(page, "Enter", "t", "Enter", "Enter")
        assert page.locator("#labels .given b").inner_text() == "none of them"
        press(page, "Enter", "3", "Enter")
        assert page.locator("#end").is_visible()
    assert made(project) == [
        ("relabel", '["Humans","Mice","Rats"]'),
        ("relabel", '["Rats"]'),
        ("relabel", "[]"),
        ("keep", ""),
        ("relabel", "[]"),
    ]


def test_many_labels_are_ticked_in_a_list(page, project):
    with serving(replace(project, task=Task(kind="multilabel", labels=MANY))) as server:
        opened(page, server.address)
        press(page, "r")
        page.keyboard.type("mice")
        press(page, "Enter", "Escape", "Enter")
        page.wait_for_function("document.getElementById('where').textContent.startsWith('Row 2')")
    assert made(project) == [("relabel", '["Humans","Mice"]')]


@pytest.mark.parametrize("labels", [[*NAMES, *(f"a label of many words {number}" for number in range(6))], MANY])
def test_a_finger_ticks_on_a_narrow_page(browser, project, labels):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True)
    with serving(replace(project, task=Task(kind="multilabel", labels=labels))) as server:
        page = opened(context.new_page(), server.address)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        buttons = page.locator("#verdicts button, #others button")
        assert min(buttons.evaluate_all("all => all.map((one) => Math.min(one.offsetWidth, one.offsetHeight))")) >= 44
        assert all(buttons.evaluate_all("all => all.map((one) => one.scrollWidth <= one.clientWidth)"))
        assert page.locator("#bar").evaluate("bar => bar.offsetHeight") < 800 * 0.3  # the text is what is read
        page.get_by_role("button", name="Tick + Rats").tap()
        page.get_by_role("button", name="Decide: Rats").tap()
        settled(page)
    context.close()
    assert made(project) == [("relabel", '["Rats"]')]


def test_a_set_of_many_labels_leaves_the_text_in_view(page, project, tmp_path):
    names = [f"a label of many words {number}" for number in range(120)]
    labels = {"given_label": canonical(names[:40]), "suggested_label": canonical(names[5:45])}
    shown = review_project.make(tmp_path / "many", [rows()[0] | labels | {"probabilities": []}])
    with serving(replace(shown, task=Task(kind="multilabel", labels=names))) as server:
        opened(page, server.address)
        assert page.locator("#bar").evaluate("bar => bar.offsetHeight") < 800 * 0.3


@pytest.mark.parametrize("width", [1280, 400])
def test_hostile_names_are_shown_as_they_are(page, tmp_path, width):
    names = [name for name in LABELS if not name.startswith(OPENING)] + ["a, b", 'say "c" [d]']
    labels = {"given_label": canonical(names[:2]), "suggested_label": canonical(names[1:])}
    project = review_project.make(tmp_path, [rows()[0] | labels | {"probabilities": []}])
    page.set_viewport_size({"width": width, "height": 800})
    with serving(replace(project, task=Task(kind="multilabel", labels=names))) as server:
        opened(page, server.address)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.locator("#bar").evaluate("bar => bar.offsetHeight") < 800 * 0.45
        assert page.locator(INERT).count() == 0
        press(page, "t", "Enter")
        assert page.locator("#end").is_visible()
    assert made(project) == [("relabel", canonical(names[1:]))]
