"""Single signs that a response is no good answer to its prompt, each from texts, embeddings or a language model."""
