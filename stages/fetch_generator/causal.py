"""Whether a folder holds a language model that can be asked and taught."""

from pathlib import Path

from winnow.base.errors import UserError
from winnow.encoder import compute
from winnow.fetching import whole
from winnow.generator.template import Template


def prove(folder: Path, where: str) -> None:
    """Load the model as the stages do, and let it read a prompt and a response.

    Raises:
        UserError: transformers cannot load or run it, weights are missing, the tokenizer is another's, it has no chat
            template that can be used, or it reads texts in both directions.
    """
    import torch
    import transformers

    compute.quiet()
    safe = {"trust_remote_code": False, "local_files_only": True}
    load = {"use_safetensors": True, "output_loading_info": True}
    try:
        model, info = transformers.AutoModelForCausalLM.from_pretrained(folder, **safe, **load)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **safe)
    except Exception as error:  # each family and each tokenizer has its own
        told = whole.line_of(error)
        raise UserError(f"{where}: transformers {transformers.__version__} cannot load it: {told}") from None
    if missing := sorted(info["missing_keys"]):
        raise UserError(
            f"{where}: {len(missing)} weights of the model are missing, such as {missing[0]}; they would be random: "
            f"take a language model that was saved whole"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    size = 1 + max(tokenizer.get_vocab().values(), default=0)
    if not rows / 2 <= size <= rows:
        raise UserError(f"{where}: the tokenizer has {size} word pieces, the model {rows}: they are not of one model")
    ids = Template(tokenizer, where).encode("moss", "an owl").ids
    try:
        with torch.inference_mode():
            whole_text = model.eval()(torch.tensor([ids])).logits[0, 0]
            beginning = model(torch.tensor([ids[:1]])).logits[0, 0]
    except Exception as error:
        raise UserError(f"{where}: the model cannot read a short text: {whole.line_of(error)}") from None
    if not torch.allclose(whole_text, beginning, atol=1e-3):
        raise UserError(f"{where}: `{model.config.model_type}` reads texts in both directions; take a language model")
