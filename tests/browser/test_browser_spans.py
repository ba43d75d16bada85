"""Spans on the page: marked with the mouse or by keys alone, the suggestion shown as +, − and ±, exact offsets."""

from dataclasses import replace

import pytest

from tests import review_project
from tests.browser.conftest import opened, press, serving, settled, without_a_name
from tests.browser.test_hostile_texts import INERT, LABELS, TEXTS
from winnow.kinds.token_classification.labels import Task, canonical, spans
from winnow.people import decisions
from winnow.review import page as pages
from winnow.rows import tables

TYPES = ["chemical", "disease", "</style><script>alert(1)</script>"]
TASK = Task(kind="token_classification", labels=TYPES)
TEXT = "\U0001f600 Naloxone reverses clonidine, and heart failure in rats."
ARABIC = "يعالج الأسبرين قصور القلب 😀 aspirin"
CLUSTERS = "x 👩‍👩‍👧‍👦👍🏽 e\u0301te\u0301 น้ำ <b>&amp;\r\nend"


def at(text: str, words: str, kind: str = "chemical") -> tuple[int, int, str]:
    start = text.index(words)
    return start, start + len(words), kind


def rows() -> list[dict]:
    given = [at(TEXT, "Naloxone", "disease"), at(TEXT, "heart", "disease"), at(TEXT, "rats", "disease")]
    better = [at(TEXT, "Naloxone"), at(TEXT, "clonidine"), at(TEXT, "heart failure", "disease")]
    return [
        {"text": TEXT, "given_label": canonical(given), "suggested_label": canonical(better), "p_error": 0.8}
        | {"probabilities": [{"label": canonical([span]), "p": 0.5} for span in (better[1], given[2])]}
        | {"neighbours": [{"id": "x", "label": canonical(given[:1]), "similarity": 0.5, "text": "xx aspirin"}]},
        {"text": ARABIC, "given_label": "[]", "suggested_label": canonical([at(ARABIC, "aspirin")])},
        {"text": CLUSTERS, "given_label": None, "suggested_label": "[]"},
    ]


@pytest.fixture
def project(tmp_path):
    numbered = [{"id": f"row-{number:03}", **row} for number, row in enumerate(rows())]
    return replace(review_project.make(tmp_path, numbered), task=TASK)


@pytest.fixture
def shown(page, project):
    with serving(project) as server:
        yield opened(page, server.address)


def made(project) -> list[tuple[str, str]]:
    return [(of.verdict, of.new_label) for of in decisions.read(project.decisions)]


def said(page) -> str:
    return page.locator("#said").inner_text()


def tags(page) -> list[str]:
    """What the page draws behind spans, and what it suggests."""
    return page.locator("#text [data-tag]").evaluate_all("all => all.map((one) => one.dataset.tag)")


def words(project, place: int, text: str) -> list[tuple[str, str]]:
    """The words and type of each span of a decision."""
    label = made(project)[place][1]
    TASK.fits(label, text, "")
    assert TASK.check(label, "") == label
    return [(text[start:end], kind) for start, end, kind in spans(label)]


def test_the_suggestion_is_shown_as_what_it_changes_and_taken_by_one_key(shown, project):
    assert shown.locator("#labels .given b").inner_text() == "3 disease"
    assert shown.locator("#labels .change").all_inner_texts() == [
        "± Naloxone: disease → chemical",
        "+ chemical: clonidine",
        "± disease: heart → heart failure",
        "− disease: rats",
    ]
    assert shown.locator(".bars .name").all_inner_texts() == ["chemical: clonidine suggested", "disease: rats given"]
    assert shown.locator(".neighbours .tag").all_inner_texts() == ["disease: aspirin"]
    assert shown.locator(".neighbours .given").count() == 0
    assert tags(shown) == ["± disease → chemical", "+ chemical", "± disease", "± disease", "− disease"]
    assert shown.locator("#text").evaluate("element => element.textContent") == TEXT
    assert without_a_name(shown) == []
    press(shown, "t")
    assert tags(shown) == ["chemical", "chemical", "disease"]
    assert said(shown) == "Marked: chemical: Naloxone; chemical: clonidine; disease: heart failure."
    press(shown, "u")
    assert len(tags(shown)) == 5
    press(shown, "t", "Enter")
    assert made(project) == [("relabel", rows()[0]["suggested_label"])]


