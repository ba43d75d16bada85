"""What README and docs name must exist: links, files, outputs, commands with their options, stages and parameters."""

import argparse
import fnmatch
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from winnow.base import closure, params
from winnow.commands import cli, parameters, pipeline

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "docs/**/*.md", "data/*/README.md", "rules/README.md")
    for path in ROOT.glob(pattern)
)
PIPELINE = pipeline.stages(ROOT)
CODE_FOLDERS = ("stages", "winnow", "tests", "bench", "docs", "launch", ".ci")
OUTPUT_FOLDERS = ("data", "models", "reports")
OF_THE_READER = ("data/sources/", "data/rounds/")  # examples of files that a reader puts there
COMMANDS = {command.NAME: command for command in cli.COMMANDS}


@cache
def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def code(page: str) -> tuple[str, ...]:
    """The code of a page: every line of a block for the shell or without a language, and every span in a sentence."""
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```", read(page), re.DOTALL | re.MULTILINE)
    shell = [text.replace("\\\n", " ") for language, text in blocks if language in ("", "sh")]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]
    return (*(line.strip() for block in shell for line in block.splitlines()), *spans)


def everywhere(pattern: str) -> Iterator[tuple[str, re.Match]]:
    """Yield each match of a pattern in the code of each page, with the page."""
    for page in PAGES:
        for text in code(page):
            for match in re.finditer(pattern, text):
                yield page, match


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", read(page), flags=re.DOTALL | re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The names by which GitHub links to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.resolve().relative_to(ROOT).as_posix()), target


@cache
def in_git() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files", *OUTPUT_FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(listed.stdout.split())


@cache
def made() -> tuple[str, ...]:
    """Every path that a stage makes, `${item.seed}` as `*`, and the files in Git that stand beside these."""
    stages = [
        out for stage in PIPELINE.values() for kind in ("outs", "plots", "metrics") for out in stage.get(kind, [])
    ]
    paths = [out if isinstance(out, str) else next(iter(out)) for out in stages]
    return (*(re.sub(r"\$\{.*?\}", "*", path) for path in paths), *in_git())


def is_made(path: str) -> bool:
    """Whether a path, which may hold `*`, is an output, stands in one, or holds one."""
    return any(
        fnmatch.fnmatch(path, out) or fnmatch.fnmatch(out, f"{path}*") or path.startswith(f"{out}/") for out in made()
    )


def test_named_files_exist():
    missing = set()
    for page, match in everywhere(r"(?<![\w/.~-])(\.?\w+)/[\w./<>*-]+"):
        path, folder = re.sub(r"<\w+>", "*", match[0]).rstrip("./"), match[1]
        if folder in CODE_FOLDERS and not list(ROOT.glob(path)):
            missing.add((page, path))
        if folder in OUTPUT_FOLDERS and not path.startswith(OF_THE_READER) and not is_made(path):
            missing.add((page, path))
    assert missing == set()


def test_named_modules_exist():
    missing = set()
    for page, match in everywhere(r"(?<![\w./-])(?:stages|winnow|bench)(?:\.\w+)+"):
        parts = match[0].split(".")
        files = [ROOT / Path(*parts[:length]) for length in (len(parts), len(parts) - 1)]  # the last may be a function
        if not any(file.with_suffix(".py").exists() or (file / "__init__.py").exists() for file in files):
            missing.add((page, match[0]))
    assert missing == set()


def test_named_targets_of_make_exist():
    phony = re.search(r"^\.PHONY: (.+)$", read("Makefile"), re.M)[1].partition("$")[0].split()
    benches = re.search(r"^BENCHES := (.+)$", read("Makefile"), re.M)[1].split()
    targets = {*phony, *(f"bench-{name}" for name in benches)}
    named = {(page, match[1]) for page, match in everywhere(r"(?:^|[^\w-])make ((?:[a-z]+-?)+)(?![\w/])")}
    named |= {(page, match[0]) for page, match in everywhere(r"^bench-[\w-]+$")}
    assert len(named) > 20
    assert {(page, target) for page, target in named if target not in targets} == set()


def options(name: str) -> set[str]:
    """The options of a `winnow` command."""
    parser = argparse.ArgumentParser()
    COMMANDS[name].configure(parser)
    return {option for action in parser._actions for option in action.option_strings}


def test_named_winnow_commands_and_their_options_exist():
    named = [(page, match[1], match[2]) for page, match in everywhere(r"(?:^|[^\w./:-])winnow ([a-z]+)([^;|#&]*)")]
    assert len(named) > 40
    for page, name, rest in named:
        assert name in COMMANDS, f"{page}: winnow {name}"
        for option in re.findall(r"(?<!\S)--[\w-]+", rest):
            assert option in options(name), f"{page}: winnow {name} {option}"


def test_named_stages_and_their_options_exist():
    rooms = closure.stage_files(ROOT)
    for page, match in everywhere(r"(?:-m|--module) stages\.(\w+)([^;|#&]*)"):
        name, rest = match[1], match[2]
        assert name in rooms, f"{page}: {name}"
        known = {word for stage in PIPELINE.values() for word in shlex.split(stage["cmd"]) if word.startswith("--")}
        for option in re.findall(r"(?<!\S)--[\w-]+", rest):
            assert option in {*known, "--help"}, f"{page}: stages.{name} {option}"
    for page, match in everywhere(r"dvc (?:repro|commit)((?: -[\w-]+)*)((?: [a-z_]+)*)"):
        for name in match[2].split():
            assert name in PIPELINE, f"{page}: {match[0]}"


@cache
def models() -> dict[str, type[params.Section]]:
    """What the stages read sections of params.yaml by."""
    return {section: found[0] for section, found in parameters.models(ROOT).items()}


@cache
def settings() -> dict[str, dict]:
    """The parameters of each section as its code understands them, with its defaults."""
    document = params.read(ROOT / params.FILE)
    return {name: params.parse(document[name], model, name).model_dump() for name, model in models().items()}


def has(value: object, keys: list[str]) -> bool:
    """Whether a setting with these keys exists below `value`; a number is a place in a list, `*` any key."""
    if not keys:
        return True
    first, *rest = keys
    if isinstance(value, list):
        return bool(value) and has(value[0], rest if first.isdigit() or first == "[]" else keys)
    if not isinstance(value, dict):
        return False
    return any(has(value[key], rest) for key in value) if first == "*" else first in value and has(value[first], rest)


def test_named_parameters_exist():
    sections = settings()
    named = set()
    for page, match in everywhere(r"^(?:params\.yaml: )?([a-z_]+(?:(?:\.[a-z_0-9]+|\[\])+))(?:[:=]| |$)"):
        keys = match[1].replace("[]", ".[]").split(".")
        if keys[0] in sections and page != "docs/parameters.md":  # which is made from what this compares with
            named.add((page, ".".join(keys)))
    assert len(named) > 40
    assert {(page, name) for page, name in named if not has(sections, name.split("."))} == set()


def test_variants_are_parameters_that_the_stages_accept(tmp_path):
    from dvc.utils.hydra import apply_overrides

    variants = [
        (page, ["".join(parts) for parts in re.findall(r"""-S (?:'([^']+)'|([+\w.]+=\S+))""", match[0])])
        for page, match in everywhere(r"dvc exp run .*")
    ]
    assert len(variants) > 10
    for page, overrides in variants:
        variant = Path(shutil.copy(ROOT / params.FILE, tmp_path))
        apply_overrides(variant, [override for override in overrides if "…" not in override and "$" not in override])
        for section in {override.lstrip("+").partition(".")[0] for override in overrides} & set(models()):
            assert params.load(section, models()[section], variant), page
