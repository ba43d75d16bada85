"""A randomly initialised Llama (2 layers of 32) with a chat template, small enough to train in a second."""

from pathlib import Path

from tests import chat_templates


def write(folder: Path, template: str | None = chat_templates.CHATML, positions: int = 512) -> None:
    """Write model and tokenizer to `folder`, as `fetch_generator` would.

    Args:
        template: the chat template; None: a base model without one.
        positions: tokens that it reads.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = chat_templates.tokenizer(template)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    known = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=positions, **shape, **known)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
