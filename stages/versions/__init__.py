"""The stage `versions`: see __main__.py."""
