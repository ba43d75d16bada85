"""publish: folders that load_dataset and predict read, cards that say whence, licences minded, and a hub's refusals."""

import json
import re
from io import BytesIO

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from tests import hub
from tests.conftest import make_rows
from winnow.base import hub as hub_models
from winnow.base import hub_push
from winnow.base.errors import UserError
from winnow.commands import cli
from winnow.commands.publishing import licences
from winnow.rows import tables

TASK = {"kind": "classification", "labels": ["A", "B"]}
OPEN, CLOSED, UNKNOWN = "CC-BY-4.0", "All rights reserved", "see the publisher"


@pytest.fixture
def project(workspace, default_params):
    """A project with labelled rows of an open licence, a model's folder, and the pages of the stage report."""
    return make(workspace, default_params, [OPEN])


def make(workspace, default_params, stated: list[str]):
    base = {"kind": "hub", "id": "owner/base", "revision": "f" * 40, "licence": "Apache-2.0"}
    report = default_params["report"] | {"title": "Cats: a | <b>test</b>", "description": "Texts on cats."}
    folder = workspace(task=TASK, report=report, fetch_model=base)
    rows = make_rows(
        [
            {
                "source": f"source{number // 3 % len(stated)}",
                "source_key": f"key-{number}",
                "licence": stated[number // 3 % len(stated)],
                "label": [None, "A", "B"][number % 3],
                "group": f"ann{number // 2}@example.org",
                "split": ("train", "train", "dev", "test")[number // 3 % 4],
                "aux_kind": "x",
            }
            for number in range(48)
        ],
        aux=("kind",),
    )
    tables.write(rows, folder / "data/labelled.parquet")
    model = folder / "models/classifier/transfer-base-1"
    model.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "task.json"):
        (model / name).write_text(json.dumps(TASK) if name == "task.json" else "{}")
    for name in ("DATASHEET", "MODEL_CARD"):
        page = folder / "reports" / f"{name}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(
            f"# {name}\n\nintro\n\n## Composition\n\nWhat it is.\n\n## Distribution\n\nNo texts.\n\n## Uses\n\nx\n"
        )
    (folder / "reports/metrics").mkdir()
    spoken = {"sources": {"source0": {"languages": {"en": 0.9, "de": 0.1, "xx": 0.001, "und": 0.02}}}}
    (folder / "reports/metrics/represent.json").write_text(json.dumps(spoken))
    return folder


def publish(*arguments: str) -> None:
    parsed = cli.parser().parse_args(["publish", "--model", "models/classifier/transfer-base-1", *arguments])
    parsed.execute(parsed)


def front(text: str) -> dict:
    return YAML(typ="safe").load(text.split("---\n")[1])


def test_load_dataset_reads_the_folder(project, tmp_path_factory, monkeypatch):
    import datasets

    datasets.disable_progress_bars()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    publish("out")
    dataset = datasets.load_dataset(str(project / "out/dataset"), cache_dir=str(tmp_path_factory.mktemp("cache")))
    assert {split: rows.num_rows for split, rows in dataset.items()} == {"train": 16, "validation": 8, "test": 8}
    every = [row for rows in dataset.values() for row in rows]
    known = {row["id"]: row for row in tables.read(project / "data/labelled.parquet").to_pylist()}
    assert {row["label"] for row in every} == {"A", "B"}
    assert all(row["text"] == known[row["id"]]["text"] for row in every)
    assert all(row["licence"] == OPEN and row["aux_kind"] == "x" for row in every)
    groups = {known[row["id"]]["group"]: row["group"] for row in every}
    assert len(set(groups.values())) == len(groups)
    assert "example.org" not in json.dumps(every, default=str)
    card = (project / "out/dataset/README.md").read_text(encoding="utf-8")
    told = front(card)
    assert told["license"] == "cc-by-4.0"
    assert told["language"] == ["de", "en"]
    assert told["task_categories"] == ["text-classification"]
    assert told["size_categories"] == ["n<1K"]
    assert told["label_names"] == ["A", "B"]
    assert "What it is." in card
    assert "No texts." not in card
    assert "| A | 8 | 4 | 4 |" in card
    assert "16 further rows of the pipeline have no label" in card
    card = (project / "out/model/README.md").read_text(encoding="utf-8")
    told = front(card)
    assert (told["license"], told["base_model"], told["pipeline_tag"]) == (
        "apache-2.0", "owner/base", "text-classification",
    )  # fmt: skip
    assert "datasets" not in told
    assert (project / "out/model/model.safetensors").exists()
    with pytest.raises(UserError, match="out: is there already"):
        publish("out")


