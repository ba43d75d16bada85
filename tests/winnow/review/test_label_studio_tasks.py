"""A queue in Label Studio's JSON and XML, and annotations as decisions, without a server."""

import json
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests import review_project
from tests.other_tasks import NUMBERS
from winnow import kinds
from winnow.base.errors import UserError
from winnow.kinds import widget
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, queue
from winnow.review import importing, label_studio
from winnow.review.label_studio import tasks

TASK = Task(kind="classification", labels=review_project.LABELS)
ENTRY = {
    "id": "row-000",
    "text": "a <b>text</b>",
    "given_label": "FRUIT",
    "suggested_label": "STONE",
    "p_error": 0.825,
    "tier": "likely",
    "reasons": ["the model says STONE"],
    "probabilities": [{"label": "STONE", "p": 0.9}, {"label": "FRUIT", "p": 0.1}],
    "votes": [{"rule": "heading", "label": "STONE"}, {"rule": "keyword", "label": None}],
    "neighbours": [{"id": "row-001", "label": "STONE", "similarity": 0.914, "text": "near " * 200}],
}


def task(**entry) -> dict:
    [row] = queue.table([ENTRY | entry]).to_pylist()
    return tasks.question(row, TASK)


def annotation(*choices: str, note: str | list[str] = "", **fields) -> dict:
    result = [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": list(choices)}}]
    result += [{"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": note}}] if note else []
    base = {"completed_by": 1, "created_at": "2026-01-31T23:59:59.1Z", "lead_time": 12.345, "was_cancelled": False}
    return base | {"result": result} | fields


def annotated(*annotations: dict, number: int = 7, names=None, **entry) -> list[decisions.Decision]:
    """Return the decisions of one task's annotations."""
    found, problems, notes = tasks.annotated(
        [task(**entry) | {"id": number, "annotations": list(annotations)}], names or {1: "ana", 2: "bo"}, TASK
    )
    assert problems == notes == []
    return found


def test_a_task_asks_about_a_text_and_shows_all_that_helps():
    made = task()
    data = made["data"]
    assert tasks.key(made) == ("row-000", data["text_sha"], "FRUIT", "")
    assert data["text"] == "a <b>text</b>"
    assert data["question"] == "Its label: FRUIT; the model's: STONE; wrong with probability 0.82"
    assert data["reasons"] == "the model says STONE\nheading says STONE\nkeyword says nothing"
    assert data["neighbours"].startswith("STONE (0.91): near near")
    assert len(data["neighbours"]) < 600
    assert made["predictions"] == [
        {
            "model_version": "winnow",
            "score": 0.9,
            "result": [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["STONE"]}}],
        }
    ]


def test_an_entry_of_which_little_is_known():
    empty = {"suggested_label": None, "p_error": None, "tier": None, "given_label": None}
    made = task(**empty, reasons=[], probabilities=[], votes=[], neighbours=[])
    assert made["data"]["question"] == "Its label: none"
    assert (made["data"]["reasons"], made["data"]["neighbours"]) == ("–", "–")
    assert None not in made["data"].values()  # Label Studio refuses them
    assert made["predictions"] == []
    assert tasks.key(made)[2] == ""


@pytest.mark.parametrize("data", [{}, {"text": "x"}, {"winnow_id": 1, "text_sha": "a", "given_label": ""}, None])
def test_tasks_of_others_have_no_key(data):
    assert tasks.key({"data": data}) is None


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1), min_size=2, unique=True))
def test_the_config_has_each_label_once_whatever_it_is(labels):
    root = ElementTree.fromstring(tasks.config(Task.model_construct(kind="classification", labels=labels)))
    choices = [dict(choice.attrib) for choice in root.iter("Choice")]
    assert [choice.get("alias", choice["value"]) for choice in choices] == [
        *labels,
        "winnow:ambiguous",
        "winnow:out_of_scope",
    ]
    assert not any("$" in choice["value"].replace("$\u200b", "") for choice in choices)  # that would name a column
    hotkeys = [choice["hotkey"] for choice in choices if "hotkey" in choice]
    assert len(hotkeys) == len(set(hotkeys)) == min(len(labels), 10) + 2
    assert (root.find("Filter") is not None) == (len(labels) > 10)


