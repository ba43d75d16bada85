"""A Label Studio that refuses, errs, or disappears: one clear line, nothing lost, no task twice."""

import pytest

from tests import review_project
from tests.label_studio.fake import ACCESS, Fake, Fault, Server
from winnow.base.errors import UserError
from winnow.people import decisions, queue
from winnow.review import label_studio
from winnow.review.label_studio import client

TOKEN = "eyJh.eyJ0.c2Vj"  # a personal access token has this form
IMPORT = "/api/projects/1/import"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Seven rows, pushed two at a time."""
    monkeypatch.setenv(client.KEY, TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(client, "WAIT", 0)
    monkeypatch.setattr(label_studio, "BATCH", 2)
    return review_project.make(tmp_path, review_project.entries(7))


@pytest.fixture
def fake():
    fake = Fake()
    with Server(fake):
        yield fake


def push(project, url: str, title: str = "Suspects") -> str:
    entries = queue.read(project.queue)
    return label_studio.push(url, entries, review_project.target(project), title)


def pull(project, url: str, title: str = "Suspects") -> str:
    return label_studio.pull(url, review_project.target(project), title)


def refusal(call, *arguments) -> str:
    """Return the one line in which a call fails; it does not hold the token."""
    with pytest.raises(UserError) as error:
        call(*arguments)
    said = str(error.value)
    assert "\n" not in said
    assert TOKEN not in said
    assert ACCESS not in said
    return said


def ids(fake) -> list[str]:
    return sorted(task["data"]["winnow_id"] for task in fake.tasks)


ALL = [f"row-00{number}" for number in range(7)]


def test_a_push_asks_page_by_page_and_adds_what_is_missing(project, fake):
    assert push(project, fake.url) == f"{fake.url}/projects/1: 7 tasks added, 0 already there"
    assert push(project, f"{fake.url}/") == f"{fake.url}/projects/1: 0 tasks added, 7 already there"
    assert push(project, f"{fake.url}/projects/1/data?tab=3").endswith("0 tasks added, 7 already there")
    assert [task["data"]["winnow_id"] for task in fake.tasks] == ALL
    assert len(fake.projects) == 1


def test_tasks_of_other_queues_are_counted_and_stay(project, fake):
    push(project, fake.url)
    review_project.write_queue(project.queue.parents[1], review_project.entries(9)[2:])
    said = push(project, fake.url)
    assert said.endswith("2 tasks added, 5 already there, 2 of other queues")
    assert len(fake.tasks) == 9


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, f"{client.KEY} is refused (401: as the test wants it); make a new personal access token"),
        (403, "the token's owner may not do this (403: as the test wants it)"),
        (404, "not found (404: as the test wants it); check the address"),
        (413, "too much at once (413: as the test wants it)"),
        (400, "refused (400: as the test wants it)"),
        (302, "it redirects to https://elsewhere.example.org/; give that address"),
        ("html", "the answer (200) is not that of a Label Studio server; check the address"),
        (500, "the server is in trouble (500: as the test wants it); 4 of 7 tasks are there; nothing is lost: run the"),
        (429, "the server is in trouble (429: as the test wants it)"),
        ("drop", "cannot be reached, or broke off: "),
    ],
)
def test_each_refusal_is_one_line_and_the_next_push_adds_the_rest(project, fake, status, message):
    fake.faults = [Fault("POST", IMPORT, status, times=99, after=2)]
    assert refusal(push, project, fake.url).startswith(f"{fake.url}: {message}")
    assert ids(fake) == ALL[:4]
    fake.faults = []
    assert push(project, fake.url).endswith("3 tasks added, 4 already there")
    assert ids(fake) == ALL


@pytest.mark.parametrize("status", [401, 403, 404, 500, "drop", "html", 302])
def test_each_refusal_at_the_door(project, fake, status):
    fake.faults = [Fault("POST", "/api/token/refresh", status, times=99)]
    refusal(push, project, fake.url)
    refusal(pull, project, fake.url)
    assert fake.projects == []


@pytest.mark.parametrize("how", [500, 503, 429, "drop", "late", "hang"])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_push_goes_on_by_itself_and_adds_nothing_twice(project, fake, how, after, monkeypatch):
    if how == "hang":
        monkeypatch.setattr(client, "TIMEOUT", (1, 0.2))
    fake.faults = [Fault("POST", IMPORT, how, after=after)]
    assert push(project, fake.url).endswith("7 tasks added, 0 already there")
    assert ids(fake) == ALL


@pytest.mark.parametrize("how", [502, "drop"])
def test_questions_are_asked_again(project, fake, how):
    push(project, fake.url)
    fake.faults = [Fault("GET", "/api/.*", how, times=client.ATTEMPTS - 1)]
    assert push(project, fake.url).endswith("0 tasks added, 7 already there")


def test_questions_are_not_asked_for_ever(project, fake):
    fake.faults = [Fault("GET", "/api/projects", 500, times=99)]
    assert "the server is in trouble (500" in refusal(push, project, fake.url)
    assert len([path for _, path, _ in fake.requests if path == "/api/projects"]) == client.ATTEMPTS


def test_a_project_whose_making_was_not_answered_is_not_made_again(project, fake):
    fake.faults = [Fault("POST", "/api/projects", "late")]
    push(project, fake.url)
    assert len(fake.projects) == 1


def test_a_server_that_disappears_and_comes_back(project):
    fake = Fake()
    fake.faults = [Fault("POST", IMPORT, "late", after=1), Fault("GET", "/api/tasks", "drop", times=99, after=2)]
    with Server(fake):
        assert "nothing is lost: run the same command again to go on" in refusal(push, project, fake.url)
    assert ids(fake) == ALL[:4]
    assert "cannot be reached, or broke off: Connection refused" in refusal(push, project, fake.url)
    fake.faults = []
    with Server(fake):
        assert push(project, fake.url).endswith("3 tasks added, 4 already there")
    assert ids(fake) == ALL


def test_no_answer_in_time(project, fake, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT", (1, 0.05))
    monkeypatch.setattr(client, "ATTEMPTS", 2)
    fake.faults = [Fault("GET", "/api/projects", "hang", times=99)]
    assert refusal(push, project, fake.url).startswith(f"{fake.url}: no answer in time; nothing is lost")


def test_a_token_that_runs_out_in_mid_push_is_renewed(project, fake):
    fake.faults = [Fault("POST", IMPORT, 401, after=1)]
    assert push(project, fake.url).endswith("7 tasks added, 0 already there")
    assert [path for _, path, _ in fake.requests].count("/api/token/refresh") == 2


def test_a_request_that_is_carried_out_after_it_was_given_up_leaves_no_doubles(project, fake, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT", (1, 0.2))
    fake.faults = [Fault("POST", IMPORT, "slow", after=1)]
    assert push(project, fake.url).endswith("7 tasks added, 0 already there")
    fake.finish()
    assert len(fake.tasks) == 9
    assert push(project, fake.url).endswith("0 tasks added, 7 already there, 2 doubles removed")
    assert ids(fake) == ALL


def test_doubles_that_nobody_worked_on_are_removed(project, fake):
    push(project, fake.url)
    copies = [dict(task) for task in fake.tasks[:3]]
    fake.tasks[0]["total_annotations"] = copies[1]["total_annotations"] = 1
    fake.tasks[2]["cancelled_annotations"] = copies[2]["cancelled_annotations"] = 1
    fake.add(copies)
    assert push(project, fake.url).endswith("0 tasks added, 7 already there, 2 doubles removed")
    assert [task["id"] for task in fake.tasks] == [1, 3, 4, 5, 6, 7, 9, 10]


def test_an_enterprise_server_is_waited_for(project, fake):
    fake.enterprise = True
    assert push(project, fake.url).endswith("7 tasks added, 0 already there")
    assert ids(fake) == ALL


def test_what_an_enterprise_server_refuses_later_is_told(project, fake):
    fake.enterprise, fake.refuses = True, True
    assert refusal(push, project, fake.url).endswith("project 1 refused the tasks: as the test wants it")


def test_tasks_that_vanish_are_not_sent_for_ever(project, fake):
    fake.forgets = True
    assert "it accepted 7 tasks that it does not list" in refusal(push, project, fake.url)


def test_two_projects_of_one_title(project, fake):
    push(project, fake.url)
    fake.projects.append(fake.projects[0] | {"id": 2})
    said = refusal(push, project, fake.url)
    assert said.endswith(
        f"projects 1, 2 are all called 'Suspects'; give the address of one, such as {fake.url}/projects/1"
    )


def test_a_project_of_somebody_else_is_left_alone(project, fake):
    fake.projects.append({"id": 1, "title": "Suspects", "parsed_label_config": {"label": {"labels": ["CAT"]}}})
    fake.add([{"data": {"image": "cat.png"}}])
    assert "its labelling config is not Winnow's, and it has tasks" in refusal(push, project, fake.url)
    assert not any(method in ("PATCH", "POST") and "token" not in path for method, path, _ in fake.requests)


@pytest.mark.parametrize("labels", [["winnow:ambiguous", "winnow:out_of_scope", "FRUIT"], []])
def test_a_project_that_lacks_labels_gets_them(project, fake, labels):
    fake.projects.append({"id": 1, "title": "Suspects", "parsed_label_config": {"label": {"labels": labels}}})
    push(project, fake.url)
    assert ("PATCH", "/api/projects/1", f"Bearer {ACCESS}") in fake.requests


def test_a_pull_that_breaks_off_adds_nothing(project, fake):
    push(project, fake.url)
    result = [{"from_name": "label", "value": {"choices": ["PLANT"]}}]
    for task in fake.tasks:
        task["annotations"] = [{"completed_by": 1, "created_at": "2026-01-31T10:00:00Z", "result": result}]
    fake.faults = [Fault("GET", "/api/tasks", 500, times=99, after=2)]
    refusal(pull, project, fake.url)
    assert decisions.read(project.decisions) == []
    fake.faults = []
    assert pull(project, fake.url).endswith("7 decisions added, 0 already there, 0 rows not filled in")


def test_a_pull_needs_a_project(project, fake):
    assert refusal(pull, project, fake.url).endswith("push the queue first, or give a project's address")
    assert "not found (404: No Project matches" in refusal(pull, project, f"{fake.url}/projects/9")


def test_a_legacy_token_is_sent_as_it_is(project, fake, monkeypatch):
    monkeypatch.setenv(client.KEY, "0123456789abcdef")
    push(project, fake.url)
    assert {header for _, _, header in fake.requests} == {"Token 0123456789abcdef"}


def test_a_netrc_file_does_not_overrule_the_token(project, fake, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    push(project, fake.url)
    assert {header for _, path, header in fake.requests if "token" not in path} == {f"Bearer {ACCESS}"}


def test_without_a_token_nothing_is_sent(project, fake, monkeypatch):
    monkeypatch.delenv(client.KEY)
    assert "LABEL_STUDIO_API_KEY is not set; make a personal access token" in refusal(push, project, fake.url)
    assert fake.requests == []


@pytest.mark.parametrize("url", ["localhost:8080", "", "ftp://host", "http://", "http://me:secret@host", "http://h:x"])
def test_addresses_that_are_none(project, url):
    said = refusal(push, project, url)
    assert said.startswith("--label-studio: give the address of a Label Studio server such as http://localhost:8080")
    assert "secret" not in said


@pytest.mark.parametrize(
    ("path", "answer", "place"),
    [
        ("/api/users", {"detail": "none"}, "all of it"),
        ("/api/users", [{"email": "a@example.org"}], "0.id"),
        ("/api/projects", [], "all of it"),
        ("/api/projects", {"count": "1", "results": []}, "count"),
        ("/api/projects", {"count": 1, "results": [{"id": 1}]}, "results.0.title"),
        ("/api/projects/1", {"id": "1", "task_number": 7}, "id"),
        ("/api/tasks", {"tasks": []}, "total"),
        ("/api/tasks", {"total": 1, "tasks": ["task"]}, "tasks.0"),
    ],
)
def test_an_answer_of_something_else_is_named(project, fake, path, answer, place, monkeypatch):
    push(project, fake.url)
    send = client.Client._send
    monkeypatch.setattr(
        client.Client,
        "_send",
        lambda self, method, at, **more: answer if at == path else send(self, method, at, **more),
    )
    said = refusal(pull, project, fake.url)
    assert f"{path}: the answer is not that of a Label Studio server ({place}: " in said


def test_projects_that_a_server_counts_and_does_not_list_are_not_asked_for_ever(project, fake, monkeypatch):
    send = client.Client._send
    counted = {"count": 5, "results": []}
    monkeypatch.setattr(
        client.Client, "_send", lambda self, *to, **more: counted if "/api/projects" in to else send(self, *to, **more)
    )
    assert "it has no project 'Suspects'" in refusal(pull, project, fake.url)
