"""check_model: stop before any model runs on what params.yaml asks of the models and they do not have.

python -m stages.check_model --base models/base --generator models/generator --out data/checked_model.txt

Holds the lengths of texts and the layers to freeze against the models' configurations: another model may have fewer
positions or layers. A message names all that is wrong. `--out` always says the same, so that nothing follows a
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
from winnow.generator.template import Template
from winnow.training.arms import Arms

SOUND = "The models have the positions and layers that params.yaml asks for.\n"
GENERATORS = {"generator", "adapted_generator"}  # of arms.encoders: the language model, and what it is adapted to


def lacking(base: Path, generator: Path) -> list[str]:
    """Return one line for each thing that params.yaml asks for and the models do not have.

    Args:
        base: the base encoder's folder.
        generator: the language model's, which is looked at if an arm starts from it.

    Raises:
        UserError: a model's configuration cannot be read, or the language model's chat template cannot be used.
    """
    encoders = params.load("arms", Arms).encoders
    starts = [base] if set(encoders) - GENERATORS else []
    if GENERATORS & set(encoders):
        Template.of(generator)
        starts.append(generator)
    for folder in {base: None, **dict.fromkeys(starts)}:
        file = folder / parts.CONFIG
        sizes.check(parts.configuration(read_text(file).encode(), str(file)), str(file))
        check_readable(folder)
    of_base, of_starts = frozen()
    checks = [
        (models.check_length, base, params.load("adapt", _stage("adapt").Params).max_length, "adapt.max_length"),
        (models.check_length, base, params.load("encoder", Reading).max_length, "encoder.max_length"),
    ]
    checks += [(models.check_frozen, base, layers, key) for key, layers in of_base.items()]
    checks += [(models.check_frozen, folder, layers, key) for folder in starts for key, layers in of_starts.items()]
    found = []
    for check, folder, value, key in checks:
        try:
            check(folder, value, key)
        except UserError as error:
            found.append(str(error))
    return found


def check_readable(base: Path) -> None:
    """Check that transformers takes the configuration of a model's folder.

    Raises:
        UserError: it does not: a value is of another type, or there is no such family.
    """
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(base, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # of transformers, of huggingface_hub's types, and whatever an odd value breaks
        told = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{base / parts.CONFIG}: transformers cannot read it: {told}") from None


def frozen() -> tuple[dict[str, int], dict[str, int]]:
    """Return how many layers stay as they are, by the key that says so: of the base encoder's, and of the arms'."""
    task = kinds.read_task()
    recipe, score = params.load("finetune", _stage("finetune").Params), params.load("score", _stage("score").Params)
    recipes = {"adapt": params.load("adapt", _stage("adapt").Params)}
    if score.method != "probe":
        recipes["score.finetune"] = score.finetune
    of_base = {f"{name}.frozen_layers": own.frozen_layers for name, own in recipes.items() if own.freeze_embeddings}
    found = {}
    approaches = params.load("approaches", _stage("finetune").Approaches)
    for name in params.load("arms", Arms).approaches:
        settings = _stage("finetune").settings_of(name, approaches, task)
        freezes, layers = (getattr(settings, key, None) for key in ("freeze_embeddings", "frozen_layers"))
        if recipe.freeze_embeddings if freezes is None else freezes:
            key = "finetune.frozen_layers" if layers is None else f"approaches.{name}.frozen_layers"
            found[key] = recipe.frozen_layers if layers is None else layers
    return of_base, found


def _stage(name: str) -> ModuleType:
    """Return a stage, whose section of params.yaml is read as it reads it."""
    return importlib.import_module(f"stages.{name}.__main__")


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "base", "generator", "out")
    if found := lacking(args.base, args.generator):
        raise UserError("; ".join(found))
    write_text(args.out, SOUND)


if __name__ == "__main__":
    run(main)
