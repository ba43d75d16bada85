"""Pre-trained encoders: loading, tokens, batches, pooling and embeddings."""
