"""A real Label Studio server, from its package, in a virtual environment of its own.

It is made once, in .venv-label-studio or the folder that WINNOW_LABEL_STUDIO names (800 MB). requirements.txt is what
`pip freeze` says in an environment into which `pip install label-studio` went.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
ENVIRONMENT = Path(os.environ.get("WINNOW_LABEL_STUDIO", ROOT / ".venv-label-studio"))
PROGRAM = ENVIRONMENT / "bin/label-studio"
DATA = ENVIRONMENT / "data"  # a new database: its hundreds of migrations take half a minute
STARTS = 300  # seconds, on a busy machine
EMAIL, PASSWORD = "ana@example.org", "a-password-1"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class LabelStudio:
    """A server on loopback, with one user.

    Args:
        folder: its database is there, and outlives a restart.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        address = ["--internal-host", "127.0.0.1", "--port", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self._process = subprocess.Popen(
                [PROGRAM, "start", "--no-browser", *address],
                env=_settings(self._folder),
                start_new_session=True,
                **streams,
            )
        end = time.monotonic() + STARTS
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                pytest.fail(f"Label Studio does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)

    def kill(self) -> None:
        """End it as a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def token(self) -> str:
        """Make a personal access token, as a person does in the browser."""
        session = requests.Session()
        page = session.get(f"{self.url}/user/login/").text
        secret = re.search(r'name="csrfmiddlewaretoken" value="(.+?)"', page)[1]
        form = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": secret}
        session.post(f"{self.url}/user/login/", data=form, headers={"Referer": self.url}).raise_for_status()
        headers = {"Referer": self.url, "X-CSRFToken": session.cookies["csrftoken"]}
        answer = session.post(f"{self.url}/api/token/", headers=headers)
        answer.raise_for_status()
        return answer.json()["token"]

    def _is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def _settings(folder: Path) -> dict[str, str]:
    """Return the environment of a server that keeps its data in a folder and calls nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LABEL_STUDIO_", "DJANGO_"))}
    return kept | {
        "DJANGO_DB": "sqlite",
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "COLLECT_ANALYTICS": "False",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LATEST_VERSION_CHECK": "False",
    }


def _install() -> None:
    """Make the environment, and a database with a user, where they are missing or of other versions."""
    wanted, installed = REQUIREMENTS.read_text(), ENVIRONMENT / "installed.txt"
    if installed.exists() and installed.read_text() == wanted:
        return
    installed.unlink(missing_ok=True)
    _run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)
    pip = [ENVIRONMENT / "bin/python", "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
    _run(*pip, "--requirement", REQUIREMENTS)
    DATA.mkdir()
    _run(PROGRAM, "init", "--quiet", "--username", EMAIL, "--password", PASSWORD, env=_settings(DATA))
    installed.write_text(wanted)


def _run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[LabelStudio]:
    """Yield a server that has started; a test that kills it starts it again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with REQUIREMENTS.open() as lock:  # another worker's server needs the environment too
            fcntl.flock(lock, fcntl.LOCK_EX)
            _install()
        folder = tmp_path_factory.mktemp("server") / "data"
        shutil.copytree(DATA, folder)
        server = LabelStudio(folder)
        server.start()
        yield server
        server.kill()


@pytest.fixture(scope="session")
def token(server) -> str:
    return server.token()


@contextmanager
def labelling(url: str, project: int) -> Iterator["Page"]:
    """Yield the page in Chromium on which a person who signed in labels a project's tasks."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(viewport={"width": 1400, "height": 1400})
        page.set_default_timeout(60_000)
        page.goto(f"{url}/user/login/")
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/")
        page.goto(f"{url}/projects/{project}/data?labeling=1")
        yield page
        browser.close()
