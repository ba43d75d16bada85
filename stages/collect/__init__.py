"""The stage `collect`: see __main__.py."""
