"""The stage `evaluate`: see __main__.py."""
