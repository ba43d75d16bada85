"""kind hub, against a server on this machine that speaks the Hub's API."""

import hashlib
import json
import os
import signal
import threading
import time

import huggingface_hub
import pytest
from huggingface_hub import constants

from tests.hub import BLOCK, COMMIT, OTHER, Hub, serving
from tests.stages.fetch_model.conftest import content, start
from winnow.base import scratch
from winnow.base.errors import UserError

MODEL = "ana/owl"
WEIGHTS = "model.safetensors"
PATIENCE = 600  # seconds; a busy machine imports torch for a minute


@pytest.fixture
def hub(encoder):
    extra = {"pytorch_model.bin": b"pickle", "modeling.py": b"print()", "README.md": b"# Owl", "onnx/model.onnx": b"x"}
    with serving(Hub({MODEL: encoder | extra})) as made:
        yield made


def point_at(url: str, monkeypatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def fetch(hub, stage, tmp_path, monkeypatch):
    """Return a function that runs the stage on a model of the hub, with a cache of this test's."""
    point_at(hub.url, monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between attempts
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return lambda model=MODEL, revision=COMMIT: stage(kind="hub", id=model, revision=revision)


@pytest.fixture
def offline(monkeypatch):
    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def known(folder) -> list[str]:
    file = folder / "models/known.sha256"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def nothing_is_left(folder) -> bool:
    return not (folder / "models/base").exists() and not list(folder.glob(f"**/{scratch.BESIDE}/*"))


def test_a_model_is_fetched_and_its_hashes_are_written_down(hub, fetch, encoder, tmp_path, capsys):
    out = fetch()
    assert content(out)[WEIGHTS] == encoder[WEIGHTS]
    assert sorted(content(out)) == sorted(encoder)
    assert known(tmp_path) == [
        f"{hashlib.sha256(data).hexdigest()}  {MODEL}@{COMMIT}/{name}" for name, data in sorted(encoder.items())
    ]
    assert "now knows" in capsys.readouterr().out
    read = {path.rpartition("/")[2] for path in hub.paths("GET") + hub.paths("HEAD")}
    assert not read & {"pytorch_model.bin", "modeling.py", "README.md", "model.onnx"}  # not even downloaded


def test_the_token_goes_to_the_hub_and_not_to_the_store_that_it_redirects_to(hub, fetch, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.gated, hub.token = {MODEL}, "hf_secret"
    fetch()
    sent = {path: headers.get("authorization") for _, path, headers in hub.asked}
    assert sent[f"/{MODEL}/resolve/{COMMIT}/config.json"] == "Bearer hf_secret"
    assert sent[f"/blobs/{MODEL}/{WEIGHTS}"] is None


def test_a_model_that_has_moved_is_found_at_its_new_place(hub, fetch, encoder):
    hub.moved["ana/old-owl"] = MODEL
    assert content(fetch("ana/old-owl"))[WEIGHTS] == encoder[WEIGHTS]


def test_a_cut_connection_is_gone_on_with(hub, fetch, encoder, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", BLOCK)
    hub.cuts = 3
    assert content(fetch())[WEIGHTS] == encoder[WEIGHTS]
    ranges = [headers["range"] for _, path, headers in hub.asked if path.startswith("/blobs/") and "range" in headers]
    assert ranges == ["bytes=1024-", "bytes=2048-", "bytes=3072-"]


def test_a_connection_that_is_cut_again_and_again_leaves_nothing(hub, fetch, tmp_path):
    hub.cuts = 10**6
    with pytest.raises(UserError, match=r"ana/owl@01234567: model\.safetensors: .* cannot be reached \(Remote"):
        fetch()
    assert nothing_is_left(tmp_path)
    assert known(tmp_path) == []
    assert not [path for path in (tmp_path / "cache").glob("**/*.incomplete") if path.is_file()]


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_other_bytes_than_the_hub_lists_are_refused(hub, fetch, tmp_path, name):
    hub.corrupt = {name}
    with pytest.raises(UserError, match=f"ana/owl@01234567: {name}: wrong hash: expected .*do not trust"):
        fetch()
    assert nothing_is_left(tmp_path)
    assert known(tmp_path) == []


def test_other_bytes_of_a_known_commit_are_refused_on_a_second_machine(hub, fetch, tmp_path, monkeypatch):
    """Even where the hub lists them: it may be another hub, or one that somebody broke into."""
    out = fetch()
    before = content(out)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "second"))
    hub.models[MODEL] = hub.models[MODEL] | {"config.json": hub.models[MODEL]["config.json"] + b" "}
    with pytest.raises(UserError, match=r"config\.json: wrong hash: expected sha256 \w{64} as when this commit was"):
        fetch()
    assert content(out) == before


@pytest.mark.parametrize("change", ["more", "fewer"])
def test_other_files_of_a_known_commit_are_refused(hub, fetch, tmp_path, change):
    fetch()
    if change == "more":
        hub.models[MODEL] = hub.models[MODEL] | {"special_tokens_map.json": b"{}"}
    else:
        lines = known(tmp_path)
        (tmp_path / "models/known.sha256").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"not the files that models/known\.sha256 knows of this commit"):
        fetch()


def test_a_damaged_cache_is_mended(hub, fetch, encoder, tmp_path):
    fetch()
    [cached] = (tmp_path / "cache").glob(f"models--*/snapshots/{COMMIT}/{WEIGHTS}")
    cached.resolve().write_bytes(b"\0" * 100)
    assert content(fetch())[WEIGHTS] == encoder[WEIGHTS]
    assert cached.read_bytes() == encoder[WEIGHTS]


def test_a_damaged_record_names_its_line(fetch, tmp_path):
    fetch()
    with (tmp_path / "models/known.sha256").open("a", encoding="utf-8") as file:
        file.write("<<<<<<< HEAD\n")
    with pytest.raises(UserError, match=r"models/known\.sha256: line \d+: not `<sha256>"):
        fetch()
    lines = known(tmp_path)[:-1]
    text = "\n".join([*lines, "0" * 64 + lines[0][64:]]) + "\n"
    (tmp_path / "models/known.sha256").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"line {len(lines) + 1}: another hash of "):
        fetch()


