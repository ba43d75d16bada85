"""The stage `code`: see __main__.py."""
