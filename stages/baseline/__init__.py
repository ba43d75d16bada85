"""The stage `baseline`: see __main__.py."""
