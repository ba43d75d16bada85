"""Spans through a real Label Studio: what its page marks, and what it was sent, counts the same characters."""

from dataclasses import replace

import pytest

from tests import review_project
from tests.label_studio.conftest import CHROMIUM, labelling
from tests.label_studio.test_server import pull, push, tasks
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.people import decisions
from winnow.review.label_studio import client
from winnow.review.label_studio.client import Client

TYPES = ["drug", "ill", '$cost <b>&"']
TASK = Task(kind="token_classification", labels=TYPES)
TEXTS = [
    "\U0001f600 aspirin \U0001f44d\U0001f3fd pain <b>&amp; end",
    " e\u0301te\u0301  two\n\nlines\r\nof\tpain end",
    "الأسبرين \U0001f600 لعلاج الألم pain end",
    "no label pain end",
]
# Where the word `end` stands on Label Studio's page: left, right, middle.
END = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const place = node.data.lastIndexOf("end");
    if (place < 0 || !node.parentElement.closest("[class*=richtext]")) continue;
    const range = document.createRange();
    range.setStart(node, place);
    range.setEnd(node, place + 3);
    const { left, right, top, bottom } = range.getBoundingClientRect();
    return [left, right, (top + bottom) / 2];
  }
  return null;
}"""


def at(text: str, words: str, kind: str) -> tuple[int, int, str]:
    start = text.index(words)
    return start, start + len(words), kind


@pytest.fixture
def project(tmp_path, token, monkeypatch):
    monkeypatch.setenv(client.KEY, token)
    rows = [
        {"id": f"row-{place:03}", "text": text, "given_label": canonical([at(text, "pain", TYPES[2])])}
        | {"suggested_label": canonical([at(text, "pain", "ill")])}
        for place, text in enumerate(TEXTS)
    ]
    rows[3]["given_label"] = None
    return replace(review_project.make(tmp_path, rows), task=TASK)


def submit(server, task: dict, result: list[dict]) -> None:
    Client(server.url).post(f"/api/tasks/{task['id']}/annotations", {"result": result, "lead_time": 3})


def new_labels(project) -> list[tuple[str, str]]:
    return [(one.verdict, one.new_label) for one in decisions.read(project.decisions)]


def test_what_was_sent_comes_back_as_the_same_label(server, project):
    assert push(project, server.url, "Spans sent") == "4 tasks added, 0 already there"
    assert push(project, server.url, "Spans sent") == "0 tasks added, 4 already there"
    found = tasks(server.url, "Spans sent")
    for task in found:
        given = [one for one in task["predictions"] if one["model_version"] == "winnow"]
        submit(server, task, given[0]["result"])
    assert pull(project, server.url, "Spans sent") == "4 decisions added, 0 already there, 0 rows not filled in"
    assert new_labels(project) == [("relabel", canonical([at(text, "pain", "ill")])) for text in TEXTS]


def test_what_is_no_label_ends_in_one_line_for_each_task(server, project):
    push(project, server.url, "Spans wrong")
    first, second, *_ = tasks(server.url, "Spans wrong")
    region = {"from_name": "label", "to_name": "text", "type": "labels"}
    submit(server, first, [region | {"value": {"start": 2, "end": 9, "labels": ["elsewhere"]}}])
    submit(server, second, [region | {"value": {"start": 2, "end": 900, "labels": ["drug"]}}])
    with pytest.raises(client.UserError) as error:
        pull(project, server.url, "Spans wrong")
    assert f"2 problems: task {first['id']}: spans: span 2 to 9: label 'elsewhere' is not one of" in str(error.value)
    assert f"task {second['id']}: a region from 2 to 900 is none of the text's" in str(error.value)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium; .ci/run installs it")
def test_a_person_marks_a_word_behind_emoji_and_accents(server, project):
    """The given spans stand there, a digit and the mouse add one, Ctrl+Enter brings the next row."""
    push(project, server.url, "Spans by hand")
    number = tasks(server.url, "Spans by hand")[0]["project"]
    with labelling(server.url, number) as page:
        for place in range(4):
            page.get_by_text(f"{place + 1} of {place + 1}", exact=True).wait_for()
            page.get_by_text("$\u200bcost").first.wait_for()
            page.wait_for_timeout(1000)  # until its own scripts listen
            page.keyboard.press("1")
            left, right, y = page.evaluate(END)
            page.mouse.move(left + 1, y)
            page.mouse.down()
            page.mouse.move((left + right) / 2, y)
            page.mouse.move(right + 1, y)
            page.mouse.up()
            page.wait_for_timeout(300)
            with page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST"):
                page.keyboard.press("Control+Enter")
    assert pull(project, server.url, "Spans by hand") == "4 decisions added, 0 already there, 0 rows not filled in"
    spans = [[at(text, "pain", TYPES[2]), at(text, "end", "drug")] for text in TEXTS]
    spans[3] = spans[3][1:]
    assert new_labels(project) == [("relabel", canonical(of)) for of in spans]
