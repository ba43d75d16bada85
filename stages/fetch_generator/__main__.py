"""fetch_generator: fetch the language model that generates, and keep only what loading it needs.

python -m stages.fetch_generator --local models/local --known models/known.sha256 --out models/generator

Output: a folder for `AutoModelForCausalLM.from_pretrained` and `AutoTokenizer.from_pretrained`: config.json,
model.safetensors, the tokenizer's files and its chat template. A GGUF file is read whole, in fp32. Of kind none, the
folder holds nothing but a file that says so. Pickles and code never enter it; see stages/fetch_model.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from stages.fetch_generator import causal, quantized
from winnow.base import files, params, scratch
from winnow.base.params import Section
from winnow.base.stage import arguments, run
from winnow.fetching import folder, hub, package, whole
from winnow.fetching.source import Form, Places
from winnow.generator.template import NONE

# Beside what encoders have; chats end by what the second says.
BESIDE = ("chat_template.jinja", "generation_config.json")


class Weights(Section):
    """What each source of a language model may say."""

    gguf: str | None = Field(None, pattern=r"^[\w-][\w.-]*\.gguf$")
    """A GGUF file in the folder or at the commit's top, to read in the place of safetensors, configuration and
    tokenizer. What it rounded stays rounded. Null: the folder is one of transformers."""

    def form(self) -> Form:
        """Return what the model's folder is to be."""
        if self.gguf is None:
            return Form(partial(whole.gather, beside=BESIDE), causal.prove)
        return Form(partial(quantized.gather, name=self.gguf), causal.prove, self.gguf)


class Hub(hub.Hub, Weights):
    """A model of a Hugging Face hub at a commit."""


class Folder(folder.Folder, Weights):
    """A folder below models/local; `dvc add` or `dvc import` pins it."""


class Package(package.Package, Weights):
    """A folder inside a package of a package index; `weights` is of the GGUF file where one is named."""


class Nothing(Section):
    """No language model: of all kinds of task but those that write texts."""

    kind: Literal["none"]
    """No language model."""


# Section `generator` of params.yaml: where the language model that generates comes from.
Params = Annotated[Hub | Folder | Package | Nothing, Field(discriminator="kind")]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    paths = arguments(__doc__, argv, "local", "out", known=Path)
    settings = params.load("generator", Params)
    with scratch.folder(None) as own, files.replacing(paths.out) as new:
        new.mkdir()
        if isinstance(settings, Nothing):
            files.write_text(new / NONE, "params.yaml: generator.kind is none.\n")
        else:
            settings.fetch(new, Places(own, paths.local, paths.known, "generator"), settings.form())


if __name__ == "__main__":
    run(main, asks_hub=True)
