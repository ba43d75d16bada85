"""What the `represent` stage measures with, in parts: words, embedding space, distances between sources."""
