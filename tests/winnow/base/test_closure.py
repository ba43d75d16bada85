import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from winnow.base import closure
from winnow.base.errors import UserError

ROOT = Path(__file__).parents[3]
CODE = {
    "stages/__init__.py": '"""Stages."""\n',
    "stages/first/__main__.py": (
        "from typing import TYPE_CHECKING\n"
        "import json, pandas\n"
        "from winnow.base import params, tables\n"
        "if TYPE_CHECKING:\n    from winnow.base import never\n    import torch\n"
        "def main():\n    from winnow.deep import late\n    import sklearn.linear_model\n"
    ),
    "stages/second/__main__.py": "def page(environment):\n    return environment.get_template('page.html')\n",
    "stages/second/templates/page.html": '{% extends "frame.html" %}',
    "stages/second/templates/frame.html": "",
    "stages/third/__main__.py": "from winnow import kinds\nkinds.load(task, 'metrics').headline()\n",
    "winnow/__init__.py": '"""Core."""\n',
    "winnow/base/params.py": "",
    "winnow/base/tables.py": "import winnow.base.errors\n",
    "winnow/base/errors.py": "",
    "winnow/base/never.py": "",
    "winnow/deep/__init__.py": "VALUE = 1\n",
    "winnow/deep/late.py": "",
    "winnow/kinds/__init__.py": "def load(task, concern): ...\n",
    "winnow/kinds/one/metrics.py": "from winnow.base import errors\n",
    "winnow/kinds/one/model.py": "",
    "winnow/kinds/two/metrics.py": "",
}


@pytest.fixture
def project(tmp_path):
    for name, text in CODE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_closure_follows_late_imports_and_packages_but_not_type_checking(project):
    found = closure.closure(Path("stages/first/__main__.py"), project)
    assert sorted(found) == [
        "stages/first/__main__.py",
        "winnow/base/errors.py",
        "winnow/base/params.py",
        "winnow/base/tables.py",
        "winnow/deep/__init__.py",
        "winnow/deep/late.py",
    ]
    assert closure.imports(found, project) == {"pandas", "scikit-learn", "numpy", "scipy"}


def test_closure_follows_templates_beside_the_file(project):
    assert sorted(closure.closure(Path("stages/second/__main__.py"), project)) == [
        "stages/second/__main__.py",
        "stages/second/templates/frame.html",
        "stages/second/templates/page.html",
    ]


def test_closure_follows_the_kind_of_task(project):
    file = Path("stages/third/__main__.py")
    own = {"stages/third/__main__.py", "winnow/kinds/__init__.py"}
    one = {"winnow/kinds/one/metrics.py", "winnow/base/errors.py"}
    assert closure.closure(file, project, "one") == own | one
    assert closure.closure(file, project) == own | one | {"winnow/kinds/two/metrics.py"}


def test_relative_imports_are_refused(project):
    (project / "winnow/base/errors.py").write_text("from . import tables\n")
    with pytest.raises(UserError, match="relative import"):
        closure.closure(Path("stages/first/__main__.py"), project)


SOURCE = '''"""What it does."""

import os

RATE = 0.1  # chosen on dev


def f(x: int = 3, *, name="a" "b"):
    """Return it."""
    match x:
        case {"a": 1, **rest} if rest:
            return f"{x!r:>{RATE}}" f"{name}-" "tail"
        case None:
            return os.path.join("é\\u0378", name)
    return [x for x in (1, 2.5, None, b"\\xff", 1j, ...) if x]
'''


def test_comments_docstrings_and_layout_do_not_count_and_all_else_does(tmp_path):
    file = tmp_path / "code.py"

    def of(text: str) -> str:
        file.write_text(text, encoding="utf-8")
        return closure.fingerprint(file)

    plain = of(SOURCE)
    assert of(SOURCE.replace("  # chosen on dev", "").replace('    """Return it."""\n', "")) == plain
    assert of(SOURCE.replace('"""What it does."""', '"""Something else."""')) == plain
    assert of(SOURCE.replace("(x: int = 3, *, name", "(\n    x: int = 3,\n    *,\n    name")) == plain
    assert of(SOURCE.replace('"a" "b"', "'ab'")) == plain
    for old, new in [
        ("0.1", "0.2"),
        ("3, *", "4, *"),
        ('"b"', '"c"'),
        ("tail", "tale"),
        ("None:", "True:"),
        ("!r", "!s"),
    ]:
        assert of(SOURCE.replace(old, new)) != plain, (old, new)


def test_a_file_that_is_no_python_counts_by_its_bytes(tmp_path):
    (tmp_path / "page.html").write_text("<p>{# a comment #}</p>")
    plain = closure.fingerprint(tmp_path / "page.html")
    (tmp_path / "page.html").write_text("<p></p>")
    assert closure.fingerprint(tmp_path / "page.html") != plain


# Of SOURCE, so that a version of Python that parses it otherwise is seen where it alone is installed.
FINGERPRINT = "b8c7df517a7a84727e36711c01509adb3ab195885c682663086ce9d18cff3819"
SCRIPT = """\
import importlib.util, sys, types
from pathlib import Path
files = types.ModuleType("winnow.base.files")
files.read_text = lambda path: path.read_text(encoding="utf-8")
errors = types.ModuleType("winnow.base.errors")
errors.UserError = Exception
base = types.ModuleType("winnow.base")
base.files, base.errors = files, errors
sys.modules |= {"winnow": types.ModuleType("winnow"), "winnow.base": base, "winnow.base.files": files,
                "winnow.base.errors": errors}
spec = importlib.util.spec_from_file_location("closure", sys.argv[1])
closure = importlib.util.module_from_spec(spec)
spec.loader.exec_module(closure)
for name in sys.argv[2:]:
    print(closure.fingerprint(Path(name)))
"""


def test_the_fingerprint_is_the_same_in_every_version_of_python(tmp_path):
    file = tmp_path / "code.py"
    file.write_text(SOURCE, encoding="utf-8")
    assert closure.fingerprint(file) == FINGERPRINT


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_other_versions_of_python_give_the_fingerprints_of_this_one(version, tmp_path):
    python = shutil.which(f"python{version}")
    if not python or subprocess.run([python, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"Python {version} is not installed")
    (tmp_path / "code.py").write_text(SOURCE, encoding="utf-8")
    chosen = [tmp_path / "code.py", *sorted((ROOT / "winnow").rglob("*.py"))]
    command = [python, "-c", SCRIPT, str(ROOT / "winnow/base/closure.py"), *map(str, chosen)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [closure.fingerprint(file) for file in chosen]


def test_every_field_that_python_adds_to_a_tree_is_left_out_while_it_is_empty():
    tree = ast.parse("def f[T](x): ...\n") if sys.version_info >= (3, 12) else ast.parse("def f(x): ...\n")
    function = tree.body[0]
    text = closure._canonical(function)
    assert ("type_params" in text) == bool(getattr(function, "type_params", []))
