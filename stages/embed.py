"""embed: mean-pooled sentence embeddings of every row that has, or wants, a label.

python -m stages.embed --rows data/deduplicated.parquet --encoder models/adapted --out data/embeddings

Out: `ids.txt` (one id a line) and `embeddings.safetensors` (tensor `embeddings`, float32, rows x dimensions). Labels
are no input, so a person's decision never runs this stage again.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from winnow import batching, embeddings, encoder, params, tables
from winnow.compute import Compute, start
from winnow.stage import arguments, progress, run


class Params(params.Section):
    max_length: int = Field(ge=4, le=8192)  # tokens of a text that are read; longer costs time in proportion
    batch_tokens: int = Field(gt=0)  # padded tokens in one forward pass; larger needs more memory


def embed(model, tokens: list[list[int]], padding: int, batch_tokens: int, accelerator) -> np.ndarray:
    """Return the mean of each row's last hidden states over its tokens, (rows, dimensions) float32.

    Mean pooling is how MiniLM sentence encoders were trained (Reimers and Gurevych 2019).
    """
    import torch

    out = np.zeros((len(tokens), model.config.hidden_size), dtype=np.float32)
    model = accelerator.prepare(model).eval()
    with torch.inference_mode(), accelerator.autocast():
        for batch in progress(batching.by_length(encoder.lengths(tokens), batch_tokens), "embedding"):
            ids, mask = encoder.pad([tokens[row] for row in batch], padding, accelerator.device)
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            weight = mask.unsqueeze(-1).float()
            out[batch] = ((hidden * weight).sum(1) / weight.sum(1)).cpu().numpy()
    return out


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "encoder", "out")
    settings = params.load("embed", Params)
    accelerator = start(params.load("compute", Compute), seed=0)
    from transformers import AutoModel

    rows = tables.read(args.rows, ["id", "purpose", "text"])
    rows = rows.filter(pc.equal(rows["purpose"], "task"))
    tokenizer = encoder.load_tokenizer(args.encoder)
    tokens = encoder.tokenize(tokenizer, rows["text"].to_pylist(), settings.max_length)
    model = encoder.load_model(AutoModel, args.encoder)
    vectors = embed(model, tokens, tokenizer.pad_token_id, settings.batch_tokens, accelerator)
    embeddings.write(args.out, rows["id"].to_pylist(), vectors)


if __name__ == "__main__":
    run(main)