@pytest.mark.parametrize(
    ("choice", "given", "verdict", "new_label"),
    [
        ("FRUIT", "FRUIT", "keep", ""),
        ("STONE", "FRUIT", "relabel", "STONE"),
        ("STONE", None, "relabel", "STONE"),
        ("winnow:ambiguous", "FRUIT", "ambiguous", ""),
        ("winnow:out_of_scope", None, "out_of_scope", ""),
    ],
)
def test_a_choice_is_a_verdict(choice, given, verdict, new_label):
    [decision] = annotated(annotation(choice, note=["why ", "indeed"]), given_label=given)
    assert (decision.verdict, decision.new_label, decision.given_label) == (verdict, new_label, given or "")
    assert (decision.id, decision.reviewer, decision.decided_on) == ("row-000", "ana", "2026-01-31T23:59:59.100000Z")
    assert (decision.seconds, decision.note, decision.line) == (12.345, "why  indeed", 7)


def test_skipped_and_empty_annotations_are_no_decisions():
    assert annotated(annotation("STONE", was_cancelled=True), annotation(result=[])) == []


def test_of_a_persons_annotations_the_last_changed_one_counts():
    first = annotation("STONE", updated_at="2026-02-03T00:00:00Z")
    second = annotation("PLANT", created_at="2026-02-02T00:00:00Z", updated_at="2026-02-02T00:00:00Z")
    other = annotation("PLANT", completed_by=2)
    found = annotated(first, second, other)
    assert [(one.reviewer, one.new_label, one.decided_on) for one in found] == [
        ("ana", "STONE", "2026-02-03T00:00:00Z"),
        ("bo", "PLANT", "2026-01-31T23:59:59.100000Z"),
    ]


def test_an_annotation_without_one_choice_is_a_problem_of_its_task():
    both = task() | {"id": 9, "annotations": [annotation("STONE", "PLANT"), annotation(note="only")]}
    assert tasks.annotated([both], {1: "ana"}, TASK) == (
        [],
        ["task 9: ana gave 2 answers; mend it in Label Studio", "task 9: ana gave 0 answers; mend it in Label Studio"],
        [],
    )


def test_a_label_that_is_written_is_a_verdict_too(monkeypatch):
    monkeypatch.setattr(kinds, "load", lambda task, concern: widget)
    root = ElementTree.fromstring(tasks.config(NUMBERS))
    assert [control.get("name") for control in root if control.get("toName")] == ["label", "verdict", "note"]
    assert [choice.get("alias") for choice in root.iter("Choice")] == list(widget.VERDICTS)
    ours = {"label": {}, "verdict": {"labels": list(widget.VERDICTS)}, "note": {}}
    assert tasks.is_ours(ours, NUMBERS)
    assert not tasks.is_ours({"label": {}, "note": {}}, NUMBERS)
    [row] = queue.table([ENTRY | {"given_label": "2.5", "suggested_label": "3"}]).to_pylist()
    asked = tasks.question(row, NUMBERS)
    assert asked["predictions"][0]["result"][0]["value"] == {"text": ["3"]}

    def said(name: str, **value) -> dict:
        return annotation() | {"result": [{"from_name": name, "to_name": "text", "value": value}]}

    answered = [said("label", text=["2.50"]), said("label", text="7.0"), said("verdict", choices=["winnow:ambiguous"])]
    made = [asked | {"id": number, "annotations": [one]} for number, one in enumerate(answered)]
    for number, outcome in enumerate([("keep", ""), ("relabel", "7"), ("ambiguous", "")]):
        [decision], problems, _ = tasks.annotated([made[number]], {1: "ana"}, NUMBERS)
        assert (decision.verdict, decision.new_label) == outcome
        assert problems == []


