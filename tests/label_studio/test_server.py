"""The round trip through a real Label Studio server: push, annotate as a person does, pull."""

import json
import threading
import time

import pytest

from tests import review_project
from tests.label_studio.conftest import CHROMIUM, EMAIL, labelling
from winnow.base.errors import UserError
from winnow.commands import cli
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, queue
from winnow.review import importing, label_studio
from winnow.review.label_studio import client
from winnow.review.label_studio.client import Client

# Labels that XML, and Label Studio's own notation for columns, must not touch.
LABELS = ["FRUIT", "STONE", "A <b>&\" 'q'", "$x $text", "a,b; c"]


@pytest.fixture
def project(tmp_path, token, monkeypatch):
    monkeypatch.setenv(client.KEY, token)
    return review_project.make(tmp_path, _entries(6), LABELS)


def _entries(count: int) -> list[dict]:
    help_ = {
        "probabilities": [{"label": "STONE", "p": 0.75}],
        "votes": [{"rule": "heading", "label": "STONE"}],
        "neighbours": [{"id": "near", "label": "STONE", "similarity": 0.9, "text": "a near <i>text</i>"}],
    }
    return [entry | help_ | {"text": f"{entry['text']}: <b>&\nmore"} for entry in review_project.entries(count)]


def push(project, url: str, title: str) -> str:
    """Push the queue; return what happened behind the project's address."""
    entries = queue.read(project.queue)
    said = label_studio.push(url, entries, review_project.target(project), title)
    return said.partition(": ")[2]


def pull(project, url: str, title: str) -> str:
    return label_studio.pull(url, review_project.target(project), title).partition(": ")[2]


def tasks(url: str, title: str) -> list[dict]:
    """Return a project's tasks with all that Label Studio has on them."""
    api = Client(url)
    found = api.get("/api/projects", title=title)["results"]  # and those in whose title it stands
    [project] = [each for each in found if each["title"] == title]
    return sorted(api.tasks(project["id"], fields="all"), key=lambda task: task["id"])


