"""The stage `embed`: see __main__.py."""