def test_people_are_called_by_their_names_or_emails():
    users = [
        {"id": 1, "first_name": "Ana", "last_name": "López", "email": "ana@example.org"},
        {"id": 2, "first_name": "", "last_name": "", "email": "bo@example.org"},
        {"id": 3, "first_name": "Kim", "last_name": "", "email": "kim@example.org"},
        {"id": 4, "first_name": "Kim", "last_name": "", "email": "other.kim@example.org"},
    ]
    names = {1: "Ana López", 2: "bo@example.org", 3: "kim@example.org", 4: "other.kim@example.org"}
    assert tasks.people(users) == names


@pytest.fixture
def project(tmp_path):
    return review_project.make(tmp_path)


def export(project, *annotations: dict, **fields) -> object:
    """Write an export in which each row of the queue has one of the annotations."""
    rows = queue.read(project.queue)
    exported = [
        tasks.question(row, project.task) | {"id": 100 + row["rank"], "annotations": [one] if one else []} | fields
        for row, one in zip(rows, [*annotations, *[None] * len(rows)], strict=False)
    ]
    file = project.queue.with_name("export.json")
    file.write_text(json.dumps(exported))
    return file


def run(project, file, reviewer: str = "") -> str:
    return importing.run(file, review_project.target(project), reviewer).summary("export")


def test_tasks_are_written_for_a_server_that_cannot_be_reached(project):
    entries = queue.read(project.queue)
    decided = f"row-000,{entries[0]['text_sha']},FRUIT,keep,,ana,2026-01-31,\n"
    project.decisions.write_text(project.decisions.read_text() + decided)
    file = project.queue.with_name("tasks.json")
    said = label_studio.write_tasks(file, entries, review_project.target(project))
    assert said == f"{file}: 5 tasks; the project's labelling config is in {file.with_suffix('.xml')}"
    assert [made["data"]["winnow_id"] for made in json.loads(file.read_text())] == [f"row-00{n}" for n in range(1, 6)]
    ElementTree.parse(file.with_suffix(".xml"))


def test_a_row_on_which_reviewers_disagree_is_asked_again(project):
    sha = queue.read(project.queue)[0]["text_sha"]
    disagreeing = f"row-000,{sha},FRUIT,keep,,ana,2026-01-31,\nrow-000,{sha},FRUIT,ambiguous,,bo,2026-01-31,\n"
    project.decisions.write_text(project.decisions.read_text() + disagreeing)
    file = project.queue.with_name("tasks.json")
    entries = queue.read(project.queue)
    assert "6 tasks" in label_studio.write_tasks(file, entries, review_project.target(project))


def test_an_export_is_imported_once(project):
    file = export(project, annotation("FRUIT"), annotation("PLANT", note="=1+1"))
    assert run(project, file, "ana") == "export: 2 decisions added, 0 already there, 4 rows not filled in"
    assert run(project, file, "ana") == "export: 0 decisions added, 2 already there, 4 rows not filled in"
    found = decisions.read(project.decisions)
    assert [(one.id, one.verdict, one.note, one.seconds) for one in found] == [
        ("row-000", "keep", "", 12.3),
        ("row-001", "relabel", "=1+1", 12.3),
    ]


def test_a_mind_changed_twice_in_one_day_is_seen(project):
    for choice, hour in (("FRUIT", 8), ("PLANT", 9), ("FRUIT", 10)):
        run(project, export(project, annotation(choice, updated_at=f"2026-01-31T{hour:02}:00:00Z")), "ana")
    assert [one.verdict for one in decisions.read(project.decisions)] == ["keep", "relabel", "keep"]


def test_an_annotation_of_an_audit_says_what_its_task_was_drawn_for():
    [decision] = annotated(annotation("FRUIT"), drawn_for="v1")
    assert decision.drawn_for == "v1"
    assert tasks.key(task(drawn_for="v1"))[3] == "v1"


