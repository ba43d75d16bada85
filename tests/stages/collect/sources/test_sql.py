"""Queries on SQLite, and on PostgreSQL where a server is installed."""

import hashlib
import json
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.stages.collect.sources.conftest import ROWS
from winnow.base.errors import UserError

pytest.importorskip("sqlalchemy")
SQL = {"kind": "sql", "url": "sqlite:///walks.db", "query": "SELECT no, body, day FROM walks ORDER BY no"}
LINES = "".join(json.dumps([row["body"], row["no"]]) + "\n" for row in ROWS)
TABLE = "CREATE TABLE walks (no text, body text, day date)"


@pytest.fixture
def database(tmp_path, read):
    path = tmp_path / "files/walks.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(TABLE)
        connection.executemany("INSERT INTO walks VALUES (:no, :body, '2020-01-01')", ROWS)
    return path


def test_the_rows_of_a_query_with_the_hash_of_what_was_read(read, database):
    rows, _, pin = read(**SQL)
    assert rows == ROWS
    assert pin == {
        "kind": "sql",
        "url": SQL["url"],
        "query": SQL["query"],
        "database_sha256": hashlib.sha256(database.read_bytes()).hexdigest(),
        "sha256": hashlib.sha256(LINES.encode()).hexdigest(),
        "bytes": len(LINES),
    }
    assert read(**SQL, sha256=pin["sha256"])[0] == ROWS
    with pytest.raises(UserError, match=f"the rows changed: expected sha256 {'0' * 64}, got {pin['sha256']}"):
        read(**SQL, sha256="0" * 64)


def test_signs_of_parameters_in_a_query_are_taken_as_they_are(read, database):
    query = "SELECT no, body FROM walks WHERE body LIKE '%moss%' AND body != ':a %s ?'"
    assert read(**SQL | {"query": query})[0] == ROWS[1:2]


def test_a_query_cannot_change_the_database(read, database):
    before = database.read_bytes()
    for query in ("DELETE FROM walks", "DROP TABLE walks", "DELETE FROM walks RETURNING no, body"):
        with pytest.raises(UserError, match="the database says: attempt to write a readonly database"):
            read(**SQL | {"query": query})
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": "SELEC 1"}, "source 'walks': the database says: near \"SELEC\": syntax error"),
        (
            {"query": "SELECT no FROM walks"},
            "source 'walks': column 'body' is missing; it has no; mend the names of columns",
        ),
        (
            {"query": "SELECT no, body, body FROM walks"},
            "source 'walks': column 'body' stands 2 times; name one otherwise in the query: AS",
        ),
        ({"query": "SELECT 1 FROM absent"}, "the database says: no such table: absent"),
        ({"query": "PRAGMA cache_size = 10"}, "the query returns no rows; write a SELECT"),
        ({"url": "sqlite:///absent.db"}, "no such file in .*; mend the path or add the file"),
        ({"url": "sqlite:///../walks.db"}, "leaves .*: put the file under"),
        ({"url": "sqlite:///*.db"}, "no such file in "),
        ({"url": None, "url_env": "WALKS_URL"}, "the environment variable WALKS_URL is not set"),
        ({"url": None}, "give url .* or url_env .*, one of them"),
        ({"url_env": "WALKS_URL"}, "give url .* or url_env .*, one of them"),
        ({"url": "postgresql://me:word@host/db"}, r"sources\[0\]\.sql\.url: "),
    ],
)
def test_mistakes(read, database, changes, message, monkeypatch):
    monkeypatch.delenv("WALKS_URL", raising=False)
    with pytest.raises(UserError, match=message):
        read(**SQL | changes)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url: secret", "WALKS_URL holds no SQLAlchemy URL"),
        ("none://me:secret@host/db", "the database says: Can't load plugin: sqlalchemy.dialects:none"),
        ("mysql+absent://me:secret@host/db", "the database says: Can't load plugin"),
        ("oracle://me:secret@host/db", "the database's driver is missing"),
    ],
)
def test_addresses_that_lead_nowhere_tell_no_secret(read, monkeypatch, url, message):
    monkeypatch.setenv("WALKS_URL", url)
    with pytest.raises(UserError, match=message) as error:
        read(**SQL | {"url": None, "url_env": "WALKS_URL"})
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_database(read, tmp_path):
    (tmp_path / "files/walks.db").write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="the database says: file is not a database"):
        read(**SQL)


def test_without_sqlalchemy(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(UserError, match=r"kind sql needs SQLAlchemy: pip install '\.\[sql\]'"):
        read(**SQL)


@pytest.fixture(scope="module")
def postgres():
    """The URL of a PostgreSQL server that lives as long as these tests."""
    pytest.importorskip("psycopg")
    server = shutil.which("postgres")
    names = {user.pw_name: user for user in pwd.getpwall()}
    if not server or (os.getuid() == 0 and "postgres" not in names):
        pytest.skip("no PostgreSQL server is installed, or no user to run it as")
    user = names["postgres"].pw_uid if os.getuid() == 0 else None  # the server refuses to run as root
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as folder:
        password = Path(folder, "password")
        password.write_text("secret")
        if user:
            os.chown(folder, user, -1)
            os.chown(password, user, -1)

        def call(name: str, *options: str) -> None:
            command = [Path(server).resolve().parent / name, "-D", f"{folder}/db", *options]
            # To no pipe: the server would keep it open.
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user)

        call("initdb", "-U", "me", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        call("pg_ctl", "-l", f"{folder}/log", "-w", "-o", options, "start")
        yield f"postgresql+psycopg://me:secret@127.0.0.1:{port}/postgres"
        call("pg_ctl", "-m", "immediate", "stop")


def test_postgresql(read, postgres, monkeypatch):
    import sqlalchemy

    with sqlalchemy.create_engine(postgres).begin() as connection:
        connection.exec_driver_sql(TABLE)
        for row in ROWS:
            connection.exec_driver_sql(f"INSERT INTO walks VALUES ('{row['no']}', '{row['body']}', '2020-01-01')")
    monkeypatch.setenv("WALKS_URL", postgres)
    source = SQL | {"url": None, "url_env": "WALKS_URL", "query": SQL["query"].replace("FROM", "FROM /* 5 % :x */")}
    rows, _, pin = read(**source)
    assert rows == ROWS
    assert pin["sha256"] == hashlib.sha256(LINES.encode()).hexdigest()  # the database makes no difference
    assert pin["url_env"] == "WALKS_URL"
    assert "secret" not in json.dumps(pin)
    for query, message in [
        ("SELECT * FROM absent", 'relation "absent" does not exist'),
        ("DELETE FROM walks", "syntax error at or near"),
    ]:
        with pytest.raises(UserError, match=message):
            read(**source | {"query": query})
    assert read(**source)[0] == ROWS
    monkeypatch.setenv("WALKS_URL", postgres.replace("secret", "wrong-word"))
    with pytest.raises(UserError, match="password authentication failed") as error:
        read(**source)
    assert "wrong-word" not in str(error.value)


def test_a_long_result_is_streamed(read, database, monkeypatch):
    from winnow import readers

    monkeypatch.setattr(readers, "BLOCK_ROWS", 10)
    query = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 95) SELECT i AS no, i AS body FROM n"
    )
    assert [row["no"] for row in read(**SQL | {"query": query})[0]] == list(range(1, 96))
