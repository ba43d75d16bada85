"""The plan of the house: which room may use which, and that a module stands where its users are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from winnow.base import closure

ROOT = Path(__file__).parent.parent
# From the bottom up: a room imports from its own floor's room and from floors below.
FLOORS = [
    ["base"],
    ["text", "statistics", "readers"],
    ["rows"],
    ["encoder"],
    ["training", "fetching"],
    ["generator"],
    ["kinds"],
    ["people"],
    ["balance", "detect", "labelling", "validation", "review"],
    ["commands"],
    ["stages"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def module(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


MODULES = {module(path): path for package in closure.PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def room(name: str) -> str:
    """The room of a module: `winnow.rows.tables` stands in rows, all of stages is one."""
    first, *rest = name.split(".")
    return "stages" if first == "stages" else rest[0]


def imported(tree: ast.AST, typing: bool) -> list[str]:
    """Dotted names that a tree imports; those under `if TYPE_CHECKING` only on request."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING") and not typing:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            found += imported(node, typing)
    return found


@cache
def uses(name: str, typing: bool = False) -> frozenset[str]:
    """The modules of the project that a module imports; a package only where its `__init__` holds code."""
    names = imported(ast.parse(MODULES[name].read_text(encoding="utf-8")), typing)
    return frozenset(used for used in names if used in MODULES and used != name and holds_code(used))


@cache
def holds_code(name: str) -> bool:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    return len(tree.body) > (ast.get_docstring(tree) is not None)


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("winnow.")])
def test_no_import_runs_upward(name):
    up = [used for used in uses(name, typing=True) if FLOOR[room(used)] > FLOOR[room(name)]]
    assert not up, f"{name} ({room(name)}) uses {up}, which stand on floors above"


def test_rooms_of_one_floor_form_no_circle():
    arrows = {(room(name), room(used)) for name in MODULES for used in uses(name, typing=True)}
    both = {pair for pair in arrows if pair[0] < pair[1] and (pair[1], pair[0]) in arrows}
    assert not both


def test_no_modules_form_a_circle():
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for used in sorted(uses(name)):
                walk(used, (*way, name))
            done.add(name)

    for name in MODULES:
        walk(name, ())


def test_a_stage_imports_from_no_other_stage():
    between = {
        (name, used)
        for name in MODULES
        for used in uses(name, typing=True)
        if name.startswith("stages.") and used.startswith("stages.") and name.split(".")[1] != used.split(".")[1]
    }
    assert not between


def test_a_module_that_one_stage_alone_uses_stands_in_its_room():
    users: dict[str, set[str]] = {}
    for stage, file in closure.stage_files(ROOT).items():
        for path in closure.closure(file, ROOT):
            users.setdefault(path, set()).add(f"stages/{stage}")
    for path in sorted((ROOT / "winnow/commands").glob("*.py")):
        for used in closure.closure(path.relative_to(ROOT), ROOT):
            users.setdefault(used, set()).add("winnow/commands")
    # A kind's modules answer for their concern, however many stages ask.
    alone = {
        path: next(iter(by))
        for path, by in users.items()
        if len(by) == 1 and path.startswith("winnow/") and not path.startswith("winnow/kinds/")
    }
    assert {path: stage for path, stage in alone.items() if stage != "winnow/commands"} == {}


def test_every_module_has_a_user():
    used = {path for file in closure.stage_files(ROOT).values() for path in closure.closure(file, ROOT)}
    used |= closure.closure(Path("winnow/commands/cli.py"), ROOT)
    holding = {path.relative_to(ROOT).as_posix() for name, path in MODULES.items() if holds_code(name)}
    assert holding - used == set()


# What only code can say that holds a label to be one class of a list, and a model's answer a probability of each; with
# a line that says so.
ONE_CLASS_A_ROW = {
    r"\btask\.labels\b": "names = task.labels",
    r"\btask\.indices\(": "truth = task.indices(labels)",
    r"\blabels\.index\(": "place = labels.index(label)",
    r"\bkinds[./]classification\b": "from winnow.kinds.classification import metrics",
    r"\bmacro[-_ ]?f1\b": "value = of['macro_f1']",
    r"\bf1_\w+\(": "score = f1_per_label(truth, predicted, classes)",
    r"\"p_\"|\bp_\{": "columns = [f'p_{label}' for label in labels]",
    r"\bnum_labels\b|\bid2label\b": "classes = model.config.num_labels",
    r"LogisticRegression\(": "model = LogisticRegression(C=c)",
    r"find_label_issues\(": "issues = find_label_issues(truth, probabilities)",
}
SOURCES = [
    path
    for package in closure.PACKAGES
    for suffix in ("py", "html", "js", "md", "json")
    for path in sorted((ROOT / package).rglob(f"*.{suffix}"))
]


def told(pattern: str, paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line, re.IGNORECASE)
    ]


@pytest.mark.parametrize(("pattern", "line"), ONE_CLASS_A_ROW.items())
def test_only_the_kind_knows_that_a_label_is_one_class(pattern, line):
    own = {path.parent for path in (ROOT / "winnow/kinds").glob("*/labels.py")}
    assert told(pattern, [path for path in SOURCES if own.isdisjoint(path.parents)]) == []
    assert re.search(pattern, line, re.IGNORECASE)


POSSESSIVE_GROUP = re.compile(r"\)[*+?]\+")


@pytest.mark.parametrize("name", MODULES)
def test_possessive_groups_are_matched_by_regex(name):
    """`re` errs in them, and crashes, before Python 3.11.5 (cpython gh-101955, gh-106052), so in that of Debian 12."""
    tree, parts = ast.parse(MODULES[name].read_text(encoding="utf-8")), set()
    for node in tree.body:  # a pattern may be put together from named parts
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Call):
            used = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
            if used & parts or POSSESSIVE_GROUP.search(ast.unparse(node.value)):
                parts |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")]
    for pattern in (call.args[0] for call in calls if call.args):
        used = {each.id for each in ast.walk(pattern) if isinstance(each, ast.Name)}
        assert not used & parts, ast.unparse(pattern)
        assert not POSSESSIVE_GROUP.search(ast.unparse(pattern)), ast.unparse(pattern)