def test_what_is_out_of_date_is_left_out_and_said(project):
    file = export(project, annotation("FRUIT"), annotation("PLANT"))
    text = file.read_text().replace(queue.read(project.queue)[0]["text_sha"], "0" * 16)
    file.write_text(text)
    assert run(project, file, "ana") == (
        "export: 1 decisions added, 0 already there, 1 left out, since the text or label has changed, "
        "4 rows not filled in"
    )


def test_a_label_that_the_task_does_not_have_names_label_studios_task(project):
    with pytest.raises(UserError, match=r"export.json: 1 problem: task 101: new_label: label 'ROCK' is not one of"):
        run(project, export(project, annotation("FRUIT"), annotation("ROCK")), "ana")
    assert decisions.read(project.decisions) == []


def test_an_export_of_an_enterprise_server_names_its_people(project):
    person = {"id": 4, "email": "bo@example.org", "first_name": "Bo", "last_name": "Li"}
    run(project, export(project, annotation("FRUIT", completed_by=person)))
    assert decisions.read(project.decisions)[0].reviewer == "Bo Li"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "line 1: not valid JSON"),
        ("", "line 1: not valid JSON"),
        ("[" * 100_000, "not readable as JSON"),
        ("[" + "1" * 5000 + "]", "not readable as JSON"),
        ('[{"id": 1, "data": {}, "annotations": {}}]', "no list of tasks with their annotations"),
        ("[null]", "no list of tasks with their annotations"),
        ("{}", "no list of tasks with their annotations; export the project in the format JSON"),
        ('[{"id": 1, "text": "a", "label": "FRUIT"}]', "no list of tasks with their annotations"),  # JSON-MIN
    ],
)
def test_files_that_are_no_export(project, content, message):
    file = project.queue.with_name("export.json")
    file.write_text(content)
    with pytest.raises(UserError, match=message):
        run(project, file, "ana")


def test_an_export_does_not_say_who_annotated(project):
    with pytest.raises(UserError, match="lacks the annotator's name; give --reviewer NAME"):
        run(project, export(project, annotation("FRUIT")))
    two = export(project, annotation("FRUIT"), annotation("PLANT", completed_by=2))
    with pytest.raises(UserError, match="2 people annotated, and an export lacks their names; take the decisions from"):
        run(project, two, "ana")


def test_tasks_without_annotations_are_rows_that_nobody_filled_in(project):
    file = project.queue.with_name("export.json")
    ours = tasks.question(queue.read(project.queue)[0], project.task)
    assert ours["predictions"]
    file.write_text(json.dumps([ours, ours | {"annotations": None}, ours | {"annotations": []}]))
    assert run(project, file, "ana") == "export: 0 decisions added, 0 already there, 3 rows not filled in"


@pytest.mark.parametrize(
    ("lead_time", "seconds", "note"),
    [
        (12.345, 12.3, ""),
        (0, 0.0, ""),
        (-0.0, 0.0, ""),
        ("12.5", 12.5, ""),
        (decisions.MOST_SECONDS, float(decisions.MOST_SECONDS), ""),
        (None, None, ""),
        (-5, None, "-5"),
        (-0.04, None, "-0.04"),
        (1e9, None, "1000000000.0"),
        (999_999_999.96, None, "999999999.96"),
        (1e10, None, "10000000000.0"),
        (10**30, None, "1" + "0" * 30),
        (float("nan"), None, "NaN"),
        (float("inf"), None, "Infinity"),
        ("long", None, '"long"'),
        ("1e5", None, '"1e5"'),
        (True, None, "true"),
        ([1], None, "a list"),
        ({}, None, "an object"),
    ],
)
def test_a_lead_time_that_is_none_leaves_the_seconds_empty_and_is_told(project, lead_time, seconds, note):
    said = run(project, export(project, annotation("FRUIT", lead_time=lead_time)), "ana")
    told = f", 1 without seconds: lead_time is no time (task 100: {note})" if note else ""
    assert said == f"export: 1 decisions added, 0 already there, 5 rows not filled in{told}"
    assert [one.seconds for one in decisions.read(project.decisions)] == [seconds]


CHOICE = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["STONE"]}}