@pytest.mark.parametrize("token", [None, "hf_of_somebody"])
def test_a_gated_model_says_what_to_do(hub, fetch, monkeypatch, token, tmp_path):
    hub.gated, hub.token = {MODEL}, "hf_secret"
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UserError, match=rf"ana/owl: gated: accept its terms at {hub.url}/ana/owl and set HF_TOKEN"):
        fetch()
    assert nothing_is_left(tmp_path)


def test_a_model_that_is_not_there(fetch):
    with pytest.raises(
        UserError, match=r"ana/elk: http.* has no such model, or it is private; mend the id, or set HF_"
    ):
        fetch("ana/elk")


def test_a_name_that_no_hub_has(fetch):
    with pytest.raises(UserError, match=r"ana/o\.\.wl: no name of a model; write owner/name"):
        fetch("ana/o..wl")


def test_what_is_no_hub(hub, fetch):
    hub.portal = b'{"id": "ana/owl"}'
    with pytest.raises(UserError, match="ana/owl: what answers names no commit, so it is no hub; check HF_ENDPOINT"):
        fetch()
    hub.portal = b"<html>Please log in</html>"
    with pytest.raises(UserError, match=r"cannot be reached \(JSONDecodeError\)"):
        fetch()


def test_a_commit_that_is_not_there_says_where_main_is(fetch):
    with pytest.raises(UserError, match=f"ana/owl: no revision '{OTHER}'; main is at {COMMIT}; mend the revision"):
        fetch(revision=OTHER)


@pytest.mark.parametrize("revision", ["main", COMMIT[:8], COMMIT.upper()])
def test_a_branch_is_refused_with_the_commit_that_it_is_at(hub, fetch, revision):
    hub.models[MODEL] = dict(hub.models[MODEL])
    with pytest.raises(UserError) as caught:
        fetch(revision=revision)
    told = str(caught.value)
    if revision == "main":
        assert "params.yaml: fetch_model.revision: 'main' is no full commit hash" in told
        assert told.endswith(f"the commit that it is at now: {COMMIT}")
    else:
        assert f"ana/owl: no revision '{revision}'; main is at {COMMIT}" in told


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_model_with_code_of_its_own_is_refused_before_its_weights_are_read(hub, fetch, name):
    config = json.loads(hub.models[MODEL][name]) | {"auto_map": {"AutoModel": "modeling.Own"}}
    hub.models[MODEL] = hub.models[MODEL] | {name: json.dumps(config).encode()}
    with pytest.raises(UserError, match=rf"{name}: the model brings its own Python code \(auto_map\), which is"):
        fetch()
    assert not [path for path in hub.paths("GET") if path.endswith(".safetensors")]


def test_a_sharded_model_becomes_one_file(hub, fetch, encoder, sharded):
    from safetensors.torch import load

    hub.models[MODEL] = sharded
    assert len([name for name in sharded if name.endswith(".safetensors")]) > 2
    out = fetch()
    assert sorted(content(out)) == sorted(encoder)
    whole, expected = load(content(out)[WEIGHTS]), load(encoder[WEIGHTS])
    assert whole.keys() == expected.keys()
    assert all(whole[name].equal(expected[name]) for name in whole)
    first = content(out)
    assert content(fetch()) == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda index, name: {}, "no `weight_map`"),
        (lambda index, name: {"weight_map": {"x": "../../config.safetensors"}}, "is no safetensors file beside it"),
        (lambda index, name: {"weight_map": {"x": "pytorch_model.bin"}}, "is no safetensors file beside it"),
        (lambda index, name: {"weight_map": {"x": "a\n0 b.safetensors"}}, "is no safetensors file beside it"),
        (lambda index, name: {"weight_map": {"x": "\ud800.safetensors"}}, 'ud800.safetensors" is no safetensors file'),
        (lambda index, name: {"weight_map": {"x": "model-9.safetensors"}}, "no model-9.safetensors, which its index"),
        (lambda index, name: {"weight_map": {"x": name}}, "safetensors lacks x, which model.safetensors.index.json"),
        (lambda index, name: {"weight_map": {"\ud800": name}}, r"safetensors lacks \\ud800, which"),
    ],
)
def test_an_index_that_cannot_be_used(hub, fetch, sharded, change, message):
    index = json.loads(sharded[f"{WEIGHTS}.index.json"])
    name = next(iter(index["weight_map"].values()))
    hub.models[MODEL] = sharded | {f"{WEIGHTS}.index.json": json.dumps(change(index, name)).encode()}
    with pytest.raises(UserError, match=message):
        fetch()


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "no config.json: this is no model of transformers"),
        (WEIGHTS, r"no model\.safetensors \(but pytorch_model\.bin\): pickled weights run code when they are loaded"),
        ("tokenizer.json", "no tokenizer.json, nor a vocabulary to make it from"),
    ],
)
def test_a_model_without_one_of_its_parts(hub, fetch, missing, message, tmp_path):
    hub.models[MODEL] = {name: data for name, data in hub.models[MODEL].items() if name != missing}
    with pytest.raises(UserError, match=f"ana/owl@01234567: {message}"):
        fetch()
    assert nothing_is_left(tmp_path)


