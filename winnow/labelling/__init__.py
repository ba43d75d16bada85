"""Labelling rules: each votes on rows, by patterns, a function, a model or the answers of a language model."""
