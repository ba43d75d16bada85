"""What must stay true of the repository as a whole."""

import ast
import importlib
import json
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import LONG
from winnow.base import closure, files, params
from winnow.commands import lint, pipeline, stages
from winnow.commands.init import clear

ROOT = Path(__file__).parent.parent
PIPELINE = pipeline.stages(ROOT)
STAGE_FILES = sorted({f"stages/{pipeline.room(stage)}/__main__.py" for stage in PIPELINE.values()})
CODE = [
    path.relative_to(ROOT).as_posix() for folder in closure.PACKAGES for path in sorted((ROOT / folder).rglob("*.py"))
]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENTS = [
    *PYPROJECT["project"]["dependencies"],
    *{requirement for extra in PYPROJECT["project"]["optional-dependencies"].values() for requirement in extra},
]
# Used by DVC, by transformers or the build, never imported by stages or commands.
NOT_IMPORTED = {"aiobotocore", "boto3", "dvc_s3", "gguf", "ruamel.yaml.clib", "tokenizers"}
IMPORTED_AS = {
    "faiss-cpu": "faiss",
    "python-stdnum": "stdnum",
    "ruamel.yaml": "ruamel",
    "scikit-learn": "sklearn",
    "universal-pathlib": "upath",
}


def normal(name: str) -> str:
    """A distribution's name as packaging compares them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0]


def test_dvc_yaml_tells_the_code_and_the_parameters_of_each_stage():
    assert lint.problems(ROOT) == []


def test_every_stage_file_is_a_stage():
    assert [path for path in CODE if re.fullmatch(r"stages/\w+/__main__\.py", path)] == STAGE_FILES


@pytest.mark.parametrize("name", PIPELINE)
def test_a_stage_has_a_description_and_what_the_run_cache_wants(name):
    """DVC keeps no run of a stage that has an output without a cache, unless it is of metrics or plots (#8738).

    What people keep in Git is no run's: DVC must never remove it, and nothing brings it back.
    """
    assert PIPELINE[name]["desc"].strip()
    kept = [out for out in PIPELINE[name].get("outs", []) if not isinstance(out, str)]
    assert all(options == {"cache": False, "persist": True} for out in kept for options in out.values())
    assert bool(kept) == (name == "inputs")


def test_what_people_may_delete_is_made_by_a_stage():
    """DVC ends in a bare `[Errno 2]` where a dependency is missing that no stage makes."""
    outs = {path for stage in PIPELINE.values() for kind in ("outs", "metrics", "plots") for path in paths(stage, kind)}
    folders = {out.rpartition("/")[0] for out in paths(PIPELINE["inputs"], "outs")}
    of_nobody = {dep for stage in PIPELINE.values() for dep in stage["deps"]} - outs - folders
    inside = {dep for dep in of_nobody if any(dep.startswith(f"{out}/") or out.startswith(f"{dep}/") for out in outs)}
    assert {dep for dep in of_nobody - inside if "${" not in dep} == {"requirements.lock", "stages", "winnow"}


def paths(stage: dict, kind: str) -> list[str]:
    """The outputs of a stage of one kind."""
    return [out if isinstance(out, str) else next(iter(out)) for out in stage.get(kind, [])]


@pytest.mark.parametrize("file", STAGE_FILES)
def test_params_yaml_is_what_the_stages_accept(file, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    for section, model in lint.sections(ROOT / file).items():
        params.load(section, eval(model, vars(module)))


def test_the_source_in_the_documentation_is_one_that_collect_accepts():
    from stages.collect.__main__ import Params

    text = (ROOT / "docs/bring-your-own-data.md").read_text(encoding="utf-8")
    example = textwrap.dedent(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    document = YAML(typ="safe").load(example)
    assert params.parse(document["collect"], Params, "docs").sources[0].name == "tickets"


def test_no_parameter_has_a_name_that_the_run_cache_ignores(default_params):
    def keys(value):
        if isinstance(value, dict):
            yield from value
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from keys(item)

    assert not {"size", "nfiles"} & set(keys(default_params))


def test_every_section_of_params_yaml_is_used(default_params):
    used = {key.partition(".")[0] for stage in PIPELINE.values() for key in stage.get("params", [])}
    templated = set(re.findall(r"\$\{(\w+)\.", (ROOT / "dvc.yaml").read_text())) - {"item"}
    assert set(default_params) == used | templated


def test_the_stage_table_of_the_documentation_is_fresh():
    text = (ROOT / "docs/pipeline.md").read_text(encoding="utf-8")
    assert stages.insert(text, stages.table(PIPELINE), Path("docs/pipeline.md")) == text, "run `make docs`"


@pytest.mark.parametrize("file", [file for file in CODE if file.startswith("stages/")])
def test_stages_write_no_path(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    allowed = {  # docstrings, and words to people
        id(constant)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or isinstance(node, ast.Raise)
        for constant in ast.walk(node)
    }
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    paths = [n.value for n in strings if id(n) not in allowed and re.match(r"(data|models|reports)/", n.value)]
    assert paths == []


@pytest.mark.parametrize("file", CODE)
def test_code_neither_pickles_nor_trusts_remote_code(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("torch.save", "torch.load", "eval", "exec")
            trusts = [word.value for word in node.keywords if word.arg == "trust_remote_code"]
            assert all(ast.unparse(value) == "False" for value in trusts)


def test_the_lock_pins_every_direct_dependency_within_its_range():
    from packaging.requirements import Requirement

    lock = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split())
    pins = {normal(name): version for name, version in lock.items()}
    assert "winnow" not in pins
    for requirement in map(Requirement, [*REQUIREMENTS, *PYPROJECT["build-system"]["requires"]]):
        assert pins[normal(requirement.name)] in requirement.specifier, requirement.name


def test_the_lock_fits_machines_with_and_without_a_gpu():
    lock = (ROOT / "requirements.lock").read_text()
    assert "torch==2.13.0\n" in lock
    assert not re.search(r"\+|^nvidia|^triton|--hash", lock, re.MULTILINE)


def test_each_direct_dependency_has_its_line():
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| ([^ |]+) \|", text, re.MULTILINE)[1:]
    assert sorted(lines) == sorted(map(requirement_name, REQUIREMENTS))


def test_imports_and_declared_dependencies_are_the_same():
    imported = set()
    for file in CODE:
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.partition(".")[0])
    imported -= {*sys.stdlib_module_names, *closure.PACKAGES}
    project = PYPROJECT["project"]
    extras = [extra for name, extra in project["optional-dependencies"].items() if name != "dev"]
    names = map(requirement_name, sum(extras, project["dependencies"]))
    declared = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}
    assert imported == declared - NOT_IMPORTED


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    own = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *own, *arguments], cwd=folder, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_git_merges_decisions_by_union_and_keeps_our_dvc_lock_as_a_conflict(tmp_path):
    (tmp_path / "data").mkdir()
    decisions, lock = tmp_path / "data/decisions.csv", tmp_path / "dvc.lock"
    (tmp_path / ".gitattributes").write_text((ROOT / ".gitattributes").read_text())
    header, old = "id,verdict\n", "1,keep\n"
    git(tmp_path, "init", "-q", "-b", "main")

    def commit(decided: str, locked: str) -> None:
        decisions.write_text(decided)
        lock.write_text(locked)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "run")

    commit(header + old, "a: 1\nb: 1\n")
    git(tmp_path, "checkout", "-qb", "theirs")
    commit(header + old + "2,keep\n", "a: 1\nb: 2\n")
    git(tmp_path, "checkout", "-q", "main")
    commit(header + old + "3,relabel\n", "a: 3\nb: 1\n")
    assert "CONFLICT (content): Merge conflict in dvc.lock" in git(tmp_path, "merge", "theirs", check=False)
    assert lock.read_text() == "a: 3\nb: 1\n"
    assert git(tmp_path, "diff", "--name-only", "--diff-filter=U").split() == ["dvc.lock"]
    assert decisions.read_text().splitlines()[:2] == [header.strip(), old.strip()]
    assert set(decisions.read_text().splitlines()[2:]) == {"2,keep", "3,relabel"}


def test_git_merges_no_report_line_by_line():
    files = git(ROOT, "ls-files", "reports/**/*.json", "reports/**/*.csv", "dvc.lock").split()
    assert len(files) > 30
    told = git(ROOT, "check-attr", "merge", *files).splitlines()
    assert [line for line in told if not line.endswith(": merge: binary")] == []


def test_shell_script_of_ci_is_sound():
    text = (ROOT / ".ci/run").read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)
    assert [line.split()[1:] for line in text.splitlines() if line.startswith("step make")] == [
        ["make", "lint"],
        ["make", "test"],
        ["make", "repro"],
    ]


def test_decisions_begin_with_their_header():
    from winnow.people.decisions import COLUMNS, SECONDS

    header = (ROOT / "data/decisions.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header in (",".join(COLUMNS), ",".join((*COLUMNS, SECONDS)))


def test_the_files_that_people_made_of_the_example_are_listed():
    """`winnow init` removes these and no others; it removes the list too."""
    file = ROOT / "data/example.sha256"
    if not file.exists():
        pytest.skip("the example was replaced")
    listed = dict(reversed(line.split("  ")) for line in file.read_text(encoding="utf-8").splitlines())
    made = {name: files.sha256(ROOT / name) for name in clear.of_people(ROOT)}
    assert {str(name): sha256 for name, sha256 in made.items()} == listed, (
        f"sha256sum {' '.join(map(str, made))} > data/example.sha256"
    )


def test_plots_have_templates_and_files_that_a_stage_writes():
    plots = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    written = {path for stage in PIPELINE.values() for path in paths(stage, "plots")}
    assert len(plots) == 4
    for plot in (each for entry in plots for each in entry.values()):
        template = json.loads((ROOT / f".dvc/plots/{plot['template']}.json").read_text(encoding="utf-8"))
        assert template["data"] == {"values": "<DVC_METRIC_DATA>"}
        drawn = {*plot["x"], *plot["y"]}
        assert {file.rpartition("/")[0] for file in drawn} <= written


def test_what_the_tests_begin_with_is_there():
    assert [path for path in LONG if not (ROOT / path).exists()] == []
