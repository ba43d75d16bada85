"""What people and Label Studio send back, and what they write into params.yaml."""

import functools
import json
from pathlib import Path
from unittest.mock import patch

from ruamel.yaml import YAML

from tests.fuzz.targets import Target, answered, expect
from tests.review_project import make, target
from winnow.base import hashing, params
from winnow.commands import parameters
from winnow.labelling.rules import AnyRule
from winnow.people import decisions
from winnow.review import importing, label_studio

ROOT = Path(__file__).parents[3]
ID, SHA = "row-000", hashing.text_sha("the text of row 0")
DECISIONS = (
    ",".join(decisions.COLUMNS) + f'\r\n{ID},{SHA},FRUIT,relabel,STONE,ana,2026-01-31,"a, note"\r\n'
    f"row-001,{hashing.text_sha('the text of row 1')},,ambiguous,,bo,31.01.2026,\r\n"
)
ANNOTATION = {
    "id": 1,
    "completed_by": 1,
    "was_cancelled": False,
    "created_at": "2026-01-31T10:00:00.5Z",
    "updated_at": "2026-01-31T10:00:00Z",
    "lead_time": 3.5,
    "result": [
        {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["STONE"]}},
        {"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": ["why"]}},
    ],
}
TASK = {
    "id": 7,
    "data": {"winnow_id": ID, "text_sha": SHA, "given_label": "FRUIT", "text": "x", "drawn_for": ""},
    "annotations": [ANNOTATION],
}
ANSWERS = {
    "users": [{"id": 1, "first_name": "Ana", "last_name": "B", "email": "a@example.org"}],
    "projects": {"count": 1, "results": [{"id": 3, "title": "winnow"}]},
    "project": {"id": 3, "title": "winnow", "task_number": 1, "parsed_label_config": {}},
    "tasks": {"total": 1, "tasks": [TASK]},
}


def sheet(data: bytes, folder: Path) -> None:
    """Import a filled-in queue, twice: the second time adds nothing."""
    project = make(folder)
    (folder / "filled.csv").write_bytes(data)
    for number in range(2):
        found = answered(lambda: importing.run(folder / "filled.csv", target(project), "ana", "2026-02-01T00:00:00Z"))
        expect(not (number and found and found.added), "the same file adds a decision twice")
        answered(lambda: decisions.read(project.decisions))
    if found:
        decisions.read(project.decisions)  # what was added can be read


def own(data: bytes, folder: Path) -> None:
    """Read decisions.csv."""
    (folder / "decisions.csv").write_bytes(data)
    answered(lambda: decisions.read(folder / "decisions.csv"))


def export(data: bytes, folder: Path) -> None:
    """Import Label Studio's export."""
    project = make(folder)
    (folder / "export.json").write_bytes(data)
    if answered(lambda: importing.run(folder / "export.json", target(project), "ana")):
        decisions.read(project.decisions)


class Server(label_studio.Client):
    """A Label Studio whose answers are what was changed."""

    def __init__(self, answers: object) -> None:
        self.base, self.project = "http://127.0.0.1", None
        self._answers = answers if isinstance(answers, dict) else {}

    def _send(self, method: str, path: str, **content: object) -> object:
        name = (
            "users"
            if path == "/api/users"
            else "projects"
            if path == "/api/projects"
            else "project"
            if path.startswith("/api/projects/")
            else "tasks"
        )
        return self._answers.get(name, {})


def pull(data: bytes, folder: Path) -> None:
    """Pull annotations from a server that answers anything."""
    try:
        answers = json.loads(data)
    except (ValueError, RecursionError):
        return
    project = make(folder)
    with patch.object(label_studio, "Client", lambda url: Server(answers)):
        if answered(lambda: label_studio.pull("http://127.0.0.1", target(project), "winnow")):
            decisions.read(project.decisions)


@functools.cache
def sections() -> dict:
    """Return what reads each section of params.yaml."""
    return {name: parameters.reader(models) for name, models in parameters.models(ROOT).items()}


def settings(data: bytes, folder: Path) -> None:
    """Read params.yaml, each section as its stage does."""
    (folder / "params.yaml").write_bytes(data)
    if (document := answered(lambda: params.read(folder / "params.yaml"))) is None:
        return
    for name, model in sections().items():
        if name in document:
            answered(lambda name=name, model=model: params.parse(document[name], model, f"params.yaml: {name}"))


def rule(data: bytes, folder: Path) -> None:
    """Read a labelling rule, as params.yaml has it, and apply it."""
    (folder / "params.yaml").write_bytes(data)
    if (document := answered(lambda: params.read(folder / "params.yaml"))) is None:
        return
    for value in document.values():
        answered(lambda value=value: params.parse(value, AnyRule, "rule"))


def yaml(value: object) -> bytes:
    """Return a value as YAML."""
    import io

    out = io.StringIO()
    YAML(typ="safe").dump(value, out)
    return out.getvalue().encode()


RULES = {
    "a": {"name": "a", "kind": "regex", "field": "text", "labels": {"A": "WE (FOUND|SAW).*", "B": ".*"}},
    "b": {"name": "b", "kind": "keyword", "field": "meta.x", "labels": {"A": ["x", "c++"]}},
    "c": {"name": "c", "kind": "heading", "field": "text", "labels": {"B": "AIMS?"}},
}

TARGETS = {
    "sheet": Target(
        sheet,
        [DECISIONS.encode(), b"sep=;\r\n" + DECISIONS.replace(",", ";").encode("cp1252"), DECISIONS.encode("utf-16")],
        [
            b"relabel",
            b"keep",
            b"KEEP",
            b"Out of scope",
            b"STONE",
            b"1,5",
            b"31/01/2026",
            b"2026-01-31T10:00:00Z",
            b"1.23E+12",
            b'""',
            b"seconds",
            b"'=",
            b"<<<<<<< HEAD\n",
        ],
    ),
    "decisions": Target(
        own,
        [DECISIONS.replace("31.01.2026", "2026-01-31").replace("\r", "").encode()],
        [b"<<<<<<< HEAD\n", b"=======\n", b"keep", b"seconds", b"drawn_for"],
    ),
    "export": Target(
        export,
        [json.dumps([TASK]).encode(), json.dumps([TASK, {**TASK, "id": 8, "annotations": []}]).encode()],
        [b"null", b'"choices"', b"Ambiguous"],
    ),
    "pull": Target(pull, [json.dumps(ANSWERS).encode()]),
    "params": Target(
        settings,
        [
            (ROOT / "params.yaml").read_bytes(),
            *(path.read_bytes() for path in sorted(ROOT.glob("examples/*/params.yaml"))),
        ],
        [
            b": ",
            b"- ",
            b"&a ",
            b"*a",
            b"!!python/object:os.system ",
            b"!!binary ",
            b"<<: *a\n",
            b"? ",
            b"|\n",
            b"2021-01-01",
            b"1_000",
            b"0o7",
            b".inf",
            b"~",
            b"'",
            b"\n  ",
            b"%YAML 1.1\n---\n",
            b"---\n",
        ],
    ),
    "rules": Target(
        rule,
        [yaml(RULES)],
        [
            b"(?P<a>",
            b"(a+)+$",
            b"\\",
            b"kind: python\n",
            b"kind: model\n",
            b"kind: llm\n",
            b"labels: ",
            b"field: meta.",
            b"[",
            b"(?<=a+)",
        ],
    ),
}
