"""Responses on the page: the dialogue is shown by turns, the response edited in its place, all that is told by keys."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from tests import nasty, review_project
from tests.browser.conftest import opened, press, serving, settled, without_a_name
from tests.browser.test_hostile_texts import INERT, TEXTS
from tests.winnow.people.test_responses_in_decisions import RESPONSES
from winnow.kinds.generation.labels import Task
from winnow.people import decisions
from winnow.review import importing
from winnow.review import page as pages
from winnow.rows import tables
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

TASK = Task(kind="generation")
PROMPT = dialogue.written(
    Dialogue(
        [
            Message("system", "You are a librarian."),
            Message("user", "Which books\nare due?"),
            Message("assistant", "I look.", '[{"name":"due"}]'),
            Message("tool", '["Emma"]', "", {"name": "due"}),
        ],
        '[{"name":"due","parameters":{}}]',
    )
)
GIVEN = "It is Emma, due on 7 May 1969."
RTL = "זה הספר אמה"


def rows() -> list[dict]:
    reasons = ['"1969" at 25-29 is not in the prompt', 'its least expected words are "Emma" at 6-10']
    own = {"text": PROMPT, "given_label": GIVEN, "p_error": 0.8, "reasons": reasons}
    return [
        {"id": "row-000", "suggested_label": "It is Emma."} | own,
        {"id": "row-001", "text": "Write.", "given_label": None},
        {"id": "row-002", "text": RTL, "given_label": RTL, "suggested_label": RTL},
        {"id": "row-003", "text": "Call.", "given_label": dialogue.response("Wait.", '[{"name":"due"}]')},
        {"id": "row-004", "text": "Lines?", "given_label": "One\r\nTwo\r\n"},
    ]


@pytest.fixture
def project(tmp_path):
    return replace(review_project.make(tmp_path, rows()), task=TASK)


def made(project) -> list[tuple[str, str, str]]:
    return [(of.id, of.verdict, TASK.meant(of.new_label)) for of in decisions.read(project.decisions)]


def test_a_dialogue_is_shown_by_turns(page, project):
    with serving(project) as server:
        opened(page, server.address)
        assert page.locator(".turn .role").all_inner_texts() == ["tools", "system", "user", "assistant", "tool due"]
        assert page.locator(".turn.user .content").evaluate("one => one.textContent") == "Which books\nare due?"
        assert page.locator(".turn code").all_inner_texts() == ['[{"name":"due","parameters":{}}]', '[{"name":"due"}]']
        assert page.locator("#shown").evaluate("one => one.textContent") == GIVEN
        assert page.locator("#shown mark").all_inner_texts() == ["Emma", "1969"]
        assert without_a_name(page) == []


def test_a_response_is_edited_by_keys_alone(page, project):
    with serving(project) as server:
        opened(page, server.address)
        press(page, "Enter")
        assert page.locator("#said").inner_text().startswith("Nothing is edited.")
        press(page, "e")
        page.keyboard.type(" ok? an e")  # letters are no verdicts here
        press(page, "Enter")
        page.keyboard.type("new line")
        page.wait_for_selector("#difference ins")
        assert page.locator("#difference ins").evaluate_all("all => all.map((one) => one.textContent)") == [
            " ok? an e\nnew line"
        ]
        press(page, "Escape")
        assert page.evaluate("document.activeElement.id") == "row"
        assert page.locator("#response-title").inner_text() == "Response, edited"
        press(page, "j", "p")  # it waits
        assert page.locator("#shown ins").count() == 1
        press(page, "u")
        assert page.locator("#shown ins").count() == 0
        press(page, "t", "e")
        page.keyboard.press("Control+End")
        page.keyboard.type(" Yes.")
        press(page, "Control+Enter")
        assert page.locator("#where").inner_text().startswith("Row 2")
        assert page.locator("#edited").is_hidden()
        press(page, "k")
        assert page.locator("#said").inner_text().startswith("This row has no label to keep.")
        press(page, "e", "Control+Enter")
        assert page.locator("#said").inner_text().startswith("The response is empty.")
        page.keyboard.type("Written")
        press(page, "Control+Enter", "k", "a", "e", "End")
        page.keyboard.type("!")
        press(page, "Control+Enter")
        assert page.locator("#end").is_visible()
    assert made(project) == [
        ("row-000", "relabel", "It is Emma. Yes."),
        ("row-001", "relabel", "Written"),
        ("row-002", "keep", ""),
        ("row-003", "ambiguous", ""),
        ("row-004", "relabel", "One\r\nTwo\r\n!"),
    ]
    assert len(project.decisions.read_bytes().splitlines()) == 6


def test_a_response_saved_as_it_was_is_kept_and_an_edit_is_shown_again(page, project):
    with serving(project) as server:
        opened(page, server.address)
        press(page, "e")
        page.keyboard.type("x")
        page.keyboard.press("Backspace")
        press(page, "Control+Enter")
        assert page.locator("#said").inner_text().startswith("Nothing is edited.")
        press(page, "Escape", "e")
        page.keyboard.type(" So.")
        press(page, "Control+Enter", "p")
        assert page.locator("#decided").inner_text().startswith("You decided: relabel It is Emma")
        assert page.locator("#shown ins").inner_text().strip() == "So."
        press(page, "u")
        assert page.locator("#decided").inner_text() == ""
    assert made(project) == []


def test_calls_and_scripts_of_other_directions(page, project):
    with serving(project) as server:
        opened(page, server.address)
        press(page, "j", "j")
        assert page.locator("#shown").evaluate("one => getComputedStyle(one).direction") == "rtl"
        press(page, "e")
        assert page.locator("#edited").evaluate("one => getComputedStyle(one).direction") == "rtl"
        press(page, "Escape", "j")
        assert page.locator("#shown code").inner_text() == '[{"name":"due"}]'
        press(page, "e")
        assert page.locator("#edited").input_value() == 'Wait.\n<|calls|>\n[{"name":"due"}]'


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finger_edits_on_a_narrow_page(browser, project, scheme):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True, color_scheme=scheme)
    with serving(project) as server:
        page = opened(context.new_page(), server.address)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        buttons = page.locator("#verdicts button, #others button")
        assert min(buttons.evaluate_all("all => all.map((one) => Math.min(one.offsetWidth, one.offsetHeight))")) >= 44
        assert all(buttons.evaluate_all("all => all.map((one) => one.scrollWidth <= one.clientWidth)"))
        assert page.locator("#bar").evaluate("bar => bar.offsetHeight") < 800 * 0.3
        page.get_by_role("button", name="Edit", exact=True).tap()
        page.locator("#edited").fill("Emma.")
        page.get_by_role("button", name="Save the edit").tap()
        settled(page)
        page.wait_for_function("document.getElementById('where').textContent.startsWith('Row 2')")
    context.close()
    assert made(project) == [("row-000", "relabel", "Emma.")]


def test_what_is_refused_is_not_lost(page, project):
    with serving(project) as server:
        opened(page, server.address)
        press(page, "e")
        page.locator("#edited").fill("x" * 140_000)
        press(page, "Control+Enter")
        page.wait_for_function("document.getElementById('warning').textContent.includes('140,000 characters')")
        press(page, "e")
        assert len(page.locator("#edited").input_value()) == 140_000
    assert made(project) == []


@pytest.mark.parametrize("offline", [False, True])
def test_hostile_texts(page, tmp_path, offline):
    texts = [
        *(text[:100_000] for text in TEXTS.values()),
        "<|user|>\n</textarea>\n<|calls|>\n[",
        '<|tool {"name":1|>\na',
        "<|assistant {}|>\n",
    ]
    own = [
        {
            "id": f"row-{place:03}",
            "text": text,
            "given_label": f"{text[:50_000]}!",
            "suggested_label": f"a {text[:999]}",
        }
        | {"reasons": [f'"{text[:99]}" at 1-3', '"" at 99999999-1']}
        for place, text in enumerate(texts)
    ]
    project = replace(review_project.make(tmp_path, own), task=TASK)
    file = tmp_path / "queue.html"
    file.write_text(pages.offline(tables.read(project.queue), TASK, TEXTS["script"]), encoding="utf-8")
    with serving(project) as server:
        opened(page, file.as_uri() if offline else server.address)
        if offline:
            page.locator("#reviewer").fill("ana")
            page.locator("#reviewer").press("Enter")
        for text in texts:
            given = page.locator("#shown").evaluate("one => one.textContent")
            assert given[:1000] == "".join(dialogue.answered(f"{text[:50_000]}!"))[:1000]
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert page.locator(INERT).count() == 0
            press(page, "t", "e", "Escape", "Enter")
        assert page.locator("#end").is_visible()


def test_a_file_tells_decisions_as_winnow_does(page, project, tmp_path):
    file = tmp_path / "queue.html"
    file.write_text(pages.offline(tables.read(project.queue), TASK, "Queue"), encoding="utf-8")
    opened(page, file.as_uri())
    page.locator("#reviewer").fill("ana")
    page.locator("#reviewer").press("Enter")
    press(page, "e")
    page.locator("#edited").fill('One "so"\nTwo')
    press(page, "Control+Enter", "e")
    page.keyboard.type("=1+1")
    press(page, "Control+Enter", "k")
    with page.expect_download() as download:
        press(page, "d")
    path = tmp_path / "downloaded.csv"
    path.write_bytes(download.value.path().read_bytes())
    assert len(path.read_text().splitlines()) == 4
    assert decisions.read(path)[0].given_label == TASK.told_given(GIVEN)
    assert importing.run(path, review_project.target(project, TASK)).added == 3
    assert made(project) == [
        ("row-000", "relabel", 'One "so"\nTwo'),
        ("row-001", "relabel", "=1+1"),
        ("row-002", "keep", ""),
    ]


@pytest.fixture
def functions(page, project, tmp_path):
    """A page that has the script's own functions, which the review page keeps to itself."""
    file = tmp_path / "queue.html"
    file.write_text(pages.offline(tables.read(project.queue), TASK, "Queue"), encoding="utf-8")
    opened(page, file.as_uri())
    script = page.locator("script[type=module]").evaluate("one => one.textContent")
    own = script[: script.index("// The review page: shows a row")]
    page.goto("about:blank")
    page.evaluate(f"() => {{ {own}\n window.own = {{ toldText, turnsOf, answeredOf, changesOf, writtenOf, WORD }}; }}")
    return page


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(RESPONSES)
def test_the_script_tells_responses_so_that_they_read_back(functions, response):
    cell = functions.evaluate("response => own.toldText(response)", response)
    assert TASK.meant(cell) == response
    assert cell == cell.strip()
    assert len(cell.splitlines()) == 1


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(nasty.TEXTS, nasty.TEXTS)
def test_the_changes_lead_from_one_text_to_the_other(functions, one, other):
    script = "([one, other]) => own.changesOf(one.match(own.WORD) ?? [], other.match(own.WORD) ?? [])"
    found = functions.evaluate(script, [one, other])
    assert "".join(word for kind, word in found if kind <= 0) == one
    assert "".join(word for kind, word in found if kind >= 0) == other


