"""Automatic labels: rules that propose one, what combines their proposals, and the tests that accept or refuse them."""
