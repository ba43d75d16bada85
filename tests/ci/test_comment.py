"""The one comment: posted, put in place of the last one, and never a stranger's words in our name."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import ROOT
from winnow.commands.diff import markdown
from winnow.commands.diff.document import Bullets, Folded, Foreign, Heading, Strong, Table

MARK = "<!-- winnow diff -->"
COMMIT = "a1" * 20
REPORT = (
    "### **Better** by 0.021\n\n| what | was |\n|---|---|\n| `winnow diff` | <code>a &#60;b&#62; &#64;ana</code> |\n"
)
PULL = {"ref": "mine", "sha": COMMIT, "repo": {"full_name": "ana/fork"}}


class Forge(BaseHTTPRequestHandler):
    """The part of both APIs that comments need; `server.comments` is what stands there."""

    def answer(self, content: object, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def do_GET(self):
        address = urlsplit(self.path)
        if "secret" not in (self.headers["Authorization"] or self.headers["PRIVATE-TOKEN"] or ""):
            self.answer({"message": "no"}, 401)
        elif address.path == "/repos/we/ours/pulls/7":
            self.answer({"head": self.server.pull})
        elif address.path == "/user":
            self.answer({"id": 3})
        elif address.path in ("/repos/we/ours/issues/7/comments", "/projects/5/merge_requests/7/notes"):
            asked = {name: int(value) for name, (value,) in parse_qs(address.query).items()}
            begin = (asked["page"] - 1) * asked["per_page"]
            self.answer(self.server.comments[begin : begin + asked["per_page"]])
        else:
            self.answer({"message": "Not Found"}, 404)

    def change(self):
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.changes.append((self.command, self.path, content["body"]))
        self.answer({}, 201)

    do_POST = do_PATCH = do_PUT = change

    def log_message(self, *_):
        pass


@pytest.fixture
def forge():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forge)
    server.comments, server.changes, server.pull = [], [], PULL
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "comment"
    made.mkdir()
    (made / "report.md").write_text(REPORT)
    (made / "number").write_text("7\n")
    return made


def post(forge, folder, which: str = "github", **changed: str) -> subprocess.CompletedProcess:
    url = f"http://127.0.0.1:{forge.server_address[1]}"
    run = {"head_sha": COMMIT, "head_branch": "mine", "html_url": "https://example.org/runs/1"}
    event = {"workflow_run": run | {"head_repository": {"full_name": "ana/fork"}}}
    (folder.parent / "event.json").write_text(json.dumps(event))
    variables = {
        "GITHUB_EVENT_PATH": str(folder.parent / "event.json"),
        "GITHUB_API_URL": url,
        "GITHUB_REPOSITORY": "we/ours",
        "CI_API_V4_URL": url,
        "CI_MERGE_REQUEST_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_SHA": COMMIT,
        "CI_PIPELINE_URL": "https://example.org/runs/1",
        "TOKEN": "secret",
    }
    return subprocess.run(
        [sys.executable, "-I", ROOT / ".ci/comment.py", which, folder],
        env={"PATH": os.environ["PATH"]} | variables | changed,
        capture_output=True,
        text=True,
        timeout=60,
    )


def of(login: str, text: str, number: int = 1) -> dict:
    """A comment as both forges tell it."""
    author = {"id": 3 if login == "github-actions[bot]" else 4}
    return {"id": number, "user": {"login": login}, "author": author, "body": text}


@pytest.mark.parametrize(
    ("which", "path"),
    [("github", "/repos/we/ours/issues/7/comments"), ("gitlab", "/projects/5/merge_requests/7/notes")],
)
def test_the_first_report_is_posted_and_the_next_takes_its_place(forge, folder, which, path):
    # Others may write the mark, too: theirs is not ours to change.
    forge.comments = [of("ana", f"{MARK}\nmine", number) for number in range(130)]
    assert post(forge, folder, which).returncode == 0
    ((method, where, text),) = forge.changes
    assert (method, where) == ("POST", path)
    assert text.startswith(f"{MARK}\n{REPORT.strip()}\n\n")
    assert "at a1a1a1a1a1: [the run](https://example.org/runs/1)" in text

    forge.changes.clear()
    forge.comments.append(of("github-actions[bot]", text, 321))  # on the second page
    assert post(forge, folder, which).returncode == 0
    ((method, where, _),) = forge.changes
    assert where.endswith("/321")
    assert method == {"github": "PATCH", "gitlab": "PUT"}[which]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Well done @ana", "a mention"),
        ("see &#64;ana", "an entity"),
        ("see &commat;ana", "an entity"),
        ("`<code>` &#64;ana `</code>`", "markup"),
        ("\\<code>&#64;ana</code>", "markup"),
        ("![x](https://example.org/x.png)", "a link or an image"),
        ("[read this](example.org)", "a link or an image"),
        ("go to https://example.org", "a link or an image"),
        ("go to WWW.example.org", "a link or an image"),
        ("<img src=x>", "markup"),
        (f"{MARK} again", "markup"),
        ("<details open>", "markup"),
        ("as in #12", "a mention or a reference"),
        ("as in we/ours#12", "a mention or a reference"),
        ("as in GH-12", "a reference"),
        ("as in <code>GH-1</code>gh-12", "a reference"),
        ("all \u202egood", "hidden signs"),
        ("all\u200bgood", "hidden signs"),
        ("x" * 60_001, "more than 60,000 characters"),
        ("@" * 10_000_000, "more than 60,000 characters"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_what_no_report_holds_is_not_posted(forge, folder, text, told):
    (folder / "report.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = post(forge, folder)
    assert done.returncode == 1
    ((_, _, posted),) = forge.changes
    assert posted.startswith(f"{MARK}\n**No report**: report.md ")
    assert told in posted
    assert "ana" not in posted
    assert len(posted) < 500


# What people may write as a text, a label, a name or a value, and a report shows.
HOSTILE = [
    "@ana see #12, we/ours#3, GH-4 and !5",
    "![x](https://example.org/x.png) [read](//example.org) www.example.org ana@example.org",
    "<img src=x onerror=alert(1)><script>alert(1)</script><!-- winnow diff -->",
    "` ``` \\ ~~~ <code> </code> &#64;ana &commat;ana &lt;b&gt;",
    "a\u200bb\u202ec\u2066d\ufeffe\x00f\x1bg",
    "| a | b |\n|---|---|\n# heading\n",
]


def test_a_report_of_hostile_texts_is_posted_as_winnow_diff_wrote_it(forge, folder):
    texts = [[Foreign(text), " beside ", text] for text in HOSTILE]
    rows = [[line, [Strong(text)]] for line, text in zip(texts, HOSTILE, strict=True)]
    blocks = [Heading([HOSTILE[0]]), Bullets(texts), Table(["what", "was"], rows)]
    written = markdown.written([*blocks, *(Folded([Foreign(text)], blocks) for text in HOSTILE)])
    (folder / "report.md").write_text(written, encoding="utf-8")
    done = post(forge, folder)
    ((_, _, posted),) = forge.changes
    assert posted.startswith(f"{MARK}\n{written.strip()}\n\n<sub>"), posted[:200]
    assert done.returncode == 0


def test_the_report_that_the_docs_show_is_posted(forge, folder):
    page = (ROOT / "docs/pull-requests.md").read_text(encoding="utf-8")
    shown = page.partition("```md\n")[2].partition("```")[0]
    (folder / "report.md").write_text(shown, encoding="utf-8")
    done = post(forge, folder)
    ((_, _, posted),) = forge.changes
    assert posted.startswith(f"{MARK}\n### Winnow: ")
    assert done.returncode == 0


def test_a_link_to_a_file_of_the_machine_is_not_read(forge, folder):
    (folder / "report.md").unlink()
    (folder / "report.md").symlink_to("/etc/hostname")
    assert post(forge, folder).returncode == 1
    ((_, _, posted),) = forge.changes
    assert "report.md is no file" in posted


@pytest.mark.parametrize("number", ["8", "7; rm -rf /", "../7", "", "7" * 30, "0"])
def test_a_number_of_another_pull_request_is_refused(forge, folder, number):
    (folder / "number").write_text(number)
    done = post(forge, folder)
    assert done.returncode == 1
    assert done.stderr.startswith("no comment: ")
    assert "Traceback" not in done.stderr
    assert forge.changes == []


@pytest.mark.parametrize("head", [{"ref": "other"}, {"repo": {"full_name": "eve/fork"}}, {"repo": None}])
def test_a_pull_request_of_another_branch_is_refused(forge, folder, head):
    forge.pull = PULL | head
    done = post(forge, folder)
    assert (done.returncode, forge.changes) == (1, [])
    assert "the run was not of pull request 7" in done.stderr


def test_a_run_that_a_newer_commit_overtook_says_nothing(forge, folder):
    forge.pull = PULL | {"sha": "b2" * 20}
    done = post(forge, folder)
    assert (done.returncode, forge.changes) == (0, [])
    assert "has a newer commit" in done.stdout


def test_a_run_that_left_no_report_is_no_fault(forge, folder):
    (folder / "report.md").unlink()
    assert post(forge, folder).returncode == 0
    assert forge.changes == []


def test_without_a_token_gitlab_s_report_stays_an_artifact(forge, folder):
    done = post(forge, folder, "gitlab", TOKEN="")
    assert (done.returncode, forge.changes) == (0, [])
    assert "no token for comments" in done.stdout


def test_a_refused_token_is_one_line(forge, folder):
    done = post(forge, folder, TOKEN="wrong")
    assert done.returncode == 1
    assert "401" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "wrong" not in done.stderr
