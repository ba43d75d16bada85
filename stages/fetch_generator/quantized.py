"""A GGUF file, as llama.cpp reads it, as a folder of transformers: weights in full precision, tokenizer, template."""

import tempfile
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError
from winnow.encoder import compute, parts
from winnow.fetching import whole
from winnow.fetching.source import Files


def gather(source: Files, into: Path, name: str) -> str:
    """Put the model of a GGUF file into an empty folder and return the file's SHA-256.

    Raises:
        UserError: there is no such file, or transformers cannot read it.
    """
    import transformers

    if name not in source.names():
        raise UserError(f"{source.where}: no {name}; mend generator.gguf, or the place")
    compute.quiet()
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        source.copy(name, Path(folder) / name)
        read = {"gguf_file": name, "local_files_only": True, "trust_remote_code": False}
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **read)
            model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32", **read)
        except Exception as error:  # of each family, and of what reads the file
            told = whole.line_of(error)
            raise UserError(f"{source.where}: {name}: transformers cannot read it: {told}") from None
        digest = files.sha256(Path(folder) / name)
    # Else it would be saved as what it is no more.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tokenizer.save_pretrained(into)
    model.save_pretrained(into)
    for config in (parts.CONFIG, parts.TOKENIZER_CONFIG):
        whole.without_paths(into / config, source.where)
    return digest