def test_offline_takes_the_cache_and_compares_it_with_what_is_known(hub, fetch, offline, tmp_path):
    first = content(fetch())
    offline()
    asked = len(hub.asked)
    assert content(fetch()) == first
    assert len(hub.asked) == asked
    [cached] = (tmp_path / "cache").glob(f"models--*/snapshots/{COMMIT}/config.json")
    cached.resolve().write_bytes(b"{}")
    with pytest.raises(UserError, match=r"HF_HUB_OFFLINE is set, and .* lacks it or has it damaged"):
        fetch()


def test_offline_takes_a_cache_that_others_filled(hub, fetch, offline, encoder):
    wanted = sorted(encoder)
    huggingface_hub.snapshot_download(MODEL, revision=COMMIT, allow_patterns=wanted, endpoint=hub.url)
    offline()
    assert sorted(content(fetch())) == wanted


def test_offline_without_a_cache_says_how_to_fill_it(fetch, offline, tmp_path):
    offline()
    with pytest.raises(UserError, match=rf"HF_HUB_OFFLINE is set, and .*run `hf download ana/owl --revision {COMMIT}`"):
        fetch()
    with pytest.raises(UserError, match="write the commit that it is at now: a full commit hash"):
        fetch(revision="main")
    assert nothing_is_left(tmp_path)


def test_a_hub_that_does_not_answer_is_done_without_where_the_cache_has_all(hub, fetch, monkeypatch, tmp_path):
    first = content(fetch())
    point_at("http://127.0.0.1:9", monkeypatch)
    assert content(fetch()) == first
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 cannot be reached \(ConnectError\), and .* lacks it"):
        fetch()
    (tmp_path / "models/known.sha256").unlink()
    with pytest.raises(UserError, match=r"cannot be reached \(ConnectError\), and .* lacks this commit; where"):
        fetch()


# From here on in processes of their own, where huggingface_hub reads the environment itself.


def prepared(folder) -> None:
    section = f"fetch_model:\n  kind: hub\n  id: {MODEL}\n  revision: '{COMMIT}'\n  licence: MIT\n"
    (folder / "params.yaml").write_text(section, encoding="utf-8")


def test_the_environment_says_where_the_hub_and_the_cache_are(hub, tmp_path, encoder):
    prepared(tmp_path)
    hub.gated, hub.token = {MODEL}, "hf_secret"
    out, error = (process := start(tmp_path, HF_ENDPOINT=hub.url)).communicate(timeout=PATIENCE)
    assert process.returncode == 1, out
    assert error.startswith("fetch_model: ana/owl: gated: "), error
    assert error.count("\n") == 1
    out, error = (process := start(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN="hf_secret")).communicate(timeout=PATIENCE)
    assert process.returncode == 0, error
    assert (tmp_path / "models/base" / WEIGHTS).read_bytes() == encoder[WEIGHTS]
    assert "hf_secret" not in out + error
    (tmp_path / "cache").rename(tmp_path / "elsewhere")
    out, error = (process := start(tmp_path, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1")).communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert error.startswith("fetch_model: ana/owl@01234567: "), error
    assert "HF_HUB_OFFLINE is set" in error


def test_two_at_once_and_one_that_is_killed_leave_a_whole_model(hub, tmp_path, encoder):
    prepared(tmp_path)
    (tmp_path / ".dvc").mkdir()
    hub.slow = threading.Event()
    killed, one, two = [start(tmp_path, HF_ENDPOINT=hub.url) for _ in range(3)]
    deadline = time.monotonic() + PATIENCE
    while not any(path.startswith("/blobs/") for path in hub.paths("GET")):  # all three may wait for one download
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "models/base").exists()
    hub.slow.set()
    for process in (one, two):
        assert process.wait(timeout=PATIENCE) == 0, process.communicate()
        process.communicate()
    assert (tmp_path / "models/base" / WEIGHTS).read_bytes() == encoder[WEIGHTS]
    assert sorted(content(tmp_path / "models/base")) == sorted(encoder)
    assert len(known(tmp_path)) == len(encoder)  # written down once
