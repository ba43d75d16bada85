"""The round trip through Label Studio: a queue becomes a project's tasks, its annotations become decisions.

A push may break off at any point: the next one asks which tasks are there and adds the others.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.base.files import read_text, write_json, write_text
from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.review.adding import Added, Read, Target
from winnow.review.label_studio import tasks
from winnow.review.label_studio.client import ATTEMPTS, Client, Import, Project, Projects, Unreachable, User
from winnow.review.label_studio.tasks import Key

BATCH = 100  # tasks a request: below the size that proxies accept
LONGEST_TITLE = 50
POLLS = 600  # seconds that an import may take
ANNOTATED = {
    "conjunction": "and",
    "items": [{"filter": "filter:tasks:total_annotations", "operator": "greater", "type": "Number", "value": 0}],
}


def push(url: str, entries: Sequence[Mapping], target: Target, title: str) -> str:
    """Add a queue's entries to a project; make it if it is missing. Return what happened, in one line.

    Entries that decisions.csv settles are left out.

    Args:
        url: a server's address, or that of one of its projects.
        entries: as `winnow.people.queue.ENTRY`, in the order in which they are to be read.
        title: the project's, where the address names no project.

    Raises:
        UserError: the server refuses or cannot be reached; what was added stays, another push adds the rest.
    """
    client, title = Client(url), title[:LONGEST_TITLE]
    undecided = target.undecided(entries)
    wanted = {tasks.key(new): new for new in _questions(undecided, target.task)}
    try:
        project = _project(client, target.task, title)
        before = _present(client, project)
        doubled = _remove_doubles(client, _add_missing(client, project, wanted, before))
    except Unreachable as error:
        raise UserError(f"{error}; nothing is lost: run the same command again to go on") from None
    added, gone = len(wanted.keys() - before.keys()), len(before.keys() - wanted.keys())
    counts = [f"{added} tasks added", f"{len(wanted) - added} already there"]
    counts += [f"{len(entries) - len(undecided)} decided already"] if len(entries) > len(undecided) else []
    counts += [f"{gone} of other queues"] if gone else []
    counts += [f"{doubled} doubles removed"] if doubled else []
    return f"{client.base}/projects/{project}: {', '.join(counts)}"


def pull(url: str, target: Target, title: str) -> str:
    """Add a project's annotations to decisions.csv; return what happened, in one line. Arguments as `push`.

    Raises:
        UserError: the server refuses or cannot be reached, or an annotation is no decision; nothing was added.
    """
    client = Client(url)
    project = _existing(client, title[:LONGEST_TITLE])
    names = tasks.people(client.get("/api/users", list[User]))
    query = json.dumps({"filters": ANNOTATED})
    annotated = list(client.tasks(project["id"], fields="all", query=query))
    source = f"{client.base}/projects/{project['id']}"
    added = _add(annotated, names, target, source)
    return replace(added, empty=(project.get("task_number") or len(annotated)) - len(annotated)).summary(source)


def write_tasks(file: Path, entries: Sequence[Mapping], target: Target) -> str:
    """Write a queue as a file to be imported in Label Studio, and the labelling config beside it, with suffix .xml.

    Arguments as `push`; returns what was written, in one line.
    """
    new = _questions(target.undecided(entries), target.task)
    config = file.with_suffix(".xml")
    write_json(file, new)
    write_text(config, tasks.config(target.task) + "\n")
    return f"{file}: {len(new)} tasks; the project's labelling config is in {config}"


def add_export(path: Path, target: Target, reviewer: str = "") -> Added:
    """Add the annotations of an export (format JSON) to decisions.csv.

    Args:
        reviewer: the annotator's name, which an export lacks.

    Raises:
        UserError: it is no such export, or an annotation is no decision; nothing was added.
    """
    exported = _json(path)
    if not isinstance(exported, list) or not all(isinstance(task, dict) and _is_full(task) for task in exported):
        raise UserError(f"{path}: no list of tasks with their annotations; export the project in the format JSON")
    unnamed = tasks.annotators(exported)
    if len(unnamed) > 1:
        raise UserError(
            f"{path}: {len(unnamed)} people annotated, and an export lacks their names; take the decisions from the "
            f"server: winnow review --label-studio URL --pull"
        )
    if unnamed and not reviewer:
        raise UserError(f"{path}: an export lacks the annotator's name; give --reviewer NAME")
    added = _add(exported, dict.fromkeys(unnamed, reviewer), target, path)
    return replace(added, empty=sum(not task.get("annotations") for task in exported))


def _json(path: Path) -> object:
    try:
        return json.loads(read_text(path).removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: line {error.lineno}: not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets in brackets
        raise UserError(f"{path}: not readable as JSON: {error}") from None


def _questions(entries: Sequence[Mapping], task: Task) -> list[dict]:
    return [tasks.question(entry, task) for entry in entries]


def _is_full(task: Mapping) -> bool:
    return isinstance(task.get("data"), dict) and isinstance(task.get("annotations"), list | None)


def _add(annotated: list[dict], names: Mapping[int | None, str], target: Target, source: Path | str) -> Added:
    found, problems, notes = tasks.annotated(annotated, names, target.task)
    versions = target.versions({decision.id for decision in found})
    # Unlike a line in a file, a task that is out of date cannot be mended by those who annotate.
    current = [decision for decision in found if not any(decisions.stale(decision, versions))]
    added = target.add(Read(current, problems, source, unit="task"), versions)
    return replace(added, stale=len(found) - len(current), notes=tuple(notes))


def _project(client: Client, task: Task, title: str) -> int:
    """Return the number of the project, which takes our tasks from now on."""
    config = tasks.config(task)
    project = _find_or_make(client, title, {"label_config": config, **tasks.prelabels(task)})
    fits = tasks.is_ours(project.get("parsed_label_config"), task)
    if fits is False and project.get("task_number"):
        raise UserError(
            f"{client.base}/projects/{project['id']}: its labelling config is not Winnow's, and it has tasks; choose "
            f"another project, or an empty one"
        )
    if not fits:
        client.patch(f"/api/projects/{project['id']}", {"label_config": config, **tasks.prelabels(task)})
    return project["id"]


def _find_or_make(client: Client, title: str, settings: Mapping) -> dict:
    new = {
        "title": title,
        "description": "Made by `winnow review --label-studio`; `--pull` takes the annotations as decisions.",
        **settings,
    }
    failures = 0
    while (project := _find(client, title)) is None:
        try:
            return client.post("/api/projects", new, Project)
        except Unreachable:
            failures += 1
            if failures == ATTEMPTS:
                raise
            client.pause(failures)
    return project


def _existing(client: Client, title: str) -> dict:
    project = _find(client, title)
    if project is None:
        raise UserError(
            f"{client.base}: it has no project '{title}'; push the queue first, or give a project's address"
        )
    return project


def _find(client: Client, title: str) -> dict | None:
    """Return the project that the address names, or the one of this title."""
    if client.project:
        return client.get(f"/api/projects/{client.project}", Project)
    found, page, total = [], 0, 1
    while len(found) < total:
        page += 1
        answer = client.get("/api/projects", Projects, title=title, page=page, page_size=100)
        new = [project for project in answer["results"] if project not in found]
        total = answer["count"] if new else 0
        found += new
    numbers = [project["id"] for project in found if project["title"] == title]
    if len(numbers) > 1:
        raise UserError(
            f"{client.base}: projects {', '.join(map(str, numbers))} are all called '{title}'; give the address of "
            f"one, such as {client.base}/projects/{numbers[0]}"
        )
    return client.get(f"/api/projects/{numbers[0]}", Project) if numbers else None


def _present(client: Client, project: int) -> dict[Key, list[dict]]:
    """Return those tasks of a project that are Winnow's, by what they ask."""
    found: dict[Key, list[dict]] = defaultdict(list)
    fields = "id,data,total_annotations,cancelled_annotations"
    for task in client.tasks(project, include=fields):
        if (key := tasks.key(task)) is not None:
            found[key].append(task)
    return found


