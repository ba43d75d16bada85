"""`winnow merge` of two branches that both changed everything: nothing is lost, and either way gives the same bytes."""

import json
import re
import shutil
from contextlib import chdir

import pytest
from ruamel.yaml import YAML

from tests.remotes.project import Project
from tests.winnow.commands.merge import project as small
from tests.winnow.commands.merge.project import append, branch, edit, line, look, results, run, write
from winnow.base.files import sha256
from winnow.commands import cli
from winnow.commands.merge import command
from winnow.people import decisions

DECISIONS = "data/decisions.csv"
GROUPS = ("0" * 16, "2" * 16)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The small project, run once."""
    return small.made(tmp_path_factory.mktemp("merge") / "base")


@pytest.fixture
def project(base, tmp_path):
    """A copy of it with an empty branch `theirs`, on the branch `ours`."""
    copy = Project(tmp_path / "project")
    shutil.copytree(base.folder, copy.folder)
    copy.git("branch", "theirs")
    copy.git("checkout", "-q", "-b", "ours")
    return copy


def on(project: Project, name: str, change) -> None:
    """Commit a change to a branch."""
    project.git("checkout", "-q", name)
    change()
    project.commit(f"on {name}")
    project.git("checkout", "-q", "ours")


def merge(project: Project, capsys, name: str = "theirs", status: int = 0, folder: str = ".") -> str:
    """Run the command; return what it printed."""
    with chdir(project.folder / folder):
        code = 0
        try:
            cli.main(["merge", name])
        except SystemExit as ended:
            code = ended.code
    told = "".join(capsys.readouterr())
    assert code == status, told
    return told


def read(project: Project, name: str) -> str:
    return (project.folder / name).read_text(encoding="utf-8")


def side(project: Project, number: int) -> None:
    """Change what a branch may change: what both change, each in its way."""
    name, date = ("one", "two")[number], ("2026-03-01", "2026-02-02")[number]
    keys = (("epochs: 2 #", "epochs: 3 #"), ("reads: 100 # texts, at least", "reads: 200 # texts"))
    flow = (("low: 1", "low: 5"), ("high: 2", "high: 7"))
    edit(project, "params.yaml", keys[number], flow[number], ("  most: 5", f"  - name: {name}\n    path: x\n  most: 5"))
    append(project, DECISIONS, line(name, date=date) + line("both", ("keep", "relabel")[number], name, date))
    append(project, DECISIONS, line("again", ("keep", "relabel")[number], date=date))
    append(project, "data/test/looks.csv", look(date, name))
    write(project, {"data/test/results.json": results(name), f"data/sources/{name}.txt": name})
    append(project, "data/frozen/test_groups.txt", f"{GROUPS[number]}\n")
    write(project, {"data/frozen/profile.json": f'"{name}"\n', "rules/README.md": "# Rules\n"})
    append(project, "rules/llm.jsonl", json.dumps({"key": "asked", "answer": name}) + "\n")
    append(project, "models/known.sha256", f"{number}{'0' * 63}  {name}\n")
    listed = [f"{sha256(project.folder / file)}  {file}\n" for file in (DECISIONS, "data/frozen/test_groups.txt")]
    write(project, {"data/example.sha256": "".join(listed)})
    if number:
        edit(project, "params.yaml", ("  - 1\nreport", "  - 1\n  - 3\nreport"))
    run(project, name)


@pytest.fixture(scope="module")
def merged(base, tmp_path_factory):
    """Both orders: [(project, what the command printed)], merged, run and committed, the second without a run cache."""
    folder = tmp_path_factory.mktemp("orders")
    both = Project(folder / "both")
    shutil.copytree(base.folder, both.folder)
    for number, name in enumerate(("one", "two")):
        branch(both, name)
        side(both, number)
    found = []
    for ours, theirs in (("one", "two"), ("two", "one")):
        copy = Project(folder / ours)
        shutil.copytree(both.folder, copy.folder)
        copy.git("checkout", "-q", ours)
        copy.dvc("checkout", "-q")
        if ours == "two":
            shutil.rmtree(copy.folder / ".dvc/cache/runs")
        found.append((copy, theirs))
    return found


def test_either_order_gives_the_same_bytes_and_loses_nothing(merged, capsys):
    told, trees, data = [], [], []
    for project, theirs in merged:
        told.append(merge(project, capsys, theirs, folder="data/sources"))
        project.dvc("checkout", "-q")
        project.dvc("repro", "-q")
        project.commit("merged")
        assert "up to date" in project.dvc("status")
        assert len(project.git("rev-list", "--parents", "-1", "HEAD").split()) == 3
        trees.append(project.git("ls-tree", "-r", "HEAD"))
        outs = ("data/labelled", "models/classifier-3", "reports/report.html", "reports/summary.json")
        data.append([read(project, name) for name in outs])
    assert trees[0] == trees[1]
    assert data[0] == data[1]

    project = merged[0][0]
    text = read(project, "params.yaml")
    for kept in (
        "epochs: 3 # times",
        "reads: 200 # texts\n",
        "{low: 5, high: 7}",
        "- name: one",
        "- name: two",
        "- 3\n",
    ):
        assert kept in text
    made = decisions.read(project.folder / DECISIONS)
    assert [decision.id for decision in made] == ["old", "again", "both", "two", "again", "both", "one"]
    assert read(project, "data/test/looks.csv") == small.LOOKS + look("2026-02-02", "two") + look("2026-03-01", "one")
    assert json.loads(read(project, "data/test/results.json"))["predictions"] == "one"
    groups = [GROUPS[0], "1" * 16, GROUPS[1]]
    assert read(project, "data/frozen/test_groups.txt") == "# Groups\n" + "".join(f"{group}\n" for group in groups)
    answers = [json.loads(row)["answer"] for row in read(project, "rules/llm.jsonl").splitlines()]
    assert answers == ["A", "one", "two"]
    assert [row.split()[-1] for row in read(project, "models/known.sha256").splitlines()] == ["known", "one", "two"]
    for row in read(project, "data/example.sha256").splitlines():
        digest, name = row.split("  ")
        assert sha256(project.folder / name) == digest

    first = told[0]
    assert "1 times one reviewer decided on a row in both branches: the later counts (ana on again)" in first
    assert "reviewers disagree on 1 rows that both branches decided" in first
    assert "1 questions have two answers" in first
    assert re.search(r"changed by both, for `dvc repro`: inputs, collect", first)
    assert "params.yaml: theirs: collect.sources.two, finetune.reads, finetune.noise.high, arms" in first
    assert first.splitlines()[-1] == "next      dvc checkout && dvc repro && git add -A && git commit"


def test_a_stage_s_record_and_its_figures_are_of_one_run(project, capsys):
    lock = read(project, "dvc.lock")
    figures = "reports/metrics/collect.json"

    def change(name: str, stages: tuple[str, ...], number: int):
        document = YAML(typ="safe").load(lock)
        for stage in stages:
            document["stages"][stage]["cmd"] = f"of {name}"
        with (project.folder / "dvc.lock").open("w") as file:
            YAML().dump(document, file)
        if number:
            write(project, {figures: name})

    on(project, "theirs", lambda: change("theirs", ("collect", "split"), 1))
    on(project, "ours", lambda: change("ours", ("collect", "rounds"), 0))
    before = read(project, figures)
    told = merge(project, capsys)
    entries = YAML(typ="safe").load(read(project, "dvc.lock"))["stages"]
    assert {name: entries[name]["cmd"] for name in ("collect", "split", "rounds")} == {
        "collect": "of ours",
        "split": "of theirs",
        "rounds": "of ours",
    }
    assert list(entries) == list(YAML(typ="safe").load(lock)["stages"])
    assert read(project, figures) == before  # Git alone would put their figures beside our record
    assert "1 stages theirs; 1 stages ours; 1 changed by both, for `dvc repro`: collect" in told


def test_a_stage_that_one_side_took_out_is_out(project, capsys):
    def without(seed: str):
        document = YAML(typ="safe").load(read(project, "dvc.lock"))
        del document["stages"][f"finetune@{seed}"]
        with (project.folder / "dvc.lock").open("w") as file:
            YAML().dump(document, file)
        (project.folder / f"reports/metrics/finetune/{seed}.json").unlink()

    def otherwise():
        append(project, "reports/metrics/finetune/1.json", "more")
        text = read(project, "dvc.lock").replace("models/classifier-1,", "models/classifier-1,x,")
        write(project, {"dvc.lock": text})

    on(project, "theirs", otherwise)
    on(project, "ours", lambda: without("1"))
    told = merge(project, capsys)
    assert "finetune@1" not in YAML(typ="safe").load(read(project, "dvc.lock"))["stages"]
    assert not (project.folder / "reports/metrics/finetune/1.json").exists()
    assert "conflict" not in told


def test_a_real_conflict_is_named_marked_and_left_to_people(project, capsys):
    on(
        project,
        "theirs",
        lambda: edit(project, "params.yaml", ("epochs: 2", "epochs: 4"), ("title: rows", "title: of")),
    )
    on(project, "ours", lambda: edit(project, "params.yaml", ("epochs: 2", "epochs: 3"), ("reads: 100", "reads: 7")))
    told = merge(project, capsys, status=1)
    assert "conflict  params.yaml: finetune.epochs: ours 3, theirs 4, base 2\n" in told
    text = read(project, "params.yaml")
    assert "<<<<<<< ours\n  epochs: 3 # times that the table is read\n=======\n  epochs: 4 #" in text
    assert "reads: 7" in text
    assert "title: of" in text
    assert project.git("diff", "--name-only", "--diff-filter=U").split() == ["params.yaml"]
    assert "mend what conflicts" in told
    project.git("merge", "--abort")
    assert project.git("status", "--porcelain") == ""


def test_a_conflict_within_one_line_is_marked_too(project, capsys):
    on(project, "theirs", lambda: edit(project, "params.yaml", ("low: 1, high: 2", "low: 2, high: 3")))
    on(project, "ours", lambda: edit(project, "params.yaml", ("low: 1", "low: 3")))
    told = merge(project, capsys, status=1)
    assert "params.yaml: finetune.noise.low: ours 3, theirs 2, base 1" in told
    assert "{low: 3, high: 3}\n=======\n  noise: {low: 2, high: 3}" in read(project, "params.yaml")


def test_code_in_conflict_is_named_with_git_s_marks(project, capsys):
    for name in ("ours", "theirs"):
        on(project, name, lambda name=name: edit(project, "tool.py", ("import sys\n", f"import sys  # {name}\n")))
    told = merge(project, capsys, status=1)
    assert "conflict  tool.py: both branches changed it; see `git diff`" in told
    assert "<<<<<<<" in read(project, "tool.py")


def test_a_pipeline_in_conflict_leaves_the_rest_merged(project, capsys):
    for name in ("ours", "theirs"):
        change = (" data/frozen/test_groups.txt", f" data/frozen/test_groups.txt  {name}")
        on(project, name, lambda name=name, change=change: (edit(project, "dvc.yaml", change), add(project, name)))

    told = merge(project, capsys, status=1)
    assert "conflict  dvc.yaml: both branches changed it" in told
    assert {"ours,sha", "theirs,sha"} <= {row[: row.index(",A")] for row in read(project, DECISIONS).splitlines()[1:]}
    assert project.git("diff", "--name-only", "--diff-filter=U").split() == ["dvc.yaml"]


def add(project: Project, name: str) -> None:
    append(project, DECISIONS, line(name))


def test_a_round_that_both_drew_is_left_to_people(project, capsys):
    for name in ("ours", "theirs"):
        on(project, name, lambda name=name: write(project, {"data/rounds/001.csv": name}))
    assert "both branches drew this round" in merge(project, capsys, status=1)


def test_a_header_that_a_union_took_away_or_doubled_is_mended(project, capsys):
    header, *rest = read(project, DECISIONS).splitlines(keepends=True)
    longer = ",".join(decisions.ALL_COLUMNS) + "\n"
    on(project, "theirs", lambda: write(project, {DECISIONS: "".join([header, *rest, longer, line("theirs")])}))
    on(project, "ours", lambda: write(project, {DECISIONS: "".join([*rest, '"many\nlines",', line("ours")])}))
    merge(project, capsys)
    text = read(project, DECISIONS)
    assert text.startswith(longer)
    assert text.count("text_sha") == 1
    assert '"many\nlines",ours' in text
    assert "theirs" in text


def test_a_reviewer_who_contradicts_herself_at_one_moment_is_asked(project, capsys):
    for name, verdict in (("ours", "keep"), ("theirs", "relabel")):
        on(project, name, lambda verdict=verdict: append(project, DECISIONS, line("x", verdict)))
    told = merge(project, capsys, status=1)
    assert f"conflict  {DECISIONS}: lines 3 and 4: ana decides on x in two ways on 2026-02-01T10:00:00Z" in told
    assert read(project, DECISIONS).count("x,sha") == 2
    assert DECISIONS in project.git("diff", "--name-only", "--diff-filter=U")


def test_a_folder_under_dvc_gets_the_files_of_both(project, capsys):
    def put(name: str):
        write(project, {f"data/own/{name}": name})
        project.dvc("add", "-q", "data/own")

    project.git("checkout", "-q", "main")
    put("first")
    project.commit("added")
    for name in ("theirs", "ours"):
        project.git("checkout", "-q", "-B", name, "main")
        on(project, name, lambda name=name: put(name))
        (project.folder / "data/own" / name).unlink()
    merge(project, capsys)
    project.dvc("checkout", "-q", "data/own.dvc")
    assert sorted(path.name for path in (project.folder / "data/own").iterdir()) == ["first", "ours", "theirs"]
    assert not list(project.folder.rglob("winnow-merge-*"))


REFUSED = {
    "changes": (lambda project: append(project, "tool.py", "#\n"), "tool.py: not as in the last commit; commit, or"),
    "a broken lock": (
        lambda project: on(project, "theirs", lambda: write(project, {"dvc.lock": "stages: [\n"})),
        "dvc.lock of theirs: not what DVC writes",
    ),
    "broken parameters": (
        lambda project: on(project, "theirs", lambda: write(project, {"params.yaml": "a: [\n"})),
        "params.yaml of theirs: not valid YAML",
    ),
    "no CSV": (
        lambda project: on(project, "theirs", lambda: append(project, DECISIONS, 'a,"b\n')),
        "data/decisions.csv: line 3 of a side: not valid CSV",
    ),
    "no UTF-8": (
        lambda project: on(project, "theirs", lambda: (project.folder / DECISIONS).write_bytes(b"\xff\n")),
        "data/decisions.csv: byte 0 of theirs is not UTF-8",
    ),
    "a file in the way": (
        lambda project: (
            on(project, "theirs", lambda: write(project, {"new.txt": "theirs"})),
            write(project, {"new.txt": "mine"}),
        ),
        "new.txt",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_merged_is_one_line_and_changes_nothing(project, capsys, what):
    on(project, "ours", lambda: small.edit(project, "params.yaml", ("most: 5", "most: 6")))
    on(project, "ours", lambda: append(project, DECISIONS, line("x")))
    on(project, "ours", lambda: edit(project, "dvc.lock", ("schema: '2.0'", "schema: '2.0' ")))
    change, reason = REFUSED[what]
    change(project)
    before = project.git("status", "--porcelain"), project.git("rev-parse", "HEAD")
    told = merge(project, capsys, status=1)
    assert reason in told
    assert told.count("\n") == 1
    assert (project.git("status", "--porcelain"), project.git("rev-parse", "HEAD")) == before
    assert not (project.folder / ".git/MERGE_HEAD").exists()


def test_an_unknown_branch_a_merge_under_way_and_no_project_are_one_line(project, capsys, tmp_path):
    assert "revision 'nobody': neither Git nor" in merge(project, capsys, "nobody", 1)
    on(project, "theirs", lambda: write(project, {"new.txt": "x"}))
    on(project, "ours", lambda: write(project, {"other.txt": "x"}))
    merge(project, capsys)
    assert "a merge is under way" in merge(project, capsys, status=1)
    with chdir(tmp_path), pytest.raises(SystemExit):
        cli.main(["merge", "x"])
    assert "dvc.yaml: not found here or above" in "".join(capsys.readouterr())


def test_a_failure_in_the_middle_goes_back(project, capsys, monkeypatch):
    on(project, "theirs", lambda: (append(project, DECISIONS, line("x")), edit(project, "params.yaml", ("5", "6"))))
    on(
        project,
        "ours",
        lambda: (append(project, DECISIONS, line("y")), edit(project, "params.yaml", ("title: rows", "title: o"))),
    )
    monkeypatch.setattr(command, "check", lambda *given: 1 / 0)
    with chdir(project.folder), pytest.raises(ZeroDivisionError):
        cli.main(["merge", "theirs"])
    assert project.git("status", "--porcelain") == ""
    assert not (project.folder / ".git/MERGE_HEAD").exists()


def test_a_branch_that_is_ahead_or_behind(project, capsys):
    on(project, "theirs", lambda: write(project, {"new.txt": "x"}))
    assert "fast-forward" in merge(project, capsys)
    assert project.git("rev-parse", "HEAD") == project.git("rev-parse", "theirs")
    assert "already" in merge(project, capsys)


def test_an_experiment_is_merged_as_a_branch_is(project, capsys):
    on(project, "theirs", lambda: edit(project, "params.yaml", ("5", "6")))
    base = project.git("merge-base", "ours", "theirs").strip()
    project.git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/variant", "theirs")
    project.git("branch", "-qD", "theirs")
    on(project, "ours", lambda: append(project, DECISIONS, line("x")))
    merge(project, capsys, "variant")
    assert "most: 6" in read(project, "params.yaml")


def test_a_branch_of_another_history_is_one_line(project, capsys):
    project.git("checkout", "-q", "--orphan", "other")
    project.commit("a history of its own")
    project.git("checkout", "-q", "ours")
    told = merge(project, capsys, "other", 1)
    assert "other: has no commit in common with this branch" in told
    assert told.count("\n") == 1
    assert project.git("status", "--porcelain") == ""


def test_data_that_is_not_here_asks_for_a_pull(project, capsys):
    text = read(project, "dvc.lock")
    found = re.search(r"path: data/split\n      hash: md5\n      md5: (\w+)", text)

    def other():
        write(project, {"dvc.lock": text.replace(found[1], "ab" * 16)})

    on(project, "theirs", other)
    on(project, "ours", lambda: write(project, {"new.txt": "x"}))
    assert "next      dvc pull && dvc repro" in merge(project, capsys)
