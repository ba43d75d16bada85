"""Pre-trained encoders: loading, tokens, batches, pooling, embeddings, and the nearest rows among these."""