@pytest.mark.parametrize(
    "fields",
    [
        {"result": [CHOICE | {"value": {"choices": "STONE"}}]},
        {"result": [CHOICE, {"type": "relation", "from_id": "a", "to_id": "b"}]},
        {"result": [CHOICE, {"from_name": "rating", "to_name": "text", "type": "rating", "value": {"rating": 3}}]},
        {"result": [CHOICE, {"from_name": "note", "to_name": "text", "value": {"text": None}}]},
        {"result": [CHOICE, CHOICE | {"to_name": "other"}]},
        {"created_at": "2026-01-31T23:59:59.1", "updated_at": None},
        {"created_at": None, "updated_at": "2026-02-01T00:59:59.1+01:00"},
        {"updated_at": ""},
    ],
)
def test_what_other_programs_leave_there_is_read_where_it_is_plain(fields):
    [decision] = annotated(annotation("STONE") | fields)
    assert (decision.verdict, decision.new_label) == ("relabel", "STONE")
    assert decision.decided_on == "2026-01-31T23:59:59.100000Z"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"result": {"a": 1}}, "result is an object, no list"),
        ({"result": "STONE"}, 'result is "STONE", no list'),
        ({"result": [None]}, "result[0] is missing, no object"),
        ({"result": [{"from_name": "label"}]}, "result[0].value is missing, no object"),
        ({"result": [CHOICE | {"value": "STONE"}]}, 'result[0].value is "STONE", no object'),
        ({"result": [CHOICE | {"value": {"choices": [1]}}]}, "result[0].value.choices is a list, no list of texts"),
        ({"result": [CHOICE | {"value": {"choices": {"a": 1}}}]}, "result[0].value.choices is an object, no list"),
        ({"result": [CHOICE | {"value": {}}]}, "ana gave 0 answers"),
        ({"result": [CHOICE | {"from_name": "sentiment"}]}, "ana gave 0 answers"),
        ({"result": [CHOICE | {"to_name": "other"}]}, "ana gave 0 answers"),
        ({"result": [CHOICE, CHOICE]}, "ana gave 2 answers"),
        ({"created_at": None}, "created_at missing is no time of the years 2000 to 2099"),
        ({"created_at": "yesterday"}, 'created_at "yesterday" is no time'),
        ({"created_at": 1769900399}, "created_at 1769900399 is no time"),
        ({"updated_at": "2026-02-30T00:00:00Z"}, 'updated_at "2026-02-30T00:00:00Z" is no time'),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, 'created_at "0001-01-01T00:00:00+14:00" is no time'),
        ({"created_at": "1970-01-01T00:00:00Z"}, 'created_at "1970-01-01T00:00:00Z" is no time'),
        ({"created_at": "9999-12-31T23:59:59Z"}, 'created_at "9999-12-31T23:59:59Z" is no time'),
        ({"completed_by": None}, "completed_by missing names nobody"),
        ({"completed_by": 5}, "completed_by 5 names nobody"),
        ({"completed_by": []}, "completed_by a list names nobody"),
        ({"completed_by": True}, "completed_by true names nobody"),
        ({"completed_by": {"id": 5, "email": None}}, "completed_by an object names nobody"),
        ({"completed_by": " "}, 'completed_by " " names nobody'),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_task_and_field(fields, message):
    made = task() | {"id": 9, "annotations": [annotation("STONE") | fields]}
    found, [problem], _ = tasks.annotated([made], {1: "ana"}, TASK)
    assert found == []
    assert problem.startswith(f"task 9: {message}")
    assert problem.endswith("; mend it in Label Studio")


@pytest.mark.parametrize(
    ("person", "reviewer"),
    [(None, "ana"), (3, "ana"), ("bo@example.org", "bo@example.org"), ({"email": "bo@example.org"}, "bo@example.org")],
)
def test_who_annotated_may_be_said_in_any_way(project, person, reviewer):
    run(project, export(project, annotation("FRUIT", completed_by=person)), "ana")
    assert [one.reviewer for one in decisions.read(project.decisions)] == [reviewer]


