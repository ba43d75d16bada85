"""The stage `score`: see __main__.py."""
