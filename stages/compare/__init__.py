"""The stage `compare`: see __main__.py."""
