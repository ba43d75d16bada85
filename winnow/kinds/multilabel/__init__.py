"""Multilabel: each row has a set of labels, which may be empty."""