def annotate(url: str, task: dict, choice: str, note: str = "", seconds: float = 4.25, **fields) -> dict:
    """Send what the browser sends when a person submits."""
    result = [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [choice]}}]
    if note:
        result.append({"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [note]}})
    return Client(url).post(f"/api/tasks/{task['id']}/annotations", {"result": result, "lead_time": seconds} | fields)


def said(project) -> list[tuple[str, str, str, str]]:
    return [(one.id, one.verdict, one.new_label, one.note) for one in decisions.read(project.decisions)]


def test_a_queue_becomes_decisions(server, project):
    assert push(project, server.url, "Round trip") == "6 tasks added, 0 already there"
    assert push(project, server.url, "Round trip") == "0 tasks added, 6 already there"
    found = tasks(server.url, "Round trip")
    assert [task["data"]["winnow_id"] for task in found] == [f"row-00{number}" for number in range(6)]
    [prediction] = found[0]["predictions"]
    assert (prediction["score"], prediction["result"][0]["value"]) == (0.75, {"choices": ["STONE"]})

    for task, choice in zip(found, ["FRUIT", "$x $text", "winnow:ambiguous", "winnow:out_of_scope"], strict=False):
        annotate(server.url, task, choice, note="=1+1\nand more" if choice == "FRUIT" else "")
    annotate(server.url, found[4], "STONE", was_cancelled=True)
    before = project.decisions.read_text()
    assert pull(project, server.url, "Round trip") == "4 decisions added, 0 already there, 2 rows not filled in"
    assert pull(project, server.url, "Round trip") == "0 decisions added, 4 already there, 2 rows not filled in"

    assert project.decisions.read_text().startswith(before.strip())
    assert said(project) == [
        ("row-000", "keep", "", "=1+1 and more"),
        ("row-001", "relabel", "$x $text", ""),
        ("row-002", "ambiguous", "", ""),
        ("row-003", "out_of_scope", "", ""),
    ]
    first = decisions.read(project.decisions)[0]
    created = tasks(server.url, "Round trip")[0]["annotations"][0]["created_at"]
    assert (first.reviewer, first.decided_on[:10], first.seconds) == (EMAIL, created[:10], 4.2)
    assert (
        push(project, server.url, "Round trip")
        == "0 tasks added, 2 already there, 4 decided already, 4 of other queues"
    )


def test_the_command_pushes_and_pulls(server, workspace, project, capsys):
    workspace(task={"kind": "classification", "labels": LABELS}, review={"overlap": 0.0})
    cli.main(["review", "--label-studio", server.url])
    address, _, happened = capsys.readouterr().out.partition(": ")
    assert happened == "6 tasks added, 0 already there\n"
    annotate(server.url, next(Client(server.url).tasks(int(address.rpartition("/")[2]))), "STONE")
    cli.main(["review", "--label-studio", address, "--pull"])
    expected = f"{address}: 1 decisions added, 0 already there, 5 rows not filled in\n"
    assert capsys.readouterr().out == expected
    assert said(project) == [("row-000", "relabel", "STONE", "")]


def test_a_change_of_mind_and_a_changed_text(server, project):
    push(project, server.url, "Changes")
    found = tasks(server.url, "Changes")
    annotation = annotate(server.url, found[0], "FRUIT")
    annotate(server.url, found[1], "STONE")
    pull(project, server.url, "Changes")
    result = annotation["result"]
    result[0]["value"]["choices"] = ["STONE"]
    Client(server.url).patch(f"/api/annotations/{annotation['id']}", {"result": result, "lead_time": 9})
    assert pull(project, server.url, "Changes") == "1 decisions added, 1 already there, 4 rows not filled in"
    assert [verdict for _, verdict, _, _ in said(project)] == ["keep", "relabel", "relabel"]

    annotate(server.url, found[2], "STONE")
    rows = [row | {"text": "another"} if row["id"] == "row-002" else row for row in _entries(6)]
    review_project.write_queue(project.queue.parents[1], rows)
    assert pull(project, server.url, "Changes") == (
        "0 decisions added, 2 already there, 1 left out, since the text or label has changed, 3 rows not filled in"
    )
    # The text that is there now is another question.
    assert push(project, server.url, "Changes").startswith("1 tasks added, 3 already there, 2 decided already")


def test_a_server_that_is_killed_in_mid_push(server, project, monkeypatch):
    review_project.write_queue(project.queue.parents[1], _entries(1000))
    monkeypatch.setattr(client, "WAIT", 0.01)
    monkeypatch.setattr(label_studio, "BATCH", 50)
    faults = []

    def pushing() -> None:
        try:
            push(project, server.url, "Killed")
        except UserError as error:
            faults.append(str(error))

    thread = threading.Thread(target=pushing)
    thread.start()
    api = Client(server.url)
    while not (projects := api.get("/api/projects", title="Killed")["results"]) or not projects[0]["task_number"]:
        time.sleep(0.01)
    server.kill()
    thread.join()
    assert len(faults) == 1
    assert "cannot be reached" in faults[0]
    assert faults[0].endswith("nothing is lost: run the same command again to go on")

    server.start()
    there = len(tasks(server.url, "Killed"))
    assert 0 < there < 1000
    assert push(project, server.url, "Killed") == f"{1000 - there} tasks added, {there} already there"
    found = tasks(server.url, "Killed")
    assert sorted(task["data"]["winnow_id"] for task in found) == sorted(row["id"] for row in _entries(1000))
    assert all(len(task["predictions"]) == 1 for task in found)


def test_doubles_are_removed_but_not_what_people_did(server, project):
    push(project, server.url, "Doubles")
    found = tasks(server.url, "Doubles")
    address = f"/api/projects/{found[0]['project']}/import"
    Client(server.url).post(address, [{"data": task["data"]} for task in found[:3]])
    annotate(server.url, tasks(server.url, "Doubles")[-1], "winnow:ambiguous")  # the double of row-002
    assert push(project, server.url, "Doubles") == "0 tasks added, 6 already there, 3 doubles removed"
    left = tasks(server.url, "Doubles")
    assert [task["data"]["winnow_id"] for task in left][-1] == "row-002"
    assert len(left) == 6
    assert pull(project, server.url, "Doubles") == "1 decisions added, 0 already there, 5 rows not filled in"


def test_new_labels_reach_an_old_project(server, project):
    push(project, server.url, "Labels")
    annotate(server.url, tasks(server.url, "Labels")[0], "FRUIT")
    more = Task(kind="classification", labels=[*LABELS, *(f"LABEL {number}" for number in range(9))])
    entries = queue.read(project.queue)
    label_studio.push(server.url, entries, review_project.target(project, more), "Labels")
    [found] = Client(server.url).get("/api/projects", title="Labels")["results"]
    assert set(found["parsed_label_config"]["label"]["labels"]) > set(more.labels)
    assert pull(project, server.url, "Labels") == "1 decisions added, 0 already there, 5 rows not filled in"


def test_a_project_of_somebody_else_is_left_alone(server, project):
    api = Client(server.url)
    config = '<View><Text name="t" value="$text"/><Choices name="c" toName="t"><Choice value="A"/></Choices></View>'
    other = api.post("/api/projects", {"title": "Not ours", "label_config": config})
    api.post(f"/api/projects/{other['id']}/import", [{"data": {"text": "their text"}}])
    with pytest.raises(UserError, match="its labelling config is not Winnow's, and it has tasks"):
        push(project, server.url, "Not ours")
    with pytest.raises(UserError, match="its labelling config is not Winnow's"):
        push(project, f"{server.url}/projects/{other['id']}/data", "Any title")
    assert api.get(f"/api/projects/{other['id']}")["label_config"] == config


def test_files_instead_of_requests(server, project):
    """What a person does by hand whose server cannot be reached from here."""
    file = project.queue.with_name("tasks.json")
    entries = queue.read(project.queue)
    label_studio.write_tasks(file, entries, review_project.target(project))
    api = Client(server.url)
    made = api.post("/api/projects", {"title": "By hand", "label_config": file.with_suffix(".xml").read_text()})
    api.post(f"/api/projects/{made['id']}/import", json.loads(file.read_text()))
    annotate(server.url, tasks(server.url, "By hand")[1], "a,b; c")
    exported = project.queue.with_name("export.json")
    exported.write_text(json.dumps(api.get(f"/api/projects/{made['id']}/export", list, exportType="JSON")))
    added = importing.run(exported, review_project.target(project), EMAIL)
    assert added.summary("export") == "export: 1 decisions added, 0 already there, 0 rows not filled in"
    assert said(project) == [("row-001", "relabel", "a,b; c", "")]
    assert pull(project, server.url, "By hand").startswith("0 decisions added, 1 already there")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("eyJh.eyJ0.c2Vj", r"LABEL_STUDIO_API_KEY is refused \(401: Token is invalid\); make a new personal access"),
        ("0" * 40, r"LABEL_STUDIO_API_KEY is refused \(401: "),  # a legacy token, which the server has switched off
    ],
)
def test_a_token_that_the_server_refuses(server, project, monkeypatch, key, words):
    monkeypatch.setenv(client.KEY, key)
    with pytest.raises(UserError, match=words):
        push(project, server.url, "Refused")


