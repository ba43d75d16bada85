"""A merge of two branches that both changed data, parameters or results."""
