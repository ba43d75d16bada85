"""A tiny random encoder packed as a wheel, as the base encoder's package is."""

import zipfile
from pathlib import Path

from tests import tiny_encoder
from winnow.base.files import sha256

PACKAGE, VERSION, FOLDER = "winnow-tiny-model", "1.0", "winnow_tiny_model/model"


def build(vocabulary: list[str], scratch: Path, wheels: Path) -> dict:
    """Write the wheel into `wheels` and return the `fetch_model` section that fetches it."""
    tiny_encoder.write(scratch, vocabulary)
    stem = f"{PACKAGE.replace('-', '_')}-{VERSION}"
    members = {f"{FOLDER}/{path.name}": path.read_bytes() for path in sorted(scratch.iterdir())} | {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n".encode(),
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{stem}.dist-info/RECORD": b"",
    }
    wheel = wheels / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # of no time: the same wheel whenever it is built
    return {
        "kind": "package",
        "package": PACKAGE,
        "version": VERSION,
        "sha256": sha256(wheel),
        "folder": FOLDER,
        "weights": sha256(scratch / "model.safetensors"),
        "licence": "Apache-2.0",
    }
