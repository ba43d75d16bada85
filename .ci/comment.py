"""Post a report as the one comment of a pull request, or put it in the place of the last one.

python3 .ci/comment.py github FOLDER   in a workflow of `workflow_run`; TOKEN may write comments
python3 .ci/comment.py gitlab FOLDER   in a pipeline of a merge request; the same

FOLDER is what the pull request's own code left, of which nothing is believed: `report.md` is bounded, and refused where
it holds what no report of `winnow diff` holds, such as a link, an image or a mention; `number` counts only if the run
was of that pull request. It needs Python's own library alone, so that nothing is installed beside the token.
"""

import json
import os
import re
import stat
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

MARK = "<!-- winnow diff -->"
MOST_CHARACTERS = 60_000  # of the 65,536 that GitHub takes
PAGES, PER_PAGE = 50, 100
BOT = "github-actions[bot]"
# `winnow diff` writes text of others as entities in <code>, and breaks what would mention or refer to anything.
CODE = re.compile(r"<code>[^<\n]*</code>")
COMMAND = re.compile(r"`winnow diff[a-z -]*`")
NEVER = {
    "markup": re.compile(r"<(?!/?(?:details|summary|code)>)|[`\\]"),
    "a link or an image": re.compile(r"\[|://|\bwww\.", re.IGNORECASE),
    "a mention or a reference": re.compile(r"(?<!&)[@#!%~]\w"),
    "hidden signs": re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2061-\u2069\ufeff]"),
}
# Of sentences, outside of <code>: a reference, and what is no entity of signs of Markdown and HTML, or of the stop and
# colon of an address.
REFERENCE = re.compile(r"\bGH-\d", re.IGNORECASE)
ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|#x27|#(?:34|36|38|39|42|46|58|60|62|91|92|93|95|96|123|124|125|126));)")


class Refused(Exception):
    """What is wrong, in one line."""


def call(method: str, url: str, headers: dict[str, str], content: dict | None = None) -> object:
    """Ask an API; return what it answers.

    Raises:
        Refused: it says no, or nothing.
    """
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"} | headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(f"{method} {url}: {error.code} {error.reason}") from None
    except OSError as error:
        raise Refused(f"{method} {url}: {error}") from None


def pages(url: str, headers: dict[str, str]) -> Iterator[dict]:
    for page in range(1, PAGES + 1):
        found = call("GET", f"{url}?per_page={PER_PAGE}&page={page}", headers)
        yield from found
        if len(found) < PER_PAGE:
            return


def read(file: Path, most: int) -> str:
    """Return a file's text.

    Raises:
        Refused: it is a link or none of UTF-8, or holds more than `most` characters.
    """
    if not stat.S_ISREG(file.lstat().st_mode):
        raise Refused(f"{file.name} is no file")
    with file.open("rb") as content:
        data = content.read(4 * most + 1)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or len(text) > most:
        raise Refused(f"{file.name} is not UTF-8 or holds more than {most:,} characters")
    return text


def report(folder: Path) -> tuple[str, bool]:
    """Return the report, or why there is none to post, and whether all is well."""
    try:
        text = read(folder / "report.md", MOST_CHARACTERS)
        bare = COMMAND.sub("", text)
        sentences = CODE.sub(" ", bare)
        found = [what for what, pattern in NEVER.items() if pattern.search(bare)]
        found += ["a reference"] * bool(REFERENCE.search(sentences)) + ["an entity"] * bool(ENTITY.search(sentences))
        if found:
            raise Refused(f"report.md holds {found[0]}, as no report of `winnow diff` does")
    except Refused as error:
        return f"**No report**: {error}.", False
    return text.strip(), True


def body(text: str, commit: str, run: str) -> str:
    return f"{MARK}\n{text}\n\n<sub>Made by the code of this change at {commit[:10]}: [the run]({run}).</sub>\n"


def github(folder: Path) -> bool:
    run = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))["workflow_run"]
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "Accept": "application/vnd.github+json"}
    repository = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}"
    number = read(folder / "number", 20).strip()
    if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        raise Refused("number is none of a pull request")
    head = call("GET", f"{repository}/pulls/{number}", headers)["head"]
    source = (head["repo"] or {}).get("full_name")  # none where the fork was deleted
    if source != run["head_repository"]["full_name"] or head["ref"] != run["head_branch"]:
        raise Refused(f"the run was not of pull request {number}")
    if head["sha"] != run["head_sha"]:
        print(f"pull request {number} has a newer commit, whose own run reports")
        return True
    text, well = report(folder)
    content = {"body": body(text, run["head_sha"], run["html_url"])}
    for comment in pages(f"{repository}/issues/{number}/comments", headers):
        if comment["user"]["login"] == BOT and comment["body"].startswith(MARK):
            call("PATCH", f"{repository}/issues/comments/{comment['id']}", headers, content)
            return well
    call("POST", f"{repository}/issues/{number}/comments", headers, content)
    return well


def gitlab(folder: Path) -> bool:
    if not os.environ.get("TOKEN"):
        print("note: no token for comments, as in a fork (docs/pull-requests.md); the report is an artifact")
        return True
    headers = {"PRIVATE-TOKEN": os.environ["TOKEN"]}
    api, project = os.environ["CI_API_V4_URL"], os.environ["CI_MERGE_REQUEST_PROJECT_ID"]
    notes = f"{api}/projects/{project}/merge_requests/{os.environ['CI_MERGE_REQUEST_IID']}/notes"
    own = call("GET", f"{api}/user", headers)["id"]
    text, well = report(folder)
    content = {"body": body(text, os.environ["CI_COMMIT_SHA"], os.environ["CI_PIPELINE_URL"])}
    for note in pages(notes, headers):
        if note["author"]["id"] == own and note["body"].startswith(MARK):
            call("PUT", f"{notes}/{note['id']}", headers, content)
            return well
    call("POST", notes, headers, content)
    return well


def main(forge: str, folder: Path) -> None:
    if not (folder / "report.md").exists():
        print("the run left no report")
        return
    try:
        well = {"github": github, "gitlab": gitlab}[forge](folder)
    except Refused as error:
        sys.exit(f"no comment: {error}")
    if not well:
        sys.exit("the report was not posted: the comment says why")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