def test_of_a_model_s_folder_goes_what_a_model_needs_and_no_secret(project, tmp_path_factory, capsys):
    model, elsewhere = project / "models/classifier/transfer-base-1", tmp_path_factory.mktemp("home")
    (elsewhere / "id_rsa").write_text("a key")
    wanted = ["tokenizer.json", "vocab.txt", "mean_pooling.py", "examples.json", "retriever/config.json", "reader.json"]
    secret = [".env", ".git/config", "config.local", "hf_token.txt", "retriever/token", "notes/plan.md", "optimizer.pt"]
    for name in [*wanted, *secret]:
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text(name)
    (model / "keys").symlink_to(elsewhere)  # a folder
    (model / "notes.txt").symlink_to(elsewhere / "id_rsa")
    (model / "home\x1b[2J").symlink_to("/")
    publish("out", "--only", "model")
    made = {path.relative_to(project / "out/model").as_posix() for path in (project / "out/model").rglob("*")}
    assert made == {"README.md", "config.json", "model.safetensors", "retriever", "task.json", *wanted}
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    assert all(name in told for name in (".env", ".git", "config.local", "keys", "notes.txt", "retriever/token"))
    assert "\x1b" not in told


def test_files_of_a_model_that_lie_in_dvc_s_cache_go_with_it(project):
    model, kept = project / "models/classifier/transfer-base-1", project / ".dvc/cache/files/md5/ab" / ("c" * 30)
    kept.parent.mkdir(parents=True)
    (model / "model.safetensors").rename(kept)
    (model / "model.safetensors").symlink_to(kept)
    (model / "tokenizer.json").symlink_to("config.json")
    publish("out", "--only", "model")
    for name in ("model.safetensors", "tokenizer.json"):
        assert not (project / "out/model" / name).is_symlink()
        assert (project / "out/model" / name).read_text() == "{}"


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "retriever/config.json"])
def test_a_file_of_a_model_that_leads_elsewhere_is_refused(project, tmp_path_factory, name):
    model, key = project / "models/classifier/transfer-base-1", tmp_path_factory.mktemp("home") / "id_rsa"
    key.write_text("a key")
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).unlink(missing_ok=True)
    (model / name).symlink_to(key)
    with pytest.raises(UserError, match=rf"{name}: a link to .*id_rsa, outside of the model's folder"):
        publish("out")
    assert not (project / "out").exists()


def test_a_folder_without_weights_is_no_model(project):
    (project / "models/classifier/transfer-base-1/model.safetensors").rename(project / "model.safetensors")
    with pytest.raises(UserError, match=r"no model\.safetensors, so no model"):
        publish("out")


def test_a_licence_that_says_nothing_needs_a_yes_and_one_that_forbids_stops(workspace, default_params):
    folder = make(workspace, default_params, [OPEN, UNKNOWN, CLOSED])
    with pytest.raises(UserError, match=r"source 'source2': its licence is 'All rights reserved'.*--leave-out source2"):
        publish("out", "--yes")
    with pytest.raises(UserError, match=r"no known licence allows .* source1: 'see the publisher'"):
        publish("out", "--leave-out", "source2")
    with pytest.raises(UserError, match="there is no source 'nope'; there are: source0, source1, source2"):
        publish("out", "--leave-out", "nope")
    assert not (folder / "out").exists()
    publish("out", "--leave-out", "source2", "--yes", "--only", "dataset")
    card = (folder / "out/dataset/README.md").read_text(encoding="utf-8")
    assert front(card)["license"] == ["cc-by-4.0", "other"]
    assert UNKNOWN in front(card)["license_details"]
    rows = pq.read_table(folder / "out/dataset/data/train.parquet")
    assert set(rows["source"].to_pylist()) == {"source0", "source1"}
    assert not (folder / "out/model").exists()


def test_a_card_says_what_labels_and_sources_are_called_and_no_markup_of_theirs(workspace, default_params):
    import yaml

    folder = make(workspace, default_params, [OPEN])
    labels = ["no", "yes", "12:30:00", "a\\|b", "![x](http://evil.example/t.png)", "<img src=x>", "*a*", "---"]
    (folder / "models/classifier/transfer-base-1/task.json").write_text(json.dumps(TASK | {"labels": labels}))
    rows = [
        {"source": "s](javascript:x)[", "source_key": f"{number}", "licence": OPEN, "label": label, "split": "train"}
        for number, label in enumerate(labels)
    ]
    tables.write(make_rows(rows), folder / "data/labelled.parquet")
    publish("out")
    card = (folder / "out/dataset/README.md").read_text(encoding="utf-8")
    # As hubs read it: in YAML 1.1, a bare `no` is false and a bare 12:30:00 is 45,000.
    assert yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))["label_names"] == labels
    told = card.split("\n---\n", 1)[1]
    assert r"| a\\\|b | 1 |" in told
    assert r"\!" not in told
    assert r"!\[x\](http://evil.example/t.png)" in told
    assert r"s\](javascript:x)\[" in told
    assert "# Cats: a \\| &lt;b&gt;test&lt;/b&gt;" in told
    assert not re.search(r"(?<!\\)\[x\]|<img|<b>", told)


