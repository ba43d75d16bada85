"""winnow base, against a server on this machine that speaks the Hub's API."""

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from stages.fetch_model.__main__ import Params
from tests.hub import COMMIT, Hub, serving
from winnow.base import hub as hub_of_a_model
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import base_model, cli, layout
from winnow.encoder import parts

FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}", "pytorch_model.bin": b"pickle"}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with serving(Hub({"ana/owl": FILES})) as made:
        monkeypatch.setattr(constants, "ENDPOINT", made.url)
        template = made.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield made


def test_a_branch_becomes_a_commit_in_a_section_that_the_stage_takes(hub, capsys, tmp_path):
    cli.main(["base", "ana/owl"])
    file = tmp_path / "params.yaml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    settings = params.load("fetch_model", Params, file)
    assert (settings.kind, settings.id, settings.revision, settings.licence) == ("hub", "ana/owl", COMMIT, "apache-2.0")
    assert not [path for path in hub.paths("GET") if "safetensors" in path]


def test_it_takes_the_place_of_the_section_and_leaves_the_rest(hub, workspace, default_params, capsys):
    from tests.conftest import ROOT

    folder = workspace()
    before = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (folder / "params.yaml").write_text(before, encoding="utf-8")
    cli.main(["base", "ana/owl", "--write"])
    after = (folder / "params.yaml").read_text(encoding="utf-8")
    assert layout.problems(folder) == []
    assert params.read(folder / "params.yaml") == default_params | {"fetch_model": base_model.section("ana/owl")}
    assert [line for line in before.splitlines() if line.startswith("#")] == [
        line for line in after.splitlines() if line.startswith("#")
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config.json": json.dumps({"auto_map": {}}).encode()}, "brings its own Python code"),
        ({"model.safetensors": None}, r"no model\.safetensors \(but pytorch_model\.bin\)"),
        ({"tokenizer.json": None}, r"no tokenizer\.json"),
        ({"config.json": b'{"a":' * 100_000}, r"config\.json: not valid JSON"),
    ],
)
def test_what_the_stage_would_refuse_is_refused(hub, files, message):
    hub.models["ana/owl"] = {name: data for name, data in (FILES | files).items() if data is not None}
    with pytest.raises(UserError, match=message):
        base_model.section("ana/owl")


@pytest.mark.parametrize("is_honest", [True, False])
def test_a_configuration_of_any_size_is_not_read_to_its_end(hub, is_honest, monkeypatch):
    monkeypatch.setattr(parts, "CONFIGURATION_BYTES", 3 * 2**20)
    if is_honest:
        hub.models["ana/owl"] = FILES | {"config.json": b" " * (4 * 2**20)}
    else:
        hub.endless.add("config.json")
    with pytest.raises(UserError, match=r"^ana/owl: config\.json: more than 3 MiB, which no such file of a model has"):
        base_model.section("ana/owl")
    assert hub.sent < 100 * 2**20
    assert not list(Path(constants.HF_HUB_CACHE).glob("**/snapshots/*/config.json"))


@pytest.mark.parametrize("packing", ["", "gzip"])
def test_an_answer_without_end_is_not_read_to_its_end(hub, packing, monkeypatch):
    monkeypatch.setattr(hub_of_a_model, "ANSWER_BYTES", 3 * 2**20)
    hub.talks_on = packing
    with pytest.raises(UserError, match=r"^ana/owl: http\S+ answers with more than 3 MiB, which no hub says"):
        base_model.section("ana/owl")
    assert packing or hub.sent < 100 * 2**20


@pytest.mark.parametrize("packing", ["", "gzip", "zstd"])
def test_a_refusal_without_end_is_not_read_to_its_end(hub, packing):
    hub.chatty["config.json"] = packing
    with pytest.raises(UserError, match=r"^ana/owl: HF_TOKEN is not valid, or may not read .+ status 403"):
        base_model.section("ana/owl")
    assert hub.sent < 1000 * 2**20  # what is packed is soon sent


def test_what_a_hub_says_may_be_packed(hub, monkeypatch):
    monkeypatch.setattr(hub, "packs", True)
    assert base_model.section("ana/owl")["revision"] == COMMIT


def test_a_file_of_any_size_in_the_cache_is_not_read(hub, monkeypatch):
    base_model.section("ana/owl")
    monkeypatch.setattr(parts, "CONFIGURATION_BYTES", 1)
    with pytest.raises(UserError, match=r"config\.json: more than 0 MiB"):
        base_model.section("ana/owl")


def test_a_gated_model_and_one_that_is_not_there(hub):
    hub.gated.add("ana/owl")
    with pytest.raises(UserError, match="gated: accept its terms"):
        base_model.section("ana/owl")
    with pytest.raises(UserError, match="has no such model"):
        base_model.section("ana/elk")