@pytest.mark.parametrize(
    ("one", "other", "changes"),
    [
        ("It is Emma, due.", "It was Emma.", [[-1, "is"], [1, "was"], [-1, ","], [-1, " "], [-1, "due"]]),
        ("私は本を読む", "私は本を読んだ", [[-1, "む"], [1, "ん"], [1, "だ"]]),
        ("नमस्ते दुनिया", "नमस्ते दुनिया!", [[1, "!"]]),
    ],
)
def test_changes_are_of_words(functions, one, other, changes):
    script = "([one, other]) => own.changesOf(one.match(own.WORD) ?? [], other.match(own.WORD) ?? [])"
    assert [change for change in functions.evaluate(script, [one, other]) if change[0]] == changes


def test_the_script_reads_dialogues_as_winnow_does(functions):
    turns = functions.evaluate("text => own.turnsOf(text)", PROMPT)
    assert [turn["role"] for turn in turns] == ["tools", "system", "user", "assistant", "tool"]
    tricky = Dialogue([Message("user", "<|user|>\n\\<|calls|>\na\u2028<|tool|>\r"), Message("assistant", "", "[1]")])
    turns = functions.evaluate("text => own.turnsOf(text)", dialogue.written(tricky))
    assert [(turn["role"], turn["content"], turn["calls"]) for turn in turns] == [
        (turn.role, turn.content, turn.calls) for turn in tricky.messages
    ]
    response = dialogue.response("<|calls|>\nso", "[2]")
    assert functions.evaluate("text => own.answeredOf(text)", response) == ["<|calls|>\nso", "[2]"]