def test_annotations_that_stand_twice_are_one_and_two_answers_at_one_moment_are_refused():
    assert len(annotated(annotation("STONE", id=1), annotation("STONE", id=1))) == 1
    made = task() | {"id": 9, "annotations": [annotation("STONE", id=1), annotation("PLANT", id=1)]}
    _, problems, _ = tasks.annotated([made], {1: "ana"}, TASK)
    assert problems == ["task 9: ana gave two answers at one moment; mend it in Label Studio"]


def test_annotations_of_tasks_that_are_not_winnows_are_told():
    other = {"id": 3, "data": {"text": "a"}, "annotations": [annotation("STONE"), annotation("STONE", result=[])]}
    half = task() | {"id": 4, "annotations": [annotation("STONE")]}
    half["data"] = half["data"] | {"text_sha": None}
    assert tasks.annotated([other, half, {"id": 5, "annotations": []}], {1: "ana"}, TASK) == (
        [],
        [],
        ["2 annotations of tasks that are not Winnow's (task 3)"],
    )


# Whatever another program may write: JSON of the shape of an export, each value right or anything.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
WRITTEN = st.text(st.sampled_from("a'\"=-0\n\r\t\0,;\ud800\u2028<> "), max_size=8)


def perhaps(right: st.SearchStrategy) -> st.SearchStrategy:
    """Mostly what is right, so that many annotations are written."""
    return st.sampled_from([right] * 9 + [WRITTEN, JSON]).flatmap(lambda chosen: chosen)


CHOICES = st.lists(perhaps(st.sampled_from(["FRUIT", "STONE", "winnow:ambiguous"])), min_size=1, max_size=1)
ITEM = {"from_name": perhaps(st.just("label")), "value": perhaps(st.fixed_dictionaries({"choices": perhaps(CHOICES)}))}
REMARK = {"from_name": st.just("note"), "value": perhaps(st.fixed_dictionaries({"text": WRITTEN | st.lists(WRITTEN)}))}
ANNOTATION = st.fixed_dictionaries(
    {
        "result": perhaps(st.tuples(perhaps(st.fixed_dictionaries(ITEM)), st.fixed_dictionaries(REMARK)).map(list)),
        "created_at": perhaps(st.sampled_from(["2026-01-31T10:00:00Z", "2026-01-31"])),
    },
    optional={
        "completed_by": perhaps(st.just(1)),
        "updated_at": perhaps(st.sampled_from(["2026-02-01T10:00:00.123456Z", None])),
        "lead_time": st.floats() | st.integers() | JSON,
        "was_cancelled": st.sampled_from([False, False, True]),
    },
)


@pytest.fixture(scope="module")
def whole_project(tmp_path_factory):
    return review_project.make(tmp_path_factory.mktemp("export"))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(annotations=st.lists(perhaps(ANNOTATION), min_size=1, max_size=2), drawn_for=perhaps(st.just("v1")), extra=JSON)
def test_whatever_an_export_holds_what_is_written_is_read_back(whole_project, annotations, drawn_for, extra):
    project = whole_project
    project.decisions.write_text(decisions.EMPTY)
    row = queue.read(project.queue)[0]
    made = tasks.question(row, project.task) | {"id": 1, "annotations": annotations}
    made["data"] = made["data"] | {"drawn_for": drawn_for}
    file = project.queue.with_name("export.json")
    file.write_text(json.dumps([made, {"id": extra, "data": {}, "annotations": []}]))
    before = project.decisions.read_bytes()
    try:
        said, refused = run(project, file, "ana"), False
    except UserError as error:
        said, refused = str(error), True
    event("refused" if refused else said.partition(",")[0])
    if refused:
        assert project.decisions.read_bytes() == before
        return
    read = decisions.read(project.decisions)
    assert said.startswith(f"export: {len(read)} decisions added, ")
    assert decisions.problems_of(read, review_project.target(project).versions({row["id"]}), project.task) == []