def _add_missing(
    client: Client, project: int, wanted: Mapping[Key, dict], present: dict[Key, list[dict]]
) -> dict[Key, list[dict]]:
    """Add the tasks that are not there, and return all that are.

    Where the server breaks off, look what came through before going on.

    Raises:
        Unreachable: the server was in trouble each time.
    """
    failures, complete = 0, False
    while missing := [task for key, task in wanted.items() if key not in present]:
        if complete:
            raise UserError(f"{client.base}: it accepted {len(missing)} tasks that it does not list; look at its log")
        try:
            for start in progress.over(range(0, len(missing), BATCH), "adding tasks"):
                _import(client, project, missing[start : start + BATCH])
                failures = 0
            complete = True
        except Unreachable as error:
            failures += 1
            if failures == ATTEMPTS:
                raise Unreachable(f"{error}; {len(wanted) - len(missing)} of {len(wanted)} tasks are there") from None
            client.pause(failures)
        present = _present(client, project)
    return present


def _import(client: Client, project: int, new: list[dict]) -> None:
    """Add tasks; return when they are there.

    Raises:
        UserError: the server refuses one of them, and so all.
    """
    answer = client.post(f"/api/projects/{project}/import", new)
    if "import" not in answer:
        return
    # The Enterprise edition answers at once and works on it afterwards.
    for _ in range(POLLS):
        state = client.get(f"/api/projects/{project}/imports/{answer['import']}/", Import)
        if state["status"] == "failed":
            raise UserError(f"{client.base}: project {project} refused the tasks: {state.get('error')}")
        if state["status"] == "completed":
            return
        client.pause(failures=1)
    raise Unreachable(f"{client.base}: import {answer['import']} is not done yet")


def _remove_doubles(client: Client, present: Mapping[Key, list[dict]]) -> int:
    """Delete tasks that ask what another one asks and that nobody worked on; return how many.

    There are some where two pushed at once, or where an answer was lost and its request was carried out late.
    """
    doubles = []
    for same in present.values():
        untouched = [task for task in same if not (task["total_annotations"] or task["cancelled_annotations"])]
        doubles += untouched[1:] if len(untouched) == len(same) else untouched
    for task in doubles:
        client.delete(f"/api/tasks/{task['id']}")
    return len(doubles)
