"""Generation: a label is the response to a prompt."""