def test_a_project_that_is_not_there(server, project):
    with pytest.raises(UserError, match=r"not found \(404: No Project matches the given query"):
        push(project, f"{server.url}/projects/999", "Any title")
    with pytest.raises(UserError, match=r"it has no project 'Nobody made it'; push the queue first"):
        pull(project, server.url, "Nobody made it")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium; .ci/run installs it")
def test_a_person_decides_with_the_keyboard(server, project):
    """Nothing is chosen beforehand, a digit is a label, and Ctrl+Enter brings the next row."""
    push(project, server.url, "Keyboard")
    number = tasks(server.url, "Keyboard")[0]["project"]
    with labelling(server.url, number) as page:
        for row, key in enumerate(["4", "o"]):
            page.get_by_text(f"the text of row {row}: <b>&").wait_for()
            page.get_by_text("$\u200bx $\u200btext").wait_for()
            assert page.locator("input[type=checkbox]:checked").count() == 0
            page.keyboard.press(key)
            page.locator("input[type=checkbox]:checked").first.wait_for()
            page.keyboard.press("Control+Enter")
        page.get_by_text("the text of row 2: <b>&").wait_for()
    assert pull(project, server.url, "Keyboard") == "2 decisions added, 0 already there, 4 rows not filled in"
    assert said(project) == [("row-000", "relabel", "$x $text", ""), ("row-001", "out_of_scope", "", "")]
    assert all(one.seconds > 0 for one in decisions.read(project.decisions))


def test_an_address_with_more_than_the_servers(server, project):
    with pytest.raises(UserError, match=r"not found \(404|is not that of a Label Studio server"):
        push(project, f"{server.url}/user/login", "Any title")
