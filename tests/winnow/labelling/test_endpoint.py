"""Asking a real HTTP server of this machine that speaks OpenAI's protocol, and every way in which it may fail."""

import argparse
import functools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest

from tests.conftest import ROOT, make_rows
from winnow.base import params, stage
from winnow.commands import label
from winnow.labelling import endpoint, llm
from winnow.labelling.settings import Params
from winnow.labelling.version import version
from winnow.people import decisions
from winnow.rows import tables

SPLIT = Path("data/split.parquet")
KEY = "sk-very-secret"
TASK = {"kind": "classification", "labels": ["FRUIT", "STONE"]}


class Handler(BaseHTTPRequestHandler):
    """Says what stands behind `say` in the prompt; before that the server's `faults`, one a request, in any thread."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two would wait for one another

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][0]["content"]
        with server.lock:
            server.seen.append((self.path, self.headers.get("Authorization"), body))
            server.now += 1
            server.most = max(server.most, server.now)
            fault = server.faults.pop(0) if server.faults else None
        time.sleep(server.seconds)
        with server.lock:
            server.now -= 1
        if fault == "drop":
            self.close_connection = True
        elif fault == "slow":
            time.sleep(1)
        elif isinstance(fault, int):
            self.answer(fault, {"error": {"message": f"no {KEY}\nfor you", "code": fault}}, {"Retry-After": "0"})
        elif "REFUSE" in prompt:
            self.answer(400, {"error": {"message": "content filter"}})
        elif fault is not None:
            self.answer(200, fault)
        else:
            answer = prompt.rpartition("say ")[2]
            self.answer(200, {"choices": [{"message": {"role": "assistant", "content": answer}}]})

    def answer(self, status: int, body: object, headers: dict | None = None):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(endpoint, "FIRST_WAIT", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MY_KEY", KEY)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.faults, server.seen, server.lock = [], [], threading.Lock()
        server.now = server.most = 0
        server.seconds = 0.0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def project(server, workspace):
    """A folder with params.yaml and rows: six without a label, four with one, of which one is a test row."""

    def write(texts: list[str] | None = None, **changes):
        rule = {
            "name": "mine",
            "kind": "llm",
            "base_url": f"http://127.0.0.1:{server.server_port}/v1",
            "model": "tiny",
            "api_key_env": "MY_KEY",
            "prompt": "One of {labels}: {text}",
            "concurrency": 2,
            "retries": 2,
        }
        settings = {"combine": "majority", "min_confidence": 0.8, "min_rows": 20, "audit_rows": 4}
        folder = workspace(task=TASK, annotate=settings | {"rules": [rule | changes]})
        texts = texts or [f"text {number} say {('FRUIT', 'stone.')[number % 2]}" for number in range(6)]
        rows = make_rows(
            [{"text": text} for text in texts]
            + [{"text": f"given {number} say FRUIT", "label": "FRUIT"} for number in range(4)]
            + [{"text": "adapts only", "purpose": "text"}]
        )
        splits = ["train"] * (rows.num_rows - 2) + ["test", "train"]
        tables.write(rows, folder / "data/deduplicated.parquet")
        tables.write(tables.set_column(rows.select(["id"]), "split", splits, pa.string()), folder / SPLIT)
        return folder

    return write


def main(*arguments: str) -> None:
    """Run the command as `winnow` does."""
    parser = argparse.ArgumentParser()
    label.configure(parser)
    stage.run(lambda: label.execute(parser.parse_args(arguments)))


def run(capsys, *arguments: str) -> str:
    main(*arguments)
    return capsys.readouterr().out


def fails(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit):
        main(*arguments)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert KEY not in error
    return error


def answers() -> dict[str, str]:
    return llm.recorded(Path("rules/mine.jsonl"))


def test_each_text_is_asked_once_and_recorded(project, server, capsys):
    folder = project()
    out = run(capsys)
    assert "mine: 9 texts, 0 of them answered; 9 go to http://127.0.0.1" in out
    assert "mine.jsonl: 9 new answers, 9 in all" in out
    path, authorization, body = server.seen[0]
    assert (path, authorization) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert body["model"] == "tiny"
    assert (body["temperature"], body["seed"]) == (0, 1)
    prompts = {body["messages"][0]["content"] for _, _, body in server.seen}
    assert "One of FRUIT, STONE: text 1 say stone." in prompts
    assert sum("given" in prompt for prompt in prompts) == 3  # neither the test row nor the text row
    entries = [json.loads(line) for line in (folder / "rules/mine.jsonl").read_text().splitlines()]
    assert set(entries[0]) == {"key", "id", "answer"}
    assert KEY not in (folder / "rules/mine.jsonl").read_text()

    before = (folder / "rules/mine.jsonl").read_bytes()
    assert "9 of them answered; 0 go to" in run(capsys, "mine")
    assert len(server.seen) == 9
    assert (folder / "rules/mine.jsonl").read_bytes() == before


def test_a_new_text_and_a_new_prompt_are_asked_again(project, server, capsys):
    project()
    run(capsys)
    project(["text 0 say FRUIT", "new say FRUIT"])
    assert "5 texts, 4 of them answered; 1 go to" in run(capsys)
    project(prompt="Another: {text}")
    assert "9 texts, 0 of them answered" in run(capsys, "--limit", "2")
    assert len(answers()) == 12


def test_rows_that_measure_the_rule_are_asked_first(project, server, capsys):
    project(concurrency=1, measure_rows=2)
    run(capsys, "--limit", "3")
    kinds = [body["messages"][0]["content"].split()[4] for _, _, body in server.seen]
    assert kinds == ["given", "given", "text"]


def test_a_dry_run_sends_nothing_and_shows_a_prompt(project, server, capsys):
    project(["\x1b[31mred say FRUIT"] * 2, measure_rows=0)
    out = run(capsys, "--dry-run")
    assert "1 texts, 0 of them answered; 1 go to" in out  # one text, asked once
    assert "  One of FRUIT, STONE: \ufffd[31mred say FRUIT" in out
    assert server.seen == []


def test_it_says_how_many_rows_an_earlier_prompt_has_used_up(project, server, capsys):
    folder = project()
    main("--dry-run")
    assert "were judged" not in capsys.readouterr().out
    today = version(params.load("annotate", Params), folder / "rules")
    lines = [f"row-{n},sha,FRUIT,keep,,ana,2026-01-31,,,{drawn_for}" for n, drawn_for in enumerate(["v0", today, ""])]
    (folder / "data/decisions.csv").write_text("\n".join([",".join(decisions.ALL_COLUMNS), *lines, ""]))
    main("--dry-run")
    said = "1 rows were judged in audits of other versions of the rules; they cannot audit this one\n"
    assert capsys.readouterr().out.startswith(said)


def test_no_more_requests_at_a_time_than_allowed(project, server, capsys):
    project([f"text {number} say FRUIT" for number in range(20)], concurrency=3)
    server.seconds = 0.02
    run(capsys)
    assert server.most == 3
    assert len(answers()) == 23


@pytest.mark.parametrize("fault", [429, 500, 503, "drop", {"choices": []}, b"<html>"])
def test_what_may_pass_is_tried_again(project, server, capsys, fault):
    project()
    server.faults = [fault, fault]
    assert "9 new answers" in run(capsys)
    assert len(server.seen) == 11


def test_no_answer_in_time_is_tried_again(project, server, capsys):
    project(timeout=0.2)
    server.faults = ["slow"]
    assert "9 new answers" in run(capsys)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (401, "HTTP status 401: access denied; check the key in MY_KEY"),
        (403, "HTTP status 403: access denied"),
        (404, r"HTTP status 404: no … for you; check base_url and model"),
        (302, "HTTP status 302: .*check base_url"),
        (429, r"HTTP status 429, 3 times in a row; try again later"),
        (500, "HTTP status 500, 3 times in a row"),
        ("drop", r"(cannot be reached|the connection was dropped.*), 3 times in a row"),
        ({"object": "error"}, r"the answer is no chat completion \(check base_url\), 3 times in a row"),
    ],
)
def test_what_does_not_pass_stops_in_one_line_and_loses_no_answer(project, server, capsys, fault, message):
    project(concurrency=1)
    server.faults = [{"choices": [{"message": {"content": "FRUIT"}}]}] * 4 + [fault] * 100
    error = fails(capsys)
    assert re.search(rf"annotate.rules 'mine': http://127.0.0.1:\d+/v1/chat/completions: {message}", error)
    assert "; 4 answers are recorded in rules/mine.jsonl, run it again to go on" in error
    assert len(answers()) == 4
    server.faults = []
    assert "5 new answers, 9 in all" in run(capsys)


def test_a_server_that_is_not_there_is_one_line(project, server, capsys):
    project(base_url="http://127.0.0.1:9", retries=0)
    assert "cannot be reached, 1 times in a row; try again later; 0 answers" in fails(capsys)


def test_a_missing_key_is_named_before_anything_is_sent(project, server, capsys, monkeypatch):
    project()
    monkeypatch.delenv("MY_KEY")
    assert "the environment variable MY_KEY is not set; it holds the key" in fails(capsys)
    assert server.seen == []
    project(api_key_env=None)
    run(capsys)
    assert server.seen[0][1] is None


def test_a_key_from_netrc_does_not_take_the_place_of_ours(project, server, capsys, monkeypatch, tmp_path):
    project()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    run(capsys)
    assert {authorization for _, authorization, _ in server.seen} == {f"Bearer {KEY}"}


def test_a_refused_text_has_no_answer_and_the_others_go_on(project, server, capsys):
    project(["REFUSE this", "text say FRUIT"])
    out = run(capsys)
    assert "4 new answers" in out
    assert "mine: 1 texts were refused and have no answer: HTTP status 400: content filter" in out


def test_where_every_text_is_refused_the_request_is_wrong(project, server, capsys):
    project([f"REFUSE {number}" for number in range(50)], measure_rows=0)
    assert "'mine': no text was taken: HTTP status 400: content filter; check options" in fails(capsys)
    assert len(server.seen) <= endpoint.HOPELESS + 2


def test_an_answer_without_words_is_recorded_and_not_asked_again(project, server, capsys):
    project(["text say FRUIT"], measure_rows=0)
    server.faults = [{"choices": [{"message": {"content": None, "refusal": "no"}}]}]
    assert "1 new answers" in run(capsys)
    assert list(answers().values()) == [""]


def test_a_torn_line_is_mended(project, server, capsys):
    project()
    run(capsys)
    path = Path("rules/mine.jsonl")
    path.write_bytes(path.read_bytes()[:-7])
    assert "9 texts, 8 of them answered; 1 go to" in run(capsys)
    assert len(answers()) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["other"], r"'other' is no rule of kind llm (there is mine); docs/automatic-labels.md shows one"),
        (["--limit", "0"], "--limit is 0, must be 1 or more"),
    ],
)
def test_wrong_arguments_are_named(project, capsys, arguments, message):
    project()
    assert message in fails(capsys, *arguments)


def test_without_the_tables_the_way_to_them_is_named(project, capsys):
    project()
    SPLIT.unlink()
    assert "data/split.parquet: not found; `dvc repro`" in fails(capsys)


def test_a_run_that_is_interrupted_keeps_its_answers(project, server):
    project([f"text {number} say FRUIT" for number in range(400)], concurrency=2)
    server.seconds = 0.01
    code = "from tests.winnow.labelling.test_endpoint import main; main()"
    # Where the tests run in the background of a shell, Ctrl-C is ignored in them and what they start.
    heeding = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, env=environment, preexec_fn=heeding, stderr=subprocess.PIPE, text=True)
    while len(server.seen) < 20 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=300)[1]
    assert process.returncode == 1
    assert "annotate.rules 'mine': stopped; " in error
    assert error.count("\n") == 1
    assert 18 <= len(answers()) < 400
