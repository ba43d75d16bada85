"""The stage `rounds`: see __main__.py."""