@pytest.mark.parametrize(
    ("stated", "named", "forbids"),
    [
        ("CC0-1.0", "cc0-1.0", False),
        ("Apache License 2.0", "apache-2.0", False),
        ("cc by 4.0", "cc-by-4.0", False),
        ("CC-BY-ND-4.0", "other", True),
        ("proprietary", "other", True),
        ("must not be redistributed", "other", True),
        ("unknown", "other", False),
        ("", "other", False),
    ],
)
def test_licences(stated, named, forbids):
    assert licences.name(stated) == named
    assert licences.forbids(stated) == forbids


@pytest.fixture
def server(monkeypatch):
    """A hub that huggingface_hub asks."""
    from huggingface_hub import constants, hf_api

    with hub.serving(hub.Hub()) as served:
        for module in (constants, hf_api.constants):
            monkeypatch.setattr(module, "ENDPOINT", served.url)
        monkeypatch.setattr(hf_api, "ENDPOINT", served.url, raising=False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", "hf_s3cret")
        yield served


def test_both_are_pushed_private(project, server, capsys):
    publish("out", "--hub", "me/cats")
    assert server.private == {"datasets/me/cats": True, "models/me/cats": True}
    for part in ("dataset", "model"):
        there = server.taken[f"{part}s/me/cats"]
        made = {path.relative_to(project / "out" / part).as_posix(): path.read_bytes()
                for path in (project / "out" / part).rglob("*") if path.is_file()}  # fmt: skip
        assert there == made
    assert pq.read_table(BytesIO(server.taken["datasets/me/cats"]["data/train.parquet"])).num_rows == 16
    assert 'load_dataset("me/cats")' in server.taken["datasets/me/cats"]["README.md"].decode()
    assert front(server.taken["models/me/cats"]["README.md"].decode())["datasets"] == ["me/cats"]
    writes = re.compile("create|preupload|commit|batch")
    steps = [headers["authorization"] for _, path, headers in server.asked if writes.search(path)]
    assert set(steps) == {"Bearer hf_s3cret"}
    out = capsys.readouterr()
    assert "(private)" in out.out
    assert "s3cret" not in out.out + out.err

    server.private["datasets/me/cats"] = False
    with pytest.raises(UserError, match="dataset me/cats: is there already and public; give --public"):
        publish("--hub", "me/cats")
    publish("--hub", "me/cats", "--public", "--only", "dataset")


@pytest.mark.parametrize("step", ["create", "preupload", "batch", "upload", "commit"])
@pytest.mark.parametrize(("status", "message"), [(401, "set HF_TOKEN"), (403, "write access"), (409, "run again")])
def test_a_refusal_is_one_line(project, server, step, status, message):
    server.refusals[step] = status
    (project / "push").mkdir()
    (project / "push/a.safetensors").write_bytes(b"x" * 100)
    if (step, status) == ("create", 409):  # it is there: so be it
        server.taken["models/me/cats"], server.private["models/me/cats"] = {}, True
        hub_push.push(project / "push", "me/cats", "model", private=True)
        return
    with pytest.raises(UserError, match=message) as raised:
        hub_push.push(project / "push", "me/cats", "model", private=True)
    assert str(raised.value).startswith("model me/cats: ")
    assert "\n" not in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert not server.taken.get("models/me/cats")


def test_a_repository_that_is_there_is_known_where_a_hub_was_read_before(server, tmp_path):
    with pytest.raises(UserError, match="has no such model"):
        hub_models.look("me/none", "main")  # from now on, this process bounds refusals
    server.refusals["create"] = 409
    server.taken["models/me/cats"], server.private["models/me/cats"] = {}, True
    (tmp_path / "a.txt").write_text("x")
    hub_push.push(tmp_path, "me/cats", "model", private=True)
    assert set(server.taken["models/me/cats"]) == {"a.txt"}


def test_a_hub_that_is_not_there_and_names_that_are_none(project, server, monkeypatch):
    from huggingface_hub import constants

    for arguments, message in (
        (["--hub", "cats"], "must be owner/name"),
        ([], "publish where"),
        (["out", "--public"], "--public: give --hub"),
    ):
        with pytest.raises(UserError, match=message):
            publish(*arguments)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="cannot be reached"):
        hub_push.push(project / "models", "me/cats", "model", private=True)
