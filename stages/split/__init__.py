"""The stage `split`: see __main__.py."""
