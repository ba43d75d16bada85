"""The stage `represent`: see __main__.py."""