def test_keys_alone_move_extend_shrink_type_and_delete(shown, project):
    press(shown, "ArrowDown", "1")
    assert said(shown) == "chemical: Naloxone."
    press(shown, "ArrowRight", "ArrowRight", "1")
    assert said(shown) == "chemical: clonidine."
    press(shown, "ArrowDown", "Shift+ArrowRight")
    assert said(shown) == "disease: heart failure."
    press(shown, "Shift+ArrowRight", "Shift+ArrowLeft", "x", "Shift+ArrowLeft", "Shift+ArrowRight")
    assert said(shown) == "disease: heart failure."
    press(shown, "ArrowDown", "Delete")
    assert said(shown) == "Deleted disease: rats."
    press(shown, "Delete")
    assert said(shown) == "No span is selected."
    press(shown, "ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft", "2")
    assert said(shown) == "Replaced disease: heart failure. u takes it back."
    press(shown, "u", "Enter")
    assert words(project, 0, TEXT) == [
        ("Naloxone", "chemical"),
        ("clonidine", "chemical"),
        ("heart failure", "disease"),
    ]
    assert made(project)[0] == ("relabel", rows()[0]["suggested_label"])


def test_right_to_left_the_left_arrow_leads_on(shown, project):
    press(shown, "k", "ArrowLeft", "ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "2", "ArrowLeft")
    assert said(shown) == "😀."
    press(shown, "ArrowLeft", "r")
    shown.keyboard.type("chem")
    press(shown, "Enter", "Enter")
    assert words(project, 1, ARABIC) == [("قصور القلب", "disease"), ("aspirin", "chemical")]


def test_no_key_splits_what_people_see_as_one_character(shown, project):
    press(shown, "k", "k", "ArrowRight")
    heard = [said(shown)]
    for _ in range(8):
        press(shown, "ArrowRight")
        heard.append(said(shown))
    assert heard == ["x.", "👩‍👩‍👧‍👦.", "👍🏽.", "e\u0301te\u0301.", "น้ำ.", "<.", "b.", ">.", "&."]
    press(shown, "c", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert said(shown) == "e\u0301."
    press(shown, "2", "ArrowLeft", "1", "Shift+ArrowLeft", "Enter")
    assert words(project, 2, CLUSTERS) == [("e\u0301t", "chemical"), ("e\u0301", "disease")]


def test_the_mouse_selects_whole_words(shown, project):
    place = """words => {
        const range = document.createRange(), node = [...document.querySelector('#text').childNodes].find((one) =>
            one.nodeType === 3 && one.data.includes(words));
        range.setStart(node, node.data.indexOf(words)); range.setEnd(node, node.data.indexOf(words) + words.length);
        const { left, right, top, bottom } = range.getBoundingClientRect();
        return [left, right, (top + bottom) / 2];
    }"""
    left, right, y = shown.evaluate(place, "verses")
    shown.mouse.move(left + 1, y)
    shown.mouse.down()
    shown.mouse.move(right + 20, y)
    shown.mouse.up()
    assert said(shown) == "reverses clonidine."
    left, right, y = shown.evaluate(place, ", and")
    shown.mouse.click(right - 4, y)
    assert said(shown) == "and."
    shown.locator("#text mark").nth(1).click(modifiers=["Shift"])
    assert said(shown) == "and heart."
    shown.get_by_role("button", name="chemical").click()
    assert said(shown) == "Replaced disease: heart. u takes it back."
    shown.get_by_role("button", name="Undo").click()
    shown.locator("#text mark").first.click()
    shown.get_by_role("button", name="Delete").click()
    shown.get_by_role("button", name="Decide: 1 change").click()
    settled(shown)
    assert words(project, 0, TEXT) == [("heart", "disease"), ("rats", "disease")]


def test_what_was_marked_waits_for_who_looks_around_or_undoes_a_decision(shown, project):
    press(shown, "ArrowDown", "Delete", "j", "p")
    assert shown.locator("#text mark").count() == 2
    press(shown, "Enter", "u")
    assert made(project) == []
    assert shown.locator("#text mark").count() == 2
    press(shown, "u", "Enter")
    assert made(project) == [("keep", "")]


def test_a_finger_marks_on_a_narrow_page(browser, project):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True, color_scheme="dark")
    with serving(project) as server:
        page = opened(context.new_page(), server.address)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        sizes = page.locator("#verdicts button, #others button").evaluate_all(
            "all => all.map((one) => Math.min(one.offsetWidth, one.offsetHeight))"
        )
        assert min(sizes) >= 44
        assert page.locator("#bar").evaluate("bar => bar.offsetHeight") < 800 * 0.3  # the text is what is read
        page.locator("#text mark").nth(2).tap()
        page.get_by_role("button", name="Delete").tap()
        page.locator("#text mark").first.tap()
        page.get_by_role("button", name="chemical").tap()
        page.get_by_role("button", name="Decide").tap()
        settled(page)
    context.close()
    assert words(project, 0, TEXT) == [("Naloxone", "chemical"), ("heart", "disease")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hues_are_those_of_types_alone(browser, project, scheme):
    context = browser.new_context(color_scheme=scheme)
    with serving(project) as server:
        page = opened(context.new_page(), server.address)
        of = """names => names.map((name) => {
            const probe = document.body.appendChild(document.createElement("i"));
            probe.style.color = `var(--${name})`;
            const parts = getComputedStyle(probe).color.match(/[0-9]+/g).slice(0, 3).map(Number);
            probe.remove();
            return Math.max(...parts) - Math.min(...parts);
        })"""
        assert max(page.evaluate(of, ["given", "suggested", "more", "less"])) < 20
        assert min(page.evaluate(of, [f"type-{number}" for number in range(8)])) > 60
    context.close()


def test_types_and_texts_that_try_to_be_html_stay_text_on_a_page_without_a_server(page, project, tmp_path):
    file = tmp_path / "queue.html"
    file.write_text(pages.offline(tables.read(project.queue), TASK, "Queue"), encoding="utf-8")
    opened(page, file.as_uri())
    page.locator("#reviewer").fill("ana")
    page.locator("#reviewer").press("Enter")
    press(page, "j", "j", "ArrowRight", "3")
    assert tags(page) == ["− </style><script>alert(1)</script>"]
    assert page.locator("#text").evaluate("element => element.textContent") == CLUSTERS
    assert page.locator("script").count() == 2
    press(page, "Enter")
    with page.expect_download() as download:
        page.keyboard.press("d")
    saved = download.value.path().read_text(encoding="utf-8")
    assert canonical([(0, 1, TYPES[2])]).replace('"', '""') in saved


def test_hostile_texts_and_types_are_shown_as_they_are(page, tmp_path):
    texts = [text for name, text in TEXTS.items() if name != "a word of 1 MB"]
    task = Task(kind="token_classification", labels=[*LABELS, "a"])
    rows = [
        {"id": f"row-{place:03}", "text": text, "given_label": canonical([(0, 2, "a")])}
        | {"suggested_label": canonical([(1, 4, kind)])}
        for place, (text, kind) in enumerate(zip(texts, LABELS, strict=False))
    ]
    project = replace(review_project.make(tmp_path, rows), task=task)
    with serving(project) as server:
        opened(page, server.address)
        for row in rows:
            assert page.locator("#text").evaluate("element => element.textContent") == row["text"]
            press(page, "ArrowRight", "2", "t")
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert page.locator(INERT).count() == 0
            press(page, "Enter")
        assert page.locator("#end").is_visible()
    assert [label for _, label in made(project)] == [row["suggested_label"] for row in rows]


def test_many_types_of_long_names_leave_room_for_the_text(page, tmp_path):
    task = Task(kind="token_classification", labels=[f"a type of a long name, the {number}th" for number in range(120)])
    rows = [{"id": "row-000", "text": "Aspirin.", "given_label": canonical([(0, 7, task.labels[0])])}]
    with serving(replace(review_project.make(tmp_path, rows), task=task)) as server:
        opened(page, server.address)
        types = page.locator(".types")
        assert types.evaluate("element => element.scrollHeight > element.clientHeight")
        assert types.bounding_box()["height"] <= 130
        last = types.locator("button").last
        last.scroll_into_view_if_needed()
        assert task.labels[8] in last.inner_text()  # a digit each; the others stand in the dialog
        assert last.is_visible()
