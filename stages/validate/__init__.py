"""The stage `validate`: see __main__.py."""
