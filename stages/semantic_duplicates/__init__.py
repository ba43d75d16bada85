"""The stage `semantic_duplicates`: see __main__.py."""
