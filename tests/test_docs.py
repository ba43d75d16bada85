"""What README and docs name must exist, links, files, commands, stages, parameters; what they measure has a file."""

import argparse
import fnmatch
import io
import json
import re
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bench import figures
from winnow.base import closure, params
from winnow.base.errors import UserError
from winnow.commands import cli, parameters, pipeline
from winnow.validation import looks

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "docs/**/*.md", "data/*/README.md", "rules/README.md")
    for path in ROOT.glob(pattern)
)
PIPELINE = pipeline.stages(ROOT)
CODE_FOLDERS = ("stages", "winnow", "tests", "bench", "docs", "launch", ".ci")
OUTPUT_FOLDERS = ("data", "models", "reports")
OF_THE_READER = (
    "data/sources/",
    "data/rounds/",
    "data/test/",
    "models/local/",
)  # files that a reader puts or `winnow` writes there
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
    return {section: parameters.reader(found) for section, found in parameters.models(ROOT).items()}


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


# Figures.


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of what figures are made of, that of the pipeline as it is committed, and of the pages that have some."""
    archive = subprocess.run(["git", "archive", "HEAD", "reports", "data"], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(tmp_path, filter="data")
    for folder in (figures.TEMPLATES, figures.RESULTS):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for page in figures.pages(ROOT):
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    return tmp_path


def test_the_figures_of_every_page_are_those_of_its_files(copy):
    # Of the committed files, or of those at hand: a run on this machine may have changed them after the pages.
    stale = {
        page.as_posix()
        for page in figures.pages(ROOT)
        if read(page.as_posix()) not in (figures.fill(page, copy), figures.fill(page, ROOT))
    }
    assert stale == set(), "`make docs` writes them"


def test_a_changed_file_and_a_number_changed_by_hand_are_seen(copy, monkeypatch, capsys):
    monkeypatch.chdir(copy)
    figures.main(["--write"])
    assert figures.main([]) == 0
    file, page = copy / "bench/results/few_shot.json", copy / "docs/notebook/few-shot.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("+6.7 ±", "+7.7 ±", 1), encoding="utf-8")
    assert figures.main([]) == 1
    assert capsys.readouterr().err.startswith("docs/notebook/few-shot.md: ")
    assert figures.main(["--write"]) == 0
    assert page.read_text(encoding="utf-8") == text

    entries = json.loads(file.read_text(encoding="utf-8"))
    entries[0]["difference"] = [-0.067, 0.046]
    file.write_text(json.dumps(entries), encoding="utf-8")
    assert figures.main([]) == 2  # the manual has the figure too
    assert figures.main(["--write"]) == 0
    assert "| -6.7 ± 4.6 | behind |" in page.read_text(encoding="utf-8")


def test_a_file_of_results_that_lacks_what_a_page_tells_is_refused(copy):
    file = copy / "bench/results/approaches.json"
    file.write_text("[]", encoding="utf-8")
    (copy / "docs/notebook/review-tools.md").write_text(
        "<!-- figures: other -->\n<!-- /figures -->\n", encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"review-tools.md: its blocks are \['other'\]"):
        figures.fill(Path("docs/notebook/review-tools.md"), copy)
    file = copy / "bench/results/review.json"
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match=r"docs/figures/review\.jinja: LookupError: 0 entries have"):
        figures.fill(Path("docs/review.md"), copy)


@pytest.mark.parametrize(("text", "message"), [("{", r"active\.json: not JSON"), ("[]", r"active-learning\.jinja")])
def test_odd_results_are_named(copy, text, message):
    (copy / figures.RESULTS / "active.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        figures.fill(Path("docs/notebook/active-learning.md"), copy)


def test_a_measurement_that_is_not_there_is_named(copy):
    (copy / figures.RESULTS / "cleaning.json").unlink()
    with pytest.raises(UserError, match=r"docs/figures/notebook/curation-speed\.jinja: "):
        figures.fill(Path("docs/notebook/curation-speed.md"), copy)


def test_test_is_told_once_it_was_asked_and_one_seed_is_not_judged(copy):
    arms = {"tfidf": [0.6, 0.5, 0.7], "transfer": [0.7, 0.6, 0.8], "dapt": [0.8, 0.7, 0.9]}
    keys = ("macro_f1", "macro_f1_low", "macro_f1_high")
    alone = "groups; one seed of dapt: no interval over seeds"
    found = {
        "approaches": {arm: dict(zip(keys, values, strict=True)) | {"seeds": 1} for arm, values in arms.items()},
        "difference": {
            pair: dict(zip(keys, (0.1, 0.05, 0.15), strict=True)) | {"interval": alone}
            for pair in ("transfer-tfidf", "dapt-tfidf", "dapt-transfer")
        },
    }
    (copy / "reports/metrics/compare.json").write_text(json.dumps({"dev": found}), encoding="utf-8")
    (copy / "data/test").mkdir(exist_ok=True)
    (copy / "data/test/results.json").unlink(missing_ok=True)
    text = figures.fill(Path("README.md"), copy)
    assert "The dev split" in text
    assert "The test split" not in text
    assert "one run: not judged" in text
    lines = [",".join(looks.HEADER), *(f"2026-01-0{day},ana,rows,run {day},abc,why" for day in (1, 2))]
    (copy / "data/test/looks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    looked = {"test": found, "dataset": "rows", "predictions": "run 1"}
    (copy / "data/test/results.json").write_text(json.dumps(looked), encoding="utf-8")
    text = " ".join(figures.fill(Path("README.md"), copy).split())
    assert "The test split" in text
    assert "looked at 2 times since" in text
    assert "the figures of 2026-01-01" in text


@pytest.mark.parametrize(
    ("measured", "words", "verdict"),
    [
        ([0.012, 0.003, 0.02], "+1.2 (+0.3 to +2.0)", "ahead"),
        ([-0.019, -0.038, -0.001], "-1.9 (-3.8 to -0.1)", "behind"),
        ([0.012, -0.003, 0.02], "+1.2 (-0.3 to +2.0)", figures.SAME),
        ([0.031, 0.035], "+3.1 ± 3.5", figures.SAME),
        ([0.067, 0.046], "+6.7 ± 4.6", "ahead"),
        ([0.067, None], "+6.7 (no interval: one seed)", figures.SAME),
    ],
)
def test_words_for_a_difference_are_those_of_its_interval(measured, words, verdict):
    assert (figures.points(measured), figures.verdict(measured)) == (words, verdict)


NUMBER = re.compile(
    r"(?<![\w.-])[-+]?\d[\w.,:-]*(?: ?%)?"
    r"|\b(?:half|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth|\w+teenth|twentieth|hundredth)s? (?:of|as|the)\b"
    r"|\b(?:twice as|(?:two|three|four|five|six|seven|eight|nine|ten|\w+teen|twenty|hundred|several) times)\b"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten) (?:points|thirds|fifths|sevenths|tenths)\b"
)
STEP = re.compile(r"(?m)^ *\d\. |\bstep \d\b")  # of a list
YEAR = re.compile(r"(?<=[\w.,&] )\(?(?:19|20)\d\d(?=[,;)])|\b\d{4}-\d\d-\d\d[\dTZ:]*")  # of a paper, or a date


def plain_text(text: str) -> str:
    """What a page says outside of generated blocks, code, addresses, steps and years, on one line."""
    for pattern in (
        r"(?s)<!-- (?:figures|stages):.*?<!-- /(?:figures|stages) -->",
        r"(?ms)^ *```.*?^ *```",
        r"`[^`]*`",
    ):
        text = re.sub(pattern, "", text)
    text = STEP.sub("", re.sub(r"\]\([^)]*\)", "]", text))
    return YEAR.sub("", " ".join(text.split()))


def unfounded(text: str, allowed: Iterable[str]) -> list[str]:
    """The numbers of a page that stand in no generated block and in no phrase that is allowed."""
    text = plain_text(text)
    for phrase in sorted(allowed, key=len, reverse=True):
        text = text.replace(phrase, "…")
    return [text[max(0, match.start() - 30) : match.end() + 20] for match in NUMBER.finditer(text)]


@cache
def allowed() -> tuple[str, ...]:
    listed = YAML(typ="safe").load((ROOT / figures.TEMPLATES / "allowed.yaml").read_text(encoding="utf-8"))
    return tuple(str(phrase) for phrases in listed.values() for phrase in phrases)


MADE_WHOLE = ("docs/parameters.md",)  # from the code; tests/winnow/commands holds it


@pytest.mark.parametrize("page", [page for page in PAGES if page not in MADE_WHOLE and not page.startswith("data/")])
def test_every_number_is_made_from_a_file_or_has_its_reason(page):
    assert unfounded(read(page), allowed()) == []


def test_every_number_that_is_allowed_stands_in_a_page():
    texts = [re.sub(r"\s+", " ", read(page)) for page in PAGES]
    assert {phrase for phrase in allowed() if not any(phrase in text for text in texts)} == set()


@pytest.mark.parametrize(
    "claim",
    [
        "`few_shot` is 6.7 points ahead.",
        "It takes 36 ms.",
        "81 % of the flagged rows are wrong.",
        "It takes 0.41 GiB.",
        "Text of another domain was worth a tenth of it.",
        "Deduplication takes a sixteenth of the best peer's memory.",
        "Winnow is twice as fast.",
        "Winnow is 7.3 times as fast.",
        "Winnow is three times as fast.",
        "Macro-F1 rises to 0.807 with 300 labels.",
        "Models gain two points.",
    ],
)
def test_a_measured_number_outside_of_a_block_is_refused(claim):
    assert unfounded(f"{read('docs/review.md')}\n{claim}\n", allowed())


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / figures.RESULTS).glob("*.json")))
def test_the_command_of_a_file_of_results_writes_that_file(file):
    for command in {entry["command"] for entry in figures.results(ROOT, file)}:
        target = re.search(r"(?:make bench-|-m bench\.)([\w-]+)", command)[1].replace("-", "_")
        outs = re.findall(r"--out (\S+)", command) or [f"bench/results/{target}.json"]
        assert outs[-1].replace("-", "_") == f"bench/results/{file}".replace("-", "_"), command
        source = read(f"bench/{target.removesuffix('_finetune')}.py")
        for option in re.findall(r"(?<!\S)\"?--([\w-]+)", command):
            assert re.search(rf'"(?:--)?{option}"', source), f"{command}: --{option}"


@pytest.mark.parametrize("template", sorted((ROOT / figures.TEMPLATES).rglob("*.jinja")), ids=lambda path: path.stem)
def test_a_template_takes_its_numbers_from_files(template):
    text = re.sub(r"(?s)\{[{%#].*?[}%#]\}", "", template.read_text(encoding="utf-8"))
    assert unfounded(re.sub(r"<!-- .*? -->", "", text), allowed()) == []
