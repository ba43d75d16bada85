"""check_model: stop before any model runs on what params.yaml asks of the base encoder and it does not have.

python -m stages.check_model --base models/base --out data/checked_model.txt

Holds the lengths of texts and the layers to freeze against the encoder's configuration: another base encoder may have
fewer positions or layers. A message names all that is wrong. `--out` always says the same, so that nothing follows a
changed parameter here.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import read_text, write_text
from winnow.base.stage import arguments, run
from winnow.encoder import models, parts, sizes
from winnow.encoder.reader import Reading

SOUND = "The base encoder has the positions and layers that params.yaml asks for.\n"


def lacking(base: Path) -> list[str]:
    """Return one line for each thing that params.yaml asks for and the encoder of a folder does not have.

    Raises:
        UserError: the encoder's configuration cannot be read.
    """
    file = base / parts.CONFIG
    sizes.check(parts.configuration(read_text(file).encode(), str(file)), str(file))
    check_readable(base)
    lengths = {
        "adapt.max_length": params.load("adapt", _stage("adapt").Params).max_length,
        "encoder.max_length": params.load("encoder", Reading).max_length,
    }
    checks = [(models.check_length, key, length) for key, length in lengths.items()]
    checks += [(models.check_frozen, key, layers) for key, layers in frozen().items()]
    found = []
    for check, key, value in checks:
        try:
            check(base, value, key)
        except UserError as error:
            found.append(str(error))
    return found


def check_readable(base: Path) -> None:
    """Check that transformers takes the configuration of an encoder's folder.

    Raises:
        UserError: it does not: a value is of another type, or there is no such family.
    """
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(base, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # of transformers, of huggingface_hub's types, and whatever an odd value breaks
        told = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{base / parts.CONFIG}: transformers cannot read it: {told}") from None


def frozen() -> dict[str, int]:
    """Return how many of the encoder's layers stay as they are, by the key that says so, of all that is trained."""
    task = kinds.read_task()
    recipe, score = params.load("finetune", _stage("finetune").Params), params.load("score", _stage("score").Params)
    recipes = {"adapt": params.load("adapt", _stage("adapt").Params)}
    if score.method != "probe":
        recipes["score.finetune"] = score.finetune
    found = {f"{name}.frozen_layers": own.frozen_layers for name, own in recipes.items() if own.freeze_embeddings}
    approaches = params.load("approaches", _stage("finetune").Approaches)
    for name in params.load("arms", _stage("evaluate").Arms).approaches:
        settings = _stage("finetune").settings_of(name, approaches, task)
        freezes, layers = (getattr(settings, key, None) for key in ("freeze_embeddings", "frozen_layers"))
        if recipe.freeze_embeddings if freezes is None else freezes:
            key = "finetune.frozen_layers" if layers is None else f"approaches.{name}.frozen_layers"
            found[key] = recipe.frozen_layers if layers is None else layers
    return found


def _stage(name: str) -> ModuleType:
    """Return a stage, whose section of params.yaml is read as it reads it."""
    return importlib.import_module(f"stages.{name}.__main__")


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "base", "out")
    if found := lacking(args.base):
        raise UserError("; ".join(found))
    write_text(args.out, SOUND)


if __name__ == "__main__":
    run(main)
