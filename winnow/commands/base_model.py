"""base: a model of a Hugging Face hub as section `fetch_model` of params.yaml, at the commit that it is at now.

winnow base sentence-transformers/all-MiniLM-L6-v2   prints the section
winnow base owner/name --revision v2 --write         puts it into params.yaml

It downloads nothing but the model's configuration, and refuses what `fetch_model` would refuse: a model without
safetensors or tokenizer, one with code of its own, one whose terms you have not accepted.
"""

import argparse
import io
import re

from ruamel.yaml import YAML

from winnow.base import files, hub, params
from winnow.base.errors import UserError
from winnow.encoder import parts

NAME = "base"
ASKS_HUB = True
LONGEST_LICENCE = 200  # characters of a name
SECTION = re.compile(r"^fetch_model:.*\n(?:[ \t].*\n)*", re.MULTILINE)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="such as sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--revision", default="main", help="a branch, a tag or a commit; default: main")
    parser.add_argument("--write", action="store_true", help="put the section into params.yaml instead of printing it")


def execute(arguments: argparse.Namespace) -> None:
    """Print the section, or write it.

    Raises:
        UserError: the model cannot be used, or params.yaml has no section to replace.
    """
    made = written(section(arguments.model, arguments.revision))
    if not arguments.write:
        print(made, end="")
        return
    text = files.read_text(params.FILE)
    if not SECTION.search(text):
        raise UserError(f"{params.FILE}: no section fetch_model; put it there: winnow base {arguments.model}")
    files.write_text(params.FILE, SECTION.sub(lambda _: made, text, count=1))
    print(f"{params.FILE}: fetch_model is now {arguments.model}; `dvc repro` fetches it")


def section(model: str, revision: str = "main") -> dict[str, str]:
    """Return the values of section `fetch_model` for a model of a hub.

    Raises:
        UserError: there is no such model or revision, the hub cannot be reached, or `fetch_model` would refuse it.
    """
    found = hub.look(model, revision)
    where = f"{model}@{found.revision[:8]}"
    try:
        for name in parts.chosen([name for name in found.files if "/" not in name], where).small:
            if name in (parts.CONFIG, parts.TOKENIZER_CONFIG):
                path = hub.fetch(model, found.revision, name, most=parts.most_bytes(name))
                parts.configuration(path.read_bytes(), f"{where}: {name}")
    except (RecursionError, TypeError):
        raise UserError(f"{where}: names or a configuration that no hub has; check HF_ENDPOINT") from None
    licence = " ".join((found.licence or "").split())
    if not licence or len(licence) > LONGEST_LICENCE:
        licence = "not stated: read the model's card"
    return {"kind": "hub", "id": model, "revision": found.revision, "licence": licence}


def written(values: dict[str, str]) -> str:
    """Return the section as it stands in params.yaml."""
    yaml, out = YAML(), io.StringIO()
    yaml.default_flow_style = False
    yaml.dump({"fetch_model": values}, out)
    return out.getvalue().replace("fetch_model:", "fetch_model: # the base encoder: docs/base-models.md", 1)
