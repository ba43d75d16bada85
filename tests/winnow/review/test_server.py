"""The server as a page, another page and a broken client meet it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pyarrow as pa
import pytest

from tests import review_project
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.people import decisions
from winnow.review.server import Review
from winnow.rows import tables

ROOT = Path(__file__).parents[3]


class Page:
    """What a page may ask."""

    def __init__(self, port: int, token: str):
        self.port, self.headers = port, {"Authorization": f"Bearer {token}"}
        self.session, self.since = "", 0
        self.session = self.get("session")["session"]

    def send(self, method: str, path: str, body: object = None, headers: dict | None = None) -> tuple[int, bytes, dict]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, self.headers if headers is None else headers)
        answer = connection.getresponse()
        found = answer.status, answer.read(), dict(answer.getheaders())
        connection.close()
        return found

    def get(self, path: str, **said) -> dict:
        query = "&".join(f"{name}={value}" for name, value in {"session": self.session, **said}.items())
        status, content, _ = self.send("GET", f"/api/{path}?{query}")
        return json.loads(content) | {"status": status}

    def post(self, path: str, **said) -> dict:
        body = {"session": self.session, "since": self.since, **said}
        status, content, _ = self.send("POST", f"/api/{path}", body)
        return json.loads(content) | {"status": status}

    def decide(self, row: int, **said) -> dict:
        text_sha = hashing.text_sha(f"the text of row {row}")
        cells = {"verdict": "relabel", "new_label": "STONE", "note": "", "seconds": 1.5, "text_sha": text_sha}
        return self.post("decide", row=row, **cells | said)


@pytest.fixture
def project(tmp_path):
    return review_project.make(tmp_path)


@pytest.fixture
def server(project):
    with Review(project, "A <title>", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def page(server):
    return Page(server.server_address[1], server.token)


def test_it_listens_on_loopback_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_address[1]}/#{server.token}"


def test_the_page_holds_no_data_and_may_not_be_framed_or_cached(page):
    status, content, headers = page.send("GET", "/", headers={})
    assert status == 200
    assert b"A &lt;title&gt;" in content
    assert b"the text of row" not in content
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"


def test_a_page_reads_decides_and_undoes(page, project, server):
    opened = page.get("session", find="row-004")
    assert {name: opened[name] for name in ("reviewer", "labels", "rows", "left_out", "written", "found")} == {
        "reviewer": "ana",
        "labels": ["FRUIT", "STONE", "PLANT"],
        "rows": 6,
        "left_out": 0,
        "written": [],
        "found": 4,
    }
    assert [entry["id"] for entry in page.get("rows", start=4, count=20)["entries"]] == ["row-004", "row-005"]
    answer = page.decide(0, seconds=2)
    change = [0, {"verdict": "relabel", "new_label": "STONE", "note": ""}]
    assert (answer["status"], answer["changes"], answer["revision"]) == (200, [change], 1)
    [decision] = decisions.read(project.decisions)
    assert (decision.id, decision.seconds) == ("row-000", 2.0)
    assert server.decided == 1
    answer = page.post("undo", receipt=answer["receipt"])
    assert (answer["row"], answer["changes"]) == (0, [change, [0, None]])
    assert decisions.read(project.decisions) == []
    assert server.decided == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer wrong"}, 403),
        ({"Authorization": ""}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/rows?start=0&count=1"), ("POST", "/api/decide")])
def test_no_other_page_reads_or_writes(page, project, headers, status, method, path):
    answer, content, _ = page.send(method, path, {} if method == "POST" else None, page.headers | headers)
    assert answer == status
    assert b"the text of row" not in content
    assert decisions.read(project.decisions) == []


def test_a_rebound_name_does_not_get_the_page_either(page):
    assert page.send("GET", "/", headers={"Host": "evil.example"})[0] == 421


def test_the_page_may_be_asked_for_by_name_and_through_a_tunnel(page):
    host = {"Host": "localhost:9000", "Origin": "http://localhost:9000"}
    assert page.send("GET", "/api/session", headers=page.headers | host)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/decide", b"{", 400),
        ("POST", "/api/decide", b"[]", 400),
        ("POST", "/api/decide", {"row": "0"}, 400),
        ("POST", "/api/decide", b"x" * 2_200_000, 413),
        ("POST", "/api/decide", b"[" * 200_000, 400),
        ("POST", "/api/nothing", {}, 404),
        ("GET", "/etc/passwd", None, 404),
        ("GET", "/api/rows?start=0&count=101", None, 400),
        ("GET", "/api/rows?start=-1&count=1", None, 400),
        ("DELETE", "/", None, 501),
    ],
)
def test_what_is_no_request_is_refused(page, project, method, path, body, status):
    assert page.send(method, path, body)[0] == status
    assert decisions.read(project.decisions) == []


def test_what_is_no_decision_is_refused_with_the_reason(page):
    answer = page.decide(0, new_label="BERRY")
    assert (answer["status"], answer["why"]) == (422, "invalid")
    assert "new_label: label 'BERRY' is not one of params.yaml: task.labels" in answer["error"]


def test_a_second_tab_hears_of_the_first_and_cannot_overwrite_it(page, server):
    other = Page(page.port, server.token)
    page.decide(2)
    answer = other.decide(2, new_label="PLANT")
    assert (answer["status"], answer["why"]) == (409, "elsewhere")
    assert other.get("rows", start=0, count=0)["changes"][0][0] == 2


def test_undo_after_a_commit_says_so(page, project):
    receipt = page.decide(0)["receipt"]
    git = ["git", "-C", project.decisions.parent, "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "decisions.csv"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *arguments], check=True)
    answer = page.post("undo", receipt=receipt)
    assert answer["status"] == 409
    assert "is committed; decide again: a reviewer" in answer["error"]


def test_a_new_queue_on_disk_is_read_and_the_page_told(page, project, tmp_path, server):
    page.decide(0)
    project.queue.unlink()
    answer = page.decide(1)
    assert (answer["status"], answer["why"]) == (503, "files")
    assert "queue.parquet: not found" in answer["error"]
    review_project.write_queue(tmp_path, review_project.entries(6)[::-1])
    answer = page.decide(1)
    assert (answer["status"], answer["why"]) == (409, "reread")
    opened = page.get("session", find="row-001")
    assert (opened["rows"], opened["left_out"], opened["found"]) == (5, 1, 4)
    assert server.decided == 1


def test_a_labelled_table_made_anew_disturbs_nobody_unless_its_texts_are_others(page, project):
    table = tables.read(project.labelled)
    tables.write(tables.set_column(table, "label", ["PLANT"] * 6, pa.string()), project.labelled)
    assert page.decide(0)["status"] == 200
    tables.write(tables.set_column(table, "text", ["other"] * 6, pa.string()), project.labelled)
    answer = page.decide(1)
    assert (answer["status"], answer["why"]) == (503, "files")
    assert "have another text or label" in answer["error"]
    tables.write(table, project.labelled)
    assert page.decide(1)["status"] == 200


def test_broken_decisions_are_told_until_they_are_mended(page, project):
    mended = project.decisions.read_text()
    project.decisions.write_text(mended + "<<<<<<< HEAD\n")
    answer = page.decide(0)
    assert (answer["status"], answer["why"]) == (503, "files")
    assert "Git conflict marker" in answer["error"]
    project.decisions.write_text(mended)
    assert page.decide(0)["status"] == 200


def test_many_requests_at_once_lose_nothing(tmp_path):
    project = review_project.make(tmp_path, review_project.entries(60))
    with Review(project, "Queue", 0) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        page = Page(server.server_address[1], server.token)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(page.decide, range(60)))
        server.shutdown()
    assert {answer["status"] for answer in answers} == {200}
    assert sorted(decision.id for decision in decisions.read(project.decisions)) == [
        f"row-{number:03}" for number in range(60)
    ]


def test_a_port_that_is_taken_says_so(project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port}: .*; give another one with --port"):
            Review(project, "Queue", port)


def test_a_server_killed_while_it_writes_leaves_whole_decisions(tmp_path, workspace):
    folder = workspace(task={"kind": "classification", "labels": review_project.LABELS}, review={"overlap": 0.0})
    project = review_project.make(folder, review_project.entries(200))
    code = "from winnow.commands import cli; cli.main(['review', '--reviewer', 'ana', '--no-browser', '--port', '0'])"
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    acknowledged = set()
    for turn in range(2):
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        address, token = process.stdout.readline().strip().split("/#")
        page = Page(int(address.rpartition(":")[2]), token)
        first = page.get("rows", start=0, count=100)["entries"]
        numbers = [int(entry["id"].removeprefix("row-")) for entry in first]

        def decide(place: int, page: Page = page, numbers: list = numbers, process: subprocess.Popen = process) -> None:
            number = numbers[place]
            if place == 30:
                process.send_signal(signal.SIGKILL)
            try:
                if page.decide(place, text_sha=hashing.text_sha(f"the text of row {number}"))["status"] == 200:
                    acknowledged.add(f"row-{number:03}")
            except (ConnectionError, OSError):
                pass  # it is dead

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(decide, range(60)))
        process.communicate()
        assert len(acknowledged) >= 20 * (turn + 1)
        assert acknowledged <= {decision.id for decision in decisions.read(project.decisions)}
